use imaging::{Limits, MAX_FRAMES, MAX_ICC_BYTES, MAX_SEGMENTS, Refused, clean};

use crate::build::{SECRET, part, profile, riff, riff_chunk, tiff, webp};
use crate::{corpus, kept, parts, refused, taken, view};

const ANIMATED: u8 = 0x02;
const XMP: u8 = 0x04;
const EXIF: u8 = 0x08;
const ALPHA: u8 = 0x10;
const ICC: u8 = 0x20;

fn canvas(flags: u8, width: u8, height: u8) -> Vec<u8> {
    riff_chunk(b"VP8X", &[flags, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0])
}

fn bitstream() -> Vec<u8> {
    part(&webp(), "VP8L")
}

fn extended(flags: u8, before: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    riff(&[&[canvas(flags, 16, 12)], before, &[bitstream()], after].concat())
}

/// A VP8L bitstream that ends with its header.
fn bitstream_of(width: u32, height: u32) -> Vec<u8> {
    let bits = (width - 1) | (height - 1) << 14;
    riff_chunk(b"VP8L", &[b"\x2F".as_slice(), &bits.to_le_bytes()].concat())
}

#[test]
fn chunks_that_are_not_on_the_list_go_and_their_flags_with_them() {
    let dirty = extended(
        XMP | EXIF | ALPHA | 0xC1,
        &[riff_chunk(b"prvt", SECRET)],
        &[riff_chunk(b"EXIF", &tiff(1, true)), riff_chunk(b"XMP ", SECRET), riff_chunk(b"prvt", SECRET)],
    );
    assert_eq!(kept(&dirty).bytes, extended(ALPHA, &[], &[]));
}

#[test]
fn what_follows_the_container_goes() {
    assert_eq!(kept(&[&webp(), SECRET].concat()).bytes, webp());
    assert_eq!(kept(&[webp(), webp()].concat()).bytes, webp());
}

#[test]
fn what_follows_the_picture_of_a_simple_file_goes() {
    let exif = riff_chunk(b"EXIF", &tiff(6, true));
    let dirty = riff(&[bitstream(), exif, riff_chunk(b"XMP ", SECRET), bitstream()]);
    assert_eq!(kept(&dirty).bytes, webp());
}

#[test]
fn the_orientation_is_all_that_is_left_of_exif() {
    for signature in [b"".as_slice(), b"Exif\0\0"] {
        let exif = riff_chunk(b"EXIF", &[signature, &tiff(8, false)].concat());
        let cleaned = kept(&extended(EXIF, &[], &[exif]));
        assert_eq!(part(&cleaned.bytes, "EXIF").len(), 8 + 26);
        assert_eq!(view::orientation(&cleaned.bytes), 8);
        assert_eq!((cleaned.width, cleaned.height), (12, 16));
    }
}

#[test]
fn what_the_flags_do_not_announce_is_not_seen_and_goes() {
    let exif = riff_chunk(b"EXIF", &tiff(8, false));
    let dirty = extended(0, &[riff_chunk(b"ICCP", &profile(500))], &[exif]);
    assert_eq!(clean(&dirty, &Limits::default()).unwrap().bytes, extended(0, &[], &[]));
}

#[test]
fn a_profile_stays_without_its_surplus_and_a_broken_one_goes() {
    let surplus = extended(ICC, &[riff_chunk(b"ICCP", &[&profile(501), SECRET].concat())], &[]);
    assert_eq!(kept(&surplus).bytes, extended(ICC, &[riff_chunk(b"ICCP", &profile(501))], &[]));
    for broken in [SECRET.to_vec(), profile(MAX_ICC_BYTES + 1)] {
        let dirty = extended(ICC, &[riff_chunk(b"ICCP", &broken)], &[]);
        assert_eq!(kept(&dirty).bytes, extended(0, &[], &[]));
    }
}

#[test]
fn a_second_picture_goes() {
    let lossy = part(&corpus::read("exif_xmp_icc.webp"), "VP8 ");
    for second in [bitstream(), bitstream_of(16, 12), lossy] {
        assert_eq!(taken(&extended(0, &[], &[second])).bytes, extended(0, &[], &[]));
    }
}

#[test]
fn the_alpha_channel_of_a_lossy_picture_stays() {
    let lossy = part(&corpus::read("exif_xmp_icc.webp"), "VP8 ");
    let (width, height) = (480_u32 - 1, 360_u32 - 1);
    let header = [&[ALPHA, 0, 0, 0], &width.to_le_bytes()[..3], &height.to_le_bytes()[..3]].concat();
    let opaque = riff_chunk(b"ALPH", &[&[0], vec![255; 480 * 360].as_slice()].concat());
    let translucent = riff(&[riff_chunk(b"VP8X", &header), opaque, lossy]);
    assert_eq!(kept(&translucent).bytes, translucent);
}

fn animation(frames: &[Vec<u8>]) -> Vec<u8> {
    riff(&[&[canvas(ANIMATED, 16, 12), riff_chunk(b"ANIM", &[0; 6])], frames].concat())
}

fn frame(x: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    frame_at(x, 0, chunks)
}

fn frame_at(x: u8, y: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [x, 0, 0, y, 0, 0, 15, 0, 0, 11, 0, 0, 100, 0, 0, 0];
    riff_chunk(b"ANMF", &[header.as_slice(), &chunks.concat()].concat())
}

#[test]
fn an_animation_stays_and_what_hides_in_its_frames_goes() {
    let alpha_of_a_lossless_picture = riff_chunk(b"ALPH", SECRET);
    let dirty = animation(&[
        frame(0, &[riff_chunk(b"prvt", SECRET), bitstream(), riff_chunk(b"EXIF", SECRET)]),
        frame(0, &[alpha_of_a_lossless_picture, bitstream(), bitstream()]),
        bitstream(),
    ]);
    let cleaned = taken(&dirty).bytes;
    assert_eq!(cleaned, animation(&[frame(0, &[bitstream()]), frame(0, &[bitstream()])]));
    assert_eq!(view::frames(&cleaned).unwrap().len(), 2);
}

#[test]
fn frames_of_a_still_picture_go() {
    let still = extended(0, &[riff_chunk(b"ANIM", &[0; 6])], &[frame(0, &[bitstream()])]);
    assert_eq!(kept(&still).bytes, extended(0, &[], &[]));
}

#[test]
fn the_padding_of_the_last_chunk_may_be_missing() {
    let padded = riff(&[bitstream_of(16, 12)]);
    assert_eq!(padded.len(), 12 + 8 + 5 + 1);
    let mut unpadded = padded[..padded.len() - 1].to_vec();
    unpadded[4] -= 1;
    assert_eq!(clean(&unpadded, &Limits::default()).unwrap().bytes, padded);
}

#[test]
fn a_damaged_structure_is_refused() {
    let key_frame = part(&corpus::read("exif_xmp_icc.webp"), "VP8 ")[8..].to_vec();
    let lossy = |place: usize, value: u8| {
        let mut bytes = key_frame.clone();
        bytes[place] = value;
        riff(&[riff_chunk(b"VP8 ", &bytes)])
    };
    assert!(clean(&riff(&[riff_chunk(b"VP8 ", &key_frame)]), &Limits::default()).is_ok());
    let mut longer_than_the_file = webp();
    longer_than_the_file[4] += 2;
    let damaged = [
        ("longer than the file", longer_than_the_file),
        ("no chunk", riff(&[])),
        ("another first chunk", riff(&[riff_chunk(b"EXIF", &tiff(6, true)), bitstream()])),
        ("a short canvas", riff(&[riff_chunk(b"VP8X", &[0; 9]), bitstream()])),
        ("a long canvas", riff(&[riff_chunk(b"VP8X", &[0; 12]), bitstream()])),
        ("no picture", riff(&[canvas(0, 16, 12)])),
        ("a picture of another size", riff(&[canvas(0, 16, 13), bitstream()])),
        (
            "a chunk longer than the container",
            riff(&[canvas(0, 16, 12), bitstream(), b"EXIF\xFF\xFF\xFF\xFF".to_vec()]),
        ),
        ("half a chunk header", riff(&[canvas(0, 16, 12), bitstream(), b"EX".to_vec()])),
        ("a lossless picture of another signature", riff(&[riff_chunk(b"VP8L", &[0x2E, 0, 0, 0, 0])])),
        ("a lossless picture of version 1", riff(&[riff_chunk(b"VP8L", &[0x2F, 0, 0, 0, 0x20])])),
        ("a lossy picture that needs another", lossy(0, key_frame[0] | 1)),
        ("a lossy picture that is not shown", lossy(0, key_frame[0] & !0x10)),
        ("a lossy picture of profile 4", lossy(0, key_frame[0] | 0x08)),
        ("a lossy picture without a start code", lossy(3, 0)),
        ("a lossy partition longer than its chunk", lossy(2, 0xFF)),
        ("no frame", animation(&[])),
        ("no animation chunk", riff(&[canvas(ANIMATED, 16, 12), frame(0, &[bitstream()])])),
        ("a frame outside", animation(&[frame(1, &[bitstream()])])),
        ("a frame below", animation(&[frame_at(0, 1, &[bitstream()])])),
        ("a frame without a picture", animation(&[frame(0, &[])])),
        ("a frame of another size than its picture", animation(&[frame(0, &[bitstream_of(16, 13)])])),
        ("a frame that ends early", animation(&[riff_chunk(b"ANMF", &[0; 14])])),
    ];
    for (fault, bytes) in damaged {
        let refused = refused(&bytes);
        assert!(matches!(refused, Refused::Invalid(_) | Refused::Incomplete), "{fault}: {refused}");
    }
}

#[test]
fn a_header_that_asks_for_too_much_is_refused() {
    assert_eq!(refused(&riff(&[bitstream_of(16_383, 16_383)])), Refused::TooManyPixels);
    let canvas = riff_chunk(b"VP8X", &[&[0, 0, 0, 0], [0xFF; 6].as_slice()].concat());
    assert_eq!(refused(&riff(&[canvas, bitstream()])), Refused::TooManyPixels);
}

#[test]
fn frames_and_chunks_are_limited_in_number() {
    let frames = |count| animation(&vec![frame(0, &[bitstream()]); count]);
    assert!(clean(&frames(MAX_FRAMES), &Limits::default()).is_ok());
    assert_eq!(refused(&frames(MAX_FRAMES + 1)), Refused::TooManyFrames);
    let chunks = vec![riff_chunk(b"prvt", b""); MAX_SEGMENTS];
    assert_eq!(refused(&extended(0, &chunks, &[])), Refused::TooManySegments);
    assert_eq!(refused(&animation(&[frame(0, &chunks)])), Refused::TooManySegments);
}

#[test]
fn the_parts_of_a_clean_file_stand_in_the_order_of_the_standard() {
    let dirty = extended(ICC | EXIF, &[riff_chunk(b"EXIF", &tiff(3, true))], &[riff_chunk(b"ICCP", &profile(500))]);
    let cleaned = clean(&dirty, &Limits::default()).unwrap().bytes;
    assert_eq!(parts::names(&cleaned), ["header", "VP8X", "ICCP", "VP8L", "EXIF"]);
}
