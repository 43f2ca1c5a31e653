//! Frames in which scans refine what earlier ones brought.

use crate::jpeg::{Bits, Blocks, Carried, Coded, ReadScan, Table, parts_of_intervals, read_block, unstuff};
use crate::{NoVariants, Refused};

use super::{PlaneUnderWay, Scale, check_memory, idct, steps, undecodable};

/// Whether there was anything to decode.
pub(super) fn decode(picture: &Coded<'_>, scales: &[Scale], planes: &mut [PlaneUnderWay]) -> Result<bool, NoVariants> {
    let kept = |scale: &Scale| usize::from(scale.last()) + 1;
    let components = || picture.frame.components.iter().zip(scales);
    let size = components().map(|(component, scale)| Blocks::size(&picture.frame, component, kept(scale) as u64));
    check_memory(size.sum())?;
    let mut blocks: Vec<Blocks> =
        components().map(|(component, scale)| Blocks::new(&picture.frame, component, kept(scale))).collect();
    let mut is_anything_there = false;
    let mut plain = Vec::new();
    for scan in needed(picture, scales) {
        let layout = scan.header.layout(&picture.frame);
        let tables = tables(scan).map_err(undecodable)?;
        for (units, part) in layout.intervals(scan.interval).zip(parts_of_intervals(scan.data)) {
            let Some(part) = part else { continue };
            unstuff(part, &mut plain);
            let mut bits = Bits::new(&plain);
            let mut carried = Carried::default();
            layout.visit(units, |part, x, y| {
                let index = scan.header.components.get(part).map_or(0, |component| component.index);
                let (Some(table), Some(blocks)) = (tables.get(part), blocks.get_mut(index)) else { return false };
                read_block(&mut bits, &scan.header, (part, table.as_ref()), &mut carried, blocks, (x, y));
                is_anything_there = is_anything_there || bits.is_sound();
                !bits.is_over()
            });
        }
    }
    for (((blocks, plane), scale), quantisation) in blocks.iter().zip(planes).zip(scales).zip(&picture.quantisation) {
        put(blocks, plane, *scale, quantisation);
    }
    Ok(is_anything_there)
}

/// The scans that the samples depend on: those that bring or refine wanted coefficients, and those that bring or refine what
/// must be known to read these.
fn needed<'p, 'a>(picture: &'p Coded<'a>, scales: &[Scale]) -> Vec<&'p ReadScan<'a>> {
    let up_to = |last: u8| u64::MAX >> (63 - last);
    let mut wanted: Vec<u64> = scales.iter().map(|scale| up_to(scale.last())).collect();
    let mut needed = Vec::new();
    for scan in picture.scans.iter().rev() {
        let (first, last) = scan.header.band;
        let band = up_to(last) & !(up_to(first) >> 1);
        let parts = || scan.header.components.iter().map(|part| part.index);
        if parts().any(|index| wanted.get(index).is_some_and(|wanted| wanted & band != 0)) {
            if scan.header.refines {
                for index in parts() {
                    if let Some(wanted) = wanted.get_mut(index) {
                        *wanted |= band;
                    }
                }
            }
            needed.push(scan);
        }
    }
    needed.reverse();
    needed
}

/// For each component of the scan the one table that it needs, if it does.
fn tables(scan: &ReadScan<'_>) -> Result<Vec<Option<Table>>, Refused> {
    let table_of = |part: &crate::jpeg::ScanComponent| match (scan.header.band, scan.header.refines) {
        ((0, _), true) => Ok(None),
        ((0, _), false) => scan.tables.make(0, part.dc).map(Some),
        _ => scan.tables.make(1, part.ac).map(Some),
    };
    scan.header.components.iter().map(table_of).collect()
}

fn put(blocks: &Blocks, plane: &mut PlaneUnderWay, scale: Scale, quantisation: &[u16; 64]) {
    match scale {
        Scale::One => put_each::<2>(blocks, plane, scale, quantisation, idct::put_one),
        Scale::Two => put_each::<5>(blocks, plane, scale, quantisation, idct::put_two),
        Scale::Three => put_each::<10>(blocks, plane, scale, quantisation, idct::put_three),
        Scale::Four => put_each::<17>(blocks, plane, scale, quantisation, idct::put_four),
        Scale::All => put_each::<65>(blocks, plane, scale, quantisation, idct::put_all),
    }
}

fn put_each<const L: usize>(
    blocks: &Blocks,
    plane: &mut PlaneUnderWay,
    scale: Scale,
    quantisation: &[u16; 64],
    put: impl Fn(&[i32; L], &mut PlaneUnderWay, (usize, usize)),
) {
    let steps = steps(scale, quantisation);
    let (across, down) = blocks.size_in_blocks();
    for y in 0..down {
        for x in 0..across {
            let mut block = [0; L];
            for (value, step) in blocks.coefficients(x, y).iter().zip(&steps) {
                if let Some(coefficient) = block.get_mut(usize::from(step.place)) {
                    *coefficient = i32::from(*value).wrapping_mul(step.quantum);
                }
            }
            put(&block, plane, (x, y));
        }
    }
}
