use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, thread};

use imaging::{Format, Refused};

use crate::{kept, refused, taken, view};

enum Expected {
    /// Format, width and height as displayed.
    Kept(Format, u32, u32),
    /// As [`Kept`](Self::Kept), of a file that other decoders do not take as it is.
    Mended(Format, u32, u32),
    Refused(Refused),
}
use Expected::{Kept, Mended};

#[rustfmt::skip]
const CORPUS: [(&str, Expected); 48] = [
    ("alpha.png", Kept(Format::Png, 240, 180)),
    ("animated_comment.gif", Kept(Format::Gif, 240, 180)),
    ("apng_of_no_frames.png", Mended(Format::Png, 400, 300)),
    ("baseline_se_64.jpg", Mended(Format::Jpeg, 480, 360)),
    ("bomb_30000x30000.png", Expected::Refused(Refused::TooManyPixels)),
    ("bomb_65500x65500.jpg", Expected::Refused(Refused::TooManyPixels)),
    ("camera_casio_thumbnail.jpg", Kept(Format::Jpeg, 300, 400)),
    ("camera_olympus_gps.jpg", Kept(Format::Jpeg, 80, 80)),
    ("camera_sony.jpg", Kept(Format::Jpeg, 80, 80)),
    ("cmyk_adobe.jpg", Kept(Format::Jpeg, 480, 360)),
    ("empty.jpg", Expected::Refused(Refused::Unsupported)),
    ("exif_xmp_icc.webp", Kept(Format::Webp, 360, 480)),
    ("gamma_1.png", Kept(Format::Png, 400, 300)),
    ("gps_exif_xmp_icc_comment.jpg", Kept(Format::Jpeg, 1200, 1600)),
    ("gray.jpg", Kept(Format::Jpeg, 480, 360)),
    ("lossless_alpha_exif.webp", Kept(Format::Webp, 240, 180)),
    ("no_eoi_but_complete.jpg", Mended(Format::Jpeg, 480, 360)),
    ("no_huffman_tables.jpg", Mended(Format::Jpeg, 480, 360)),
    ("no_trailer.gif", Mended(Format::Gif, 400, 300)),
    ("orientation_1.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_2.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_3.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_4.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_5.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_6.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_7.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_8.jpg", Kept(Format::Jpeg, 480, 360)),
    ("orientation_6_as_long.jpg", Mended(Format::Jpeg, 360, 480)),
    ("palette_interlaced.png", Kept(Format::Png, 330, 247)),
    ("phone_oneplus_gps_gray.jpg", Kept(Format::Jpeg, 512, 512)),
    ("phone_oneplus_gps_progressive.jpg", Kept(Format::Jpeg, 512, 512)),
    ("png_named.jpg", Kept(Format::Png, 240, 180)),
    ("profile_of_5000_bytes.jpg", Kept(Format::Jpeg, 480, 360)),
    ("progressive_restart.jpg", Kept(Format::Jpeg, 480, 360)),
    ("refuse_heic.heic", Expected::Refused(Refused::Heic)),
    ("refuse_heic_named.jpg", Expected::Refused(Refused::Heic)),
    ("refuse_svg_named.png", Expected::Refused(Refused::Unsupported)),
    ("refuse_text_named.jpg", Expected::Refused(Refused::Unsupported)),
    ("rocket.jpg", Kept(Format::Jpeg, 640, 427)),
    ("text_chunk_with_wrong_checksum.png", Mended(Format::Png, 400, 300)),
    ("text_exif_icc.png", Kept(Format::Png, 180, 240)),
    ("truncated_2_gps_exif_xmp_icc_comment.jpg", Expected::Refused(Refused::Incomplete)),
    ("truncated_50_exif_xmp_icc.webp", Expected::Refused(Refused::Incomplete)),
    ("truncated_50_text_exif_icc.png", Expected::Refused(Refused::Incomplete)),
    ("truncated_60_gps_exif_xmp_icc_comment.jpg", Expected::Refused(Refused::Incomplete)),
    ("truncated_70_animated_comment.gif", Expected::Refused(Refused::Incomplete)),
    ("two_zero_bytes_before_dqt.jpg", Mended(Format::Jpeg, 480, 360)),
    ("ultrahdr_motion_photo.jpg", Kept(Format::Jpeg, 360, 480)),
];

pub(crate) fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)).unwrap()
}

#[test]
fn every_picture_of_the_corpus_is_kept_or_refused_as_expected() {
    thread::scope(|scope| {
        for (name, expected) in &CORPUS {
            thread::Builder::new().name((*name).into()).spawn_scoped(scope, || check(&read(name), expected)).unwrap();
        }
    });
}

#[track_caller]
fn check(dirty: &[u8], expected: &Expected) {
    match expected {
        Kept(format, width, height) => {
            let cleaned = kept(dirty);
            assert_eq!((cleaned.format, cleaned.width, cleaned.height), (*format, *width, *height));
            assert_eq!(view::profile(&cleaned.bytes), view::profile(dirty), "the colour profile changed");
            assert_eq!(view::orientation(&cleaned.bytes), view::orientation(dirty), "the picture turned");
        }
        Mended(format, width, height) => {
            let cleaned = taken(dirty);
            assert_eq!((cleaned.format, cleaned.width, cleaned.height), (*format, *width, *height));
            assert!(view::frames(&cleaned.bytes).is_ok(), "other decoders take it");
        }
        Expected::Refused(why) => assert_eq!(refused(dirty), *why),
    }
}

#[test]
fn every_file_of_the_corpus_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.filter(|name| name != "README.md").collect();
    assert_eq!(files, CORPUS.iter().map(|(name, _)| (*name).to_owned()).collect());
}
