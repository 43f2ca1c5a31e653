//! JPEG (ITU-T T.81, JFIF, Adobe's and ICC's segments): which segments there are, in which order, and where they end.

use crate::exif::{self, Orientation};
use crate::limits::{MAX_JPEG_PIXELS_PER_BYTE, MAX_SCAN_PIXELS, MAX_SCANS, SegmentCount, pixels};
use crate::reader::Reader;
use crate::{Cleaned, Format, Limits, MAX_ICC_BYTES, Refused, icc};

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOF0: u8 = 0xC0; // baseline
const SOF2: u8 = 0xC2; // progressive
const SOF15: u8 = 0xCF;
const DHT: u8 = 0xC4;
const DAC: u8 = 0xCC;
const RST0: u8 = 0xD0;
const RST7: u8 = 0xD7;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DNL: u8 = 0xDC;
const DRI: u8 = 0xDD;
const DHP: u8 = 0xDE;
const EXP: u8 = 0xDF;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;
const APP15: u8 = 0xEF;
const JPG0: u8 = 0xF0;
const JPG13: u8 = 0xFD;
const COM: u8 = 0xFE;
const TEM: u8 = 0x01;

const ICC_SIGNATURE: &[u8] = b"ICC_PROFILE\0";
/// A segment's length field counts itself and has 16 bits; signature, number and count take 14 bytes.
const ICC_PART_BYTES: usize = 65_535 - 2 - 14;

/// Walks over the segments up to the first end marker. What follows it (a gain map, a motion video, a depth map, another
/// file altogether) is not the picture.
pub(crate) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refused> {
    let mut reader = Reader::new(bytes);
    reader.take(2)?;
    let mut picture = Picture::default();
    let mut segments = SegmentCount::default();
    loop {
        segments.one_more()?;
        let marker = next_marker(&mut reader)?;
        match marker {
            EOI => return picture.finish(),
            RST0..=RST7 | TEM => {}
            SOI => return Err(Refused::Invalid("a picture begins inside the picture")),
            _ => {
                let segment = Segment::read(marker, &mut reader)?;
                picture.take(segment, &mut reader, limits)?;
            }
        }
    }
}

/// How many bytes of coefficients a decoder holds for the cleaned picture in `bytes`: of a progressive one all, since each
/// scan refines them, of others none.
pub(crate) fn coefficient_bytes(bytes: &[u8]) -> Result<u64, Refused> {
    let mut reader = Reader::new(bytes);
    reader.take(2)?;
    loop {
        let marker = next_marker(&mut reader)?;
        let segment = Segment::read(marker, &mut reader)?;
        match marker {
            SOF2 => return Frame::parse(segment.payload).map(|frame| frame.coefficients() * 2),
            SOF0..SOF2 => return Ok(0),
            _ => {}
        }
    }
}

/// Any number of fill bytes may stand before a marker, and nothing else.
fn next_marker(reader: &mut Reader<'_>) -> Result<u8, Refused> {
    if reader.u8()? != 0xFF {
        return Err(Refused::Invalid("bytes between segments"));
    }
    loop {
        match reader.u8()? {
            0xFF => {}
            0x00 => return Err(Refused::Invalid("bytes between segments")),
            marker => return Ok(marker),
        }
    }
}

struct Segment<'a> {
    marker: u8,
    /// From its marker to its end.
    whole: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads on behind the marker.
    fn read(marker: u8, reader: &mut Reader<'a>) -> Result<Self, Refused> {
        let start = reader.position() - 2;
        let length = usize::from(reader.u16_be()?);
        let payload = reader.take(length.checked_sub(2).ok_or(Refused::Invalid("segment length"))?)?;
        Ok(Self { marker, whole: reader.since(start), payload })
    }
}

#[derive(Default)]
struct Picture<'a> {
    applications: Applications<'a>,
    frame: Option<Frame>,
    /// One bit for each quantisation table that was defined so far.
    tables: u8,
    scans: u32,
    /// Everything a decoder needs, in the order of the file.
    body: Vec<&'a [u8]>,
}

impl<'a> Picture<'a> {
    fn take(&mut self, segment: Segment<'a>, reader: &mut Reader<'a>, limits: &Limits) -> Result<(), Refused> {
        match segment.marker {
            DQT => self.tables |= quantisation_tables(segment.payload)?,
            DHT => check_huffman_tables(segment.payload)?,
            DRI if segment.payload.len() != 2 => return Err(Refused::Invalid("restart interval")),
            DRI => {}
            SOF0..=SOF2 => self.begin_frame(segment.payload, limits)?,
            SOS => return self.take_scan(&segment, reader),
            APP0..=APP15 => {
                // Decoders decide about colours and orientation when the first scan begins.
                if self.scans == 0 {
                    self.applications.take(&segment);
                }
                return Ok(());
            }
            // DAC means something in arithmetic coding only. Decoders disagree about DNL, so the height is the frame's.
            COM | DAC | DNL => return Ok(()),
            // Lossless, hierarchical, arithmetic and near-lossless coding: no browser shows them.
            SOF0..=SOF15 | DHP | EXP | JPG0..=JPG13 => return Err(Refused::Unsupported),
            _ => return Err(Refused::Invalid("unknown marker")),
        }
        self.body.push(segment.whole);
        Ok(())
    }

    fn begin_frame(&mut self, payload: &[u8], limits: &Limits) -> Result<(), Refused> {
        if self.frame.is_some() {
            return Err(Refused::Invalid("two frames"));
        }
        let frame = Frame::parse(payload)?;
        limits.check_jpeg(frame.width, frame.height)?;
        self.frame = Some(frame);
        Ok(())
    }

    fn take_scan(&mut self, segment: &Segment<'a>, reader: &mut Reader<'a>) -> Result<(), Refused> {
        let frame = self.frame.as_ref().ok_or(Refused::Invalid("a scan before the frame"))?;
        frame.check_scan(segment.payload, self.tables)?;
        self.scans += 1;
        if self.scans > MAX_SCANS || u64::from(self.scans) * frame.pixels() > MAX_SCAN_PIXELS {
            return Err(Refused::TooManyScans);
        }
        self.body.extend([segment.whole, scan_data(reader)?]);
        Ok(())
    }

    fn finish(self) -> Result<Cleaned, Refused> {
        let frame = self.frame.ok_or(Refused::Invalid("no frame"))?;
        if self.scans == 0 {
            return Err(Refused::Invalid("no scan"));
        }
        let head = self.applications.to_bytes();
        let mut pieces: Vec<&[u8]> = vec![&[0xFF, SOI], &head];
        pieces.extend(self.body);
        pieces.push(&[0xFF, EOI]);
        let bytes = pieces.concat();
        if frame.pixels() > MAX_JPEG_PIXELS_PER_BYTE * bytes.len() as u64 {
            return Err(Refused::TooManyPixels);
        }
        let (width, height) = Orientation::displayed(self.applications.orientation(), frame.width, frame.height);
        Ok(Cleaned { bytes, format: Format::Jpeg, width, height })
    }
}

struct Frame {
    width: u32,
    height: u32,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    /// How many blocks of 8 × 8 samples it has side by side in each unit of the picture, 1 to 4; and how many below.
    sampling: (u8, u8),
    /// Number of its quantisation table, 0 to 3.
    table: u8,
}

impl Frame {
    fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let precision = reader.u8()?;
        let (height, width) = (reader.u16_be()?, reader.u16_be()?);
        let count = reader.u8()?;
        if precision != 8 {
            return Err(Refused::Unsupported);
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Refused::Invalid("number of components"));
        }
        let components = (0..count).map(|_| Component::parse(&mut reader)).collect::<Result<_, _>>()?;
        if !reader.is_at_end() {
            return Err(Refused::Invalid("frame length"));
        }
        Ok(Self { width: width.into(), height: height.into(), components })
    }

    fn pixels(&self) -> u64 {
        pixels(self.width, self.height)
    }

    fn coefficients(&self) -> u64 {
        let most = |side: fn(&Component) -> u8| self.components.iter().map(side).max().map_or(1, u32::from);
        let (across, down) = (most(|component| component.sampling.0), most(|component| component.sampling.1));
        let units = pixels(self.width.div_ceil(8 * across), self.height.div_ceil(8 * down));
        let blocks = self.components.iter().map(|component| u64::from(component.sampling.0 * component.sampling.1));
        units * blocks.sum::<u64>() * 64
    }

    /// Whether a scan's header speaks of components that are there, with tables that are there.
    fn check_scan(&self, payload: &[u8], tables: u8) -> Result<(), Refused> {
        let mut reader = Reader::of_part(payload);
        let count = reader.u8()?;
        if !(1..=4).contains(&count) || payload.len() != 4 + 2 * usize::from(count) {
            return Err(Refused::Invalid("scan length"));
        }
        for _ in 0..count {
            let &[id, _huffman_tables] = reader.array()?;
            let component = self.components.iter().find(|component| component.id == id);
            let table = component.ok_or(Refused::Invalid("a scan of no component"))?.table;
            if tables & (1 << table) == 0 {
                return Err(Refused::Invalid("no quantisation table"));
            }
        }
        Ok(())
    }
}

impl Component {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let &[id, sampling, table] = reader.array()?;
        let sampling = (sampling >> 4, sampling & 15);
        let factors = 1..=4;
        if !factors.contains(&sampling.0) || !factors.contains(&sampling.1) || table > 3 {
            return Err(Refused::Invalid("component"));
        }
        Ok(Self { id, sampling, table })
    }
}

/// The tables that a DQT segment defines, one bit for each.
fn quantisation_tables(payload: &[u8]) -> Result<u8, Refused> {
    let mut reader = Reader::of_part(payload);
    let mut defined = 0;
    while !reader.is_at_end() {
        let head = reader.u8()?;
        let (precision, number) = (head >> 4, head & 15);
        if precision > 1 || number > 3 {
            return Err(Refused::Invalid("quantisation table"));
        }
        reader.take(64 << precision)?;
        defined |= 1 << number;
    }
    Ok(defined)
}

fn check_huffman_tables(payload: &[u8]) -> Result<(), Refused> {
    let mut reader = Reader::of_part(payload);
    while !reader.is_at_end() {
        let head = reader.u8()?;
        let codes = reader.array::<16>()?.iter().copied().map(usize::from).sum();
        if head >> 4 > 1 || head & 15 > 3 || codes > 256 {
            return Err(Refused::Invalid("Huffman table"));
        }
        reader.take(codes)?;
    }
    Ok(())
}

/// The entropy-coded bytes of a scan: up to the first marker that is not a restart marker. Fill bytes before that marker
/// are left for [`next_marker`].
fn scan_data<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Refused> {
    let rest = reader.rest();
    let mut position = 0;
    loop {
        let ahead = rest.get(position..).unwrap_or_default();
        position += memchr::memchr(0xFF, ahead).ok_or_else(|| reader.ends_early())?;
        let run = rest.get(position..).unwrap_or_default().iter().take_while(|&&byte| byte == 0xFF).count();
        match rest.get(position + run) {
            None => return Err(reader.ends_early()),
            // A stuffed byte or a restart marker; the run before it belongs to it.
            Some(0x00 | RST0..=RST7) => position += run + 1,
            Some(_) if position == 0 => return Err(Refused::Invalid("a scan without data")),
            Some(_) => return reader.take(position),
        }
    }
}

/// What is worth keeping of the application segments. They are written anew, from what was understood.
#[derive(Default)]
struct Applications<'a> {
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
    fn take(&mut self, segment: &Segment<'a>) {
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

    fn to_bytes(&self) -> Vec<u8> {
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

    fn orientation(&self) -> Option<Orientation> {
        Orientation::from_tiff(self.exif?)
    }

    /// The colour profile, if all of its parts are there.
    fn profile(&self) -> Option<Vec<u8>> {
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

/// Writes a segment. Its payload must be shorter than 65,534 bytes.
fn put(out: &mut Vec<u8>, marker: u8, payload: &[&[u8]]) {
    let payload = payload.concat();
    let length = u16::try_from(payload.len() + 2).unwrap_or(u16::MAX);
    out.extend([0xFF, marker]);
    out.extend(length.to_be_bytes());
    out.extend(payload);
}
