#![no_main]

/// Puts the right length into the container: a wrong one is refused before anything else is looked at.
fn with_length(mut file: Vec<u8>) -> Vec<u8> {
    const HEADER: usize = 8;
    let length = file.len().saturating_sub(HEADER) as u32;
    file[4..HEADER].copy_from_slice(&length.to_le_bytes());
    file
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let chunks = bytes.get(12..).filter(|_| bytes.starts_with(b"RIFF")).unwrap_or(bytes);
    fuzz::check(&with_length([b"RIFF\0\0\0\0WEBP", chunks].concat()));
});
