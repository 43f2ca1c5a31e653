use imaging::{Format, Refused};

use crate::{build, refused};

#[test]
fn a_format_is_known_by_its_extension_in_one_spelling_only() {
    for format in [Format::Jpeg, Format::Png, Format::Webp, Format::Gif] {
        assert_eq!(Format::from_extension(format.extension()), Some(format));
    }
    for other in ["jpeg", "JPG", ".jpg", "heic", "svg", ""] {
        assert_eq!(Format::from_extension(other), None, "{other}");
    }
}

#[test]
fn what_is_no_picture_is_unsupported() {
    let files: [&[u8]; 10] = [
        b"",
        b"hello, no picture",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        b"<!doctype html><img src=x>",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"BM\x3A\0\0\0\0\0\0\0",
        b"II*\0\x08\0\0\0",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\xFF\xD8",
    ];
    for file in files {
        assert_eq!(refused(file), Refused::Unsupported, "{}", String::from_utf8_lossy(file));
    }
}

#[test]
fn a_picture_behind_something_else_is_no_picture() {
    assert_eq!(refused(&[b"\n".as_slice(), &build::jpeg()].concat()), Refused::Unsupported);
    assert_eq!(refused(&[b"#!/bin/sh\n".as_slice(), &build::png()].concat()), Refused::Unsupported);
}

#[test]
fn the_pictures_of_phones_that_browsers_do_not_show_have_an_error_of_their_own() {
    let heic: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let heif_by_compatible_brand: &[u8] = b"\0\0\0\x18ftypMiHE\0\0\0\0miafmif1";
    let avif: &[u8] = b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf";
    let box_to_the_end_of_the_file: &[u8] = b"\0\0\0\0ftypheic";
    for file in [heic, heif_by_compatible_brand, avif, box_to_the_end_of_the_file] {
        assert_eq!(refused(file), Refused::Heic);
    }
}

#[test]
fn a_video_is_no_heic_picture() {
    let brand_behind_the_box = b"\0\0\0\x14ftypmp42\0\0\0\0isomheic";
    assert_eq!(refused(b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"), Refused::Unsupported);
    assert_eq!(refused(brand_behind_the_box), Refused::Unsupported);
    assert_eq!(refused(b"\0\0\0\x18ftyp"), Refused::Unsupported);
}

#[test]
fn a_picture_that_was_cut_anywhere_is_refused() {
    // The end marker of a JPEG and the trailer of a GIF may be missing.
    let still = build::picture(image::ImageFormat::Gif);
    for (whole, end) in [(build::jpeg(), 2), (build::png(), 0), (build::webp(), 0), (still, 1)] {
        for length in 0..whole.len() - end {
            let refused = refused(&whole[..length]);
            let is_known = length >= 12;
            assert!(
                refused == Refused::Incomplete || !is_known && refused == Refused::Unsupported,
                "{length}: {refused}"
            );
        }
    }
}
