use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Frame, MemoryLimit};

use super::shrink::Shrink;
use super::{Decoded, undecodable};
use crate::MAX_OTHER_PIXELS;
use crate::NoVariants;
use crate::pixels::Rgb;

const WHITE: Rgb = [255; 3];

/// Decodes the first frame. It may be smaller than the picture, and transparent: around it and behind it is white.
pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(NonZeroU64::new(MAX_OTHER_PIXELS).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    let mut decoder = options.read_info(bytes).map_err(undecodable)?;
    let (width, height) = (decoder.width(), decoder.height());
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let frame = decoder.read_next_frame().map_err(undecodable)?.ok_or_else(|| undecodable("no frame"))?;
    let palette = frame.palette.as_ref().or(global.as_ref()).ok_or_else(|| undecodable("no palette"))?;

    let colours = colours(palette, frame.transparent);
    let mut shrink = Shrink::new(width.into(), height.into(), longest);
    let mut canvas_row = vec![WHITE; width.into()];
    for y in 0..height.into() {
        canvas_row.fill(WHITE);
        for (pixel, index) in canvas_row.iter_mut().skip(frame.left.into()).zip(row_of(frame, y)) {
            *pixel = colours.get(usize::from(*index)).copied().unwrap_or(WHITE);
        }
        shrink.push(canvas_row.iter().copied())?;
    }
    Ok(Decoded { pixels: shrink.finish()?, orientation: None, profile: None })
}

fn colours(palette: &[u8], transparent: Option<u8>) -> Vec<Rgb> {
    let mut colours = palette.as_chunks().0.to_vec();
    if let Some(colour) = transparent.and_then(|index| colours.get_mut(usize::from(index))) {
        *colour = WHITE;
    }
    colours
}

/// The frame's part of the picture's row `y`.
fn row_of<'a>(frame: &'a Frame<'_>, y: usize) -> &'a [u8] {
    let (top, width) = (usize::from(frame.top), usize::from(frame.width));
    y.checked_sub(top).and_then(|row| frame.buffer.get(row * width..(row + 1) * width)).unwrap_or_default()
}
