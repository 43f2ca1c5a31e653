#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let chunks = bytes.get(12..).filter(|_| bytes.starts_with(b"RIFF")).unwrap_or(bytes);
    fuzz::check(&fuzz::with_length([b"RIFF\0\0\0\0WEBP", chunks].concat()));
});
