use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, Frame, MemoryLimit};

use super::shrink::{Shrink, Shrunk};
use super::{Decoded, MOST_BLANK_FRAMES, undecodable};
use crate::MAX_OTHER_PIXELS;
use crate::NoVariants;
use crate::colour::Colours;
use crate::samples::Samples;

type Rgba = [u8; 4];

const NOTHING: Rgba = [0; 4];

/// Decodes the first frame that is not blank. It may be smaller than the picture, and transparent.
pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(NonZeroU64::new(MAX_OTHER_PIXELS).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    let mut decoder = options.read_info(bytes).map_err(undecodable)?;
    let size = (decoder.width(), decoder.height());
    let global = decoder.global_palette().map(<[u8]>::to_vec);
    let mut shown = None;
    for _ in 0..=MOST_BLANK_FRAMES {
        // What is damaged behind a frame is no reason to do without it.
        let frame = match decoder.read_next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(fault) if shown.is_none() => return Err(undecodable(fault)),
            Err(_) => break,
        };
        let palette = frame.palette.as_ref().or(global.as_ref()).ok_or_else(|| undecodable("no palette"))?;
        let picture = draw(frame, &colours(palette, frame.transparent), size, longest)?;
        let is_blank = picture.is_blank();
        shown = Some(picture);
        if !is_blank {
            break;
        }
    }
    let pixels = shown.ok_or_else(|| undecodable("no frame"))?.into_pixels()?;
    Ok(Decoded { samples: Samples::Rgb(pixels), orientation: None, colours: Colours::Srgb })
}

fn draw(frame: &Frame<'_>, colours: &[Rgba], size: (u16, u16), longest: u32) -> Result<Shrunk<4>, NoVariants> {
    let (width, height) = size;
    let mut shrink = Shrink::new(width.into(), height.into(), longest);
    let mut canvas_row = vec![NOTHING; width.into()];
    for y in 0..height.into() {
        canvas_row.fill(NOTHING);
        for (pixel, index) in canvas_row.iter_mut().skip(frame.left.into()).zip(row_of(frame, y)) {
            *pixel = colours.get(usize::from(*index)).copied().unwrap_or(NOTHING);
        }
        shrink.push(canvas_row.iter().copied())?;
    }
    Ok(shrink.finish())
}

fn colours(palette: &[u8], transparent: Option<u8>) -> Vec<Rgba> {
    let mut colours: Vec<Rgba> =
        palette.as_chunks().0.iter().map(|&[red, green, blue]| [red, green, blue, 255]).collect();
    if let Some(colour) = transparent.and_then(|index| colours.get_mut(usize::from(index))) {
        *colour = NOTHING;
    }
    colours
}

/// The frame's part of the picture's row `y`.
fn row_of<'a>(frame: &'a Frame<'_>, y: usize) -> &'a [u8] {
    let (top, width) = (usize::from(frame.top), usize::from(frame.width));
    y.checked_sub(top).and_then(|row| frame.buffer.get(row * width..(row + 1) * width)).unwrap_or_default()
}
