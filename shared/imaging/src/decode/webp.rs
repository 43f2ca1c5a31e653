use std::io::Cursor;

use image_webp::WebPDecoder;

use super::shrink::{Shrink, Shrunk};
use super::{Decoded, MOST_BLANK_FRAMES, check_memory, multiplied, undecodable};
use crate::NoVariants;
use crate::colour::Colours;
use crate::exif::Orientation;
use crate::limits::pixels;
use crate::samples::Samples;

pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    check_memory(pixels(width, height) * bytes_per_pixel(&mut decoder))?;

    let mut whole = vec![0; decoder.output_buffer_size().ok_or_else(|| undecodable("size"))?];
    let pixels = if decoder.has_alpha() {
        shown(&mut decoder, &mut whole, longest, multiplied)?.into_pixels()?
    } else {
        shown(&mut decoder, &mut whole, longest, |rgb: [u8; 3]| rgb)?.into_pixels()?
    };
    let exif = decoder.exif_metadata().map_err(undecodable)?;
    Ok(Decoded {
        samples: Samples::Rgb(pixels),
        orientation: exif.as_deref().and_then(Orientation::from_exif),
        colours: Colours::of_profile(decoder.icc_profile().map_err(undecodable)?),
    })
}

/// The picture, or the first frame of an animation that is not blank.
fn shown<const N: usize>(
    decoder: &mut WebPDecoder<Cursor<&[u8]>>,
    whole: &mut [u8],
    longest: u32,
    pixel: fn([u8; N]) -> [u8; N],
) -> Result<Shrunk<N>, NoVariants> {
    let (width, height) = decoder.dimensions();
    let shrunk = |whole: &[u8]| {
        let mut shrink = Shrink::new(width, height, longest);
        for row in whole.as_chunks().0.chunks_exact(width as usize) {
            shrink.push(row.iter().copied().map(pixel))?;
        }
        Ok::<_, NoVariants>(shrink.finish())
    };
    decoder.read_image(whole).map_err(undecodable)?;
    let mut shown = shrunk(whole)?;
    if decoder.is_animated() {
        for _ in 0..=MOST_BLANK_FRAMES {
            // What is damaged behind a frame is no reason to do without it.
            if !shown.is_blank() || decoder.read_frame(whole).is_err() {
                break;
            }
            shown = shrunk(whole)?;
        }
    }
    Ok(shown)
}

/// What the decoder holds for each pixel, or it and we after it.
fn bytes_per_pixel(decoder: &mut WebPDecoder<Cursor<&[u8]>>) -> u64 {
    if decoder.is_animated() {
        14 // canvas, frame and answer, and what is made of the answer
    } else if decoder.is_lossy() && decoder.has_alpha() {
        11 // answer, planes, and the transparency, which is a picture of its own
    } else {
        7 // answer and planes, or answer and what is made of it
    }
}
