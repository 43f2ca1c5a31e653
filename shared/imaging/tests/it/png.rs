use imaging::{Limits, MAX_FRAMES, MAX_ICC_BYTES, MAX_SEGMENTS, Refused, clean};
use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::build::{SECRET, chunk, insert, part, png, profile, replace, tiff, u32_be, without};
use crate::{kept, parts, refused, taken, view};

fn with(chunks: &[Vec<u8>]) -> Vec<u8> {
    insert(&png(), "IDAT", chunks)
}

#[test]
fn chunks_that_are_not_on_the_list_go() {
    let private = [
        chunk(b"tEXt", &[b"Comment\0", SECRET].concat()),
        chunk(b"zTXt", SECRET),
        chunk(b"iTXt", SECRET),
        chunk(b"tIME", b"\x07\xEA\x01\x02\x03\x04\x05"),
        chunk(b"eXIf", &tiff(1, false)),
        chunk(b"sPLT", SECRET),
        chunk(b"prVt", SECRET),
    ];
    assert_eq!(kept(&with(&private)).bytes, png());
    assert_eq!(kept(&insert(&png(), "IEND", &private)).bytes, png());
}

#[test]
fn what_follows_the_end_goes() {
    assert_eq!(kept(&[&png(), b"PK\x03\x04".as_slice(), SECRET].concat()).bytes, png());
    assert_eq!(kept(&[png(), png()].concat()).bytes, png());
}

#[test]
fn chunks_that_say_how_to_show_the_picture_stay() {
    let chunks = [
        chunk(b"gAMA", &[0, 0, 0xB1, 0x8F]),
        chunk(b"cHRM", &[1; 32]),
        chunk(b"sRGB", &[0]),
        chunk(b"sBIT", &[8, 8, 8]),
        chunk(b"pHYs", &[0, 0, 0, 72, 0, 0, 0, 72, 1]),
        chunk(b"cICP", &[12, 13, 0, 1]),
        chunk(b"mDCV", &[1; 24]),
        chunk(b"cLLI", &[1; 8]),
        chunk(b"bKGD", &[0; 6]),
        chunk(b"tRNS", &[0; 6]),
    ];
    assert_eq!(kept(&with(&chunks)).bytes, with(&chunks));
}

#[test]
fn a_colour_chunk_of_another_length_or_in_another_place_goes() {
    assert_eq!(kept(&with(&[chunk(b"pHYs", SECRET), chunk(b"sRGB", SECRET)])).bytes, png());
    assert_eq!(kept(&insert(&png(), "IEND", &[chunk(b"gAMA", &[0, 0, 0xB1, 0x8F])])).bytes, png());
    let gamma = [chunk(b"gAMA", &[0, 0, 0xB1, 0x8F])];
    let cleaned = kept(&with(&[gamma[0].clone(), chunk(b"gAMA", b"PRIV")]));
    assert_eq!(cleaned.bytes, with(&gamma));
}

#[test]
fn the_orientation_is_all_that_is_left_of_exif() {
    for place in ["IDAT", "IEND"] {
        let cleaned = kept(&insert(&png(), place, &[chunk(b"eXIf", &tiff(6, true))]));
        assert_eq!(part(&cleaned.bytes, "eXIf").len(), 12 + 26);
        assert_eq!(view::orientation(&cleaned.bytes), 6);
        assert_eq!((cleaned.width, cleaned.height), (12, 16));
    }
}

fn profile_chunk(name: &[u8], bytes: &[u8]) -> Vec<u8> {
    chunk(b"iCCP", &[name, b"\0\0", &compress_to_vec_zlib(bytes, 9)].concat())
}

#[test]
fn a_profile_stays_under_a_neutral_name_and_without_its_surplus() {
    let compressed = compress_to_vec_zlib(&profile(3000), 9);
    let dirty = chunk(b"iCCP", &[SECRET, b"\0\0", &compressed, SECRET].concat());
    let cleaned = kept(&with(&[dirty])).bytes;
    assert_eq!(part(&cleaned, "iCCP"), chunk(b"iCCP", &[b"icc\0\0", compressed.as_slice()].concat()));
    assert_eq!(view::profile(&cleaned), Some(profile(3000)));
}

#[test]
fn the_longest_profile_stays_and_a_longer_one_goes() {
    assert!(view::profile(&kept(&with(&[profile_chunk(b"x", &profile(MAX_ICC_BYTES))])).bytes).is_some());
    assert_eq!(kept(&with(&[profile_chunk(b"x", &profile(MAX_ICC_BYTES + 1))])).bytes, png());
}

#[test]
fn a_broken_profile_goes() {
    let compressed = compress_to_vec_zlib(&profile(3000), 9);
    let broken = [
        b"".to_vec(),
        b"name".to_vec(),
        b"name\0".to_vec(),
        b"name\0\0".to_vec(),
        [b"\0\0", compressed.as_slice()].concat(),
        [[b'n'; 80].as_slice(), b"\0\0", &compressed].concat(),
        [b"name\0\x01", compressed.as_slice()].concat(),
        [b"name\0\0", &compressed[..compressed.len() - 1]].concat(),
        [b"name\0\0", SECRET].concat(),
        [b"name\0\0", compress_to_vec_zlib(SECRET, 9).as_slice()].concat(),
        [b"name\0\0", compress_to_vec_zlib(&[&profile(3000), SECRET].concat(), 9).as_slice()].concat(),
    ];
    for payload in broken {
        let cleaned = clean(&with(&[chunk(b"iCCP", &payload)]), &Limits::default());
        assert_eq!(cleaned.unwrap().bytes, png(), "{payload:02X?}");
    }
}

#[test]
fn a_profile_that_inflates_to_20_megabytes_goes() {
    let bomb = with(&[profile_chunk(b"x", &vec![0; 20 << 20])]);
    assert!(bomb.len() < 30_000);
    assert_eq!(clean(&bomb, &Limits::default()).unwrap().bytes, png());
}

#[test]
fn a_wrong_checksum_is_refused_in_a_critical_chunk_and_drops_any_other() {
    let damaged = |name, payload: &[u8]| {
        let mut damaged = chunk(name, payload);
        damaged[10] ^= 1;
        with(&[damaged])
    };
    for name in [b"IDAT", b"PLTE", b"IEND"] {
        assert_eq!(refused(&damaged(name, SECRET)), Refused::Invalid("chunk checksum"));
    }
    for name in [b"tEXt", b"gAMA", b"acTL", b"eXIf"] {
        assert_eq!(taken(&damaged(name, b"1234")).bytes, png());
    }
}

#[test]
fn a_damaged_structure_is_refused() {
    let header = |payload: &[u8]| replace(&png(), "IHDR", &chunk(b"IHDR", payload));
    let second_half = chunk(b"IDAT", b"more");
    let damaged = [
        ("no header", without(&png(), "IHDR")),
        ("header not first", insert(&png(), "IHDR", &[chunk(b"tEXt", b"")])),
        ("two headers", with(&[part(&png(), "IHDR")])),
        ("a short header", header(b"\0\0\0\x10\0\0\0\x0C\x08\x02\0\0")),
        ("a long header", header(b"\0\0\0\x10\0\0\0\x0C\x08\x02\0\0\0\0")),
        ("no width", header(b"\0\0\0\0\0\0\0\x0C\x08\x02\0\0\0")),
        ("depth 3", header(b"\0\0\0\x10\0\0\0\x0C\x03\x02\0\0\0")),
        ("colour type 5", header(b"\0\0\0\x10\0\0\0\x0C\x08\x05\0\0\0")),
        ("compression 1", header(b"\0\0\0\x10\0\0\0\x0C\x08\x02\x01\0\0")),
        ("filter 1", header(b"\0\0\0\x10\0\0\0\x0C\x08\x02\0\x01\0")),
        ("interlace 2", header(b"\0\0\0\x10\0\0\0\x0C\x08\x02\0\0\x02")),
        ("no palette", header(b"\0\0\0\x10\0\0\0\x0C\x08\x03\0\0\0")),
        ("a palette of 257 colours", with(&[chunk(b"PLTE", &[0; 771])])),
        ("a palette of no colour", with(&[chunk(b"PLTE", b"")])),
        ("a palette of half a colour", with(&[chunk(b"PLTE", &[0; 4])])),
        ("two palettes", with(&[chunk(b"PLTE", &[0; 3]), chunk(b"PLTE", &[0; 3])])),
        ("no data", without(&png(), "IDAT")),
        ("empty data", replace(&png(), "IDAT", &chunk(b"IDAT", b""))),
        ("scattered data", insert(&png(), "IEND", &[chunk(b"tEXt", b""), second_half])),
        ("an unknown critical chunk", with(&[chunk(b"PRVT", b"")])),
        ("a name that is none", with(&[chunk(b"te-t", b"")])),
        ("a chunk longer than the file", with(&[b"\x7F\xFF\xFF\xFFtEXt".to_vec()])),
        ("a length of all ones", with(&[b"\xFF\xFF\xFF\xFFtEXt".to_vec()])),
        ("an end with a payload", replace(&png(), "IEND", &chunk(b"IEND", SECRET))),
    ];
    for (fault, bytes) in damaged {
        let refused = refused(&bytes);
        assert!(matches!(refused, Refused::Invalid(_) | Refused::Incomplete), "{fault}: {refused}");
    }
}

#[test]
fn a_header_that_asks_for_too_much_is_refused() {
    let size = |width: usize, height: usize| {
        let header = [u32_be(width).as_slice(), &u32_be(height), &[1, 0, 0, 0, 0]].concat();
        clean(&replace(&png(), "IHDR", &chunk(b"IHDR", &header)), &Limits::default())
    };
    assert!(size(5000, 5000).is_ok());
    assert_eq!(size(5000, 5001), Err(Refused::TooManyPixels));
    assert_eq!(size(65_001, 1), Err(Refused::TooManyPixels));
    assert_eq!(size(0xFFFF_FFFF, 0xFFFF_FFFF), Err(Refused::TooManyPixels));
}

#[test]
fn chunks_are_limited_in_number() {
    assert_eq!(refused(&with(&vec![chunk(b"tEXt", b""); MAX_SEGMENTS])), Refused::TooManySegments);
    kept(&with(&vec![chunk(b"tEXt", b""); MAX_SEGMENTS - 2]));
}

fn animation_control(frames: usize) -> Vec<u8> {
    chunk(b"acTL", &[u32_be(frames), u32_be(0)].concat())
}

fn frame_control(sequence: usize, width: usize, x: usize) -> Vec<u8> {
    let fields = [sequence, width, 12, x, 0].map(u32_be).concat();
    chunk(b"fcTL", &[fields.as_slice(), &[0, 1, 0, 10, 0, 0]].concat())
}

fn frame_data(sequence: usize) -> Vec<u8> {
    let data = part(&png(), "IDAT");
    chunk(b"fdAT", &[&u32_be(sequence), &data[8..data.len() - 4]].concat())
}

/// Two frames: the still picture and a copy of it.
fn animated() -> Vec<u8> {
    let head = with(&[animation_control(2), frame_control(0, 16, 0)]);
    insert(&head, "IEND", &[frame_control(1, 16, 0), frame_data(2)])
}

#[test]
fn an_animation_stays() {
    let dirty = insert(&animated(), "fdAT", &[chunk(b"tEXt", SECRET)]);
    let cleaned = kept(&dirty).bytes;
    assert_eq!(cleaned, animated());
    assert_eq!(view::frames(&cleaned).unwrap().len(), 2);
}

#[test]
fn frames_that_nobody_sees_go() {
    let without_control = without(&animated(), "acTL");
    assert_eq!(kept(&without_control).bytes, png());
    let control_behind_the_data = insert(&without_control, "IEND", &[animation_control(2)]);
    assert_eq!(kept(&control_behind_the_data).bytes, png());
}

#[test]
fn a_broken_animation_leaves_the_still_picture() {
    let broken = [
        ("no frame declared", replace(&animated(), "acTL", &animation_control(0))),
        ("fewer frames than declared", replace(&animated(), "acTL", &animation_control(3))),
        ("more frames than declared", replace(&animated(), "acTL", &animation_control(1))),
        ("declared twice", insert(&animated(), "acTL", &[animation_control(2)])),
        ("a short declaration", replace(&animated(), "acTL", &chunk(b"acTL", &[0; 7]))),
        ("a frame of no width", replace(&animated(), "fcTL", &frame_control(0, 0, 0))),
        ("a frame outside", replace(&animated(), "fcTL", &frame_control(0, 16, 1))),
        ("a frame far outside", replace(&animated(), "fcTL", &frame_control(0, 16, 0xFFFF_FFFF))),
        ("frame data before the picture", insert(&animated(), "IDAT", &[frame_data(1)])),
        ("frame data without a number", replace(&animated(), "fdAT", &chunk(b"fdAT", &[0; 3]))),
        ("a frame without data", without(&animated(), "fdAT")),
        ("numbers out of order", replace(&animated(), "fdAT", &frame_data(3))),
        ("a first frame that is not the picture", replace(&animated(), "fcTL", &frame_control(0, 15, 0))),
    ];
    for (fault, bytes) in broken {
        assert_eq!(taken(&bytes).bytes, png(), "{fault}");
    }
}

#[test]
fn frames_are_limited_in_number() {
    let frames = |count: usize| {
        let controls: Vec<_> = (0..count).map(|index| frame_control(index, 16, 0)).collect();
        insert(&with(&[animation_control(count)]), "IEND", &controls)
    };
    assert!(clean(&frames(MAX_FRAMES), &Limits::default()).is_ok());
    assert_eq!(refused(&frames(MAX_FRAMES + 1)), Refused::TooManyFrames);
    let undeclared = replace(&frames(MAX_FRAMES + 1), "acTL", &animation_control(1));
    assert_eq!(refused(&undeclared), Refused::TooManyFrames);
}

#[test]
fn a_palette_stays_where_it_means_something() {
    let header = chunk(b"IHDR", b"\0\0\0\x10\0\0\0\x0C\x08\x03\0\0\0");
    let indexed = replace(&with(&[chunk(b"PLTE", &[7; 768]), chunk(b"tRNS", &[9; 256])]), "IHDR", &header);
    let cleaned = clean(&indexed, &Limits::default()).unwrap();
    assert_eq!(cleaned.bytes, indexed);
    let grey = replace(&indexed, "IHDR", &chunk(b"IHDR", b"\0\0\0\x10\0\0\0\x0C\x08\0\0\0\0"));
    let cleaned = clean(&grey, &Limits::default()).unwrap();
    assert!(!parts::names(&cleaned.bytes).contains(&"PLTE".into()));
}
