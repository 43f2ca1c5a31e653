//! JPEG (ITU-T T.81, JFIF, Adobe's and ICC's segments): which segments there are, in which order, and where they end.

mod applications;
mod bits;
mod frame;
mod huffman;
mod progressive;
mod read;
mod scan;
mod walk;

use std::borrow::Cow;

use crate::exif::Orientation;
use crate::limits::{MAX_JPEG_PIXELS_PER_BYTE, MAX_SCAN_PIXELS, MAX_SCANS, SegmentCount};
use crate::reader::Reader;
use crate::{Cleaned, Format, Limits, Refused};

use self::applications::Applications;
use self::scan::{Scan, Tables};
use self::walk::Walk;

pub(crate) use self::bits::{Bits, unstuff};
pub(crate) use self::frame::{Component, Frame};
pub(crate) use self::huffman::{Coefficients, Skips, Table};
pub(crate) use self::progressive::{Blocks, Carried, read_block};
pub(crate) use self::read::{Coded, Model, ReadScan};
pub(crate) use self::scan::{ScanComponent, parts_of_intervals};

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

/// Walks over the segments until the picture is whole, or up to the first end marker. What follows (a gain map, a motion
/// video, a depth map, another file altogether, a maker's trailer instead of the end) is not the picture.
pub(crate) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refused> {
    let mut reader = Reader::new(bytes);
    reader.take(2)?;
    let mut picture = Picture::default();
    let mut segments = SegmentCount::default();
    while !picture.is_whole() {
        segments.one_more()?;
        match next_marker(&mut reader)? {
            EOI => break,
            RST0..=RST7 | TEM => {}
            SOI => return Err(Refused::Invalid("a picture begins inside the picture")),
            marker => {
                let segment = Segment::read(marker, &mut reader)?;
                picture.take(&segment, &mut reader, limits)?;
            }
        }
    }
    picture.finish()
}

/// The next marker, wherever it stands: like libjpeg, which every browser uses, this passes over what lies between. Cameras
/// and editors leave bytes there, or give a segment a wrong length.
fn next_marker(reader: &mut Reader<'_>) -> Result<u8, Refused> {
    loop {
        let junk = memchr::memchr(0xFF, reader.rest()).ok_or_else(|| reader.ends_early())?;
        reader.take(junk)?;
        while reader.rest().first() == Some(&0xFF) {
            reader.u8()?;
        }
        match reader.u8()? {
            0x00 => {}
            marker => return Ok(marker),
        }
    }
}

pub(crate) struct Segment<'a> {
    marker: u8,
    payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads on behind the marker.
    fn read(marker: u8, reader: &mut Reader<'a>) -> Result<Self, Refused> {
        let length = usize::from(reader.u16_be()?);
        let payload = reader.take(length.checked_sub(2).ok_or(Refused::Invalid("segment length"))?)?;
        Ok(Self { marker, payload })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, self.marker, &[self.payload]);
        bytes
    }
}

#[derive(Default)]
struct Picture<'a> {
    applications: Applications<'a>,
    frame: Option<Frame>,
    /// One bit for each quantisation table that was defined so far.
    quantisation: u8,
    huffman: Tables<'a>,
    /// How many units there are between restart markers; 0 if there are none.
    restart_interval: u16,
    scans: u32,
    walk: Walk,
    /// For each component and coefficient how many of its lowest bits are still to come.
    missing_bits: Vec<[u8; 64]>,
    /// Everything a decoder needs, in the order of the file.
    body: Vec<Cow<'a, [u8]>>,
}

impl<'a> Picture<'a> {
    fn take(&mut self, segment: &Segment<'a>, reader: &mut Reader<'a>, limits: &Limits) -> Result<(), Refused> {
        match segment.marker {
            DQT => self.quantisation |= quantisation_tables(segment.payload)?,
            DHT => self.huffman.define(segment.payload)?,
            DRI => {
                let interval = segment.payload.try_into().map_err(|_| Refused::Invalid("restart interval"))?;
                self.restart_interval = u16::from_be_bytes(interval);
            }
            SOF0..=SOF2 => return self.begin_frame(segment, limits),
            SOS => return self.take_scan(segment.payload, reader),
            APP0..=APP15 => {
                // Decoders decide about colours and orientation when the first scan begins.
                if self.scans == 0 {
                    self.applications.take(segment);
                }
                return Ok(());
            }
            // DAC means something in arithmetic coding only. Decoders disagree about DNL, so the height is the frame's.
            COM | DAC | DNL => return Ok(()),
            // Lossless, hierarchical, arithmetic and near-lossless coding: no browser shows them.
            SOF0..=SOF15 | DHP | EXP | JPG0..=JPG13 => return Err(Refused::Unsupported),
            _ => return Err(Refused::Invalid("unknown marker")),
        }
        self.body.push(segment.to_bytes().into());
        Ok(())
    }

    fn begin_frame(&mut self, segment: &Segment<'a>, limits: &Limits) -> Result<(), Refused> {
        if self.frame.is_some() {
            return Err(Refused::Invalid("two frames"));
        }
        let frame = Frame::parse(segment.marker, segment.payload)?;
        limits.check_jpeg(frame.width, frame.height)?;
        self.missing_bits = vec![[u8::MAX; 64]; frame.components.len()];
        self.body.push(frame.to_segment().into());
        self.frame = Some(frame);
        Ok(())
    }

    fn take_scan(&mut self, header: &[u8], reader: &mut Reader<'a>) -> Result<(), Refused> {
        let frame = self.frame.as_ref().ok_or(Refused::Invalid("a scan before the frame"))?;
        let scan = Scan::parse(header, frame)?;
        let mut components = scan.components.iter().filter_map(|part| frame.components.get(part.index));
        if components.any(|component| self.quantisation & (1 << component.table) == 0) {
            return Err(Refused::Invalid("no quantisation table"));
        }
        self.scans += 1;
        if self.scans > MAX_SCANS || u64::from(self.scans) * frame.pixels() > MAX_SCAN_PIXELS {
            return Err(Refused::TooManyScans);
        }
        for (class, number) in scan.tables() {
            // What cameras leave out that send films of JPEGs. Of decoders some know the standard's tables, others do not.
            if !self.huffman.is_defined(class, number) && !frame.is_progressive() {
                let standard = huffman::standard(class, number).ok_or(Refused::Invalid("no Huffman table"))?;
                let segment = Segment { marker: DHT, payload: standard };
                self.body.push(segment.to_bytes().into());
                self.huffman.define(standard)?;
            }
        }
        let walked = self.walk.scan(&scan, frame, &self.huffman, self.restart_interval, scan_data(reader)?)?;
        if walked.is_whole {
            let (first, last) = scan.band;
            for part in &scan.components {
                let missing = self.missing_bits.get_mut(part.index).map(<[u8; 64]>::as_mut_slice).unwrap_or_default();
                missing.get_mut(first.into()..=last.into()).unwrap_or_default().fill(scan.low);
            }
        }
        self.body.extend([scan.to_segment(frame).into(), walked.data]);
        Ok(())
    }

    /// Whether nothing more can come that belongs to the picture.
    fn is_whole(&self) -> bool {
        self.frame.is_some() && self.missing_bits.iter().flatten().all(|bits| *bits == 0)
    }

    fn finish(self) -> Result<Cleaned, Refused> {
        let frame = self.frame.ok_or(Refused::Invalid("no frame"))?;
        if self.scans == 0 {
            return Err(Refused::Invalid("no scan"));
        }
        let head = self.applications.to_bytes();
        let mut pieces: Vec<Cow<'_, [u8]>> = vec![Cow::from(&[0xFF, SOI]), head.into()];
        pieces.extend(self.body);
        pieces.push(Cow::from(&[0xFF, EOI]));
        let bytes = pieces.concat();
        if frame.pixels() > MAX_JPEG_PIXELS_PER_BYTE * bytes.len() as u64 {
            return Err(Refused::TooManyPixels);
        }
        let (width, height) = Orientation::displayed(self.applications.orientation(), frame.width, frame.height);
        Ok(Cleaned { bytes, format: Format::Jpeg, width, height })
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

/// The entropy-coded bytes of a scan: up to the first marker that is not a restart marker, or to the end of the file. Fill
/// bytes before that marker are left for [`next_marker`].
fn scan_data<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Refused> {
    let rest = reader.rest();
    let mut position = 0;
    loop {
        let ahead = rest.get(position..).unwrap_or_default();
        let Some(place) = memchr::memchr(0xFF, ahead) else { return reader.take(rest.len()) };
        position += place;
        let run = rest.get(position..).unwrap_or_default().iter().take_while(|&&byte| byte == 0xFF).count();
        match rest.get(position + run) {
            None => return reader.take(rest.len()),
            // A stuffed byte or a restart marker; the run before it belongs to it.
            Some(0x00 | RST0..=RST7) => position += run + 1,
            Some(_) if position == 0 => return Err(Refused::Invalid("a scan without data")),
            Some(_) => return reader.take(position),
        }
    }
}

/// Writes a segment. Its payload must be shorter than 65,534 bytes.
fn put(out: &mut Vec<u8>, marker: u8, payload: &[&[u8]]) {
    let payload = payload.concat();
    let length = u16::try_from(payload.len() + 2).unwrap_or(u16::MAX);
    out.extend([0xFF, marker]);
    out.extend(length.to_be_bytes());
    out.extend(payload);
}
