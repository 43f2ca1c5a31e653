//! The header of a frame: how large the picture is, and how it is laid out in blocks.

use crate::Refused;
use crate::limits::pixels;
use crate::reader::Reader;

use super::SOF2;

const RED_GREEN_BLUE: [u8; 3] = *b"RGB";

pub(crate) struct Frame {
    marker: u8,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) components: Vec<Component>,
}

pub(crate) struct Component {
    pub(crate) id: u8,
    /// How many blocks of 8 × 8 samples it has side by side in each unit of the picture, 1 to 4; and how many below.
    pub(crate) sampling: (u32, u32),
    /// Number of its quantisation table, 0 to 3.
    pub(crate) table: u8,
}

impl Frame {
    pub(crate) fn parse(marker: u8, payload: &[u8]) -> Result<Self, Refused> {
        let mut reader = Reader::of_part(payload);
        let precision = reader.u8()?;
        let (height, width) = (reader.u16_be()?, reader.u16_be()?);
        let count = reader.u8()?;
        if precision != 8 {
            return Err(Refused::Unsupported);
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Refused::Invalid("number of components"));
        }
        let components = (0..count).map(|_| Component::parse(&mut reader)).collect::<Result<_, _>>()?;
        if !reader.is_at_end() {
            return Err(Refused::Invalid("frame length"));
        }
        Ok(Self { marker, width: width.into(), height: height.into(), components })
    }

    pub(crate) fn pixels(&self) -> u64 {
        pixels(self.width, self.height)
    }

    /// Whether each scan refines what those before it brought.
    pub(crate) const fn is_progressive(&self) -> bool {
        self.marker == SOF2
    }

    /// Whether the names of the components say that they are red, green and blue.
    pub(crate) fn is_named_rgb(&self) -> bool {
        self.components.iter().map(|component| component.id).eq(RED_GREEN_BLUE)
    }

    /// The largest factors of its components.
    pub(crate) fn sampling(&self) -> (u32, u32) {
        let most = |factor: fn(&Component) -> u32| self.components.iter().map(factor).max().unwrap_or(1);
        (most(|component| component.sampling.0), most(|component| component.sampling.1))
    }

    /// How many units there are side by side where all components are interleaved, and how many below.
    pub(crate) fn units(&self) -> (u32, u32) {
        let (across, down) = self.sampling();
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }

    /// How many blocks of a component there are in all units, side by side and below.
    pub(crate) fn blocks_in_units(&self, component: &Component) -> (u32, u32) {
        let ((across, down), (horizontal, vertical)) = (self.units(), component.sampling);
        (across * horizontal, down * vertical)
    }

    /// How many blocks of a component it takes to cover the picture: all that a scan of this component alone has.
    pub(crate) fn blocks(&self, component: &Component) -> (u32, u32) {
        let ((across, down), (horizontal, vertical)) = (self.sampling(), component.sampling);
        ((self.width * horizontal).div_ceil(8 * across), (self.height * vertical).div_ceil(8 * down))
    }

    /// The segment of this frame, its components numbered, which all decoders take.
    pub(crate) fn to_segment(&self) -> Vec<u8> {
        let [height, width] = [self.height, self.width].map(|side| (side as u16).to_be_bytes());
        let count = self.components.len() as u8;
        let mut segment = vec![0xFF, self.marker, 0, 8 + 3 * count, 8, height[0], height[1], width[0], width[1], count];
        for (index, component) in self.components.iter().enumerate() {
            let (horizontal, vertical) = component.sampling;
            segment.extend([self.written_id(index), (horizontal << 4 | vertical) as u8, component.table]);
        }
        segment
    }

    /// A component's number in the segments that we write.
    pub(crate) fn written_id(&self, index: usize) -> u8 {
        match self.components.get(index) {
            Some(component) if self.is_named_rgb() => component.id,
            _ => index as u8 + 1,
        }
    }
}

impl Component {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Refused> {
        let &[id, sampling, table] = reader.array()?;
        let sampling = (u32::from(sampling >> 4), u32::from(sampling & 15));
        let factors = 1..=4;
        if !factors.contains(&sampling.0) || !factors.contains(&sampling.1) || table > 3 {
            return Err(Refused::Invalid("component"));
        }
        Ok(Self { id, sampling, table })
    }
}
