use imaging::{Limits, MAX_FRAMES, MAX_SEGMENTS, Refused, clean};

use crate::build::{SECRET, gif, insert, part, replace, without};
use crate::{kept, parts, refused, taken, view};

fn sub_blocks(blocks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in blocks {
        bytes.push(u8::try_from(block.len()).unwrap());
        bytes.extend_from_slice(block);
    }
    bytes.push(0);
    bytes
}

fn extension(label: u8, blocks: &[&[u8]]) -> Vec<u8> {
    [vec![0x21, label], sub_blocks(blocks)].concat()
}

fn with(blocks: &[Vec<u8>]) -> Vec<u8> {
    insert(&gif(), "graphic control", blocks)
}

#[test]
fn blocks_that_are_not_on_the_list_go() {
    let private = [
        extension(0xFE, &[SECRET, SECRET]),
        extension(0x01, &[&[0; 12], SECRET]),
        extension(0xFF, &[b"XMP DataXMP", SECRET]),
        extension(0xFF, &[b"ICCRGBG1012", SECRET]),
        extension(0xFF, &[b"short", SECRET]),
        extension(0x77, &[SECRET]),
    ];
    assert_eq!(taken(&with(&private)).bytes, gif());
    assert_eq!(taken(&insert(&gif(), "trailer", &private)).bytes, gif());
}

#[test]
fn what_follows_the_trailer_goes() {
    assert_eq!(kept(&[&gif(), b"<script>".as_slice(), SECRET].concat()).bytes, gif());
    assert_eq!(kept(&[gif(), gif()].concat()).bytes, gif());
}

#[test]
fn the_loop_count_stays_once_and_in_one_shape() {
    let shapes = [
        extension(0xFF, &[b"NETSCAPE2.0", b"\x01\x07\0"]),
        extension(0xFF, &[b"ANIMEXTS1.0", b"\x01\x07\0"]),
        extension(0xFF, &[b"NETSCAPE2.0", b"\x01\x07\0PRIVATE-SERIAL-7", b"\x02\0\0\0\x01"]),
    ];
    let bare = without(&gif(), "loop");
    for shape in shapes {
        let looping =
            insert(&bare, "graphic control", &[shape.clone(), extension(0xFF, &[b"NETSCAPE2.0", b"\x01\x09\0"])]);
        let cleaned = kept(&looping).bytes;
        assert_eq!(part(&cleaned, "loop"), b"\x21\xFF\x0BNETSCAPE2.0\x03\x01\x07\0\0");
        assert_eq!(parts::names(&cleaned).iter().filter(|name| *name == "loop").count(), 1);
    }
    let no_count = extension(0xFF, &[b"NETSCAPE2.0", b"\x02\0\0\0\x01"]);
    assert_eq!(kept(&insert(&bare, "graphic control", &[no_count])).bytes, bare);
}

#[test]
fn only_the_last_graphic_control_before_an_image_stays() {
    let stray = b"\x21\xF9\x04\x01\x63\x63\0\0".to_vec();
    assert_eq!(kept(&with(std::slice::from_ref(&stray))).bytes, gif());
    assert_eq!(kept(&insert(&gif(), "trailer", &[stray])).bytes, gif());
}

#[test]
fn a_frame_without_a_graphic_control_gets_none() {
    let bare = insert(&gif(), "trailer", &[part(&gif(), "image")]);
    assert_eq!(kept(&bare).bytes, bare);
}

#[test]
fn all_frames_stay() {
    assert_eq!(view::frames(&kept(&gif()).bytes).unwrap().len(), 3);
}

#[test]
fn a_damaged_structure_is_refused() {
    let image = part(&gif(), "image");
    let changed = |place: usize, value: u8| {
        let mut image = image.clone();
        image[place] = value;
        replace(&gif(), "image", &image)
    };
    let head = if image[9] & 0x80 == 0 { 10 } else { 10 + 3 * (2 << (image[9] & 7)) };
    let damaged = [
        ("no frame", without(&gif(), "image")),
        ("a frame of no width", changed(5, 0)),
        ("a code size of 0", changed(head, 0)),
        ("a code size of 9", changed(head, 9)),
        ("a frame without data", replace(&gif(), "image", &[&image[..=head], &[0]].concat())),
        ("an unknown block", with(&[vec![0x99]])),
        ("a graphic control of another size", with(&[extension(0xF9, &[&[0; 5]])])),
        ("a graphic control without an end", with(&[b"\x21\xF9\x04\0\0\0\0\x01".to_vec()])),
        ("an extension without an end", [without(&gif(), "trailer"), b"\x21\xFE\xFF".to_vec()].concat()),
    ];
    for (fault, bytes) in damaged {
        let refused = refused(&bytes);
        assert!(matches!(refused, Refused::Invalid(_) | Refused::Incomplete), "{fault}: {refused}");
    }
}

#[test]
fn a_header_that_asks_for_too_much_is_refused() {
    let size = |width: u16, height: u16| {
        let header = part(&gif(), "header");
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        clean(&replace(&gif(), "header", &[&header[..6], &sides, &header[10..]].concat()), &Limits::default())
    };
    assert!(size(5000, 5000).is_ok());
    assert_eq!(size(5000, 5001), Err(Refused::TooManyPixels));
    assert_eq!(size(65_001, 12), Err(Refused::TooManyPixels));
    assert_eq!(size(65_535, 65_535), Err(Refused::TooManyPixels));
}

#[test]
fn frames_and_blocks_are_limited_in_number() {
    let image = part(&gif(), "image");
    let frames = |count: usize| insert(&gif(), "trailer", &vec![image.clone(); count - 3]);
    assert!(clean(&frames(MAX_FRAMES), &Limits::default()).is_ok());
    assert_eq!(refused(&frames(MAX_FRAMES + 1)), Refused::TooManyFrames);
    let comments = vec![extension(0xFE, &[b"x"]); MAX_SEGMENTS];
    assert_eq!(refused(&with(&comments)), Refused::TooManySegments);
}

#[test]
fn a_file_that_ends_behind_a_whole_frame_gets_its_trailer() {
    let endless = without(&gif(), "trailer");
    assert_eq!(taken(&endless).bytes, gif());
    assert_eq!(taken(&[endless.clone(), vec![0; 3]].concat()).bytes, gif());
    assert_eq!(taken(&[endless.as_slice(), SECRET].concat()).bytes, gif(), "what is no block is not the picture");
    assert_eq!(refused(&endless[..endless.len() - 1]), Refused::Incomplete, "the last frame is cut");
}

#[test]
fn zeros_between_blocks_go() {
    for place in ["graphic control", "image", "trailer"] {
        assert_eq!(taken(&insert(&gif(), place, &[vec![0; 5]])).bytes, gif());
    }
}

fn with_screen(width: u16, height: u16) -> Vec<u8> {
    let header = part(&gif(), "header");
    let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
    replace(&gif(), "header", &[&header[..6], &sides, &header[10..]].concat())
}

#[test]
fn a_screen_of_no_size_gets_that_of_the_first_frame() {
    for (width, height) in [(0, 0), (0, 12), (16, 0)] {
        assert_eq!(taken(&with_screen(width, height)).bytes, gif());
    }
}

#[test]
fn a_frame_may_reach_over_the_edge() {
    let small = with_screen(10, 7);
    let cleaned = taken(&small);
    assert_eq!((cleaned.bytes, cleaned.width, cleaned.height), (small, 10, 7));
    let mut huge = part(&gif(), "image");
    huge[5..9].fill(0xFF);
    assert_eq!(refused(&replace(&gif(), "image", &huge)), Refused::TooManyPixels);
}
