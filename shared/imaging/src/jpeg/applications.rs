//! The application segments: what is worth keeping of them, written anew from what was understood.

use crate::exif::{self, Orientation};
use crate::{MAX_ICC_BYTES, icc};

use super::{APP0, APP1, APP2, APP14, Segment, put};

const ICC_SIGNATURE: &[u8] = b"ICC_PROFILE\0";
/// A segment's length field counts itself and has 16 bits; signature, number and count take 14 bytes.
const ICC_PART_BYTES: usize = 65_535 - 2 - 14;

#[derive(Default)]
pub(crate) struct Applications<'a> {
    /// Signature, version and pixel density. Whether it is there tells decoders how colours are stored.
    jfif: Option<&'a [u8; 12]>,
    /// The first one; decoders look no further.
    exif: Option<&'a [u8]>,
    icc: Vec<IccPart<'a>>,
    /// Signature, version, flags and the colour transform, without which CMYK pictures turn into their negative.
    adobe: Option<&'a [u8; 12]>,
}

struct IccPart<'a> {
    number: u8,
    count: u8,
    bytes: &'a [u8],
}

impl<'a> Applications<'a> {
    pub(crate) fn take(&mut self, segment: &Segment<'a>) {
        let payload = segment.payload;
        match segment.marker {
            APP0 if payload.starts_with(b"JFIF\0") && payload.len() >= 14 => {
                self.jfif = self.jfif.or(payload.first_chunk());
            }
            APP1 => self.exif = self.exif.or(exif::without_signature(payload)),
            APP2 => self.icc.extend(IccPart::parse(payload)),
            // Decoders obey the last one.
            APP14 if payload.starts_with(b"Adobe") => self.adobe = payload.first_chunk().or(self.adobe),
            _ => {}
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = Vec::new();
        if let Some(jfif) = self.jfif {
            let no_thumbnail = [0, 0];
            put(&mut head, APP0, &[jfif, &no_thumbnail]);
        }
        if let Some(orientation) = self.orientation() {
            put(&mut head, APP1, &[b"Exif\0\0", &orientation.to_tiff()]);
        }
        for (number, count, part) in split_profile(&self.profile().unwrap_or_default()) {
            put(&mut head, APP2, &[ICC_SIGNATURE, &[number, count], part]);
        }
        if let Some(adobe) = self.adobe {
            put(&mut head, APP14, &[adobe]);
        }
        head
    }

    pub(crate) const fn is_jfif(&self) -> bool {
        self.jfif.is_some()
    }

    /// What Adobe's segment says about the colours.
    pub(crate) fn colour_transform(&self) -> Option<u8> {
        self.adobe.map(|&[.., transform]| transform)
    }

    pub(crate) fn orientation(&self) -> Option<Orientation> {
        Orientation::from_tiff(self.exif?)
    }

    /// The colour profile, if all of its parts are there.
    pub(crate) fn profile(&self) -> Option<Vec<u8>> {
        let mut parts: Vec<&IccPart<'_>> = self.icc.iter().collect();
        parts.sort_by_key(|part| part.number);
        let complete = parts
            .iter()
            .enumerate()
            .all(|(index, part)| usize::from(part.number) == index + 1 && usize::from(part.count) == parts.len());
        let bytes = parts.iter().map(|part| part.bytes.len()).sum::<usize>();
        if !complete || bytes > MAX_ICC_BYTES {
            return None;
        }
        let joined: Vec<u8> = parts.iter().flat_map(|part| part.bytes).copied().collect();
        icc::profile(&joined).map(<[u8]>::to_vec)
    }
}

impl<'a> IccPart<'a> {
    fn parse(payload: &'a [u8]) -> Option<Self> {
        let (&[number, count], bytes) = payload.strip_prefix(ICC_SIGNATURE)?.split_first_chunk()?;
        Some(Self { number, count, bytes })
    }
}

/// The parts of a profile with their numbers and how many there are, as its segments state them.
fn split_profile(profile: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    let parts = profile.chunks(ICC_PART_BYTES);
    // At most 17 parts: a profile is no longer than MAX_ICC_BYTES.
    let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
    (1..=count).zip(parts).map(move |(number, part)| (number, count, part))
}
