//! Huffman tables: from the next bits to a symbol, and to more than one where that is enough.

use super::bits::Bits;

/// Codes as a DHT segment defines them, and what follows from them.
#[derive(Clone)]
pub(crate) struct Table {
    /// By the next [`SHORT`](Self::SHORT) bits: the length of the code and its symbol; 0 where the code is longer.
    short: Box<[u16; 1 << Table::SHORT]>,
    /// For each length: the first 16 bits that are no code of it or of a shorter one.
    ends: [u32; 17],
    /// For each length: what added to a code of it gives the place of its symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    pub(crate) const SHORT: u32 = 11;

    /// Of how many codes have each length from 1 to 16, and of their symbols in order. `None` if there are more codes than
    /// bits for them, or fewer symbols.
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table =
            Self { short: Box::new([0; 1 << Self::SHORT]), ends: [0; 17], offsets: [0; 17], symbols: symbols.to_vec() };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, count) in (1..).zip(counts.iter().copied().map(u32::from)) {
            let end = code + count;
            if end > 1 << length {
                return None;
            }
            *table.offsets.get_mut(length as usize)? = i32::try_from(place).ok()? - code.cast_signed();
            let new = symbols.get(place..place + count as usize)?;
            if length <= Self::SHORT {
                let width = 1 << (Self::SHORT - length);
                let start = code as usize * width;
                let entries = table.short.get_mut(start..start + count as usize * width)?;
                for (entries, symbol) in entries.chunks_exact_mut(width).zip(new) {
                    entries.fill((length as u16) << 8 | u16::from(*symbol));
                }
            }
            *table.ends.get_mut(length as usize)? = end << (16 - length);
            (code, place) = (end << 1, place + count as usize);
        }
        Some(table)
    }

    /// Length and symbol of the code that the next [`SHORT`](Self::SHORT) bits begin with, unless it is longer.
    #[inline]
    pub(crate) fn short(&self, bits: usize) -> Option<(u32, u8)> {
        let entry = self.short.get(bits).copied().unwrap_or_default();
        (entry != 0).then_some((u32::from(entry >> 8), entry as u8))
    }

    /// Length and symbol of the code that the next 16 bits begin with, if it is one.
    pub(crate) fn long(&self, bits: usize) -> Option<(u32, u8)> {
        let bits = u32::try_from(bits).ok()?;
        let (length, _) = (0..).zip(self.ends).skip(1).find(|(_, end)| bits < *end)?;
        let code = (bits >> (16 - length)).cast_signed();
        let place = usize::try_from(code + self.offsets.get(length as usize)?).ok()?;
        Some((length, *self.symbols.get(place)?))
    }
}

/// By the next [`SHORT`](Table::SHORT) bits, the coefficient that they are.
pub(crate) struct Coefficients(Box<[Coefficient; 1 << Table::SHORT]>);

/// A coefficient that is not zero, with the zeros before it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Coefficient {
    pub(crate) value: i16,
    pub(crate) zeros: u8,
    /// Of code and value; 0 where the bits are something else.
    pub(crate) length: u8,
}

impl Coefficients {
    pub(crate) fn new(codes: &Table) -> Self {
        let mut entries = Box::new([Coefficient::default(); 1 << Table::SHORT]);
        for (bits, entry) in entries.iter_mut().enumerate() {
            *entry = coefficient(codes, bits).unwrap_or_default();
        }
        Self(entries)
    }

    #[inline]
    pub(crate) fn at(&self, bits: usize) -> Coefficient {
        self.0.get(bits).copied().unwrap_or_default()
    }
}

/// By the next [`BITS`](Self::BITS) bits, as many coefficients as they are.
pub(crate) struct Skips(Box<[Skip; 1 << Skips::BITS]>);

/// Some coefficients of a sequential block that nobody wants to know.
#[derive(Clone, Copy, Default)]
pub(crate) struct Skip {
    /// Of codes and values; 0 where there is none that is whole.
    pub(crate) length: u8,
    pub(crate) coefficients: u8,
    /// Whether the rest of the block is zero.
    pub(crate) ends_block: bool,
}

impl Skips {
    pub(crate) const BITS: u32 = 12;

    pub(crate) fn new(codes: &Table) -> Self {
        let mut entries = Box::new([Skip::default(); 1 << Self::BITS]);
        for (bits, entry) in entries.iter_mut().enumerate() {
            *entry = skip(codes, bits);
        }
        Self(entries)
    }

    #[inline]
    pub(crate) fn at(&self, bits: usize) -> Skip {
        self.0.get(bits).copied().unwrap_or_default()
    }

    /// Passes over a block of which the coefficients before `next` were read.
    #[inline]
    pub(crate) fn pass(&self, bits: &mut Bits<'_>, codes: &Table, mut next: u32) {
        while next < 64 {
            bits.load();
            // Four times as many bits as there are in an entry are loaded.
            for _ in 0..4 {
                let skip = self.at(bits.peek(Self::BITS));
                let end = next + u32::from(skip.coefficients);
                // An end of block behind the last coefficient would be the next block's.
                if skip.length == 0 || end + u32::from(skip.ends_block) > 64 {
                    next = pass_one(bits, codes, next);
                    break;
                }
                bits.skip(skip.length.into());
                next = if skip.ends_block { 64 } else { end };
                if next == 64 {
                    return;
                }
            }
        }
    }
}

fn pass_one(bits: &mut Bits<'_>, codes: &Table, next: u32) -> u32 {
    bits.load();
    let symbol = bits.symbol(codes);
    let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    bits.skip(size);
    if size == 0 && zeros != 15 { 64 } else { next + zeros + 1 }
}

fn coefficient(codes: &Table, bits: usize) -> Option<Coefficient> {
    let (length, symbol) = codes.short(bits)?;
    let (zeros, size) = (symbol >> 4, u32::from(symbol & 15));
    let rest = Table::SHORT.checked_sub(length + size)?;
    if size == 0 {
        return None;
    }
    let value = i32::try_from(bits >> rest & ((1 << size) - 1)).ok()?;
    let value = if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value };
    Some(Coefficient { value: i16::try_from(value).ok()?, zeros, length: u8::try_from(length + size).ok()? })
}

fn skip(codes: &Table, bits: usize) -> Skip {
    const MOST: u8 = 63;
    let mut skip = Skip::default();
    loop {
        let used = u32::from(skip.length);
        let left = Skips::BITS - used;
        let ahead = bits << used & ((1 << Skips::BITS) - 1);
        let Some((length, symbol)) = codes.short(ahead >> (Skips::BITS - Table::SHORT)) else { return skip };
        let (zeros, size) = (symbol >> 4, symbol & 15);
        let length = length as u8 + size;
        let coefficients = skip.coefficients + zeros + 1;
        let ends_block = symbol == 0;
        // Runs of ended blocks mean something in progressive scans only: there nothing is skipped by this table.
        if u32::from(length) > left || coefficients > MOST || (size == 0 && !matches!(zeros, 0 | 15)) {
            return skip;
        }
        skip.length += length;
        if ends_block {
            return Skip { ends_block, ..skip };
        }
        skip.coefficients = coefficients;
    }
}

/// The payload of a DHT segment that defines the standard's table of this class and number (T.81, Annex K.3).
pub(crate) const fn standard(class: u8, number: u8) -> Option<&'static [u8]> {
    match (class, number) {
        (0, 0) => Some(&LUMA_DC),
        (0, 1) => Some(&CHROMA_DC),
        (1, 0) => Some(&LUMA_AC),
        (1, 1) => Some(&CHROMA_AC),
        _ => None,
    }
}

#[rustfmt::skip]
const LUMA_DC: [u8; 29] = [
    0x00,
    0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
];
#[rustfmt::skip]
const CHROMA_DC: [u8; 29] = [
    0x01,
    0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
];
#[rustfmt::skip]
const LUMA_AC: [u8; 179] = [
    0x10,
    0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D,
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
#[rustfmt::skip]
const CHROMA_AC: [u8; 179] = [
    0x11,
    0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77,
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
    0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
    0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
