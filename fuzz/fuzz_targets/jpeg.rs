#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check(&fuzz::behind(b"\xFF\xD8\xFF", bytes)));
