use imaging::{Limits, clean};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::build::{self, chunk, exif_segment, insert, profile, riff, riff_chunk, segment, tiff};
use crate::{assert_nothing_private, assert_settled, corpus};

/// What must hold for any bytes at all.
#[track_caller]
fn check(bytes: &[u8]) {
    if let Ok(cleaned) = clean(bytes, &Limits::default()) {
        assert!(cleaned.bytes.len() <= bytes.len() + 512, "{} bytes became {}", bytes.len(), cleaned.bytes.len());
        assert!(cleaned.width > 0 && cleaned.height > 0);
        for part in crate::parts::list(&cleaned.bytes) {
            assert!(part.is_allowed(), "{} is left", part.name);
        }
        assert_settled(&cleaned);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let icc = segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", profile(200).as_slice()].concat());
    let bitstream = build::part(&build::webp(), "VP8L");
    let canvas = riff_chunk(b"VP8X", &[0x2C, 0, 0, 0, 15, 0, 0, 11, 0, 0]);
    let rest = [riff_chunk(b"ICCP", &profile(200)), bitstream, riff_chunk(b"EXIF", &tiff(6, true))];
    vec![
        insert(&build::jpeg(), "DQT", &[exif_segment(&tiff(6, false)), icc, segment(0xFE, b"comment")]),
        insert(&build::png(), "IDAT", &[chunk(b"eXIf", &tiff(6, true)), chunk(b"tEXt", b"comment")]),
        riff(&[&[canvas], rest.as_slice()].concat()),
        build::webp(),
        build::gif(),
        corpus::read("camera_sony.jpg"),
        corpus::read("progressive_restart.jpg"),
    ]
}

/// A picture with some bytes changed, and perhaps a piece of it doubled or cut out.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..6);
    let splice = (any::<Index>(), any::<Index>(), any::<bool>());
    (select(seeds()), changes, proptest::option::of(splice)).prop_map(|(mut bytes, changes, splice)| {
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some((one, other, doubles)) = splice {
            let (one, other) = (one.index(bytes.len()), other.index(bytes.len()));
            let (start, end) = (one.min(other), one.max(other));
            let piece = bytes[start..end].to_vec();
            bytes.splice(start..end, if doubles { piece.repeat(2) } else { Vec::new() });
        }
        bytes
    })
}

/// Chunks in any order and number, with right checksums, so that their contents are looked at.
fn png_of_any_chunks() -> impl Strategy<Value = Vec<u8>> {
    let names = [
        *b"IHDR", *b"PLTE", *b"IDAT", *b"IEND", *b"tRNS", *b"gAMA", *b"iCCP", *b"eXIf", *b"acTL", *b"fcTL", *b"fdAT",
        *b"tEXt",
    ];
    let chunks = vec((select(names.to_vec()), vec(any::<u8>(), 0..30)), 0..12);
    chunks.prop_map(|chunks| {
        let chunks: Vec<Vec<u8>> = chunks.iter().map(|(name, payload)| chunk(name, payload)).collect();
        insert(&insert(&build::png(), "IDAT", &chunks), "IEND", &chunks)
    })
}

fn webp_of_any_chunks() -> impl Strategy<Value = Vec<u8>> {
    let names = [*b"VP8 ", *b"VP8L", *b"ALPH", *b"ANIM", *b"ANMF", *b"ICCP", *b"EXIF", *b"XMP "];
    (any::<u8>(), vec((select(names.to_vec()), vec(any::<u8>(), 0..60)), 0..8)).prop_map(|(flags, chunks)| {
        let canvas = riff_chunk(b"VP8X", &[flags, 0, 0, 0, 15, 0, 0, 11, 0, 0]);
        let chunks = chunks.iter().map(|(name, payload)| riff_chunk(name, payload));
        riff(&[canvas].into_iter().chain(chunks).chain([build::part(&build::webp(), "VP8L")]).collect::<Vec<_>>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in vec(any::<u8>(), 0..400), magic in select(vec![
        b"".as_slice(), b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", b"RIFF\x20\0\0\0WEBPVP8X", b"GIF89a",
    ])) {
        check(&[magic, &bytes].concat());
    }

    #[test]
    fn a_damaged_picture_is_taken_or_refused(bytes in mutated()) {
        check(&bytes);
    }

    #[test]
    fn a_png_of_any_chunks_is_taken_or_refused(bytes in png_of_any_chunks()) {
        check(&bytes);
    }

    #[test]
    fn a_webp_of_any_chunks_is_taken_or_refused(bytes in webp_of_any_chunks()) {
        check(&bytes);
    }
}

#[test]
fn the_seeds_are_good_pictures() {
    for seed in seeds() {
        assert_nothing_private(&clean(&seed, &Limits::default()).unwrap().bytes);
    }
}
