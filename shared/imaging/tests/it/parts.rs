//! The segments, chunks or blocks of a file: a second walk, which trusts the file and so can be simple.

pub(crate) struct Part {
    pub(crate) name: String,
    /// The whole part; of a JPEG scan with its data.
    pub(crate) bytes: Vec<u8>,
}

impl Part {
    /// Whether a cleaned file may hold such a part. One that may hold anything must be the very one that we write.
    pub(crate) fn is_allowed(&self) -> bool {
        const MINIMAL_EXIF: usize = 26;
        match self.name.as_str() {
            "SOI" | "EOI" | "SOF" | "DHT" | "DQT" | "DRI" | "SOS" => true,
            "JFIF" => self.bytes.len() == 18,
            "Exif" => self.bytes.len() == 10 + MINIMAL_EXIF,
            "ICC_PROFILE" => true,
            "Adobe" => self.bytes.len() == 16,
            "IHDR" | "PLTE" | "IDAT" | "IEND" | "acTL" | "fcTL" | "fdAT" => true,
            "tRNS" | "cHRM" | "gAMA" | "iCCP" | "sBIT" | "sRGB" | "bKGD" | "pHYs" | "cICP" | "mDCV" | "cLLI" => true,
            "eXIf" => self.bytes.len() == 12 + MINIMAL_EXIF,
            "VP8X" | "VP8 " | "VP8L" | "ALPH" | "ICCP" | "ANIM" | "ANMF" => true,
            "EXIF" => self.bytes.len() == 8 + MINIMAL_EXIF,
            "header" | "graphic control" | "image" | "trailer" => true,
            "loop" => self.bytes.len() == 19,
            _ => false,
        }
    }
}

/// The parts of a well-formed file in their order; bytes behind its end are a part called "rest".
pub(crate) fn list(bytes: &[u8]) -> Vec<Part> {
    match bytes[0] {
        0xFF => Walk::new(bytes).jpeg(),
        0x89 => Walk::new(bytes).png(),
        b'R' => Walk::new(bytes).webp(),
        _ => Walk::new(bytes).gif(),
    }
}

pub(crate) fn names(bytes: &[u8]) -> Vec<String> {
    list(bytes).into_iter().map(|part| part.name).collect()
}

/// The file that consists of these parts.
pub(crate) fn join(parts: &[Part]) -> Vec<u8> {
    parts.iter().flat_map(|part| &part.bytes).copied().collect()
}

struct Walk<'a> {
    rest: &'a [u8],
    parts: Vec<Part>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, parts: Vec::new() }
    }

    fn push(&mut self, name: impl Into<String>, length: usize) {
        let (part, rest) = self.rest.split_at(length);
        self.parts.push(Part { name: name.into(), bytes: part.to_vec() });
        self.rest = rest;
    }

    fn finish(mut self) -> Vec<Part> {
        if !self.rest.is_empty() {
            self.push("rest", self.rest.len());
        }
        self.parts
    }

    fn jpeg(mut self) -> Vec<Part> {
        self.push("SOI", 2);
        while self.rest[1] != 0xD9 {
            let marker = self.rest[1];
            let length = 2 + usize::from(u16::from_be_bytes([self.rest[2], self.rest[3]]));
            match marker {
                0xC4 => self.push("DHT", length),
                0xDB => self.push("DQT", length),
                0xDD => self.push("DRI", length),
                0xC0..=0xC2 => self.push("SOF", length),
                0xDA => self.push("SOS", length + scan_length(&self.rest[length..])),
                0xE0..=0xEF => self.push(signature(&self.rest[4..length]), length),
                _ => self.push(format!("{marker:02X}"), length),
            }
        }
        self.push("EOI", 2);
        self.finish()
    }

    fn png(mut self) -> Vec<Part> {
        self.push("header", 8);
        loop {
            let length = u32::from_be_bytes(self.rest[..4].try_into().unwrap()) as usize;
            let name = String::from_utf8_lossy(&self.rest[4..8]).into_owned();
            let is_end = name == "IEND";
            self.push(name, 12 + length);
            if is_end {
                return self.finish();
            }
        }
    }

    fn webp(mut self) -> Vec<Part> {
        let end = 8 + u32::from_le_bytes(self.rest[4..8].try_into().unwrap()) as usize;
        let (container, behind) = self.rest.split_at(end);
        self.rest = container;
        self.push("header", 12);
        while !self.rest.is_empty() {
            let name = String::from_utf8_lossy(&self.rest[..4]).into_owned();
            let length = u32::from_le_bytes(self.rest[4..8].try_into().unwrap()) as usize;
            if name == "ANMF" {
                self.push(name, 8 + 16);
            } else {
                self.push(name, 8 + length.next_multiple_of(2));
            }
        }
        self.rest = behind;
        self.finish()
    }

    fn gif(mut self) -> Vec<Part> {
        self.push("header", 13 + palette_length(self.rest[10]));
        loop {
            match (self.rest[0], self.rest[1..].first()) {
                (0x21, Some(0xF9)) => self.push("graphic control", 8),
                (0x21, Some(0xFF)) => self.push(application(&self.rest[3..14]), 2 + sub_blocks_length(&self.rest[2..])),
                (0x21, _) => self.push("extension", 2 + sub_blocks_length(&self.rest[2..])),
                (0x2C, _) => {
                    let data = 11 + palette_length(self.rest[9]);
                    self.push("image", data + sub_blocks_length(&self.rest[data..]));
                }
                _ => {
                    assert_eq!(self.rest[0], 0x3B);
                    self.push("trailer", 1);
                    return self.finish();
                }
            }
        }
    }
}

fn scan_length(data: &[u8]) -> usize {
    data.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF)).unwrap()
}

fn signature(payload: &[u8]) -> String {
    let end = payload.iter().position(|byte| !byte.is_ascii_graphic()).unwrap_or(payload.len());
    String::from_utf8_lossy(&payload[..end]).into_owned()
}

fn application(name: &[u8]) -> String {
    if name == b"NETSCAPE2.0" { "loop".into() } else { String::from_utf8_lossy(name).into_owned() }
}

fn palette_length(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 * (2 << (flags & 7)) }
}

fn sub_blocks_length(blocks: &[u8]) -> usize {
    let mut end = 0;
    while blocks[end] != 0 {
        end += 1 + usize::from(blocks[end]);
    }
    end + 1
}
