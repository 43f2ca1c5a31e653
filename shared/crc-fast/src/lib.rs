#![doc = include_str!("../README.md")]

/// The CRCs that S3 knows.
#[derive(Clone, Copy, Debug)]
pub enum CrcAlgorithm {
    /// CRC-32, as in PNG and zip.
    Crc32IsoHdlc,
    /// CRC-32C.
    Crc32Iscsi,
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// A checksum of the bytes that were added so far.
#[derive(Clone, Debug)]
pub struct Digest(State);

#[derive(Clone, Debug)]
enum State {
    Fast(crc32fast::Hasher),
    BitByBit { polynomial: u64, mask: u64, remainder: u64 },
}

impl Digest {
    /// The checksum of no bytes.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        // Polynomials are reversed; both CRCs begin with all bits set and invert the result.
        let bit_by_bit = |polynomial, mask| State::BitByBit { polynomial, mask, remainder: mask };
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Fast(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => bit_by_bit(0x82F6_3B78, u64::from(u32::MAX)),
            CrcAlgorithm::Crc64Nvme => bit_by_bit(0x9A6C_9329_AC4B_C9B5, u64::MAX),
        })
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Fast(hasher) => hasher.update(bytes),
            State::BitByBit { polynomial, remainder, .. } => {
                for byte in bytes {
                    *remainder ^= u64::from(*byte);
                    for _ in 0..8 {
                        let divides = *remainder & 1 == 1;
                        *remainder >>= 1;
                        if divides {
                            *remainder ^= *polynomial;
                        }
                    }
                }
            }
        }
    }

    /// The checksum, in the low bits.
    pub fn finalize(self) -> u64 {
        match self.0 {
            State::Fast(hasher) => u64::from(hasher.finalize()),
            State::BitByBit { mask, remainder, .. } => remainder ^ mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(algorithm: CrcAlgorithm, parts: &[&[u8]]) -> u64 {
        let mut digest = Digest::new(algorithm);
        parts.iter().for_each(|part| digest.update(part));
        digest.finalize()
    }

    /// The check values of <https://reveng.sourceforge.io/crc-catalogue/all.htm>.
    #[test]
    fn checksums_are_those_of_the_catalogue() {
        for parts in [&[b"123456789".as_slice()] as &[&[u8]], &[b"1234", b"", b"56789"]] {
            assert_eq!(checksum(CrcAlgorithm::Crc32IsoHdlc, parts), 0xCBF4_3926);
            assert_eq!(checksum(CrcAlgorithm::Crc32Iscsi, parts), 0xE306_9283);
            assert_eq!(checksum(CrcAlgorithm::Crc64Nvme, parts), 0xAE8B_1486_0A79_9888);
        }
    }

    #[test]
    fn nothing_has_the_checksum_zero() {
        for algorithm in [CrcAlgorithm::Crc32IsoHdlc, CrcAlgorithm::Crc32Iscsi, CrcAlgorithm::Crc64Nvme] {
            assert_eq!(checksum(algorithm, &[]), 0);
        }
    }
}
