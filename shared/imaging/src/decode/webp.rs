use std::io::Cursor;

use image_webp::WebPDecoder;

use super::shrink::Shrink;
use super::{Decoded, check_memory, on_white, undecodable};
use crate::exif::Orientation;
use crate::limits::pixels;
use crate::variants::NoVariants;

/// What the decoder holds for each pixel of an animation: canvas, frame, answer, and the planes of a lossy frame.
const BYTES_PER_ANIMATED_PIXEL: u64 = 14;
/// And of a still picture: all it takes in the end, and the planes of a lossy picture or the transparency of a lossless one.
const BYTES_PER_STILL_PIXEL: u64 = 7;

pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    let bytes_per_pixel = if decoder.is_animated() { BYTES_PER_ANIMATED_PIXEL } else { BYTES_PER_STILL_PIXEL };
    check_memory(pixels(width, height) * bytes_per_pixel)?;

    let mut whole = vec![0; decoder.output_buffer_size().ok_or_else(|| undecodable("size"))?];
    decoder.read_image(&mut whole).map_err(undecodable)?;
    let mut shrink = Shrink::new(width, height, longest);
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    if decoder.has_alpha() {
        for row in whole.as_chunks().0.chunks_exact(width) {
            shrink.push(row.iter().copied().map(on_white))?;
        }
    } else {
        for row in whole.as_chunks().0.chunks_exact(width) {
            shrink.push(row.iter().copied())?;
        }
    }
    let exif = decoder.exif_metadata().map_err(undecodable)?;
    Ok(Decoded {
        pixels: shrink.finish()?,
        orientation: exif.as_deref().and_then(Orientation::from_exif),
        profile: decoder.icc_profile().map_err(undecodable)?,
    })
}
