#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = match bytes {
        [0x89, b'P', b'N', b'G', ..] => fuzz::with_checksums(bytes.to_vec()),
        [b'R', b'I', b'F', b'F', _, _, _, _, ..] => fuzz::with_length(bytes.to_vec()),
        _ => bytes.to_vec(),
    };
    fuzz::check_variants(&file);
});
