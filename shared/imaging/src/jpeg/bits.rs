//! The bits of an entropy-coded segment.

use super::huffman::Table;

/// Reads from the highest bit of each byte down. Behind the end there are zeros: whoever reads asks now and then whether it
/// has come to that.
pub(crate) struct Bits<'a> {
    /// Without stuffed bytes.
    bytes: &'a [u8],
    /// The next of `bytes` that is not in `ahead` yet.
    next: usize,
    /// The bits that come next, from the highest down.
    ahead: u64,
    /// How many bits of `ahead` are loaded.
    loaded: u32,
    is_broken: bool,
}

impl<'a> Bits<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, ahead: 0, loaded: 0, is_broken: false }
    }

    /// Loads at least 56 bits: enough for a code of 16 bits and its value of 16 bits, and for some more.
    #[inline]
    pub(crate) fn load(&mut self) {
        let word = match self.bytes.get(self.next..).and_then(<[u8]>::first_chunk) {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => self.last_bytes(),
        };
        self.ahead |= word >> self.loaded;
        // As many whole bytes as there is room for; the bits of a byte that went in by half come again, the same ones.
        self.next += usize::from(((63 - self.loaded) >> 3) as u8);
        self.loaded |= 56;
    }

    #[cold]
    fn last_bytes(&self) -> u64 {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(self.bytes.get(self.next..).unwrap_or_default()) {
            *to = *from;
        }
        u64::from_be_bytes(word)
    }

    /// The next `count` bits, 1 to 16 of those that are loaded.
    #[inline]
    pub(crate) const fn peek(&self, count: u32) -> usize {
        (self.ahead >> (64 - count)) as usize
    }

    /// Goes on by up to 31 of the loaded bits.
    #[inline]
    pub(crate) const fn skip(&mut self, count: u32) {
        self.ahead <<= count;
        self.loaded = self.loaded.saturating_sub(count);
    }

    /// Takes up to 16 of the loaded bits.
    #[inline]
    pub(crate) const fn take(&mut self, count: u32) -> u32 {
        // In two steps: a shift by 64 is none.
        let value = ((self.ahead >> 1) >> (63 - count)) as u32;
        self.skip(count);
        value
    }

    /// Takes one of the loaded bits.
    #[inline]
    pub(crate) const fn flag(&mut self) -> bool {
        self.take(1) == 1
    }

    /// Takes a value of `size` loaded bits, as T.81 codes those of both signs (F.2.2.1).
    #[inline]
    pub(crate) fn signed(&mut self, size: u32) -> i32 {
        let value = self.take(size).cast_signed();
        let is_negative = value < (1 << size) >> 1;
        if is_negative { value - (1 << size) + 1 } else { value }
    }

    /// Takes the symbol whose code comes next, of loaded bits. A code that is none counts as 0, as it does for libjpeg.
    #[inline]
    pub(crate) fn symbol(&mut self, table: &Table) -> u8 {
        match table.short(self.peek(Table::SHORT)) {
            Some((length, symbol)) => {
                self.skip(length);
                symbol
            }
            None => self.long_symbol(table),
        }
    }

    #[cold]
    fn long_symbol(&mut self, table: &Table) -> u8 {
        match table.long(self.peek(16)) {
            Some((length, symbol)) => {
                self.skip(length);
                symbol
            }
            None => {
                self.is_broken = true;
                self.skip(16);
                0
            }
        }
    }

    /// How many bytes were read, the last one perhaps in part.
    pub(crate) fn bytes_read(&self) -> usize {
        (self.next * 8).saturating_sub(self.loaded as usize).div_ceil(8)
    }

    /// Whether more was read than there is.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        // What is loaded is behind the end by eight bytes at most, so most of the time one comparison will do.
        self.next > self.bytes.len() && self.bytes_read() > self.bytes.len()
    }

    /// Whether all that was read made sense and was there.
    pub(crate) fn is_sound(&self) -> bool {
        !self.is_broken && !self.is_over()
    }
}

/// Writes the bytes of `coded` to `plain`, without the zeros that stand behind every byte of all ones.
pub(crate) fn unstuff(coded: &[u8], plain: &mut Vec<u8>) {
    plain.clear();
    plain.reserve(coded.len());
    let mut rest = coded;
    while let Some(place) = memchr::memchr(0xFF, rest) {
        let (before, behind) = rest.split_at(place);
        plain.extend_from_slice(before);
        // Fill bytes may stand before it, and before the marker that ends the segment.
        let behind = behind.trim_prefix_of_ones();
        match behind {
            [0, behind @ ..] => {
                plain.push(0xFF);
                rest = behind;
            }
            _ => rest = behind,
        }
    }
    plain.extend_from_slice(rest);
}

/// Where in `coded` its first `count` plain bytes end.
pub(crate) fn coded_length(coded: &[u8], count: usize) -> usize {
    let mut rest = coded;
    let mut left = count;
    while left > 0 {
        let place = memchr::memchr(0xFF, rest).unwrap_or(rest.len());
        if place >= left {
            rest = rest.get(left..).unwrap_or_default();
            break;
        }
        left -= place;
        let behind = rest.get(place..).unwrap_or_default().trim_prefix_of_ones();
        match behind {
            [0, behind @ ..] => {
                left -= 1;
                rest = behind;
            }
            [] => return coded.len(),
            behind => rest = behind,
        }
    }
    coded.len() - rest.len()
}

trait TrimOnes {
    fn trim_prefix_of_ones(&self) -> &Self;
}

impl TrimOnes for [u8] {
    fn trim_prefix_of_ones(&self) -> &Self {
        let ones = self.iter().take_while(|byte| **byte == 0xFF).count();
        self.get(ones..).unwrap_or_default()
    }
}
