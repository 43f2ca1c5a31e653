use crate::Refused;

/// Longest side of a picture, in pixels: screenshots of whole chats are long, and a JPEG has 16 bits for each side.
pub const MAX_SIDE: u32 = 65_000;
/// Most pixels of a PNG, WebP or GIF: their decoders hold four bytes for each.
pub const MAX_OTHER_PIXELS: u64 = 25_000_000;
/// Most scans of a JPEG. Cameras write 1, progressive encoders about 10.
pub const MAX_SCANS: u32 = 64;
/// Most pixels of a JPEG times its scans: a decoder walks over the whole picture once for each scan.
pub const MAX_SCAN_PIXELS: u64 = 1_500_000_000;
/// Most pixels of a JPEG for each byte of the cleaned file. Even a plain grey area takes more bytes than that; only a
/// header that lies about its size does not.
pub const MAX_JPEG_PIXELS_PER_BYTE: u64 = 1000;
/// Most frames of an animation.
pub const MAX_FRAMES: usize = 500;
/// Longest colour profile that is kept, in bytes and inflated; a longer one is dropped.
pub const MAX_ICC_BYTES: usize = 1 << 20;
/// Longest colour profile that variants carry, in bytes. Those of phones and cameras (Display P3, sRGB, Adobe RGB) have 0.5
/// to 3.2 kB; longer ones are of scanners and printers.
pub const MAX_VARIANT_ICC_BYTES: usize = 4 << 10;
/// Most memory that a decoder may take beside the picture that is handed to it, in bytes: 48 megapixels of a progressive
/// JPEG as phones make them. What it will take follows from the header, and is asked before it is taken.
pub const MAX_DECODER_BYTES: u64 = 192 << 20;
/// Most segments, chunks or blocks in one file.
pub const MAX_SEGMENTS: usize = 4096;

/// What an operator may choose. The other limits are the constants of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels of a JPEG; for the other formats the smaller of it and [`MAX_OTHER_PIXELS`] holds.
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 60_000_000 }
    }
}

impl Limits {
    pub(crate) fn check_jpeg(&self, width: u32, height: u32) -> Result<(), Refused> {
        check(width, height, self.max_pixels)
    }

    pub(crate) fn check_other(&self, width: u32, height: u32) -> Result<(), Refused> {
        check(width, height, self.max_pixels.min(MAX_OTHER_PIXELS))
    }
}

fn check(width: u32, height: u32, max_pixels: u64) -> Result<(), Refused> {
    if width == 0 || height == 0 {
        return Err(Refused::Invalid("a side of zero pixels"));
    }
    if width > MAX_SIDE || height > MAX_SIDE || pixels(width, height) > max_pixels {
        return Err(Refused::TooManyPixels);
    }
    Ok(())
}

pub(crate) fn pixels(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

/// Counts segments, chunks or blocks, so that a file of a million empty ones is refused early.
#[derive(Default)]
pub(crate) struct SegmentCount(usize);

impl SegmentCount {
    pub(crate) fn one_more(&mut self) -> Result<(), Refused> {
        self.0 += 1;
        if self.0 > MAX_SEGMENTS { Err(Refused::TooManySegments) } else { Ok(()) }
    }
}
