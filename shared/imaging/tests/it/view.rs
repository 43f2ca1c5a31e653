//! Pictures as another decoder sees them.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageFormat, ImageReader, ImageResult};

/// Size and pixels of each frame.
pub(crate) type Picture = Vec<(u32, u32, Vec<u8>)>;

pub(crate) fn frames(bytes: &[u8]) -> ImageResult<Picture> {
    match image::guess_format(bytes)? {
        ImageFormat::Gif => animation(GifDecoder::new(Cursor::new(bytes))?.into_frames()),
        ImageFormat::WebP if webp(bytes)?.has_animation() => animation(webp(bytes)?.into_frames()),
        ImageFormat::Png if png(bytes)?.is_apng()? => animation(png(bytes)?.apng()?.into_frames()),
        _ => {
            let picture = DynamicImage::from_decoder(decoder(bytes)?)?;
            Ok(vec![(picture.width(), picture.height(), picture.into_bytes())])
        }
    }
}

pub(crate) fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    decoder(bytes).unwrap().icc_profile().unwrap()
}

pub(crate) fn orientation(bytes: &[u8]) -> u8 {
    decoder(bytes).unwrap().orientation().map_or(1, Orientation::to_exif)
}

fn animation(frames: Frames<'_>) -> ImageResult<Picture> {
    let frames = frames.collect_frames()?.into_iter();
    Ok(frames.map(|frame| (frame.buffer().width(), frame.buffer().height(), frame.into_buffer().into_raw())).collect())
}

fn png(bytes: &[u8]) -> ImageResult<PngDecoder<Cursor<&[u8]>>> {
    PngDecoder::new(Cursor::new(bytes))
}

fn webp(bytes: &[u8]) -> ImageResult<WebPDecoder<Cursor<&[u8]>>> {
    WebPDecoder::new(Cursor::new(bytes))
}

fn decoder(bytes: &[u8]) -> ImageResult<impl ImageDecoder> {
    ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()
}
