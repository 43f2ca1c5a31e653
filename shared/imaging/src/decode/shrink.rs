use super::undecodable;
use crate::NoVariants;
use crate::pixels::Pixels;

/// Averages squares of pixels while rows come in, so that a large picture is never whole in memory. Some reduction is left
/// for the better filter that comes after it.
pub(super) struct Shrink<const N: usize> {
    width: u32,
    /// Side of a square.
    factor: u32,
    /// Sums of the squares that are under way.
    sums: Vec<[u32; N]>,
    /// How many rows the sums are of.
    rows: u32,
    shrunk: Vec<[u8; N]>,
    shrunk_height: u32,
}

impl<const N: usize> Shrink<N> {
    /// For rows of `width` pixels. The longest side becomes no less than twice `longest`, if it is that long.
    pub(super) fn new(width: u32, height: u32, longest: u32) -> Self {
        let factor = (width.max(height) / (2 * longest)).max(1);
        let [across, down] = [width, height].map(|side| usize::try_from(side.div_ceil(factor)).unwrap_or_default());
        let shrunk = Vec::with_capacity(across * down);
        Self { width, factor, sums: vec![[0; N]; across], rows: 0, shrunk, shrunk_height: 0 }
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: impl ExactSizeIterator<Item = [u8; N]>) -> Result<(), NoVariants> {
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

    pub(super) fn finish(mut self) -> Shrunk<N> {
        if self.rows > 0 {
            self.finish_row();
        }
        Shrunk { width: self.width.div_ceil(self.factor), height: self.shrunk_height, pixels: self.shrunk }
    }

    /// Squares at the right and lower edge may be narrower.
    fn finish_row(&mut self) {
        let columns = (0..self.width).step_by(self.factor as usize).map(|left| self.factor.min(self.width - left));
        for (sum, columns) in self.sums.iter_mut().zip(columns) {
            let pixels = columns * self.rows;
            self.shrunk.push(sum.map(|sum| u8::try_from((sum + pixels / 2) / pixels).unwrap_or(u8::MAX)));
            *sum = [0; N];
        }
        self.rows = 0;
        self.shrunk_height += 1;
    }
}

/// What came out: of three colours, or of three colours that are multiplied by the fourth number, how much of them is seen.
pub(super) struct Shrunk<const N: usize> {
    width: u32,
    height: u32,
    pixels: Vec<[u8; N]>,
}

impl<const N: usize> Shrunk<N> {
    /// Whether there is nothing to see: all of it is white, or transparent.
    pub(super) fn is_blank(&self) -> bool {
        let is_all = |level| self.pixels.as_flattened().iter().all(|colour| *colour == level);
        is_all(0) && N == 4 || is_all(u8::MAX)
    }
}

impl Shrunk<3> {
    pub(super) fn into_pixels(self) -> Result<Pixels, NoVariants> {
        let rgb = self.pixels.into_flattened();
        Pixels::new(self.width, self.height, rgb).ok_or_else(|| undecodable("no rows"))
    }
}

impl Shrunk<4> {
    /// Puts what is seen on white, as pages and chats do; but what is nearly white itself on a light grey.
    pub(super) fn into_pixels(self) -> Result<Pixels, NoVariants> {
        let background = background(&self.pixels);
        let rgb = self.pixels.iter().flat_map(|&[red, green, blue, alpha]| {
            let behind = super::scale(background, 255 - alpha);
            [red, green, blue].map(|colour| colour.saturating_add(behind))
        });
        let rgb = rgb.collect();
        Pixels::new(self.width, self.height, rgb).ok_or_else(|| undecodable("no rows"))
    }
}

/// The level of grey behind these pixels.
fn background(pixels: &[[u8; 4]]) -> u8 {
    const WHITE: u8 = 255;
    const LIGHT_GREY: u8 = 200;
    /// How far from white, in levels of 255, what is seen has to be on average so that one sees it on white. Grey lines of
    /// 230 are 25 away, and can be made out.
    const LEAST_CONTRAST: u64 = 24;
    let (mut seen, mut darkness) = (0, 0);
    for &[red, green, blue, alpha] in pixels {
        let brightness = (299 * u64::from(red) + 587 * u64::from(green) + 114 * u64::from(blue)) / 1000;
        seen += u64::from(alpha);
        darkness += u64::from(alpha).saturating_sub(brightness);
    }
    if seen > 0 && darkness * 255 < LEAST_CONTRAST * seen { LIGHT_GREY } else { WHITE }
}
