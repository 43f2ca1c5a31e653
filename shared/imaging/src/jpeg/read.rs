//! A cleaned file, taken apart for who decodes it.

use crate::Refused;
use crate::exif::Orientation;
use crate::reader::Reader;

use super::applications::Applications;
use super::frame::Frame;
use super::scan::{Scan, Tables};
use super::{APP0, APP15, DHT, DQT, DRI, EOI, SOF0, SOF2, SOS, Segment, next_marker, scan_data};

pub(crate) struct Coded<'a> {
    pub(crate) frame: Frame,
    pub(crate) scans: Vec<ReadScan<'a>>,
    /// For each component its table, in the order of the zigzag, as it was when its first scan began.
    pub(crate) quantisation: Vec<[u16; 64]>,
    pub(crate) orientation: Option<Orientation>,
    pub(crate) profile: Option<Vec<u8>>,
    is_jfif: bool,
    /// What Adobe's segment says about the colours.
    transform: Option<u8>,
}

pub(crate) struct ReadScan<'a> {
    pub(crate) header: Scan,
    /// As they were when it began.
    pub(crate) tables: Tables<'a>,
    pub(crate) interval: u16,
    pub(crate) data: &'a [u8],
}

/// What the components are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    Grey,
    YCbCr,
    Rgb,
    Cmyk { is_inverted: bool, is_ycck: bool },
}

impl<'a> Coded<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        let mut reader = Reader::new(bytes);
        reader.take(2)?;
        let mut applications = Applications::default();
        let mut frame = None;
        let mut scans = Vec::new();
        let mut tables = Tables::default();
        let mut defined = [[1; 64]; 4];
        let mut quantisation = Vec::new();
        let mut interval = 0;
        loop {
            let marker = next_marker(&mut reader)?;
            if marker == EOI {
                break;
            }
            let segment = Segment::read(marker, &mut reader)?;
            match marker {
                DQT => define_quantisation(segment.payload, &mut defined)?,
                DHT => tables.define(segment.payload)?,
                DRI => interval = Reader::of_part(segment.payload).u16_be()?,
                SOF0..=SOF2 => {
                    let begun = Frame::parse(marker, segment.payload)?;
                    quantisation = vec![None; begun.components.len()];
                    frame = Some(begun);
                }
                SOS => {
                    let frame = frame.as_ref().ok_or(Refused::Invalid("a scan before the frame"))?;
                    let header = Scan::parse(segment.payload, frame)?;
                    for part in &header.components {
                        let table = frame.components.get(part.index).map_or(0, |component| component.table);
                        if let Some(used) = quantisation.get_mut(part.index) {
                            *used = used.or_else(|| defined.get(usize::from(table)).copied());
                        }
                    }
                    scans.push(ReadScan { header, tables: tables.clone(), interval, data: scan_data(&mut reader)? });
                }
                APP0..=APP15 => applications.take(&segment),
                _ => {}
            }
        }
        Ok(Self {
            frame: frame.ok_or(Refused::Invalid("no frame"))?,
            scans,
            quantisation: quantisation.into_iter().map(|table| table.unwrap_or([1; 64])).collect(),
            orientation: applications.orientation(),
            profile: applications.profile(),
            is_jfif: applications.is_jfif(),
            transform: applications.colour_transform(),
        })
    }

    /// As libjpeg decides.
    pub(crate) fn model(&self) -> Model {
        match (self.frame.components.len(), self.transform) {
            (1, _) => Model::Grey,
            (4, transform) => Model::Cmyk {
                is_inverted: transform.is_some(),
                is_ycck: transform.is_some_and(|transform| transform != 0),
            },
            _ if self.is_jfif => Model::YCbCr,
            (_, Some(0)) => Model::Rgb,
            (_, None) if self.frame.is_named_rgb() => Model::Rgb,
            _ => Model::YCbCr,
        }
    }
}

fn define_quantisation(payload: &[u8], tables: &mut [[u16; 64]; 4]) -> Result<(), Refused> {
    let mut reader = Reader::of_part(payload);
    while !reader.is_at_end() {
        let head = reader.u8()?;
        let table = tables.get_mut(usize::from(head & 15)).ok_or(Refused::Invalid("quantisation table"))?;
        for step in table {
            *step = if head >> 4 == 0 { reader.u8()?.into() } else { reader.u16_be()? };
        }
    }
    Ok(())
}
