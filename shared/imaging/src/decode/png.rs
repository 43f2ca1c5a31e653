use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use super::shrink::Shrink;
use super::{Decoded, check_memory, on_white, undecodable};
use crate::exif::Orientation;
use crate::{MAX_DECODER_BYTES, NoVariants};

/// Decodes row by row; only interlaced pictures have to be whole in memory.
pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let limits = Limits { bytes: usize::try_from(MAX_DECODER_BYTES).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(undecodable)?;
    let (width, height, is_interlaced) = (reader.info().width, reader.info().height, reader.info().interlaced);
    let (colours, _) = reader.output_color_type();
    let mut shrink = Shrink::new(width, height, longest);
    if is_interlaced {
        let whole = reader.output_buffer_size().ok_or_else(|| undecodable("size"))?;
        check_memory(whole as u64)?;
        let mut whole = vec![0; whole];
        let line = reader.next_frame(&mut whole).map_err(undecodable)?.line_size;
        whole.chunks_exact(line).try_for_each(|row| push(&mut shrink, colours, row))?;
    } else {
        while let Some(row) = reader.next_row().map_err(undecodable)? {
            push(&mut shrink, colours, row.data())?;
        }
    }
    let info = reader.info();
    Ok(Decoded {
        pixels: shrink.finish()?,
        orientation: info.exif_metadata.as_deref().and_then(Orientation::from_tiff),
        profile: info.icc_profile.as_deref().map(<[u8]>::to_vec),
    })
}

fn push(shrink: &mut Shrink, colours: ColorType, row: &[u8]) -> Result<(), NoVariants> {
    match colours {
        ColorType::Grayscale => shrink.push(row.iter().map(|&grey| [grey; 3])),
        ColorType::GrayscaleAlpha => {
            shrink.push(row.as_chunks().0.iter().map(|&[grey, alpha]| on_white([grey, grey, grey, alpha])))
        }
        ColorType::Rgb => shrink.push(row.as_chunks().0.iter().copied()),
        ColorType::Rgba => shrink.push(row.as_chunks().0.iter().copied().map(on_white)),
        ColorType::Indexed => Err(undecodable("a palette that was not applied")),
    }
}
