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
    // A file that ends between two blocks has lost its trailer and nothing else.
    while !(picture.frames > 0 && reader.is_at_end()) {
        blocks.one_more()?;
        match reader.u8()? {
            EXTENSION => picture.take_extension(&mut reader)?,
            IMAGE => picture.take_image(&mut reader)?,
            TRAILER => break,
            // Some writers pad: browsers pass over it.
            0 => skip_zeros(&mut reader)?,
            // As browsers do: what follows a whole frame and is no block is not the picture.
            _ if picture.frames > 0 => break,
            _ => return Err(Refused::Invalid("unknown block")),
        }
    }
    picture.finish()
}

struct Picture<'a> {
    signature: &'a [u8; 6],
    /// The screen's sides. Some writers leave them zero: then they are those of the first frame.
    width: u16,
    height: u16,
    /// Flags, background and aspect ratio, and the palette.
    screen: &'a [u8],
    limits: Limits,
    /// The last graphic control block: it speaks of the next image.
    control: Option<&'a [u8]>,
    is_loop_known: bool,
    frames: usize,
    kept: Vec<&'a [u8]>,
}

impl<'a> Picture<'a> {
    fn begin(reader: &mut Reader<'a>, limits: &Limits) -> Result<Self, Refused> {
        let signature = reader.array()?;
        let (width, height) = (reader.u16_le()?, reader.u16_le()?);
        let start = reader.position();
        let &[flags, _background, _aspect] = reader.array()?;
        take_palette(reader, flags)?;
        if width > 0 && height > 0 {
            limits.check_other(width.into(), height.into())?;
        }
        let screen = reader.since(start);
        let limits = *limits;
        Ok(Self {
            signature,
            width,
            height,
            screen,
            limits,
            control: None,
            is_loop_known: false,
            frames: 0,
            kept: Vec::new(),
        })
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
        // It may reach over the edge, where viewers clip it; but a decoder holds all of it.
        self.limits.check_other(width.into(), height.into())?;
        self.set_screen(x.saturating_add(width), y.saturating_add(height))?;
        self.frames += 1;
        if self.frames > MAX_FRAMES {
            return Err(Refused::TooManyFrames);
        }
        self.kept.extend(self.control.take());
        self.kept.push(reader.since(start));
        Ok(())
    }

    /// Gives a screen that has no size the one that the first frame asks for.
    fn set_screen(&mut self, right: u16, bottom: u16) -> Result<(), Refused> {
        for (side, end) in [(&mut self.width, right), (&mut self.height, bottom)] {
            if *side == 0 {
                *side = end;
            }
        }
        self.limits.check_other(self.width.into(), self.height.into())
    }

    fn finish(self) -> Result<Cleaned, Refused> {
        if self.frames == 0 {
            return Err(Refused::Invalid("no frame"));
        }
        let mut bytes = self.signature.to_vec();
        bytes.extend([self.width, self.height].map(u16::to_le_bytes).as_flattened());
        bytes.extend_from_slice(self.screen);
        bytes.extend(self.kept.concat());
        bytes.push(TRAILER);
        Ok(Cleaned { bytes, format: Format::Gif, width: self.width.into(), height: self.height.into() })
    }
}

fn skip_zeros(reader: &mut Reader<'_>) -> Result<(), Refused> {
    let zeros = reader.rest().iter().take_while(|byte| **byte == 0).count();
    reader.take(zeros).map(drop)
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
