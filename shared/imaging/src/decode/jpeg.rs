use jpeg_decoder::{Decoder, PixelFormat};

use super::{Decoded, check_memory, scale, undecodable};
use crate::NoVariants;
use crate::exif::Orientation;
use crate::jpeg::coefficient_bytes;
use crate::pixels::{Pixels, Rgb};

/// Decodes at an eighth, a quarter, half or all of the size, which leaves out most of the work.
pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    check_memory(coefficient_bytes(bytes).map_err(undecodable)?)?;
    let mut decoder = Decoder::new(bytes);
    let least = u16::try_from(longest).unwrap_or(u16::MAX);
    let (width, height) = decoder.scale(least, least).map_err(undecodable)?;
    let samples = decoder.decode().map_err(undecodable)?;
    let rgb = match decoder.info().map(|info| info.pixel_format) {
        Some(PixelFormat::RGB24) => samples,
        Some(PixelFormat::L8) => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
        Some(PixelFormat::CMYK32) => samples.as_chunks().0.iter().flat_map(|&inks| on_paper(inks)).collect(),
        Some(PixelFormat::L16) | None => return Err(undecodable("pixel format")),
    };
    Ok(Decoded {
        pixels: Pixels::new(width.into(), height.into(), rgb).ok_or_else(|| undecodable("too few pixels"))?,
        orientation: decoder.exif_data().and_then(Orientation::from_tiff),
        profile: decoder.icc_profile(),
    })
}

/// What the four inks look like: each takes its colour away from white.
fn on_paper([cyan, magenta, yellow, black]: [u8; 4]) -> Rgb {
    [cyan, magenta, yellow].map(|ink| scale(255 - ink, 255 - black))
}
