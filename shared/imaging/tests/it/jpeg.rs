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
        entry(b"\x01\x12\0\x03\0\0\0\0\0\x06\0\0"),
        entry(b"\x01\x12\0\x04\0\0\0\x02\0\0\xFF\xFF"),
        entry(b"\x01\x12\0\x04\0\0\0\x01\0\x06\0\0"),
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
        ("bytes behind the beginning", [b"\xFF\xD8\0", &jpeg()[2..]].concat()),
        ("a Huffman table that is not there", changed("SOS", 6, 0x22)),
        ("a Huffman table number 4", changed("SOS", 6, 0x40)),
        (
            "more codes than bits",
            replace(&jpeg(), "DHT", &segment(0xC4, &[&[0x00], [255; 16].as_slice(), &[0; 255]].concat())),
        ),
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

/// A progressive picture with `count` scans, all of them its first one: so it never becomes whole.
fn of_one_scan(width: u16, height: u16, data: usize, count: usize) -> Vec<u8> {
    let progressive = kept(&corpus::read("phone_oneplus_gps_progressive.jpg")).bytes;
    let mut parts = parts::list(&progressive);
    let first = parts.iter().position(|part| part.name == "SOS").unwrap();
    let scan = [parts[first].bytes.as_slice(), &vec![0; data]].concat();
    parts.truncate(first);
    let frame = parts.iter_mut().find(|part| part.name == "SOF").unwrap();
    frame.bytes[5..9].copy_from_slice(&[height.to_be_bytes(), width.to_be_bytes()].concat());
    [parts::join(&parts), scan.repeat(count), b"\xFF\xD9".to_vec()].concat()
}

#[test]
fn scans_are_limited_in_number() {
    let scans = |count| of_one_scan(512, 512, 0, count);
    assert!(clean(&scans(MAX_SCANS as usize), &Limits::default()).is_ok());
    assert_eq!(refused(&scans(MAX_SCANS as usize + 1)), Refused::TooManyScans);
}

#[test]
fn scans_are_limited_by_what_they_cost() {
    let scans = |count| of_one_scan(10_000, 6_000, 10_000, count);
    assert!(clean(&scans(25), &Limits::default()).is_ok());
    assert_eq!(refused(&scans(26)), Refused::TooManyScans);
}

#[test]
fn segments_are_limited_in_number() {
    assert_eq!(refused(&with(&vec![segment(COM, b""); MAX_SEGMENTS])), Refused::TooManySegments);
    kept(&with(&vec![segment(COM, b""); MAX_SEGMENTS - 20]));
}

#[test]
fn an_orientation_of_any_type_of_integer_is_written_as_the_standard_wants_it() {
    let entry = |bytes: &[u8]| [b"MM\0*\0\0\0\x08\0\x01", bytes, &[0; 4], b"\0\0\0\x06"].concat();
    let six = [
        entry(b"\x01\x12\0\x01\0\0\0\x01\x06\0\0\0"),
        entry(b"\x01\x12\0\x03\0\0\0\x02\0\x06\0\0"),
        entry(b"\x01\x12\0\x04\0\0\0\x01\0\0\0\x06"),
        entry(b"\x01\x12\0\x06\0\0\0\x01\x06\0\0\0"),
        entry(b"\x01\x12\0\x08\0\0\0\x01\0\x06\0\0"),
        entry(b"\x01\x12\0\x09\0\0\0\x01\0\0\0\x06"),
        // Two values of four bytes, which stand elsewhere.
        [&entry(b"\x01\x12\0\x04\0\0\0\x02\0\0\0\x1A"), b"\0\0\0\x01".as_slice()].concat(),
    ];
    let expected = kept(&with(&[exif_segment(&tiff(6, true))])).bytes;
    for tiff in six {
        assert_eq!(taken(&with(&[exif_segment(&tiff)])).bytes, expected, "{tiff:02X?}");
    }
}

#[test]
fn bytes_between_segments_are_passed_over() {
    let wrong_first_byte = [b"\xFE\xE1".as_slice(), &segment(COM, SECRET)[2..]].concat();
    let length_without_its_own_two_bytes =
        [b"\xFF\xFE".as_slice(), &(SECRET.len() as u16).to_be_bytes(), SECRET].concat();
    for junk in
        [b"\0\0".to_vec(), SECRET.to_vec(), b"\xFF\0".to_vec(), wrong_first_byte, length_without_its_own_two_bytes]
    {
        for place in ["DQT", "SOF", "DHT", "SOS", "EOI"] {
            let dirty = insert(&insert(&jpeg(), "DQT", &[segment(COM, b"x")]), place, std::slice::from_ref(&junk));
            assert_eq!(taken(&dirty).bytes, jpeg(), "{junk:02X?} before {place}");
        }
    }
}

#[test]
fn a_whole_picture_without_its_end_gets_one_and_loses_its_trailer() {
    let whole = without(&jpeg(), "EOI");
    let samsung = [b"SEFH".as_slice(), &[0; 12], SECRET, b"\x20\0\0\0SEFT"].concat();
    for trailer in [b"".to_vec(), b"\xFF".to_vec(), SECRET.to_vec(), samsung, segment(APP1, SECRET)] {
        assert_eq!(taken(&[whole.clone(), trailer].concat()).bytes, jpeg());
    }
    let progressive = kept(&corpus::read("phone_oneplus_gps_progressive.jpg")).bytes;
    let endless = &progressive[..progressive.len() - 2];
    assert_eq!(taken(endless).bytes, progressive);
    assert_eq!(taken(&[endless, SECRET].concat()).bytes, progressive);
}

#[test]
fn a_scan_that_is_cut_is_incomplete() {
    for name in
        ["rocket.jpg", "phone_oneplus_gps_progressive.jpg", "gray.jpg", "cmyk_adobe.jpg", "progressive_restart.jpg"]
    {
        let whole = kept(&corpus::read(name)).bytes;
        for cut in [3, 4, 10, 1000, whole.len() / 2] {
            assert_eq!(refused(&whole[..whole.len() - cut]), Refused::Incomplete, "{name} without {cut} bytes");
        }
    }
}

#[test]
fn a_cut_scan_with_an_end_is_what_its_sender_sees() {
    let short = [&jpeg()[..jpeg().len() - 12], b"\xFF\xD9"].concat();
    assert_eq!(taken(&short).bytes, short);
}

#[test]
fn bytes_behind_the_last_block_of_a_scan_go() {
    for name in ["rocket.jpg", "phone_oneplus_gps_progressive.jpg", "progressive_restart.jpg", "camera_sony.jpg"] {
        let whole = kept(&corpus::read(name)).bytes;
        let mut parts = parts::list(&whole);
        for part in parts.iter_mut().filter(|part| part.name == "SOS") {
            part.bytes.extend([b"\0\0\xFF\0".as_slice(), SECRET].concat());
        }
        assert_eq!(taken(&parts::join(&parts)).bytes, whole, "{name}");
    }
}

/// A picture of 160 × 32 in which a restart marker follows every unit.
fn with_restarts() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
    encoder.set_restart_interval(1);
    let rgb: Vec<u8> = (0..160 * 32 * 3).map(|place| (place * 7 % 256) as u8).collect();
    encoder.encode(&rgb, 160, 32, jpeg_encoder::ColorType::Rgb).unwrap();
    kept(&bytes).bytes
}

#[test]
fn restart_markers_count_again_as_they_should() {
    let whole = with_restarts();
    let scan = part(&whole, "SOS");
    let markers: Vec<usize> = memchr::memchr_iter(0xFF, &scan[14..])
        .map(|place| place + 14)
        .filter(|place| matches!(scan.get(place + 1), Some(0xD0..=0xD7)))
        .collect();
    assert!(markers.len() > 8);
    let renumbered = |number: fn(usize) -> u8| {
        let mut scan = scan.clone();
        for (index, place) in markers.iter().enumerate() {
            scan[place + 1] = 0xD0 + number(index) % 8;
        }
        replace(&whole, "SOS", &scan)
    };
    assert_eq!(taken(&renumbered(|_| 0)).bytes, whole);
    assert_eq!(taken(&renumbered(|index| index as u8 + 1)).bytes, whole);

    let mut zeros_before_a_marker = scan.clone();
    zeros_before_a_marker.splice(markers[2]..markers[2], [0; 5]);
    assert_eq!(taken(&replace(&whole, "SOS", &zeros_before_a_marker)).bytes, whole);
    let mut one_marker_more = scan;
    one_marker_more.extend(b"\xFF\xD3");
    assert_eq!(taken(&replace(&whole, "SOS", &one_marker_more)).bytes, whole);
}

#[test]
fn headers_are_written_so_that_every_decoder_takes_them() {
    let changed = |changes: &[(&str, usize, u8)]| {
        let mut bytes = jpeg();
        for (name, place, value) in changes {
            let mut part = part(&bytes, name);
            part[*place] = *value;
            bytes = replace(&bytes, name, &part);
        }
        bytes
    };
    let odd = [
        ("the coefficients of a scan", changed(&[("SOS", 11, 5), ("SOS", 12, 64), ("SOS", 13, 0x21)])),
        (
            "names from 0",
            changed(&[("SOF", 10, 0), ("SOF", 13, 1), ("SOF", 16, 2), ("SOS", 5, 0), ("SOS", 7, 1), ("SOS", 9, 2)]),
        ),
        ("one name for all", changed(&[("SOF", 13, 1), ("SOF", 16, 1), ("SOS", 7, 1), ("SOS", 9, 1)])),
    ];
    for (what, odd) in odd {
        assert_eq!(taken(&odd).bytes, jpeg(), "{what}");
    }
}

#[test]
fn names_that_say_red_green_and_blue_stay() {
    let mut bytes = without(&jpeg(), "JFIF");
    for (name, places) in [("SOF", [10, 13, 16]), ("SOS", [5, 7, 9])] {
        let mut part = part(&bytes, name);
        for (place, letter) in places.into_iter().zip(*b"RGB") {
            part[place] = letter;
        }
        bytes = replace(&bytes, name, &part);
    }
    assert_eq!(kept(&bytes).bytes, bytes);
}

#[test]
fn the_standards_huffman_tables_stand_where_there_are_none() {
    let film = corpus::read("no_huffman_tables.jpg");
    let cleaned = taken(&film).bytes;
    let tables = parts::names(&cleaned).iter().filter(|name| *name == "DHT").count();
    assert!((2..=4).contains(&tables), "{tables} tables");
    assert!(view::frames(&cleaned).is_ok());
    assert!(cleaned.len() <= film.len() + 512);
}
