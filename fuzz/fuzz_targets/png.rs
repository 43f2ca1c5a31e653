#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::check(&fuzz::with_checksums(fuzz::behind(b"\x89PNG\r\n\x1A\n", bytes)));
});
