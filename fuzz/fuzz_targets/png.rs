#![no_main]

/// Puts the right checksum behind every chunk: with a wrong one, its contents would never be looked at.
fn with_checksums(mut file: Vec<u8>) -> Vec<u8> {
    let mut start = 8;
    while let Some(length) = file.get(start..start + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = start + 8 + length;
        let Some(named) = file.get(start + 4..end) else { break };
        let checksum = crc32fast::hash(named).to_be_bytes();
        let Some(place) = file.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&checksum);
        start = end + 4;
    }
    file
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::check(&with_checksums(fuzz::behind(b"\x89PNG\r\n\x1A\n", bytes)));
});
