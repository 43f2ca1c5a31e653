use super::undecodable;
use crate::NoVariants;
use crate::pixels::{Pixels, Rgb};

/// Averages squares of pixels while rows come in, so that a large picture is never whole in memory. Some reduction is left
/// for the better filter that comes after it.
pub(super) struct Shrink {
    width: u32,
    /// Side of a square.
    factor: u32,
    /// Sums of the squares that are under way.
    sums: Vec<[u32; 3]>,
    /// How many rows the sums are of.
    rows: u32,
    shrunk: Vec<Rgb>,
    shrunk_height: u32,
}

impl Shrink {
    /// For rows of `width` pixels. The longest side becomes no less than twice `longest`, if it is that long.
    pub(super) fn new(width: u32, height: u32, longest: u32) -> Self {
        let factor = (width.max(height) / (2 * longest)).max(1);
        let [across, down] = [width, height].map(|side| usize::try_from(side.div_ceil(factor)).unwrap_or_default());
        let shrunk = Vec::with_capacity(across * down);
        Self { width, factor, sums: vec![[0; 3]; across], rows: 0, shrunk, shrunk_height: 0 }
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: impl ExactSizeIterator<Item = Rgb>) -> Result<(), NoVariants> {
        if u32::try_from(row.len()) != Ok(self.width) {
            return Err(undecodable("a row of another width"));
        }
        if self.factor == 1 {
            self.shrunk.extend(row);
            self.shrunk_height += 1;
            return Ok(());
        }
        let mut row = row.peekable();
        for sum in &mut self.sums {
            for colours in row.by_ref().take(self.factor as usize) {
                for (sum, colour) in sum.iter_mut().zip(colours) {
                    *sum += u32::from(colour);
                }
            }
        }
        self.rows += 1;
        if self.rows == self.factor {
            self.finish_row();
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Pixels, NoVariants> {
        if self.rows > 0 {
            self.finish_row();
        }
        let width = self.width.div_ceil(self.factor);
        Pixels::new(width, self.shrunk_height, self.shrunk.into_flattened()).ok_or_else(|| undecodable("no rows"))
    }

    /// Squares at the right and lower edge may be narrower.
    fn finish_row(&mut self) {
        let columns = (0..self.width).step_by(self.factor as usize).map(|left| self.factor.min(self.width - left));
        for (sum, columns) in self.sums.iter_mut().zip(columns) {
            let pixels = columns * self.rows;
            self.shrunk.push(sum.map(|sum| u8::try_from((sum + pixels / 2) / pixels).unwrap_or(u8::MAX)));
            *sum = [0; 3];
        }
        self.rows = 0;
        self.shrunk_height += 1;
    }
}
