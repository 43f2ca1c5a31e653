#![doc = include_str!("../README.md")]
#![warn(clippy::indexing_slicing)]

mod colour;
mod decode;
mod exif;
mod gif;
mod icc;
mod jpeg;
mod limits;
mod pixels;
mod png;
mod reader;
mod samples;
mod variants;
mod webp;

pub use limits::{
    Limits, MAX_DECODER_BYTES, MAX_FRAMES, MAX_ICC_BYTES, MAX_JPEG_PIXELS_PER_BYTE, MAX_OTHER_PIXELS, MAX_SCAN_PIXELS,
    MAX_SCANS, MAX_SEGMENTS, MAX_SIDE, MAX_VARIANT_ICC_BYTES,
};
pub use variants::{
    LONG_MEDIUM_PIXELS, LONG_MEDIUM_SIDE, LONG_THUMB_PIXELS, LONG_THUMB_SIDE, MAX_RATIO, MEDIUM_SIDE, THUMB_SIDE,
    Variant, Variants, variants,
};

/// The picture in `bytes`, bit for bit as it was, and nothing else that was in the file.
///
/// The content decides what `bytes` are, never a name or a declared type. The result is never more than 512 bytes longer
/// than the input, and cleaning it again changes nothing.
///
/// # Errors
/// [`Refused`] says why there is no such picture; nothing of a refused file is ever returned.
pub fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refused> {
    match sniff(bytes)? {
        Format::Jpeg => jpeg::clean(bytes, limits),
        Format::Png => png::clean(bytes, limits),
        Format::Webp => webp::clean(bytes, limits),
        Format::Gif => gif::clean(bytes, limits),
    }
}

/// A picture without metadata. Only [`clean`] makes one, so whoever holds one knows that its header passed all limits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// The whole file, ready to be stored.
    pub bytes: Vec<u8>,
    pub format: Format,
    /// Pixels, as displayed: width and height are already swapped for the orientations that lie on their side.
    pub width: u32,
    /// Pixels, as displayed.
    pub height: u32,
}

/// The formats that every client of ours can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Jpeg,
    Png,
    Webp,
    Gif,
}

impl Format {
    const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// The one spelling of a file extension that is used for this format, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// The format whose [`extension`](Self::extension) is spelled exactly so.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == extension)
    }

    /// The format whose [`content_type`](Self::content_type) is spelled exactly so.
    #[must_use]
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.content_type() == content_type)
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A HEIC, HEIF or AVIF picture. Told apart because phones make them and the user can choose another format.
    #[error("HEIC, HEIF and AVIF pictures are not supported")]
    Heic,
    /// No picture, or one of a kind that browsers do not show.
    #[error("not a JPEG, PNG, WebP or GIF picture that browsers show")]
    Unsupported,
    /// The file ends before the picture does: sent or saved in part.
    #[error("the file ends too early")]
    Incomplete,
    /// Damaged in its structure; the text says where, for the log.
    #[error("damaged picture: {0}")]
    Invalid(&'static str),
    /// Larger than [`Limits::max_pixels`] or [`MAX_SIDE`], or larger than its bytes can honestly fill.
    #[error("too many pixels")]
    TooManyPixels,
    /// An animation of more than [`MAX_FRAMES`] frames.
    #[error("too many frames")]
    TooManyFrames,
    /// A JPEG whose scans would cost too much to decode: see [`MAX_SCANS`] and [`MAX_SCAN_PIXELS`].
    #[error("too many scans")]
    TooManyScans,
    /// More than [`MAX_SEGMENTS`] segments, chunks or blocks.
    #[error("too many segments")]
    TooManySegments,
}

/// Why a picture has no variants. The picture itself is not worse for that: it is stored and shown as it is.
#[derive(Debug, thiserror::Error)]
pub enum NoVariants {
    /// Its decoder would take more than [`MAX_DECODER_BYTES`].
    #[error("the decoder would take {0} bytes")]
    TooLarge(u64),
    /// Damaged in the compressed data, or of a kind that the decoder does not know; the text is the decoder's, for the log.
    #[error("not decodable: {0}")]
    Undecodable(String),
    /// The encoder failed.
    #[error("not encodable: {0}")]
    Unencodable(#[from] jpeg_encoder::EncodingError),
}

fn sniff(bytes: &[u8]) -> Result<Format, Refused> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Ok(Format::Jpeg),
        // Browsers do not see a JPEG there, nor anything else.
        [0xFF, 0xD8, _, ..] => Err(Refused::Invalid("bytes behind the beginning")),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(Format::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Format::Webp),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Format::Gif),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if has_heif_brand(bytes) => Err(Refused::Heic),
        _ => Err(Refused::Unsupported),
    }
}

/// Whether the `ftyp` box at the beginning names a still-picture brand, as its major or as a compatible one.
fn has_heif_brand(bytes: &[u8]) -> bool {
    const MAX_BRANDS: usize = 64;
    const BRANDS: [&[u8; 4]; 13] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"avif",
        b"avis",
    ];
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    // Behind `ftyp`: the major brand, a version, the compatible brands. A size of 0 or 1 means that it stands elsewhere.
    let names = rest.get(4..).unwrap_or_default();
    let listed = size.saturating_sub(8).clamp(4, MAX_BRANDS * 4);
    names.chunks_exact(4).take(listed / 4).any(|name| BRANDS.iter().any(|brand| *brand == name))
}
