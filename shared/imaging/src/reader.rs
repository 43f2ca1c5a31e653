use crate::Refused;

/// Reads a file from front to back. Every length in a file is a claim: this is the one place that believes none of them.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    is_part: bool,
}

impl<'a> Reader<'a> {
    /// Reads a file: where it ends too early, something is missing.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, is_part: false }
    }

    /// Reads a part of a file, which is there as a whole: where it ends too early, it is damaged.
    pub(crate) const fn of_part(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, is_part: true }
    }

    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// What was read since `start`, an earlier [`position`](Self::position).
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.position).unwrap_or_default()
    }

    pub(crate) const fn ends_early(&self) -> Refused {
        if self.is_part { Refused::Invalid("a part ends too early") } else { Refused::Incomplete }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Refused> {
        let (taken, _) = self.rest().split_at_checked(length).ok_or_else(|| self.ends_early())?;
        self.position += length;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Refused> {
        let taken = self.rest().first_chunk().ok_or_else(|| self.ends_early())?;
        self.position += N;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Refused> {
        self.array().map(|&[byte]| byte)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, Refused> {
        self.array().map(|&bytes| u16::from_be_bytes(bytes))
    }

    pub(crate) fn u16_le(&mut self) -> Result<u16, Refused> {
        self.array().map(|&bytes| u16::from_le_bytes(bytes))
    }

    pub(crate) fn u24_le(&mut self) -> Result<u32, Refused> {
        self.array().map(|&[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
    }

    pub(crate) fn u32_be(&mut self) -> Result<u32, Refused> {
        self.array().map(|&bytes| u32::from_be_bytes(bytes))
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, Refused> {
        self.array().map(|&bytes| u32::from_le_bytes(bytes))
    }

    /// Takes as many bytes as a length field of 32 bits says.
    pub(crate) fn take_u32(&mut self, length: u32) -> Result<&'a [u8], Refused> {
        self.take(usize::try_from(length).map_err(|_| self.ends_early())?)
    }
}
