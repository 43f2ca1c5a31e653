//! The blocks of a progressive frame, which scan after scan refines (T.81, Annex G).

use super::bits::Bits;
use super::frame::{Component, Frame};
use super::huffman::Table;
use super::scan::Scan;

/// What is known of a component's blocks so far.
pub(crate) struct Blocks {
    /// How many stand side by side.
    across: usize,
    /// How many coefficients of each block are kept, the first ones of the zigzag.
    kept: usize,
    coefficients: Vec<i16>,
    /// For each block, one bit for each coefficient that is not zero: what refines them depends on all, kept or not.
    nonzero: Vec<u64>,
}

impl Blocks {
    pub(crate) fn new(frame: &Frame, component: &Component, kept: usize) -> Self {
        let (across, down) = frame.blocks_in_units(component);
        let blocks = across as usize * down as usize;
        Self { across: across as usize, kept, coefficients: vec![0; blocks * kept], nonzero: vec![0; blocks] }
    }

    /// How many bytes they take.
    pub(crate) fn size(frame: &Frame, component: &Component, kept: u64) -> u64 {
        let (across, down) = frame.blocks_in_units(component);
        u64::from(across) * u64::from(down) * (2 * kept + 8)
    }

    /// How many stand side by side, and how many below.
    pub(crate) fn size_in_blocks(&self) -> (usize, usize) {
        (self.across, self.nonzero.len().checked_div(self.across).unwrap_or_default())
    }

    pub(crate) fn coefficients(&self, x: usize, y: usize) -> &[i16] {
        let start = (y * self.across + x) * self.kept;
        self.coefficients.get(start..start + self.kept).unwrap_or_default()
    }

    fn block(&mut self, x: u32, y: u32) -> Option<(&mut [i16], &mut u64)> {
        let place = y as usize * self.across + x as usize;
        let coefficients = self.coefficients.get_mut(place * self.kept..(place + 1) * self.kept)?;
        Some((coefficients, self.nonzero.get_mut(place)?))
    }
}

/// What a scan carries from block to block, anew in each interval between restart markers.
#[derive(Default)]
pub(crate) struct Carried {
    /// The last first coefficient of each of the scan's components.
    predictions: [i32; 4],
    /// How many blocks follow that this band adds nothing new to.
    empty_blocks: u32,
}

/// Reads what `scan` says about the block at `x`, `y`. The table is that of its component, of the class that it needs.
#[inline]
pub(crate) fn read_block(
    bits: &mut Bits<'_>,
    scan: &Scan,
    (part, table): (usize, Option<&Table>),
    carried: &mut Carried,
    blocks: &mut Blocks,
    (x, y): (u32, u32),
) {
    let Some((coefficients, nonzero)) = blocks.block(x, y) else { return };
    let mut block = Block { bits, coefficients, nonzero, low: scan.low };
    match (scan.band, scan.refines, table) {
        ((0, _), false, Some(table)) => {
            let Some(prediction) = carried.predictions.get_mut(part) else { return };
            block.begin_first(table, prediction);
        }
        ((0, _), true, _) => block.refine_first(),
        (band, false, Some(table)) => block.begin_band(band, table, &mut carried.empty_blocks),
        (band, true, Some(table)) => block.refine_band(band, table, &mut carried.empty_blocks),
        (_, _, None) => {}
    }
}

struct Block<'a, 'b> {
    bits: &'a mut Bits<'b>,
    coefficients: &'a mut [i16],
    nonzero: &'a mut u64,
    low: u8,
}

impl Block<'_, '_> {
    fn begin_first(&mut self, table: &Table, prediction: &mut i32) {
        self.bits.load();
        let size = self.bits.symbol(table);
        *prediction = prediction.wrapping_add(self.bits.signed(size.into()));
        let value = (*prediction << self.low) as i16;
        self.put(0, value);
    }

    fn refine_first(&mut self) {
        self.bits.load();
        if self.bits.flag()
            && let Some(coefficient) = self.coefficients.first_mut()
        {
            *coefficient |= 1 << self.low;
        }
    }

    fn begin_band(&mut self, (first, last): (u8, u8), table: &Table, empty_blocks: &mut u32) {
        if *empty_blocks > 0 {
            *empty_blocks -= 1;
            return;
        }
        let mut place = first;
        while place <= last {
            self.bits.load();
            let symbol = self.bits.symbol(table);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            match (zeros, size) {
                (15, 0) => place += 16,
                (length, 0) => {
                    *empty_blocks = (1 << length) - 1 + self.bits.take(length.into());
                    return;
                }
                _ => {
                    place += zeros;
                    let value = (self.bits.signed(size.into()) << self.low) as i16;
                    self.put(place, value);
                    place += 1;
                }
            }
        }
    }

    fn refine_band(&mut self, (first, last): (u8, u8), table: &Table, empty_blocks: &mut u32) {
        let mut place = first;
        while *empty_blocks == 0 && place <= last {
            self.bits.load();
            let symbol = self.bits.symbol(table);
            let (zeros, size) = (symbol >> 4, symbol & 15);
            let new = match (zeros, size) {
                (15, 0) => None,
                (length, 0) => {
                    *empty_blocks = (1 << length) + self.bits.take(length.into());
                    break;
                }
                // No other size than 1 is coded here.
                _ => Some(if self.bits.flag() { 1 << self.low } else { -1 << self.low }),
            };
            place = self.refine_up_to(zeros, place, last);
            if let Some(value) = new
                && place <= last
            {
                self.put(place, value);
            }
            place += 1;
        }
        if *empty_blocks > 0 {
            self.refine_up_to(64, place, last);
            *empty_blocks -= 1;
        }
    }

    /// Reads a bit for each coefficient from `place` on that is not zero, until `zeros` others were passed over: the place
    /// of the next one.
    fn refine_up_to(&mut self, mut zeros: u8, mut place: u8, last: u8) -> u8 {
        let bit = 1_i16 << self.low;
        while place <= last {
            if *self.nonzero >> place & 1 == 1 {
                self.bits.load();
                if self.bits.flag()
                    && let Some(coefficient) = self.coefficients.get_mut(usize::from(place))
                    && *coefficient & bit == 0
                {
                    *coefficient = coefficient.wrapping_add(if *coefficient >= 0 { bit } else { -bit });
                }
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            place += 1;
        }
        place
    }

    fn put(&mut self, place: u8, value: i16) {
        // A run may lead out of the block; decoders let it end there.
        if let Some(bit) = 1_u64.checked_shl(place.into()) {
            *self.nonzero |= bit;
        }
        if let Some(coefficient) = self.coefficients.get_mut(usize::from(place)) {
            *coefficient = value;
        }
    }
}
