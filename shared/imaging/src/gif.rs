//! GIF (87a and 89a): which blocks there are, and where they end.

use crate::limits::SegmentCount;
use crate::reader::Reader;
use crate::{Cleaned, Format, Limits, MAX_FRAMES, Refused};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;
const GRAPHIC_CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;
const LOOP_NAMES: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// Walks over the blocks up to the trailer; what follows it is not the picture.
pub(crate) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refused> {
    let mut reader = Reader::new(bytes);
    let mut picture = Picture::begin(&mut reader, limits)?;
    let mut blocks = SegmentCount::default();
    loop {
        blocks.one_more()?;
        match reader.u8()? {
            EXTENSION => picture.take_extension(&mut reader)?,
            IMAGE => picture.take_image(&mut reader)?,
            TRAILER => return picture.finish(),
            _ => return Err(Refused::Invalid("unknown block")),
        }
    }
}

struct Picture<'a> {
    width: u16,
    height: u16,
    /// The last graphic control block: it speaks of the next image.
    control: Option<&'a [u8]>,
    is_loop_known: bool,
    frames: usize,
    kept: Vec<&'a [u8]>,
}

impl<'a> Picture<'a> {
    fn begin(reader: &mut Reader<'a>, limits: &Limits) -> Result<Self, Refused> {
        let start = reader.position();
        let _signature = reader.array::<6>()?;
        let (width, height) = (reader.u16_le()?, reader.u16_le()?);
        let &[flags, _background, _aspect] = reader.array()?;
        take_palette(reader, flags)?;
        limits.check_other(width.into(), height.into())?;
        let kept = vec![reader.since(start)];
        Ok(Self { width, height, control: None, is_loop_known: false, frames: 0, kept })
    }

    fn take_extension(&mut self, reader: &mut Reader<'a>) -> Result<(), Refused> {
        let start = reader.position() - 1;
        match reader.u8()? {
            GRAPHIC_CONTROL => {
                let [4, _, _, _, _, 0] = reader.array()? else { return Err(Refused::Invalid("graphic control")) };
                self.control = Some(reader.since(start));
            }
            APPLICATION => self.take_application(reader)?,
            _ => skip_sub_blocks(reader)?,
        }
        Ok(())
    }

    /// Keeps the loop count, in the one shape that every decoder knows.
    fn take_application(&mut self, reader: &mut Reader<'a>) -> Result<(), Refused> {
        let loops = match reader.rest() {
            [11, name @ ..] => LOOP_NAMES.into_iter().find_map(|known| name.strip_prefix(known)),
            _ => None,
        };
        if let Some([3..=u8::MAX, 1, count @ ..]) = loops
            && let Some(count) = count.get(..2)
            && !self.is_loop_known
        {
            self.is_loop_known = true;
            self.kept.extend([b"\x21\xFF\x0BNETSCAPE2.0\x03\x01", count, b"\0"]);
        }
        skip_sub_blocks(reader)
    }

    fn take_image(&mut self, reader: &mut Reader<'a>) -> Result<(), Refused> {
        let start = reader.position() - 1;
        let (x, y) = (reader.u16_le()?, reader.u16_le()?);
        let (width, height) = (reader.u16_le()?, reader.u16_le()?);
        let flags = reader.u8()?;
        take_palette(reader, flags)?;
        if !(1..=8).contains(&reader.u8()?) {
            return Err(Refused::Invalid("code size"));
        }
        let data_start = reader.position();
        skip_sub_blocks(reader)?;
        if reader.since(data_start) == [0] {
            return Err(Refused::Invalid("a frame without data"));
        }
        let fits = |offset: u16, side: u16, whole| side > 0 && offset.checked_add(side).is_some_and(|end| end <= whole);
        if !fits(x, width, self.width) || !fits(y, height, self.height) {
            return Err(Refused::Invalid("frame"));
        }
        self.frames += 1;
        if self.frames > MAX_FRAMES {
            return Err(Refused::TooManyFrames);
        }
        self.kept.extend(self.control.take());
        self.kept.push(reader.since(start));
        Ok(())
    }

    fn finish(mut self) -> Result<Cleaned, Refused> {
        if self.frames == 0 {
            return Err(Refused::Invalid("no frame"));
        }
        self.kept.push(&[TRAILER]);
        let (width, height) = (self.width.into(), self.height.into());
        Ok(Cleaned { bytes: self.kept.concat(), format: Format::Gif, width, height })
    }
}

/// Reads the palette that `flags` announces, if they do.
fn take_palette(reader: &mut Reader<'_>, flags: u8) -> Result<(), Refused> {
    if flags & 0x80 != 0 {
        reader.take(3 * (2 << (flags & 7)))?;
    }
    Ok(())
}

fn skip_sub_blocks(reader: &mut Reader<'_>) -> Result<(), Refused> {
    loop {
        match reader.u8()? {
            0 => return Ok(()),
            length => reader.take(length.into())?,
        };
    }
}
