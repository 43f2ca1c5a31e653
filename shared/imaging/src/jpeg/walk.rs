//! Where the data of a scan end, which only who reads all of them knows.

use std::borrow::Cow;
use std::ops::Range;

use crate::Refused;

use super::RST0;
use super::bits::{Bits, coded_length, unstuff};
use super::frame::Frame;
use super::huffman::{Skips, Table};
use super::progressive::{Blocks, Carried, read_block};
use super::scan::{Layout, Part, Scan, Tables, split_at_restarts};

/// Reads scan after scan, and keeps of the picture no more than it takes to read the next one.
#[derive(Default)]
pub(crate) struct Walk {
    /// Of a progressive frame, those of each component.
    blocks: Vec<Blocks>,
    /// Where one scan of a progressive frame is damaged, those behind it cannot be read.
    is_lost: bool,
}

pub(crate) struct Walked<'a> {
    /// Whether every block of the scan is there.
    pub(crate) is_whole: bool,
    /// Of a whole scan without what does not belong to it, and with restart markers that count as they should. A damaged
    /// one is as it was: decoders make of it what they can.
    pub(crate) data: Cow<'a, [u8]>,
}

impl Walk {
    pub(crate) fn scan<'a>(
        &mut self,
        scan: &Scan,
        frame: &Frame,
        tables: &Tables<'_>,
        interval: u16,
        data: &'a [u8],
    ) -> Result<Walked<'a>, Refused> {
        let damaged = Walked { is_whole: false, data: data.into() };
        let mut reader = ScanReader::new(scan, frame, tables)?;
        if frame.is_progressive() && self.blocks.is_empty() {
            self.blocks = frame.components.iter().map(|component| Blocks::new(frame, component, 0)).collect();
        }
        if self.is_lost {
            return Ok(damaged);
        }
        let mut tidied = Tidied::new(data);
        let mut parts = split_at_restarts(data);
        let mut plain = Vec::new();
        for (number, units) in reader.layout.intervals(interval).enumerate() {
            // Their order counts, not their numbers: some cameras write the same one over and over.
            let Some(part) = parts.next() else {
                self.is_lost = frame.is_progressive();
                return Ok(damaged);
            };
            unstuff(part.bytes, &mut plain);
            let mut bits = Bits::new(&plain);
            reader.read(&mut bits, units, &mut self.blocks);
            if !bits.is_sound() {
                self.is_lost = frame.is_progressive();
                return Ok(damaged);
            }
            tidied.push(number, &part, coded_length(part.bytes, bits.bytes_read()));
        }
        Ok(Walked { is_whole: true, data: tidied.finish() })
    }
}

struct ScanReader<'s> {
    scan: &'s Scan,
    layout: Layout,
    /// For each component of the scan.
    readers: Vec<PartReader>,
}

enum PartReader {
    Sequential {
        dc: Table,
        ac: Table,
        skips: Skips,
    },
    /// The one table that a progressive scan needs, if it does.
    Progressive(Option<Table>),
}

impl<'s> ScanReader<'s> {
    fn new(scan: &'s Scan, frame: &Frame, tables: &Tables<'_>) -> Result<Self, Refused> {
        let reader_of = |part: &super::scan::ScanComponent| {
            Ok(if !frame.is_progressive() {
                let ac = tables.make(1, part.ac)?;
                PartReader::Sequential { dc: tables.make(0, part.dc)?, skips: Skips::new(&ac), ac }
            } else if scan.band.0 > 0 {
                PartReader::Progressive(Some(tables.make(1, part.ac)?))
            } else if scan.refines {
                PartReader::Progressive(None)
            } else {
                PartReader::Progressive(Some(tables.make(0, part.dc)?))
            })
        };
        let readers = scan.components.iter().map(reader_of).collect::<Result<_, Refused>>()?;
        Ok(Self { scan, layout: scan.layout(frame), readers })
    }

    fn read(&mut self, bits: &mut Bits<'_>, units: Range<u32>, blocks: &mut [Blocks]) {
        let mut carried = Carried::default();
        self.layout.visit(units, |part, x, y| {
            match self.readers.get(part) {
                Some(PartReader::Sequential { dc, ac, skips }) => {
                    bits.load();
                    let size = bits.symbol(dc);
                    bits.skip(size.into());
                    skips.pass(bits, ac, 1);
                }
                Some(PartReader::Progressive(table)) => {
                    let index = self.scan.components.get(part).map_or(0, |component| component.index);
                    let Some(blocks) = blocks.get_mut(index) else { return false };
                    read_block(bits, self.scan, (part, table.as_ref()), &mut carried, blocks, (x, y));
                }
                None => return false,
            }
            !bits.is_over()
        });
    }
}

/// A scan's data without what does not belong to them. They are copied only where something goes.
struct Tidied<'a> {
    data: &'a [u8],
    /// How much of `data` is as it should be, up to the first byte that is not.
    same: usize,
    changed: Option<Vec<u8>>,
}

impl<'a> Tidied<'a> {
    const fn new(data: &'a [u8]) -> Self {
        Self { data, same: 0, changed: None }
    }

    /// Takes the first `length` bytes of the part behind restart marker `number`; there is none before the first part.
    fn push(&mut self, number: usize, part: &Part<'_>, length: usize) {
        let expected = number.checked_sub(1).map(|number| (number % 8) as u8);
        let marker = expected.map(|number| [0xFF, RST0 + number]);
        if self.changed.is_none() && part.number != expected {
            self.changed = Some(self.data.get(..self.same).unwrap_or_default().to_vec());
        }
        let kept = part.bytes.get(..length).unwrap_or_default();
        match &mut self.changed {
            Some(changed) => {
                changed.extend(marker.iter().flatten());
                changed.extend_from_slice(kept);
            }
            None => {
                self.same += marker.map_or(0, |marker| marker.len()) + length;
                if length < part.bytes.len() {
                    self.changed = Some(self.data.get(..self.same).unwrap_or_default().to_vec());
                }
            }
        }
    }

    fn finish(self) -> Cow<'a, [u8]> {
        match self.changed {
            Some(changed) => changed.into(),
            None => self.data.get(..self.same).unwrap_or_default().into(),
        }
    }
}
