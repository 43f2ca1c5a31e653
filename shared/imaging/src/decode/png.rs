use std::io::Cursor;

use png::{ColorType, Decoder, Info, Limits, Reader, Transformations};

use super::shrink::{Shrink, Shrunk};
use super::{Decoded, MOST_BLANK_FRAMES, check_memory, multiplied, undecodable};
use crate::colour::Colours;
use crate::exif::Orientation;
use crate::samples::Samples;
use crate::{MAX_DECODER_BYTES, NoVariants};

/// Decodes row by row; only interlaced pictures have to be whole in memory.
pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let limits = Limits { bytes: usize::try_from(MAX_DECODER_BYTES).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let reader = decoder.read_info().map_err(undecodable)?;
    let colours = colours(reader.info())?;
    let orientation = reader.info().exif_metadata.as_deref().and_then(Orientation::from_tiff);
    let pixels = match reader.output_color_type().0 {
        ColorType::GrayscaleAlpha | ColorType::Rgba => shown(reader, longest, push_translucent)?.into_pixels()?,
        _ => shown(reader, longest, push_opaque)?.into_pixels()?,
    };
    Ok(Decoded { samples: Samples::Rgb(pixels), orientation, colours })
}

/// In the order in which browsers ask.
fn colours(info: &Info<'_>) -> Result<Colours, NoVariants> {
    const PQ: u8 = 16;
    const HLG: u8 = 18;
    match (info.coding_independent_code_points, &info.icc_profile) {
        // Brighter than paper: said in sRGB as it stands, it would be a grey veil.
        (Some(numbers), _) if matches!(numbers.transfer_function, PQ | HLG) => Err(undecodable("high dynamic range")),
        (Some(numbers), _) => Ok(Colours::of_numbers(numbers)),
        (None, Some(profile)) => Ok(Colours::Icc(profile.to_vec())),
        (None, None) if info.srgb.is_some() => Ok(Colours::Srgb),
        (None, None) if info.gama_chunk.is_none() && info.chrm_chunk.is_none() => Ok(Colours::Srgb),
        (None, None) => Ok(Colours::of_gamma(info.gama_chunk.map(png::ScaledFloat::into_value), info.chrm_chunk)),
    }
}

type Push<const N: usize> = fn(&mut Shrink<N>, ColorType, &[u8]) -> Result<(), NoVariants>;

/// The first frame that is not blank.
fn shown<const N: usize>(
    mut reader: Reader<Cursor<&[u8]>>,
    longest: u32,
    push: Push<N>,
) -> Result<Shrunk<N>, NoVariants> {
    let mut shown = frame(&mut reader, longest, push)?;
    for _ in 0..MOST_BLANK_FRAMES {
        if !shown.is_blank() || reader.next_frame_info().is_err() {
            break;
        }
        // What is damaged behind a frame is no reason to do without it.
        let Ok(next) = frame(&mut reader, longest, push) else { break };
        shown = next;
    }
    Ok(shown)
}

fn frame<const N: usize>(
    reader: &mut Reader<Cursor<&[u8]>>,
    longest: u32,
    push: Push<N>,
) -> Result<Shrunk<N>, NoVariants> {
    let (colours, _) = reader.output_color_type();
    let (width, height) = reader.info().size();
    let place = reader.info().frame_control.map(|frame| (frame.x_offset, frame.y_offset, frame.width, frame.height));
    let mut canvas = Canvas {
        place: place.filter(|place| *place != (0, 0, width, height)),
        row: vec![if colours == ColorType::Rgb { u8::MAX } else { 0 }; colours.samples() * width as usize],
        bytes_per_pixel: colours.samples(),
        shrink: Shrink::new(width, height, longest),
        push,
        colours,
    };
    canvas.push_rows(canvas.place.map_or(0, |(_, y, _, _)| y))?;
    if reader.info().interlaced {
        let whole = reader.output_buffer_size().ok_or_else(|| undecodable("size"))?;
        check_memory(whole as u64)?;
        let mut whole = vec![0; whole];
        let read = reader.next_frame(&mut whole).map_err(undecodable)?;
        let mut rows = whole.chunks_exact(read.line_size).take(read.height as usize);
        rows.try_for_each(|row| canvas.push(row))?;
    } else {
        while let Some(row) = reader.next_row().map_err(undecodable)? {
            canvas.push(row.data())?;
        }
    }
    canvas.push_rows(canvas.place.map_or(0, |(_, y, _, rows)| height.saturating_sub(y + rows)))?;
    Ok(canvas.shrink.finish())
}

/// The picture around a frame, of which it may be a part.
struct Canvas<const N: usize> {
    /// Left, top, width and height of a frame that is not the whole picture.
    place: Option<(u32, u32, u32, u32)>,
    /// A row of the picture outside of the frame.
    row: Vec<u8>,
    bytes_per_pixel: usize,
    shrink: Shrink<N>,
    push: Push<N>,
    colours: ColorType,
}

impl<const N: usize> Canvas<N> {
    fn push(&mut self, row: &[u8]) -> Result<(), NoVariants> {
        let Some((x, _, width, _)) = self.place else { return (self.push)(&mut self.shrink, self.colours, row) };
        let mut whole = self.row.clone();
        let [start, length] = [x, width].map(|pixels| pixels as usize * self.bytes_per_pixel);
        let part = whole.get_mut(start..start + length).filter(|part| part.len() == row.len());
        part.ok_or_else(|| undecodable("a row of another width"))?.copy_from_slice(row);
        (self.push)(&mut self.shrink, self.colours, &whole)
    }

    fn push_rows(&mut self, rows: u32) -> Result<(), NoVariants> {
        (0..rows).try_for_each(|_| (self.push)(&mut self.shrink, self.colours, &self.row))
    }
}

fn push_opaque(shrink: &mut Shrink<3>, colours: ColorType, row: &[u8]) -> Result<(), NoVariants> {
    match colours {
        ColorType::Grayscale => shrink.push(row.iter().map(|&grey| [grey; 3])),
        ColorType::Rgb => shrink.push(row.as_chunks().0.iter().copied()),
        ColorType::Indexed | ColorType::GrayscaleAlpha | ColorType::Rgba => Err(undecodable("colours")),
    }
}

fn push_translucent(shrink: &mut Shrink<4>, colours: ColorType, row: &[u8]) -> Result<(), NoVariants> {
    match colours {
        ColorType::GrayscaleAlpha => {
            shrink.push(row.as_chunks().0.iter().map(|&[grey, alpha]| multiplied([grey, grey, grey, alpha])))
        }
        ColorType::Rgba => shrink.push(row.as_chunks().0.iter().copied().map(multiplied)),
        ColorType::Indexed | ColorType::Grayscale | ColorType::Rgb => Err(undecodable("colours")),
    }
}
