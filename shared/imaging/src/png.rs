//! PNG and APNG (W3C PNG, third edition): which chunks there are, where they may stand, and their checksums.

use std::borrow::Cow;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use crate::exif::Orientation;
use crate::limits::SegmentCount;
use crate::reader::Reader;
use crate::{Cleaned, Format, Limits, MAX_FRAMES, MAX_ICC_BYTES, Refused, icc};

/// Walks over the chunks up to `IEND`; what follows it is not the picture. Checksums are verified for dropped chunks, too:
/// a wrong one says that the file was damaged on its way.
pub(crate) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refused> {
    let mut reader = Reader::new(bytes);
    let signature = reader.take(8)?;
    let mut picture = Picture::begin(signature, &Chunk::read(&mut reader)?, limits)?;
    let mut chunks = SegmentCount::default();
    loop {
        chunks.one_more()?;
        let chunk = Chunk::read(&mut reader)?;
        if chunk.name == b"IEND" {
            return picture.finish(&chunk);
        }
        picture.take(&chunk)?;
    }
}

struct Chunk<'a> {
    name: &'a [u8; 4],
    payload: &'a [u8],
    /// From its length to its checksum.
    whole: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Refused> {
        let start = reader.position();
        let length = reader.u32_be()?;
        let name = reader.array()?;
        let payload = reader.take_u32(length)?;
        let checksum = reader.u32_be()?;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(Refused::Invalid("chunk name"));
        }
        if checksum_of(name, payload) != checksum {
            return Err(Refused::Invalid("chunk checksum"));
        }
        Ok(Self { name, payload, whole: reader.since(start) })
    }

    /// A decoder that does not know a critical chunk must give up.
    const fn is_critical(&self) -> bool {
        self.name[0].is_ascii_uppercase()
    }
}

fn checksum_of(name: &[u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name);
    hasher.update(payload);
    hasher.finalize()
}

fn encode(name: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let checksum = checksum_of(name, payload).to_be_bytes();
    [&length.to_be_bytes(), name.as_slice(), payload, &checksum].concat()
}

struct Picture<'a> {
    header: Header,
    place: Place,
    seen: Vec<&'a [u8; 4]>,
    /// What is kept from before the picture's data.
    head: Vec<Cow<'a, [u8]>>,
    exif: Option<&'a [u8]>,
    animation: Option<Animation>,
    data_bytes: usize,
    /// The picture's data and further frames.
    body: Vec<Cow<'a, [u8]>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the picture's data.
    Head,
    /// Within it: it may not be interrupted.
    Data,
    Tail,
}

impl<'a> Picture<'a> {
    fn begin(signature: &'a [u8], first: &Chunk<'a>, limits: &Limits) -> Result<Self, Refused> {
        if first.name != b"IHDR" {
            return Err(Refused::Invalid("no header"));
        }
        let header = Header::parse(first.payload)?;
        limits.check_other(header.width, header.height)?;
        Ok(Self {
            header,
            place: Place::Head,
            seen: Vec::new(),
            head: vec![signature.into(), first.whole.into()],
            exif: None,
            animation: None,
            data_bytes: 0,
            body: Vec::new(),
        })
    }

    fn take(&mut self, chunk: &Chunk<'a>) -> Result<(), Refused> {
        self.place = match (chunk.name, self.place) {
            (b"IDAT", Place::Tail) => return Err(Refused::Invalid("scattered data")),
            (b"IDAT", _) => Place::Data,
            (_, Place::Data) => Place::Tail,
            (_, place) => place,
        };
        match chunk.name {
            b"IHDR" => return Err(Refused::Invalid("two headers")),
            b"PLTE" => self.take_palette(chunk)?,
            b"IDAT" => {
                self.data_bytes += chunk.payload.len();
                self.body.push(chunk.whole.into());
            }
            b"iCCP" if self.is_news(chunk) => self.keep(chunk, colour_profile(chunk.payload).map(Cow::from)),
            b"tRNS" | b"cHRM" | b"gAMA" | b"sBIT" | b"sRGB" | b"bKGD" | b"pHYs" | b"cICP" | b"mDCV" | b"cLLI"
                if self.is_news(chunk) =>
            {
                self.keep(chunk, has_its_length(chunk).then_some(chunk.whole.into()));
            }
            b"eXIf" => self.exif = self.exif.or(Some(chunk.payload)),
            b"acTL" if self.place == Place::Head => self.begin_animation(chunk)?,
            b"fcTL" | b"fdAT" => self.take_frame(chunk)?,
            _ if chunk.is_critical() => return Err(Refused::Invalid("unknown critical chunk")),
            _ => {}
        }
        Ok(())
    }

    /// Whether decoders would look at a chunk that says how to show the picture: not at a second one, nor behind the data.
    /// Asked before anything is inflated, or a thousand profiles would cost a second.
    fn is_news(&self, chunk: &Chunk<'a>) -> bool {
        self.place == Place::Head && !self.seen.contains(&chunk.name)
    }

    fn keep(&mut self, chunk: &Chunk<'a>, kept: Option<Cow<'a, [u8]>>) {
        self.seen.push(chunk.name);
        self.head.extend(kept);
    }

    fn take_palette(&mut self, chunk: &Chunk<'a>) -> Result<(), Refused> {
        let colours = chunk.payload.len() / 3;
        if !(1..=256).contains(&colours) || !chunk.payload.len().is_multiple_of(3) || self.seen.contains(&chunk.name) {
            return Err(Refused::Invalid("palette"));
        }
        if self.header.may_have_palette() && self.is_news(chunk) {
            self.keep(chunk, Some(chunk.whole.into()));
        }
        Ok(())
    }

    fn begin_animation(&mut self, chunk: &Chunk<'a>) -> Result<(), Refused> {
        if self.animation.is_some() {
            return Err(Refused::Invalid("two animations"));
        }
        self.animation = Some(Animation::parse(chunk.payload)?);
        self.head.push(chunk.whole.into());
        Ok(())
    }

    /// Keeps a part of a frame. Outside an animation nobody would see it: then it is dropped.
    fn take_frame(&mut self, chunk: &Chunk<'a>) -> Result<(), Refused> {
        let Some(animation) = &mut self.animation else { return Ok(()) };
        if chunk.name == b"fcTL" {
            animation.count_frame(chunk.payload, &self.header)?;
        } else if self.place != Place::Tail || chunk.payload.len() < 4 {
            return Err(Refused::Invalid("frame data"));
        }
        let part = if self.place == Place::Head { &mut self.head } else { &mut self.body };
        part.push(chunk.whole.into());
        Ok(())
    }

    fn finish(self, end: &Chunk<'a>) -> Result<Cleaned, Refused> {
        if self.data_bytes == 0 {
            return Err(Refused::Invalid("no data"));
        }
        if self.header.needs_palette() && !self.seen.contains(&b"PLTE") {
            return Err(Refused::Invalid("no palette"));
        }
        if !end.payload.is_empty() {
            return Err(Refused::Invalid("end chunk"));
        }
        if self.animation.is_some_and(|animation| !animation.is_complete()) {
            return Err(Refused::Invalid("number of frames"));
        }
        let orientation = self.exif.and_then(Orientation::from_exif);
        let exif = orientation.map(|orientation| encode(b"eXIf", &orientation.to_tiff()).into());
        let pieces: Vec<Cow<'_, [u8]>> =
            self.head.into_iter().chain(exif).chain(self.body).chain([end.whole.into()]).collect();
        let (width, height) = Orientation::displayed(orientation, self.header.width, self.header.height);
        Ok(Cleaned { bytes: pieces.concat(), format: Format::Png, width, height })
    }
}

struct Header {
    width: u32,
    height: u32,
    colour: u8,
}

impl Header {
    fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let (width, height) = (reader.u32_be()?, reader.u32_be()?);
        let &[depth, colour, compression, filter, interlace] = reader.array()?;
        let is_known = match colour {
            0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
            2 | 4 | 6 => matches!(depth, 8 | 16),
            3 => matches!(depth, 1 | 2 | 4 | 8),
            _ => false,
        };
        if !is_known || compression != 0 || filter != 0 || interlace > 1 || !reader.is_at_end() {
            return Err(Refused::Invalid("header"));
        }
        Ok(Self { width, height, colour })
    }

    const fn needs_palette(&self) -> bool {
        self.colour == 3
    }

    /// Not the grey ones.
    const fn may_have_palette(&self) -> bool {
        matches!(self.colour, 2 | 3 | 6)
    }
}

struct Animation {
    declared: usize,
    found: usize,
}

impl Animation {
    fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let frames = reader.u32_be()?;
        let _plays = reader.u32_be()?;
        if frames == 0 || !reader.is_at_end() {
            return Err(Refused::Invalid("animation"));
        }
        match usize::try_from(frames) {
            Ok(declared @ ..=MAX_FRAMES) => Ok(Self { declared, found: 0 }),
            _ => Err(Refused::TooManyFrames),
        }
    }

    fn count_frame(&mut self, payload: &[u8], header: &Header) -> Result<(), Refused> {
        let mut reader = Reader::of_part(payload);
        let _sequence = reader.u32_be()?;
        let (width, height) = (reader.u32_be()?, reader.u32_be()?);
        let (x, y) = (reader.u32_be()?, reader.u32_be()?);
        let _delay_and_blending = reader.array::<6>()?;
        let fits = |offset: u32, side: u32, whole| side > 0 && offset.checked_add(side).is_some_and(|end| end <= whole);
        if !fits(x, width, header.width) || !fits(y, height, header.height) || !reader.is_at_end() {
            return Err(Refused::Invalid("frame"));
        }
        self.found += 1;
        if self.found > MAX_FRAMES { Err(Refused::TooManyFrames) } else { Ok(()) }
    }

    /// Frames beyond the declared number would be pictures that nobody sees.
    const fn is_complete(&self) -> bool {
        self.found == self.declared
    }
}

/// A chunk of another length says nothing to decoders and may hold anything.
fn has_its_length(chunk: &Chunk<'_>) -> bool {
    let length = chunk.payload.len();
    match chunk.name {
        b"tRNS" => (1..=256).contains(&length),
        b"cHRM" => length == 32,
        b"gAMA" | b"cICP" => length == 4,
        b"sBIT" => (1..=4).contains(&length),
        b"sRGB" => length == 1,
        b"bKGD" => matches!(length, 1 | 2 | 6),
        b"pHYs" => length == 9,
        b"mDCV" => length == 24,
        b"cLLI" => length == 8,
        _ => false,
    }
}

/// The profile chunk under a neutral name, or `None` if it does not hold a proper profile of a bearable size. Decoders
/// inflate it even when they were told to limit themselves, so 200 kB here could cost them 200 MB.
fn colour_profile(payload: &[u8]) -> Option<Vec<u8>> {
    let name_end = memchr::memchr(0, payload).filter(|end| (1..=79).contains(end))?;
    let compressed = payload.get(name_end..)?.strip_prefix(b"\0\0")?;
    let compressed = compressed.get(..profile_stream_length(compressed)?)?;
    Some(encode(b"iCCP", &[b"icc\0\0", compressed].concat()))
}

/// How many of the bytes are a zlib stream that holds exactly one profile.
fn profile_stream_length(compressed: &[u8]) -> Option<usize> {
    const MAX_DEFLATE_RATIO: usize = 1032;
    let mut profile = vec![0; compressed.len().saturating_mul(MAX_DEFLATE_RATIO).min(MAX_ICC_BYTES)];
    let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER
        | inflate_flags::TINFL_FLAG_COMPUTE_ADLER32
        | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), compressed, &mut profile, 0, flags);
    let profile = profile.get(..written)?;
    (status == TINFLStatus::Done && icc::profile(profile)?.len() == written).then_some(read)
}
