//! The header of a scan, the tables that it needs, and the order of its blocks.

use std::ops::Range;

use crate::Refused;
use crate::reader::Reader;

use super::frame::Frame;
use super::huffman::Table;
use super::{RST0, RST7, SOS};

pub(crate) struct Scan {
    pub(crate) components: Vec<ScanComponent>,
    /// First and last coefficient, in the order of the zigzag.
    pub(crate) band: (u8, u8),
    /// Whether it adds a bit to coefficients that an earlier scan brought.
    pub(crate) refines: bool,
    /// How many of the lowest bits of the coefficients are still to come.
    pub(crate) low: u8,
}

pub(crate) struct ScanComponent {
    /// Its place in the frame.
    pub(crate) index: usize,
    /// Numbers of its Huffman tables, 0 to 3.
    pub(crate) dc: u8,
    pub(crate) ac: u8,
}

impl Scan {
    pub(crate) fn parse(payload: &[u8], frame: &Frame) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let count = reader.u8()?;
        if !(1..=4).contains(&count) || payload.len() != 4 + 2 * usize::from(count) {
            return Err(Refused::Invalid("scan length"));
        }
        let mut components: Vec<ScanComponent> = Vec::new();
        for _ in 0..count {
            let &[id, tables] = reader.array()?;
            // The first of that name that is not in the scan yet: some cameras give all three the same.
            let is_new = |index: usize| components.iter().all(|component| component.index != index);
            let mut named = frame.components.iter().enumerate().filter(|(_, component)| component.id == id);
            let found = named.find(|(index, _)| is_new(*index));
            let (index, _) = found.ok_or(Refused::Invalid("a scan of no component"))?;
            if tables >> 4 > 3 || tables & 15 > 3 {
                return Err(Refused::Invalid("number of a Huffman table"));
            }
            components.push(ScanComponent { index, dc: tables >> 4, ac: tables & 15 });
        }
        let &[first, last, bits] = reader.array()?;
        // Cameras write anything there into files that are not progressive, and decoders do not look at it.
        let (band, high, low) =
            if frame.is_progressive() { ((first, last), bits >> 4, bits & 15) } else { ((0, 63), 0, 0) };
        let scan = Self { components, band, refines: high > 0, low };
        if frame.is_progressive() && !(scan.is_step() && (high == 0 || high == low + 1)) {
            return Err(Refused::Invalid("progressive scan"));
        }
        Ok(scan)
    }

    /// Whether it is one that a progressive frame may have.
    fn is_step(&self) -> bool {
        const MOST_LOW_BITS: u8 = 13;
        let is_band = match self.band {
            (0, last) => last == 0,
            (first, last) => first <= last && last <= 63 && self.components.len() == 1,
        };
        is_band && self.low <= MOST_LOW_BITS
    }

    /// The segment of this header.
    pub(crate) fn to_segment(&self, frame: &Frame) -> Vec<u8> {
        let count = self.components.len() as u8;
        let mut segment = vec![0xFF, SOS, 0, 6 + 2 * count, count];
        for component in &self.components {
            segment.extend([frame.written_id(component.index), component.dc << 4 | component.ac]);
        }
        let high = if self.refines { self.low + 1 } else { 0 };
        segment.extend([self.band.0, self.band.1, high << 4 | self.low]);
        segment
    }

    pub(crate) fn layout(&self, frame: &Frame) -> Layout {
        let mut sampling = self.components.iter().filter_map(|part| frame.components.get(part.index));
        match (self.components.as_slice(), sampling.next()) {
            ([_], Some(component)) => Layout { units: frame.blocks(component), sampling: vec![(1, 1)] },
            (_, first) => {
                let sampling = first.into_iter().chain(sampling).map(|component| component.sampling).collect();
                Layout { units: frame.units(), sampling }
            }
        }
    }

    /// Which Huffman tables it needs, as pairs of class and number.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (u8, u8)> {
        let needs_dc = self.band.0 == 0 && !self.refines;
        let needs_ac = self.band.1 > 0;
        self.components.iter().flat_map(move |component| {
            [needs_dc.then_some((0, component.dc)), needs_ac.then_some((1, component.ac))].into_iter().flatten()
        })
    }
}

/// In which order the blocks of a scan are coded.
pub(crate) struct Layout {
    /// How many units there are side by side, and how many below.
    units: (u32, u32),
    /// For each component of the scan: how many blocks it has in a unit, side by side and below.
    sampling: Vec<(u32, u32)>,
}

impl Layout {
    pub(crate) const fn units(&self) -> u32 {
        self.units.0 * self.units.1
    }

    /// The units of each interval between restart markers. An interval of 0 is all of them.
    pub(crate) fn intervals(&self, interval: u16) -> impl Iterator<Item = Range<u32>> + use<> {
        let units = self.units();
        let length = if interval == 0 { units } else { interval.into() };
        let count = units.div_ceil(length) as usize;
        (0..count).map(move |number| {
            let start = number as u32 * length;
            start..units.min(start.saturating_add(length))
        })
    }

    /// Calls `visit` for each block of `units` in its order, with the place of its component in the scan, its column and
    /// its row, until that says to stop.
    #[inline]
    pub(crate) fn visit(&self, units: Range<u32>, mut visit: impl FnMut(usize, u32, u32) -> bool) {
        let (across, _) = self.units;
        let (mut x, mut y) = (units.start % across, units.start / across);
        for _ in units {
            for (component, (horizontal, vertical)) in self.sampling.iter().copied().enumerate() {
                for row in 0..vertical {
                    for column in 0..horizontal {
                        if !visit(component, x * horizontal + column, y * vertical + row) {
                            return;
                        }
                    }
                }
            }
            x += 1;
            if x == across {
                (x, y) = (0, y + 1);
            }
        }
    }
}

/// The Huffman tables that the segments so far have defined. They are made when a scan needs them: a file can define a
/// million.
#[derive(Clone, Default)]
pub(crate) struct Tables<'a> {
    /// By class and number.
    defined: [[Option<Definition<'a>>; 4]; 2],
}

/// Of how many codes have each length, and the symbols.
type Definition<'a> = (&'a [u8; 16], &'a [u8]);

impl<'a> Tables<'a> {
    /// Takes the payload of a DHT segment.
    pub(crate) fn define(&mut self, payload: &'a [u8]) -> Result<(), Refused> {
        let mut reader = Reader::of_part(payload);
        while !reader.is_at_end() {
            let head = reader.u8()?;
            let counts = reader.array::<16>()?;
            let codes = counts.iter().copied().map(usize::from).sum();
            if codes > 256 {
                return Err(Refused::Invalid("Huffman table"));
            }
            let symbols = reader.take(codes)?;
            let table = self.slot(head >> 4, head & 15).ok_or(Refused::Invalid("Huffman table"))?;
            *table = Some((counts, symbols));
        }
        Ok(())
    }

    fn slot(&mut self, class: u8, number: u8) -> Option<&mut Option<Definition<'a>>> {
        self.defined.get_mut(usize::from(class))?.get_mut(usize::from(number))
    }

    pub(crate) fn is_defined(&self, class: u8, number: u8) -> bool {
        self.find(class, number).is_some()
    }

    fn find(&self, class: u8, number: u8) -> Option<Definition<'a>> {
        *self.defined.get(usize::from(class))?.get(usize::from(number))?
    }

    /// The table of this class and number.
    pub(crate) fn make(&self, class: u8, number: u8) -> Result<Table, Refused> {
        const LARGEST_SIZE: u8 = 15;
        let (counts, symbols) = self.find(class, number).ok_or(Refused::Invalid("no Huffman table"))?;
        if class == 0 && symbols.iter().any(|size| *size > LARGEST_SIZE) {
            return Err(Refused::Invalid("Huffman table"));
        }
        Table::new(counts, symbols).ok_or(Refused::Invalid("Huffman table"))
    }
}

/// The part of a scan's data for each interval between restart markers, or `None` for one that is lost: as libjpeg does,
/// this goes by the markers' numbers, which tell when some are missing.
pub(crate) fn parts_of_intervals(data: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut parts = split_at_restarts(data).peekable();
    let mut expected = None;
    std::iter::from_fn(move || {
        // There is no marker before the first.
        let Some(number) = expected else {
            expected = Some(0);
            return Some(parts.next().map(|part| part.bytes));
        };
        expected = Some((number + 1) % 8);
        loop {
            match parts.peek()?.number.unwrap_or_default().wrapping_sub(number) % 8 {
                1 | 2 => return Some(None),
                6 | 7 => drop(parts.next()),
                _ => return Some(parts.next().map(|part| part.bytes)),
            }
        }
    })
}

/// The parts of a scan's data between its restart markers, fill bytes before those included.
pub(crate) fn split_at_restarts(data: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some((None, data));
    std::iter::from_fn(move || {
        let (number, behind) = rest.take()?;
        let place = restarts(behind).next();
        let bytes = match place {
            None => behind,
            Some(place) => {
                let marker = behind.get(place + 1).copied().unwrap_or(RST0);
                rest = Some((Some(marker - RST0), behind.get(place + 2..).unwrap_or_default()));
                behind.get(..place).unwrap_or_default()
            }
        };
        Some(Part { number, bytes })
    })
}

pub(crate) struct Part<'a> {
    /// That of the restart marker before it, 0 to 7.
    pub(crate) number: Option<u8>,
    pub(crate) bytes: &'a [u8],
}

fn restarts(data: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(0xFF, data).filter(|place| matches!(data.get(place + 1), Some(RST0..=RST7)))
}
