//! Frames in which every scan brings whole blocks.

use crate::jpeg::{Bits, Coded, Coefficients, ReadScan, Skips, Table, parts_of_intervals, unstuff};
use crate::{NoVariants, Refused};

use super::{PlaneUnderWay, Scale, Step, idct, steps, undecodable};

/// Whether there was anything to decode.
pub(super) fn decode(picture: &Coded<'_>, scales: &[Scale], planes: &mut [PlaneUnderWay]) -> Result<bool, NoVariants> {
    let mut is_anything_there = false;
    let mut plain = Vec::new();
    for scan in &picture.scans {
        let layout = scan.header.layout(&picture.frame);
        let readers = readers(picture, scan, scales).map_err(undecodable)?;
        let parts = parts_of_intervals(scan.data);
        for (units, part) in layout.intervals(scan.interval).zip(parts) {
            let Some(part) = part else { continue };
            unstuff(part, &mut plain);
            let mut bits = Bits::new(&plain);
            let mut predictions = [0; 4];
            layout.visit(units, |part, x, y| {
                let (Some(reader), Some(prediction)) = (readers.get(part), predictions.get_mut(part)) else {
                    return false;
                };
                let Some(plane) = planes.get_mut(reader.index) else { return false };
                reader.block(&mut bits, prediction, plane, (x as usize, y as usize));
                is_anything_there = is_anything_there || bits.is_sound();
                !bits.is_over()
            });
        }
    }
    Ok(is_anything_there)
}

fn readers(picture: &Coded<'_>, scan: &ReadScan<'_>, scales: &[Scale]) -> Result<Vec<Reader>, Refused> {
    let reader_of = |part: &crate::jpeg::ScanComponent| {
        let (dc, ac) = (scan.tables.make(0, part.dc)?, scan.tables.make(1, part.ac)?);
        let (coefficients, skips) = (Coefficients::new(&ac), Skips::new(&ac));
        let scale = scales.get(part.index).copied().unwrap_or(Scale::All);
        let quantisation = picture.quantisation.get(part.index).ok_or(Refused::Invalid("component"))?;
        let steps = steps(scale, quantisation);
        Ok(Reader { index: part.index, scale, dc, ac, coefficients, skips, steps })
    };
    scan.header.components.iter().map(reader_of).collect()
}

/// Reads the blocks of one component.
struct Reader {
    index: usize,
    scale: Scale,
    dc: Table,
    ac: Table,
    coefficients: Coefficients,
    skips: Skips,
    steps: [Step; 64],
}

impl Reader {
    #[inline]
    fn block(&self, bits: &mut Bits<'_>, prediction: &mut i32, plane: &mut PlaneUnderWay, place: (usize, usize)) {
        match self.scale {
            Scale::One => {
                let block = self.coefficients::<2>(bits, prediction);
                idct::put_one(&block, plane, place);
            }
            Scale::Two => {
                let block = self.coefficients::<5>(bits, prediction);
                idct::put_two(&block, plane, place);
            }
            Scale::Three => {
                let block = self.coefficients::<10>(bits, prediction);
                idct::put_three(&block, plane, place);
            }
            Scale::Four => {
                let block = self.coefficients::<17>(bits, prediction);
                idct::put_four(&block, plane, place);
            }
            Scale::All => {
                let block = self.coefficients::<65>(bits, prediction);
                idct::put_all(&block, plane, place);
            }
        }
    }

    /// The coefficients that the samples depend on, by their places, and one that takes all others.
    #[inline]
    fn coefficients<const L: usize>(&self, bits: &mut Bits<'_>, prediction: &mut i32) -> [i32; L] {
        let mut block = [0; L];
        bits.load();
        let size = bits.symbol(&self.dc);
        *prediction = prediction.wrapping_add(bits.signed(size.into()));
        self.put(&mut block, 0, *prediction);
        let last = u32::from(self.scale.last());
        let mut next = 1;
        while next <= last {
            bits.load();
            let short = self.coefficients.at(bits.peek(Table::SHORT));
            let value = if short.length > 0 {
                bits.skip(short.length.into());
                next += u32::from(short.zeros);
                short.value.into()
            } else {
                let symbol = bits.symbol(&self.ac);
                let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
                if size == 0 {
                    if zeros == 15 {
                        next += 16;
                        continue;
                    }
                    return block;
                }
                next += zeros;
                bits.signed(size)
            };
            self.put(&mut block, next as usize, value);
            next += 1;
        }
        if next < 64 {
            self.skips.pass(bits, &self.ac, next);
        }
        block
    }

    #[inline]
    fn put<const L: usize>(&self, block: &mut [i32; L], place: usize, value: i32) {
        // A run may lead out of the block; decoders let it end there.
        if let Some(step) = self.steps.get(place)
            && let Some(coefficient) = block.get_mut(usize::from(step.place))
        {
            *coefficient = value.wrapping_mul(step.quantum);
        }
    }
}
