//! WebP (RFC 9649): which chunks there are, and whether the picture in them is of the announced size.

use crate::exif::Orientation;
use crate::limits::SegmentCount;
use crate::reader::Reader;
use crate::{Cleaned, Format, Limits, MAX_FRAMES, Refused, icc};

/// Walks over the chunks of the RIFF container; what follows it is not the picture.
pub(crate) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refused> {
    let mut file = Reader::new(bytes);
    let _riff = file.array::<4>()?;
    let length = file.u32_le()?;
    let mut container = Reader::of_part(file.take_u32(length)?);
    let _webp = container.array::<4>()?;
    let first = Chunk::read(&mut container)?;
    match first.name {
        b"VP8 " | b"VP8L" => simple(first, limits),
        b"VP8X" => extended(first, container, limits),
        _ => Err(Refused::Invalid("no picture")),
    }
}

#[derive(Clone, Copy)]
struct Chunk<'a> {
    name: &'a [u8; 4],
    payload: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Refused> {
        let name = reader.array()?;
        let length = reader.u32_le()?;
        let payload = reader.take_u32(length)?;
        // Some writers forget the padding of the last chunk.
        if !payload.len().is_multiple_of(2) && !reader.is_at_end() {
            reader.u8()?;
        }
        Ok(Self { name, payload })
    }

    /// Width and height that a `VP8 ` or `VP8L` chunk states in its bitstream.
    fn picture_size(&self) -> Result<(u32, u32), Refused> {
        let mut reader = Reader::of_part(self.payload);
        if self.name == b"VP8L" { lossless_size(&mut reader) } else { lossy_size(&mut reader) }
    }
}

fn lossless_size(reader: &mut Reader<'_>) -> Result<(u32, u32), Refused> {
    let (signature, bits) = (reader.u8()?, reader.u32_le()?);
    let version = bits >> 29;
    if signature != 0x2F || version != 0 {
        return Err(Refused::Invalid("lossless header"));
    }
    Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
}

fn lossy_size(reader: &mut Reader<'_>) -> Result<(u32, u32), Refused> {
    let tag = reader.u24_le()?;
    let (is_key_frame, profile, is_shown, partition) = (tag & 1 == 0, tag >> 1 & 7, tag >> 4 & 1 == 1, tag >> 5);
    let start_code = reader.array()?;
    let (width, height) = (reader.u16_le()? & 0x3FFF, reader.u16_le()? & 0x3FFF);
    reader.take_u32(partition)?;
    if !is_key_frame || profile > 3 || !is_shown || start_code != b"\x9D\x01\x2A" {
        return Err(Refused::Invalid("lossy header"));
    }
    Ok((width.into(), height.into()))
}

/// A file of one chunk. Readers look at no other, so an orientation behind it is not one that anybody sees.
fn simple(chunk: Chunk<'_>, limits: &Limits) -> Result<Cleaned, Refused> {
    let (width, height) = chunk.picture_size()?;
    limits.check_other(width, height)?;
    let mut file = Writer::new();
    file.put(chunk.name, chunk.payload);
    Ok(Cleaned { bytes: file.finish(), format: Format::Webp, width, height })
}

/// A file that says in its first chunk what else there is.
fn extended(first: Chunk<'_>, mut container: Reader<'_>, limits: &Limits) -> Result<Cleaned, Refused> {
    let canvas = Canvas::parse(first.payload)?;
    limits.check_other(canvas.width, canvas.height)?;
    let mut parts = Parts::default();
    while !container.is_at_end() {
        parts.take(Chunk::read(&mut container)?, &canvas)?;
    }
    parts.finish(&canvas)
}

const ANIMATED: u8 = 0x02;
const HAS_EXIF: u8 = 0x08;
const HAS_ALPHA: u8 = 0x10;
const HAS_PROFILE: u8 = 0x20;

struct Canvas<'a> {
    flags: u8,
    width: u32,
    height: u32,
    /// Width and height as they are stored.
    sides: &'a [u8; 6],
}

impl<'a> Canvas<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let &[flags, _, _, _] = reader.array()?;
        let sides = reader.array()?;
        if !reader.is_at_end() {
            return Err(Refused::Invalid("canvas"));
        }
        let mut reader = Reader::of_part(sides);
        let (width, height) = (reader.u24_le()? + 1, reader.u24_le()? + 1);
        Ok(Self { flags, width, height, sides })
    }

    const fn is_animated(&self) -> bool {
        self.flags & ANIMATED != 0
    }
}

/// What is worth keeping of an extended file.
#[derive(Default)]
struct Parts<'a> {
    count: SegmentCount,
    profile: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
    /// Background and loop count.
    animation: Option<&'a [u8; 6]>,
    frames: Vec<Frame<'a>>,
    picture: Picture<'a>,
}

impl<'a> Parts<'a> {
    /// Takes the first of each kind, and only what the flags announce: decoders look at nothing else.
    fn take(&mut self, chunk: Chunk<'a>, canvas: &Canvas<'_>) -> Result<(), Refused> {
        self.count.one_more()?;
        match chunk.name {
            b"ICCP" if canvas.flags & HAS_PROFILE != 0 => self.profile = self.profile.or(icc::profile(chunk.payload)),
            b"EXIF" if canvas.flags & HAS_EXIF != 0 => self.exif = self.exif.or(Some(chunk.payload)),
            b"ANIM" if canvas.is_animated() => self.animation = self.animation.or(chunk.payload.first_chunk()),
            b"ANMF" if canvas.is_animated() => self.take_frame(chunk.payload, canvas)?,
            _ if !canvas.is_animated() => self.picture.take(chunk),
            _ => {}
        }
        Ok(())
    }

    fn take_frame(&mut self, payload: &'a [u8], canvas: &Canvas<'_>) -> Result<(), Refused> {
        if self.animation.is_none() {
            return Err(Refused::Invalid("a frame before the animation"));
        }
        if self.frames.len() == MAX_FRAMES {
            return Err(Refused::TooManyFrames);
        }
        self.frames.push(Frame::parse(payload, canvas, &mut self.count)?);
        Ok(())
    }

    fn finish(self, canvas: &Canvas<'_>) -> Result<Cleaned, Refused> {
        if canvas.is_animated() && self.frames.is_empty() {
            return Err(Refused::Invalid("no frame"));
        }
        if !canvas.is_animated() {
            self.picture.check(canvas.width, canvas.height)?;
        }
        let orientation = self.exif.and_then(Orientation::from_exif);
        let (width, height) = Orientation::displayed(orientation, canvas.width, canvas.height);
        Ok(Cleaned { bytes: self.to_bytes(canvas, orientation), format: Format::Webp, width, height })
    }

    fn to_bytes(&self, canvas: &Canvas<'_>, orientation: Option<Orientation>) -> Vec<u8> {
        let mut flags = canvas.flags & (ANIMATED | HAS_ALPHA);
        flags |= if self.profile.is_some() { HAS_PROFILE } else { 0 };
        flags |= if orientation.is_some() { HAS_EXIF } else { 0 };

        let mut file = Writer::new();
        file.put(b"VP8X", &[&[flags, 0, 0, 0], canvas.sides.as_slice()].concat());
        if let Some(profile) = self.profile {
            file.put(b"ICCP", profile);
        }
        if let Some(animation) = self.animation {
            file.put(b"ANIM", animation);
        }
        for frame in &self.frames {
            file.put(b"ANMF", &frame.to_bytes());
        }
        for chunk in self.picture.chunks() {
            file.put(chunk.name, chunk.payload);
        }
        if let Some(orientation) = orientation {
            file.put(b"EXIF", &orientation.to_tiff());
        }
        file.finish()
    }
}

struct Frame<'a> {
    /// Place, size, duration and blending.
    header: &'a [u8; 16],
    picture: Picture<'a>,
}

impl<'a> Frame<'a> {
    fn parse(payload: &'a [u8], canvas: &Canvas<'_>, count: &mut SegmentCount) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let header = reader.array::<16>()?;
        let mut picture = Picture::default();
        while !reader.is_at_end() {
            count.one_more()?;
            picture.take(Chunk::read(&mut reader)?);
        }
        let mut fields = Reader::of_part(header);
        let (x, y) = (2 * fields.u24_le()?, 2 * fields.u24_le()?);
        let (width, height) = (fields.u24_le()? + 1, fields.u24_le()? + 1);
        if x + width > canvas.width || y + height > canvas.height {
            return Err(Refused::Invalid("frame"));
        }
        picture.check(width, height)?;
        Ok(Self { header, picture })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.to_vec();
        for chunk in self.picture.chunks() {
            write_chunk(&mut bytes, chunk.name, chunk.payload);
        }
        bytes
    }
}

/// The still picture of a file or of a frame: its first bitstream, with the alpha channel that stood before it.
#[derive(Default)]
struct Picture<'a> {
    alpha: Option<Chunk<'a>>,
    bitstream: Option<Chunk<'a>>,
}

impl<'a> Picture<'a> {
    fn take(&mut self, chunk: Chunk<'a>) {
        match chunk.name {
            b"ALPH" if self.bitstream.is_none() => self.alpha = self.alpha.or(Some(chunk)),
            b"VP8 " => self.bitstream = self.bitstream.or(Some(chunk)),
            b"VP8L" if self.bitstream.is_none() => {
                self.bitstream = Some(chunk);
                // Lossless pictures hold their own alpha channel.
                self.alpha = None;
            }
            _ => {}
        }
    }

    /// Whether there is a picture of the announced size. One that is larger would escape the limit on pixels.
    fn check(&self, width: u32, height: u32) -> Result<(), Refused> {
        let bitstream = self.bitstream.ok_or(Refused::Invalid("no picture"))?;
        if bitstream.picture_size()? != (width, height) {
            return Err(Refused::Invalid("a picture of another size"));
        }
        Ok(())
    }

    fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> {
        self.alpha.into_iter().chain(self.bitstream)
    }
}

struct Writer {
    file: Vec<u8>,
}

impl Writer {
    fn new() -> Self {
        Self { file: b"RIFF\0\0\0\0WEBP".to_vec() }
    }

    fn put(&mut self, name: &[u8; 4], payload: &[u8]) {
        write_chunk(&mut self.file, name, payload);
    }

    fn finish(mut self) -> Vec<u8> {
        let length = length_field(self.file.len() - 8);
        if let Some(field) = self.file.get_mut(4..8) {
            field.copy_from_slice(&length);
        }
        self.file
    }
}

fn write_chunk(out: &mut Vec<u8>, name: &[u8; 4], payload: &[u8]) {
    out.extend(name);
    out.extend(length_field(payload.len()));
    out.extend(payload);
    if !payload.len().is_multiple_of(2) {
        out.push(0);
    }
}

/// What is written is about as long as the container that was read, whose length fits.
fn length_field(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}
