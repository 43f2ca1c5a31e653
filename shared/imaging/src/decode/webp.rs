use std::io::Cursor;

use image_webp::WebPDecoder;

use super::shrink::Shrink;
use super::{Decoded, check_memory, on_white, undecodable};
use crate::NoVariants;
use crate::exif::Orientation;
use crate::limits::pixels;

pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    check_memory(pixels(width, height) * bytes_per_pixel(&mut decoder))?;

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
