#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check(&fuzz::behind(b"GIF89a", bytes)));
