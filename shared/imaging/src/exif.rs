//! The one tag that is worth keeping.

use crate::Refused;
use crate::reader::Reader;

/// How a stored picture has to be turned to stand upright: 2 to 8. A picture that stands upright already has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    /// Reads the tag from a TIFF structure. Anything wrong with it means that there is no orientation: the rest of the
    /// structure is thrown away in any case, so nothing depends on it.
    pub(crate) fn from_tiff(tiff: &[u8]) -> Option<Self> {
        match find_orientation(tiff).ok()? {
            Some(value @ 2..=8) => Some(Self(u8::try_from(value).ok()?)),
            _ => None,
        }
    }

    /// Reads the tag from an EXIF block that may start with the `Exif` signature of JPEG; some WebP writers copy it.
    pub(crate) fn from_exif(exif: &[u8]) -> Option<Self> {
        Self::from_tiff(without_signature(exif).unwrap_or(exif))
    }

    /// Width and height as displayed: those of pictures that lie on their side change places.
    pub(crate) fn displayed(orientation: Option<Self>, width: u32, height: u32) -> (u32, u32) {
        match orientation {
            Some(Self(5..=8)) => (height, width),
            _ => (width, height),
        }
    }

    /// The samples of a picture of `width` times `height`, row by row, in the order in which they are displayed.
    pub(crate) fn turned<T: Copy + Default>(self, stored: &[T], width: u32, height: u32) -> Vec<T> {
        let (across, down) = Self::displayed(Some(self), width, height);
        let mut turned = Vec::with_capacity(stored.len());
        for y in 0..down {
            turned.extend((0..across).map(|x| {
                let (x, y) = self.stored_at(x, y, width, height);
                stored.get(y as usize * width as usize + x as usize).copied().unwrap_or_default()
            }));
        }
        turned
    }

    /// Where the pixel that is displayed at `x`, `y` lies in the stored picture of `width` times `height`. Neither may lie
    /// outside.
    const fn stored_at(self, x: u32, y: u32, width: u32, height: u32) -> (u32, u32) {
        match self.0 {
            2 => (width - 1 - x, y),
            3 => (width - 1 - x, height - 1 - y),
            4 => (x, height - 1 - y),
            5 => (y, x),
            6 => (y, height - 1 - x),
            7 => (width - 1 - y, height - 1 - x),
            8 => (width - 1 - y, x),
            _ => (x, y),
        }
    }

    /// A TIFF structure that holds this tag and nothing else.
    pub(crate) const fn to_tiff(self) -> [u8; 26] {
        #[rustfmt::skip]
        let tiff = [
            b'M', b'M', 0, 42, 0, 0, 0, 8,                  // big-endian, directory at offset 8
            0, 1,                                           // one entry:
            0x01, 0x12, 0, SHORT as u8, 0, 0, 0, 1, 0, self.0, 0, 0,
            0, 0, 0, 0,                                     // no further directory
        ];
        tiff
    }
}

const ORIENTATION: u16 = 0x0112;
const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const SIGNED_BYTE: u16 = 6;
const SIGNED_SHORT: u16 = 8;
const SIGNED_LONG: u16 = 9;

/// The bytes behind the signature of an EXIF segment, if there is one.
pub(crate) fn without_signature(exif: &[u8]) -> Option<&[u8]> {
    exif.strip_prefix(b"Exif\0")?.get(1..)
}

/// Looks at the first directory only and at each entry once: offsets that loop or point outside cost nothing.
fn find_orientation(tiff: &[u8]) -> Result<Option<u32>, Refused> {
    let order = match tiff {
        [b'I', b'I', 42, 0, ..] => ByteOrder::Little,
        [b'M', b'M', 0, 42, ..] => ByteOrder::Big,
        _ => return Ok(None),
    };
    let mut header = Reader::of_part(tiff);
    header.take(4)?;
    let mut directory = Reader::of_part(tiff);
    directory.take_u32(order.u32(&mut header)?)?;
    for _ in 0..order.u16(&mut directory)? {
        let (tag, kind) = (order.u16(&mut directory)?, order.u16(&mut directory)?);
        let count = order.u32(&mut directory)?;
        let value = directory.take(4)?;
        if tag == ORIENTATION && count > 0 {
            return first_integer(tiff, order, kind, count, value).map(Some);
        }
    }
    Ok(None)
}

/// The first value of an entry, of any type of integer: some cameras and editors take a longer one than the standard.
fn first_integer(tiff: &[u8], order: ByteOrder, kind: u16, count: u32, value: &[u8]) -> Result<u32, Refused> {
    let bytes: u32 = match kind {
        BYTE | SIGNED_BYTE => 1,
        SHORT | SIGNED_SHORT => 2,
        LONG | SIGNED_LONG => 4,
        _ => return Err(Refused::Invalid("type of the orientation")),
    };
    let mut reader = Reader::of_part(value);
    if count.saturating_mul(bytes) > 4 {
        let offset = order.u32(&mut reader)?;
        reader = Reader::of_part(tiff);
        reader.take_u32(offset)?;
    }
    match bytes {
        1 => reader.u8().map(u32::from),
        2 => order.u16(&mut reader).map(u32::from),
        _ => order.u32(&mut reader),
    }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, reader: &mut Reader<'_>) -> Result<u16, Refused> {
        match self {
            Self::Little => reader.u16_le(),
            Self::Big => reader.u16_be(),
        }
    }

    fn u32(self, reader: &mut Reader<'_>) -> Result<u32, Refused> {
        match self {
            Self::Little => reader.u32_le(),
            Self::Big => reader.u32_be(),
        }
    }
}
