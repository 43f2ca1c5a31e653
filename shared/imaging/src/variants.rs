//! Smaller pictures of a picture, and the blur that stands for it until one of them has come.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, ImageBuffer, JpegColorType, SamplingFactor};

use crate::decode::{Decoded, decode};
use crate::exif::Orientation;
use crate::limits::pixels;
use crate::pixels::Pixels;
use crate::samples::{Plane, Samples};
use crate::{Cleaned, Format, NoVariants};

/// Longest side of the thumb, in pixels, of a picture that is no longer than [`MAX_RATIO`].
pub const THUMB_SIDE: u32 = 320;
/// Longest side of the medium variant, in pixels, of a picture that is no longer than [`MAX_RATIO`].
pub const MEDIUM_SIDE: u32 = 1080;
/// How many times longer than wide a picture may be, or wider than high, so that its variants are measured by their longest
/// side. Screenshots of whole chats are longer: by that measure, nobody could read them.
pub const MAX_RATIO: u32 = 3;
/// Shorter side of the thumb of a longer picture, in pixels, unless it would have more than [`LONG_THUMB_PIXELS`].
pub const LONG_THUMB_SIDE: u32 = 240;
/// Shorter side of the medium variant of a longer picture, in pixels, unless it would have more than
/// [`LONG_MEDIUM_PIXELS`].
pub const LONG_MEDIUM_SIDE: u32 = 720;
/// Most pixels of the thumb of a longer picture.
pub const LONG_THUMB_PIXELS: u64 = 1_000_000;
/// Most pixels of the medium variant of a longer picture.
pub const LONG_MEDIUM_PIXELS: u64 = 4_000_000;

/// The JPEG quality at which SSIMULACRA2 is about 80: hardly anybody sees a difference.
const QUALITY: u8 = 80;
/// A `ThumbHash` holds at most seven waves along a side: more pixels than that only cost time.
const PLACEHOLDER_SIDE: u32 = 48;

/// What is made of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variants {
    /// For lists. `None` if the picture itself is no larger and stands upright wherever it is shown.
    pub thumb: Option<Variant>,
    /// For the whole screen of a phone. `None` if the picture itself is no larger and stands upright wherever it is shown.
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
/// Nothing is ever enlarged. Of an animation the first frame is taken that shows anything. What is transparent becomes
/// white, which is what pages and chats show behind pictures; a light grey, where what is seen is nearly white itself.
/// Colours are those that the file says, in sRGB or by its own RGB profile, where that is not larger than it is worth.
///
/// # Errors
/// [`NoVariants`] says why there are none. A decoder that panics over a damaged file is such a reason, too.
pub fn variants(picture: &Cleaned) -> Result<Variants, NoVariants> {
    // Decoders of others read what strangers sent, and a photo is not to be lost over its thumb.
    catch_unwind(AssertUnwindSafe(|| make(picture)))
        .unwrap_or_else(|_| Err(NoVariants::Undecodable("the decoder panicked".into())))
}

fn make(picture: &Cleaned) -> Result<Variants, NoVariants> {
    let whole = (picture.width, picture.height);
    let sides = |size: &Size| size.of(picture.width, picture.height);
    let may_lie = picture.format == Format::Webp;
    let largest = if sides(&MEDIUM) != whole || may_lie { sides(&MEDIUM) } else { sides(&THUMB) };
    let Decoded { samples, orientation, colours } = decode(picture, largest.0.max(largest.1))?;
    // Chromium obeys no orientation in a WebP: without a variant that stands upright, it would show the picture as it lies.
    let lies = may_lie && orientation.is_some();

    // Turning changes width and height back and forth.
    let samples = samples.resized(Orientation::displayed(orientation, largest.0, largest.1)).upright(orientation);
    let (samples, profile) = colours.apply(samples);
    let medium = (sides(&MEDIUM) != whole || lies).then(|| encode(&samples, sides(&MEDIUM), profile.as_deref()));
    let medium = medium.transpose()?;
    let samples = samples.resized(sides(&THUMB));
    let thumb = (sides(&THUMB) != whole || lies).then(|| encode(&samples, sides(&THUMB), profile.as_deref()));
    let thumb = thumb.transpose()?;
    let placeholder = placeholder(&samples.resized(fit(whole, PLACEHOLDER_SIDE)).into_pixels());
    Ok(Variants { thumb, medium, placeholder })
}

/// How large a variant is.
struct Size {
    longest: u32,
    /// Shorter side and pixels of what is made of long pictures.
    long_shorter: u32,
    long_pixels: u64,
}

const THUMB: Size = Size { longest: THUMB_SIDE, long_shorter: LONG_THUMB_SIDE, long_pixels: LONG_THUMB_PIXELS };
const MEDIUM: Size = Size { longest: MEDIUM_SIDE, long_shorter: LONG_MEDIUM_SIDE, long_pixels: LONG_MEDIUM_PIXELS };

impl Size {
    /// The sides of this variant of a picture. Where it is no larger they are its own.
    fn of(&self, width: u32, height: u32) -> (u32, u32) {
        let (longer, shorter) = (width.max(height), width.min(height));
        if u64::from(longer) <= u64::from(shorter) * u64::from(MAX_RATIO) {
            return fit((width, height), self.longest);
        }
        let shortest_by_pixels = (self.long_pixels * u64::from(shorter) / u64::from(longer)).isqrt();
        let reduced = u64::from(shorter.min(self.long_shorter)).min(shortest_by_pixels).max(1);
        let reduced_longer = (u64::from(longer) * reduced / u64::from(shorter)).min(longer.into());
        fit((width, height), u32::try_from(reduced_longer).unwrap_or(longer))
    }
}

/// The sides of a picture after reducing it so that the longest is no longer than `longest`. No side becomes zero.
fn fit((width, height): (u32, u32), longest: u32) -> (u32, u32) {
    let whole = width.max(height);
    if whole <= longest {
        return (width, height);
    }
    let reduced = |side: u32| {
        let rounded = (pixels(side, longest) + u64::from(whole) / 2) / u64::from(whole);
        u32::try_from(rounded).unwrap_or(longest).max(1)
    };
    (reduced(width), reduced(height))
}

/// Huffman tables are the standard's: with its own ones the encoder writes three scans, and of those some decoders make
/// garbage.
fn encode(samples: &Samples, (width, height): (u32, u32), profile: Option<&[u8]>) -> Result<Variant, NoVariants> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile)?;
    }
    // No side of a picture is longer than MAX_SIDE.
    let sides = [width, height].map(|side| u16::try_from(side).unwrap_or(u16::MAX));
    match samples {
        Samples::Rgb(pixels) => encoder.encode(pixels.rgb(), sides[0], sides[1], ColorType::Rgb)?,
        Samples::Grey(plane) => encoder.encode_image(Planes { sides, luma: plane, chroma: None })?,
        Samples::YCbCr { luma, chroma } => encoder.encode_image(Planes { sides, luma, chroma: Some(chroma) })?,
    }
    Ok(Variant { bytes, width, height })
}

/// Planes as the encoder wants them: it halves the colours itself, by the mean of four. Of four times the same one that is
/// the very one again.
struct Planes<'a> {
    sides: [u16; 2],
    luma: &'a Plane,
    chroma: Option<&'a [Plane; 2]>,
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.chroma.is_some() { JpegColorType::Ycbcr } else { JpegColorType::Luma }
    }

    fn width(&self) -> u16 {
        let [width, _] = self.sides;
        width
    }

    fn height(&self) -> u16 {
        let [_, height] = self.sides;
        height
    }

    fn fill_buffers(&self, y: u16, [luma, buffers @ ..]: &mut [Vec<u8>; 4]) {
        luma.extend_from_slice(self.luma.row(y.into()));
        for (buffer, plane) in buffers.iter_mut().zip(self.chroma.into_iter().flatten()) {
            let row = plane.row(u32::from(y) / 2).iter();
            buffer.extend(row.flat_map(|&sample| [sample; 2]).take(self.width().into()));
        }
    }
}

/// Of pixels with sides of at most [`PLACEHOLDER_SIDE`].
fn placeholder(pixels: &Pixels) -> Vec<u8> {
    let (rgb, _) = pixels.rgb().as_chunks();
    let rgba: Vec<u8> = rgb.iter().flat_map(|&[red, green, blue]| [red, green, blue, 255]).collect();
    let [width, height] = [pixels.width(), pixels.height()].map(|side| usize::try_from(side).unwrap_or(usize::MAX));
    thumbhash::rgba_to_thumb_hash(width, height, &rgba)
}
