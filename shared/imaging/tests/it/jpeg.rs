use imaging::{Limits, MAX_ICC_BYTES, MAX_SCANS, MAX_SEGMENTS, MAX_SIDE, Refused, clean};

use crate::build::{SECRET, exif_segment, insert, jpeg, part, profile, replace, segment, tiff, without};
use crate::{corpus, kept, parts, refused, taken, view};

const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP13: u8 = 0xED;
const APP14: u8 = 0xEE;
const COM: u8 = 0xFE;

fn with(segments: &[Vec<u8>]) -> Vec<u8> {
    insert(&jpeg(), "DQT", segments)
}

fn with_secret(signature: &[u8]) -> Vec<u8> {
    [signature, SECRET].concat()
}

#[test]
fn segments_that_are_not_on_the_list_go() {
    let dirty = with(&[
        exif_segment(&tiff(1, true)),
        exif_segment(&tiff(1, false)),
        segment(APP0, &with_secret(b"JFXX\0\x10")),
        segment(APP1, &with_secret(b"http://ns.adobe.com/xap/1.0/\0")),
        segment(APP1, &with_secret(b"http://ns.adobe.com/xmp/extension/\0")),
        segment(APP2, &with_secret(b"MPF\0")),
        segment(APP13, &with_secret(b"Photoshop 3.0\0")),
        segment(APP14, &with_secret(b"Other")),
        segment(COM, SECRET),
    ]);
    assert_eq!(taken(&dirty).bytes, jpeg());
}

#[test]
fn metadata_between_scans_goes() {
    let progressive = corpus::read("phone_oneplus_gps_progressive.jpg");
    let clean_one = kept(&progressive).bytes;
    let mut pieces = parts::list(&clean_one);
    let last_scan = pieces.iter().rposition(|part| part.name == "SOS").unwrap();
    assert!(last_scan > pieces.iter().position(|part| part.name == "SOS").unwrap(), "several scans");
    for bytes in [segment(COM, SECRET), exif_segment(&tiff(6, true)), segment(APP2, SECRET)] {
        pieces.insert(last_scan, parts::Part { name: "inserted".into(), bytes });
    }
    assert_eq!(kept(&parts::join(&pieces)).bytes, clean_one);
}

#[test]
fn what_follows_the_end_goes() {
    for trailer in [jpeg(), b"<script>alert(1)</script>".to_vec(), b"PK\x03\x04".to_vec(), vec![0; 70_000]] {
        assert_eq!(kept(&[jpeg(), trailer, SECRET.to_vec()].concat()).bytes, jpeg());
    }
}

#[test]
fn a_thumbnail_in_the_jfif_segment_goes_and_the_segment_stays() {
    let header = b"JFIF\0\x01\x02\x01\0\x48\0\x48";
    let dirty = replace(&jpeg(), "JFIF", &segment(APP0, &[header, b"\x01\x05".as_slice(), &SECRET[..15]].concat()));
    let jfif = part(&kept(&dirty).bytes, "JFIF");
    assert_eq!(jfif, segment(APP0, &[header, b"\0\0".as_slice()].concat()));
}

#[test]
fn a_jfif_segment_that_is_too_short_for_decoders_goes() {
    let short = replace(&jpeg(), "JFIF", &segment(APP0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0"));
    assert_eq!(taken(&short).bytes, without(&jpeg(), "JFIF"));
}

#[test]
fn a_picture_without_jfif_gets_none() {
    let bare = without(&jpeg(), "JFIF");
    assert_eq!(kept(&bare).bytes, bare);
}

#[test]
fn the_orientation_is_all_that_is_left_of_exif() {
    for is_big_endian in [true, false] {
        for orientation in 2..=8 {
            let cleaned = kept(&with(&[exif_segment(&tiff(orientation, is_big_endian))]));
            assert_eq!(part(&cleaned.bytes, "Exif").len(), 36);
            assert_eq!(u16::from(view::orientation(&cleaned.bytes)), orientation);
            let upright = (16, 12);
            let sideways = (12, 16);
            assert_eq!((cleaned.width, cleaned.height), if orientation < 5 { upright } else { sideways });
        }
    }
}

#[test]
fn the_first_exif_segment_decides_about_the_orientation() {
    let cleaned = kept(&with(&[exif_segment(&tiff(1, true)), exif_segment(&tiff(6, true))]));
    assert_eq!(cleaned.bytes, jpeg());
}

#[test]
fn exif_that_makes_no_sense_says_no_orientation() {
    let entry = |bytes: &[u8]| [b"MM\0*\0\0\0\x08\0\x01", bytes, &[0; 4]].concat();
    let nonsense = [
        b"".to_vec(),
        b"II*\0".to_vec(),
        b"MM*\0\0\0\0\x08\0\0".to_vec(),
        b"MM\0*\xFF\xFF\xFF\xFF".to_vec(),
        b"MM\0*\0\0\0\x08\xFF\xFF".to_vec(),
        entry(b"\x01\x12\0\x03\0\0\0\x01\0\0\0\0"),
        entry(b"\x01\x12\0\x03\0\0\0\x01\0\x09\0\0"),
        entry(b"\x01\x12\0\x03\0\0\0\x02\0\x06\0\0"),
        entry(b"\x01\x12\0\x02\0\0\0\x01\0\x06\0\0"),
        entry(b"\x01\x12\0\x03\0\0"),
        // A directory that is its own next one.
        b"MM\0*\0\0\0\x08\0\0\0\0\0\x08".to_vec(),
    ];
    for tiff in nonsense {
        assert_eq!(kept(&with(&[exif_segment(&tiff)])).bytes, jpeg(), "{tiff:02X?}");
    }
}

fn profile_segment(number: u8, count: u8, bytes: &[u8]) -> Vec<u8> {
    segment(APP2, &[b"ICC_PROFILE\0", [number, count].as_slice(), bytes].concat())
}

#[test]
fn a_profile_in_several_parts_in_any_order_is_put_together() {
    let whole = profile(100_000);
    let (first, rest) = whole.split_at(40_000);
    let (second, third) = rest.split_at(40_000);
    let dirty = with(&[profile_segment(3, 3, third), profile_segment(1, 3, first), profile_segment(2, 3, second)]);
    assert_eq!(view::profile(&kept(&dirty).bytes), Some(whole));
}

#[test]
fn a_profile_ends_where_it_says() {
    let dirty = with(&[profile_segment(1, 1, &[&profile(500), SECRET].concat())]);
    assert_eq!(view::profile(&kept(&dirty).bytes), Some(profile(500)));
}

#[test]
fn a_broken_profile_goes() {
    let no_profile = [&profile(500)[..36], SECRET, &profile(500)[52..]].concat();
    let too_long = profile(MAX_ICC_BYTES + 1);
    let too_long: Vec<_> =
        (1..).zip(too_long.chunks(65_000)).map(|(number, part)| profile_segment(number, 17, part)).collect();
    let broken = [
        vec![profile_segment(1, 1, &no_profile)],
        vec![profile_segment(1, 1, SECRET)],
        vec![segment(APP2, b"ICC_PROFILE\0")],
        vec![profile_segment(1, 1, &profile(500)[..499])],
        vec![profile_segment(1, 2, &profile(500))],
        vec![profile_segment(0, 1, &profile(500))],
        vec![profile_segment(1, 2, &profile(500)), profile_segment(1, 2, &profile(500))],
        too_long,
    ];
    for segments in broken {
        assert_eq!(kept(&with(&segments)).bytes, jpeg());
    }
}

#[test]
fn the_longest_profile_stays() {
    let longest = profile(MAX_ICC_BYTES);
    let parts: Vec<_> =
        (1..).zip(longest.chunks(65_000)).map(|(number, part)| profile_segment(number, 17, part)).collect();
    assert_eq!(view::profile(&kept(&with(&parts)).bytes), Some(longest));
}

#[test]
fn the_last_adobe_segment_stays_without_its_surplus() {
    let transform = |value: u8| [b"Adobe\0\x64\0\0\0\0", [value].as_slice()].concat();
    let dirty = with(&[
        segment(APP14, &transform(0)),
        segment(APP14, &[transform(1).as_slice(), SECRET].concat()),
        segment(APP14, b"Adobe"),
    ]);
    let cleaned = taken(&dirty).bytes;
    assert_eq!(part(&cleaned, "Adobe"), segment(APP14, &transform(1)));
    assert_eq!(parts::names(&cleaned).iter().filter(|name| *name == "Adobe").count(), 1);
}

#[test]
fn fill_bytes_before_markers_are_legal_and_go() {
    let parts = parts::list(&jpeg());
    let filled: Vec<u8> = parts
        .iter()
        .flat_map(|part| [if part.name == "SOI" { b"".as_slice() } else { b"\xFF\xFF\xFF" }, &part.bytes])
        .flatten()
        .copied()
        .collect();
    assert_eq!(kept(&filled).bytes, jpeg());
}

#[test]
fn restart_markers_between_segments_are_ignored() {
    assert_eq!(taken(&with(&[b"\xFF\xD3".to_vec(), b"\xFF\x01".to_vec()])).bytes, jpeg());
}

#[test]
fn coding_that_browsers_do_not_show_is_unsupported() {
    let frame = part(&jpeg(), "SOF");
    for marker in [0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE, 0xDF, 0xF7] {
        let mut frame = frame.clone();
        frame[1] = marker;
        assert_eq!(refused(&replace(&jpeg(), "SOF", &frame)), Refused::Unsupported, "{marker:02X}");
    }
    let mut twelve_bits = frame;
    twelve_bits[4] = 12;
    assert_eq!(refused(&replace(&jpeg(), "SOF", &twelve_bits)), Refused::Unsupported);
}

/// A table that no component uses.
fn huffman_table(of_fifteen_bits: u8, of_sixteen_bits: u8) -> Vec<u8> {
    let counts = [&[0; 14], [of_fifteen_bits, of_sixteen_bits].as_slice()].concat();
    let symbols = vec![0; usize::from(of_fifteen_bits) + usize::from(of_sixteen_bits)];
    segment(0xC4, &[&[0x13], counts.as_slice(), &symbols].concat())
}

#[test]
fn a_huffman_table_may_have_256_codes() {
    let largest = with(&[huffman_table(16, 240)]);
    assert_eq!(kept(&largest).bytes, largest);
}

#[test]
fn a_damaged_structure_is_refused() {
    let frame = part(&jpeg(), "SOF");
    let changed = |name: &str, place: usize, value: u8| {
        let mut bytes = part(&jpeg(), name);
        bytes[place] = value;
        replace(&jpeg(), name, &bytes)
    };
    let damaged = [
        ("no frame", without(&jpeg(), "SOF")),
        ("two frames", insert(&jpeg(), "SOS", std::slice::from_ref(&frame))),
        ("no scan", without(&jpeg(), "SOS")),
        ("no quantisation table", without(&jpeg(), "DQT")),
        ("a scan before the frame", insert(&jpeg(), "SOF", &[part(&jpeg(), "SOS")])),
        ("a scan without data", replace(&jpeg(), "SOS", &part(&jpeg(), "SOS")[..14])),
        ("a scan of no component", changed("SOS", 5, 99)),
        ("a scan of five components", changed("SOS", 4, 5)),
        ("no height", replace(&jpeg(), "SOF", &[&frame[..5], &[0, 0], &frame[7..]].concat())),
        ("no width", replace(&jpeg(), "SOF", &[&frame[..7], &[0, 0], &frame[9..]].concat())),
        ("two components", changed("SOF", 9, 2)),
        ("four components that are three", changed("SOF", 9, 4)),
        ("a frame with a surplus", replace(&jpeg(), "SOF", &segment(0xC0, &[&frame[4..], &[1, 0x11, 0]].concat()))),
        ("a sampling factor of 0", changed("SOF", 11, 0x10)),
        ("a sampling factor of 5", changed("SOF", 11, 0x15)),
        ("quantisation table 4", changed("SOF", 12, 4)),
        ("a short quantisation table", with(&[segment(0xDB, &[0; 64])])),
        ("quantisation table of 32 bits", with(&[segment(0xDB, &[0x20; 257])])),
        ("a short Huffman table", with(&[segment(0xC4, &[0; 16])])),
        ("a Huffman table of 257 codes", with(&[huffman_table(17, 240)])),
        ("a Huffman table of class 2", with(&[segment(0xC4, &[&[0x20], [0; 16].as_slice()].concat())])),
        ("a restart interval of 3 bytes", with(&[segment(0xDD, &[0; 3])])),
        ("a segment of length 1", with(&[b"\xFF\xFE\0\x01".to_vec()])),
        ("a segment longer than the file", with(&[b"\xFF\xFE\xFF\xFF".to_vec()])),
        ("bytes between segments", with(&[b"\0".to_vec()])),
        ("a stuffed byte between segments", with(&[b"\xFF\0".to_vec()])),
        ("a picture in the picture", with(&[jpeg()])),
        ("a reserved marker", with(&[segment(0x02, b"")])),
    ];
    for (fault, bytes) in damaged {
        let refused = refused(&bytes);
        assert!(matches!(refused, Refused::Invalid(_) | Refused::Incomplete), "{fault}: {refused}");
    }
}

fn with_size(width: u16, height: u16) -> Vec<u8> {
    let frame = part(&jpeg(), "SOF");
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    replace(&jpeg(), "SOF", &[&frame[..5], &size, &frame[9..]].concat())
}

#[test]
fn a_picture_may_have_as_many_pixels_as_the_limit_and_no_more() {
    let pixels = 16 * 12;
    assert!(clean(&jpeg(), &Limits { max_pixels: pixels }).is_ok());
    assert_eq!(clean(&jpeg(), &Limits { max_pixels: pixels - 1 }), Err(Refused::TooManyPixels));
}

#[test]
fn a_header_that_lies_about_its_size_is_refused() {
    assert_eq!(refused(&with_size(65_500, 65_500)), Refused::TooManyPixels);
    assert_eq!(refused(&with_size(MAX_SIDE as u16 + 1, 1)), Refused::TooManyPixels);
    assert!(clean(&with_size(MAX_SIDE as u16, 1), &Limits::default()).is_ok());
}

#[test]
fn more_pixels_than_bytes_can_fill_are_refused_however_long_the_metadata() {
    let bytes = jpeg().len();
    let lines = u16::try_from(bytes).unwrap();
    let as_many_as_can_be = with_size(1000, lines);
    let one_line_more = with_size(1000, lines + 1);
    assert!(clean(&as_many_as_can_be, &Limits::default()).is_ok());
    assert_eq!(refused(&one_line_more), Refused::TooManyPixels);
    let padding = segment(COM, &[0; 60_000]);
    assert_eq!(refused(&insert(&one_line_more, "DQT", &[padding])), Refused::TooManyPixels);
}

#[test]
fn scans_are_limited_in_number() {
    let scan = part(&jpeg(), "SOS");
    let scans = |count| insert(&without(&jpeg(), "SOS"), "EOI", &vec![scan.clone(); count]);
    assert!(clean(&scans(MAX_SCANS as usize), &Limits::default()).is_ok());
    assert_eq!(refused(&scans(MAX_SCANS as usize + 1)), Refused::TooManyScans);
}

#[test]
fn scans_are_limited_by_what_they_cost() {
    let large = with_size(10_000, 6_000);
    let scan = [part(&jpeg(), "SOS"), vec![0; 10_000]].concat();
    let scans = |count| insert(&without(&large, "SOS"), "EOI", &vec![scan.clone(); count]);
    assert!(clean(&scans(25), &Limits::default()).is_ok());
    assert_eq!(refused(&scans(26)), Refused::TooManyScans);
}

#[test]
fn segments_are_limited_in_number() {
    assert_eq!(refused(&with(&vec![segment(COM, b""); MAX_SEGMENTS])), Refused::TooManySegments);
    kept(&with(&vec![segment(COM, b""); MAX_SEGMENTS - 20]));
}
