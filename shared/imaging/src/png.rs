//! PNG and APNG (W3C PNG, third edition): which chunks there are, where they may stand, and their checksums.

use std::borrow::Cow;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use crate::exif::Orientation;
use crate::limits::SegmentCount;
use crate::reader::Reader;
use crate::{Cleaned, Format, Limits, MAX_FRAMES, MAX_ICC_BYTES, Refused, icc};

/// Walks over the chunks up to `IEND`; what follows it is not the picture.
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
        // As browsers do: the picture does not depend on it, and some editors change a text and not its checksum.
        if chunk.is_sound {
            picture.take(&chunk)?;
        }
    }
}

struct Chunk<'a> {
    name: &'a [u8; 4],
    payload: &'a [u8],
    /// From its length to its checksum.
    whole: &'a [u8],
    /// Whether its checksum is right. Of a critical chunk it is.
    is_sound: bool,
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
        let chunk =
            Self { name, payload, whole: reader.since(start), is_sound: checksum_of(name, payload) == checksum };
        if chunk.is_critical() && !chunk.is_sound {
            return Err(Refused::Invalid("chunk checksum"));
        }
        Ok(chunk)
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
    head: Vec<Piece<'a>>,
    exif: Option<&'a [u8]>,
    animation: Option<Animation>,
    data_bytes: usize,
    /// The picture's data and further frames.
    body: Vec<Piece<'a>>,
}

/// A chunk that is kept.
enum Piece<'a> {
    Still(Cow<'a, [u8]>),
    /// Of no use once the animation turns out to be broken.
    Animation(&'a [u8]),
}

impl<'a> From<&'a [u8]> for Piece<'a> {
    fn from(whole: &'a [u8]) -> Self {
        Self::Still(whole.into())
    }
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
        self.head.extend(kept.map(Piece::Still));
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
        match &mut self.animation {
            Some(animation) => animation.is_broken = true,
            None => self.animation = Some(Animation::parse(chunk.payload)?),
        }
        self.head.push(Piece::Animation(chunk.whole));
        Ok(())
    }

    /// Keeps a part of a frame. Outside an animation nobody would see it: then it is dropped.
    fn take_frame(&mut self, chunk: &Chunk<'a>) -> Result<(), Refused> {
        let Some(animation) = &mut self.animation else { return Ok(()) };
        if chunk.name == b"fcTL" {
            animation.take_control(chunk.payload, &self.header, self.place)?;
        } else {
            animation.take_data(chunk.payload, self.place);
        }
        let part = if self.place == Place::Head { &mut self.head } else { &mut self.body };
        part.push(Piece::Animation(chunk.whole));
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
        // The standard asks viewers to show the still picture then.
        let is_animated = self.animation.is_some_and(|animation| animation.is_whole());
        let orientation = self.exif.and_then(Orientation::from_exif);
        let exif = orientation.map(|orientation| encode(b"eXIf", &orientation.to_tiff()).into());
        let pieces = self.head.into_iter().chain(exif.map(Piece::Still)).chain(self.body).chain([end.whole.into()]);
        let pieces: Vec<Cow<'_, [u8]>> = pieces
            .filter_map(|piece| match piece {
                Piece::Still(chunk) => Some(chunk),
                Piece::Animation(chunk) => is_animated.then_some(chunk.into()),
            })
            .collect();
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
    /// The number that the next chunk of the animation has.
    sequence: u32,
    /// Whether the last frame has no data yet.
    awaits_data: bool,
    is_broken: bool,
}

impl Animation {
    fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let frames = reader.u32_be().unwrap_or_default();
        let is_broken = frames == 0 || payload.len() != 8;
        match usize::try_from(frames) {
            Ok(declared @ ..=MAX_FRAMES) => Ok(Self { declared, found: 0, sequence: 0, awaits_data: false, is_broken }),
            _ => Err(Refused::TooManyFrames),
        }
    }

    fn take_control(&mut self, payload: &[u8], header: &Header, place: Place) -> Result<(), Refused> {
        let is_good = FrameControl::parse(payload).is_ok_and(|frame| {
            let is_in_turn = frame.sequence == self.sequence && !self.awaits_data;
            // Before the picture's data only their own frame can be announced, which is the whole picture.
            is_in_turn && if place == Place::Head { frame.covers(header) } else { frame.fits(header) }
        });
        self.is_broken |= !is_good;
        self.sequence = self.sequence.wrapping_add(1);
        self.awaits_data = place == Place::Tail;
        self.found += 1;
        if self.found > MAX_FRAMES { Err(Refused::TooManyFrames) } else { Ok(()) }
    }

    fn take_data(&mut self, payload: &[u8], place: Place) {
        let is_in_turn = Reader::of_part(payload).u32_be() == Ok(self.sequence);
        self.is_broken |= !is_in_turn || place != Place::Tail || self.found == 0;
        self.sequence = self.sequence.wrapping_add(1);
        self.awaits_data = false;
    }

    /// Frames beyond the declared number would be pictures that nobody sees.
    const fn is_whole(&self) -> bool {
        !self.is_broken && !self.awaits_data && self.found == self.declared
    }
}

struct FrameControl {
    sequence: u32,
    width: u32,
    height: u32,
    x: u32,
    y: u32,
}

impl FrameControl {
    fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let sequence = reader.u32_be()?;
        let (width, height) = (reader.u32_be()?, reader.u32_be()?);
        let (x, y) = (reader.u32_be()?, reader.u32_be()?);
        let _delay_and_blending = reader.array::<6>()?;
        if reader.is_at_end() { Ok(Self { sequence, width, height, x, y }) } else { Err(Refused::Invalid("frame")) }
    }

    fn fits(&self, header: &Header) -> bool {
        let fits = |offset: u32, side: u32, whole| side > 0 && offset.checked_add(side).is_some_and(|end| end <= whole);
        fits(self.x, self.width, header.width) && fits(self.y, self.height, header.height)
    }

    fn covers(&self, header: &Header) -> bool {
        (self.x, self.y, self.width, self.height) == (0, 0, header.width, header.height)
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
