//! From files to pixels, no more of them than the variants need.

mod gif;
mod jpeg;
mod png;
mod shrink;
mod webp;

use crate::colour::Colours;
use crate::exif::Orientation;
use crate::samples::Samples;
use crate::{Cleaned, Format, MAX_DECODER_BYTES, NoVariants};

/// How many frames of an animation that begin it and show nothing are passed over.
const MOST_BLANK_FRAMES: usize = 15;

/// A picture as it is stored: not yet turned, its colours those that it says.
pub(crate) struct Decoded {
    pub(crate) samples: Samples,
    pub(crate) orientation: Option<Orientation>,
    pub(crate) colours: Colours,
}

/// Decodes `picture`, reduced as far as that is cheap while its longest side stays at least `longest` (if it is that long).
pub(crate) fn decode(picture: &Cleaned, longest: u32) -> Result<Decoded, NoVariants> {
    let decode = match picture.format {
        Format::Jpeg => jpeg::decode,
        Format::Png => png::decode,
        Format::Webp => webp::decode,
        Format::Gif => gif::decode,
    };
    decode(&picture.bytes, longest)
}

fn undecodable(why: impl ToString) -> NoVariants {
    NoVariants::Undecodable(why.to_string())
}

/// Refuses what takes too much, before it is taken.
fn check_memory(bytes: u64) -> Result<(), NoVariants> {
    if bytes > MAX_DECODER_BYTES { Err(NoVariants::TooLarge(bytes)) } else { Ok(()) }
}

/// A pixel whose colours are as strong as they are seen.
fn multiplied([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    [scale(red, alpha), scale(green, alpha), scale(blue, alpha), alpha]
}

/// `value * share / 255`, rounded.
fn scale(value: u8, share: u8) -> u8 {
    let product = u32::from(value) * u32::from(share);
    // Never more than 255: both factors are no more than that.
    u8::try_from((product + 127) / 255).unwrap_or(u8::MAX)
}
