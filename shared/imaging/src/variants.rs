//! Smaller pictures of a picture, and the blur that stands for it until one of them has come.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::decode::{Decoded, decode};
use crate::exif::Orientation;
use crate::pixels::{Pixels, fit};
use crate::{Cleaned, Format, NoVariants, icc};

/// Longest side of the thumb, in pixels.
pub const THUMB_SIDE: u32 = 320;
/// Longest side of the medium variant, in pixels.
pub const MEDIUM_SIDE: u32 = 1080;

/// The JPEG quality at which SSIMULACRA2 is about 80: hardly anybody sees a difference.
const QUALITY: u8 = 80;
/// A `ThumbHash` holds at most seven waves along a side: more pixels than that only cost time.
const PLACEHOLDER_SIDE: u32 = 48;

/// What is made of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variants {
    /// Longest side [`THUMB_SIDE`]. `None` if the picture itself is no larger and stands upright wherever it is shown.
    pub thumb: Option<Variant>,
    /// Longest side [`MEDIUM_SIDE`]. `None` if the picture itself is no larger and stands upright wherever it is shown.
    pub medium: Option<Variant>,
    /// A [ThumbHash](https://evanw.github.io/thumbhash/) of what is shown, of at most 25 bytes.
    pub placeholder: Vec<u8>,
}

/// A smaller picture: JPEG, upright, without any metadata but a colour profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// The whole file, ready to be stored.
    pub bytes: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Decodes `picture` once and makes all of its variants and its placeholder.
///
/// Nothing is ever enlarged. Of an animation the first frame is taken. What is transparent becomes white, which is what
/// pages and chats show behind pictures. Four-colour (CMYK) pictures become RGB. An RGB colour profile is kept where it is
/// not larger than it is worth, so the colours of a wide gamut stay.
///
/// # Errors
/// [`NoVariants`] says why there are none. A decoder that panics over a damaged file is such a reason, too.
pub fn variants(picture: &Cleaned) -> Result<Variants, NoVariants> {
    // Decoders of others read what strangers sent, and a photo is not to be lost over its thumb.
    catch_unwind(AssertUnwindSafe(|| make(picture)))
        .unwrap_or_else(|_| Err(NoVariants::Undecodable("the decoder panicked".into())))
}

fn make(picture: &Cleaned) -> Result<Variants, NoVariants> {
    let longest = picture.width.max(picture.height);
    let sides = |most| fit(picture.width, picture.height, most);
    let may_lie = picture.format == Format::Webp;
    let largest = if longest > MEDIUM_SIDE || may_lie { MEDIUM_SIDE } else { THUMB_SIDE };
    let Decoded { pixels, orientation, profile } = decode(picture, largest)?;
    let profile = profile.as_deref().filter(|profile| icc::suits_variants(profile));
    // Chromium obeys no orientation in a WebP: without a variant that stands upright, it would show the picture as it lies.
    let lies = may_lie && orientation.is_some();

    let (width, height) = sides(largest);
    // Turning changes width and height back and forth.
    let pixels = pixels.resized(Orientation::displayed(orientation, width, height)).upright(orientation);
    let medium = (longest > MEDIUM_SIDE || lies).then(|| encode(&pixels, profile)).transpose()?;
    let pixels = pixels.resized(sides(THUMB_SIDE));
    let thumb = (longest > THUMB_SIDE || lies).then(|| encode(&pixels, profile)).transpose()?;
    Ok(Variants { thumb, medium, placeholder: placeholder(&pixels.resized(sides(PLACEHOLDER_SIDE))) })
}

/// Huffman tables are the standard's: with its own ones the encoder writes three scans, and of those some decoders make
/// garbage.
fn encode(pixels: &Pixels, profile: Option<&[u8]>) -> Result<Variant, NoVariants> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile)?;
    }
    // Variants have sides of at most MEDIUM_SIDE.
    let [width, height] = [pixels.width(), pixels.height()].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
    encoder.encode(pixels.rgb(), width, height, ColorType::Rgb)?;
    Ok(Variant { bytes, width: pixels.width(), height: pixels.height() })
}

/// Of pixels with sides of at most [`PLACEHOLDER_SIDE`].
fn placeholder(pixels: &Pixels) -> Vec<u8> {
    let (rgb, _) = pixels.rgb().as_chunks();
    let rgba: Vec<u8> = rgb.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect();
    let [width, height] = [pixels.width(), pixels.height()].map(|side| usize::try_from(side).unwrap_or(usize::MAX));
    thumbhash::rgba_to_thumb_hash(width, height, &rgba)
}
