//! Small pictures, and the parts that a test puts into them.

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{DynamicImage, Frame, ImageFormat, RgbImage, RgbaImage};

use crate::parts::{self, Part};

pub(crate) const SECRET: &[u8] = b"PRIVATE-SERIAL-7";

/// 16 × 12 pixels without any metadata.
pub(crate) fn picture(format: ImageFormat) -> Vec<u8> {
    let gradient = RgbImage::from_fn(16, 12, |x, y| image::Rgb([x as u8 * 16, y as u8 * 20, 90]));
    encode(&gradient.into(), format)
}

pub(crate) fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn jpeg() -> Vec<u8> {
    picture(ImageFormat::Jpeg)
}

pub(crate) fn png() -> Vec<u8> {
    picture(ImageFormat::Png)
}

/// A simple file: one VP8L chunk.
pub(crate) fn webp() -> Vec<u8> {
    picture(ImageFormat::WebP)
}

/// Three frames, which loop for ever.
pub(crate) fn gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for shade in [20, 120, 220] {
        let frame = RgbaImage::from_fn(16, 12, |x, _| image::Rgba([x as u8 * 16, shade, 0, 255]));
        encoder.encode_frame(Frame::new(frame)).unwrap();
    }
    drop(encoder);
    bytes
}

/// `bytes` with more parts in front of the first part of that name.
pub(crate) fn insert(bytes: &[u8], before: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = parts::list(bytes);
    let place = parts.iter().position(|part| part.name == before).expect("a part of that name");
    let more = more.iter().map(|bytes| Part { name: "inserted".into(), bytes: bytes.clone() });
    parts.splice(place..place, more);
    parts::join(&parts)
}

/// `bytes` with another part in place of the first one of that name.
pub(crate) fn replace(bytes: &[u8], name: &str, other: &[u8]) -> Vec<u8> {
    let mut parts = parts::list(bytes);
    let place = parts.iter_mut().find(|part| part.name == name).expect("a part of that name");
    place.bytes = other.to_vec();
    parts::join(&parts)
}

/// `bytes` without its parts of that name.
pub(crate) fn without(bytes: &[u8], name: &str) -> Vec<u8> {
    let mut parts = parts::list(bytes);
    parts.retain(|part| part.name != name);
    parts::join(&parts)
}

pub(crate) fn part(bytes: &[u8], name: &str) -> Vec<u8> {
    parts::list(bytes).into_iter().find(|part| part.name == name).expect("a part of that name").bytes
}

pub(crate) fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap();
    [&[0xFF, marker], length.to_be_bytes().as_slice(), payload].concat()
}

pub(crate) fn chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let checksum = crc32fast::hash(&[name, payload].concat());
    [&u32_be(payload.len()), name.as_slice(), payload, &checksum.to_be_bytes()].concat()
}

pub(crate) fn riff_chunk(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if payload.len().is_multiple_of(2) { b"" } else { b"\0" };
    [name.as_slice(), &u32_le(payload.len()), payload, padding].concat()
}

pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    [b"RIFF".as_slice(), &u32_le(4 + chunks.len()), b"WEBP", &chunks].concat()
}

pub(crate) fn u32_be(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_be_bytes()
}

pub(crate) fn u32_le(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_le_bytes()
}

/// A TIFF structure as a phone writes it: a maker, the orientation, and a GPS directory.
pub(crate) fn tiff(orientation: u16, is_big_endian: bool) -> Vec<u8> {
    let u16_bytes = |value: u16| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let u32_bytes = |value: u32| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let entry = |tag, kind, count, value: [u8; 4]| {
        [u16_bytes(tag).as_slice(), &u16_bytes(kind), &u32_bytes(count), &value].concat()
    };
    let [high, low] = u16_bytes(orientation);
    [
        if is_big_endian { b"MM" } else { b"II" },
        u16_bytes(42).as_slice(),
        &u32_bytes(8),
        &u16_bytes(3),
        &entry(0x010F, 2, 12, u32_bytes(50)),
        &entry(0x0112, 3, 1, [high, low, 0, 0]),
        &entry(0x8825, 4, 1, u32_bytes(8)),
        &u32_bytes(8),
        b"PrivateMake\0",
    ]
    .concat()
}

pub(crate) fn exif_segment(tiff: &[u8]) -> Vec<u8> {
    segment(0xE1, &[b"Exif\0\0", tiff].concat())
}

/// A colour profile with a header that is right and a body that is anything.
pub(crate) fn profile(length: usize) -> Vec<u8> {
    let mut profile: Vec<u8> = (0..length).map(|index| (index * 7 % 251) as u8).collect();
    profile[..4].copy_from_slice(&u32_be(length));
    profile[36..40].copy_from_slice(b"acsp");
    profile
}
