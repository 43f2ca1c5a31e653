use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use imaging::{Cleaned, Limits, NoVariants, Variant, Variants, clean, variants};

use crate::build::{
    self, chunk, encode, exif_segment, insert, part, profile, replace, riff, riff_chunk, segment, tiff,
};
use crate::{assert_nothing_private, assert_settled, corpus, view};

fn cleaned(bytes: &[u8]) -> Cleaned {
    clean(bytes, &Limits::default()).expect("a good picture")
}

/// The variants of a good picture, with what holds for all of them.
#[track_caller]
fn made(bytes: &[u8]) -> Variants {
    let picture = cleaned(bytes);
    let made = variants(&picture).expect("variants");
    assert!((5..=25).contains(&made.placeholder.len()));
    let (longest, shortest) = (picture.width.max(picture.height), picture.width.min(picture.height));
    for (variant, most) in [(&made.thumb, 320), (&made.medium, 1080)] {
        let Some(variant) = variant else { continue };
        let side = variant.width.max(variant.height);
        if longest <= 3 * shortest {
            assert_eq!(side, longest.min(most));
        }
        let as_wide = u64::from(side) * u64::from(picture.width) / u64::from(longest);
        assert!(u64::from(variant.width).abs_diff(as_wide) <= 1, "{variant:?} of {picture:?}");
        assert_eq!((pixels(variant).width(), pixels(variant).height()), (variant.width, variant.height));
        assert_nothing_private(&variant.bytes);
        assert_settled(&cleaned(&variant.bytes));
    }
    made
}

fn thumb(bytes: &[u8]) -> RgbImage {
    pixels(&made(bytes).thumb.expect("a thumb"))
}

/// As a decoder sees them that is not the one that made them.
fn pixels(variant: &Variant) -> RgbImage {
    image::load_from_memory_with_format(&variant.bytes, ImageFormat::Jpeg).unwrap().into_rgb8()
}

/// The mean difference of all colours of all pixels, in levels of 255.
fn difference(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let sum: u64 = one.as_raw().iter().zip(other.as_raw()).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    sum as f64 / one.as_raw().len() as f64
}

#[track_caller]
fn assert_alike(one: &RgbImage, other: &RgbImage, at_most: f64) {
    let difference = difference(one, other);
    assert!(difference <= at_most, "{difference:.2} levels apart");
}

fn reduced(picture: &DynamicImage, side: u32) -> RgbImage {
    picture.resize(side, side, FilterType::Lanczos3).into_rgb8()
}

/// So small that only colours and places are left to compare, not what JPEG does to details.
fn tiny(picture: RgbImage) -> RgbImage {
    reduced(&picture.into(), 40)
}

/// Soft waves of colour, red in the upper left corner.
fn waves(width: u32, height: u32) -> DynamicImage {
    let wave = |place: u32, side: u32, times: f64| {
        ((f64::from(place) / f64::from(side) * times * std::f64::consts::TAU).cos() * 127.0 + 128.0) as u8
    };
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([wave(x + y, width + height, 0.5), wave(x, width, 2.0) / 2, wave(y, height, 3.0) / 2])
    })
    .into()
}

fn sides(variant: &Option<Variant>) -> Option<(u32, u32)> {
    variant.as_ref().map(|variant| (variant.width, variant.height))
}

#[test]
fn a_photo_gets_a_thumb_and_a_medium_variant_that_look_like_it() {
    let photo = waves(2000, 1499);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let made = made(&encode(&photo, format));
        let (thumb, medium) = (made.thumb.unwrap(), made.medium.unwrap());
        assert_alike(&pixels(&thumb), &reduced(&photo, 320), 1.5);
        assert_alike(&pixels(&medium), &reduced(&photo, 1080), 1.5);
    }
}

#[test]
fn nothing_is_enlarged() {
    for (width, height, has_thumb, has_medium) in [
        (1, 1, false, false),
        (320, 200, false, false),
        (200, 321, true, false),
        (1080, 1080, true, false),
        (1081, 361, true, true),
        // Long, so it is the shorter side that counts.
        (1081, 3, false, false),
        (2000, 240, false, false),
        (2000, 241, true, false),
    ] {
        let made = made(&encode(&waves(width, height), ImageFormat::Png));
        assert_eq!((made.thumb.is_some(), made.medium.is_some()), (has_thumb, has_medium), "{width}x{height}");
    }
}

#[test]
fn long_pictures_can_be_read() {
    for (width, height, thumb, medium) in [
        (3000, 1000, (320, 107), (1080, 360)),
        (3010, 1000, (722, 240), (2167, 720)),
        (1080, 7000, (240, 1555), (720, 4666)),
        // As wide as four million pixels allow, and one million.
        (1080, 20_000, (232, 4296), (464, 8592)),
        (1999, 1333, (320, 213), (1080, 720)),
    ] {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let made = made(&encode(&waves(width, height), format));
            assert_eq!((sides(&made.thumb), sides(&made.medium)), (Some(thumb), Some(medium)), "{format:?}");
        }
    }
}

#[test]
fn a_long_screenshot_looks_like_itself() {
    let screenshot = waves(800, 4000);
    let made = made(&encode(&screenshot, ImageFormat::Jpeg));
    assert_alike(&pixels(&made.thumb.unwrap()), &reduced(&screenshot, 1200), 1.5);
    assert_alike(&pixels(&made.medium.unwrap()), &reduced(&screenshot, 3600), 1.5);
}

#[test]
fn the_longest_picture_has_no_variants_to_be_made() {
    let made = made(&encode(&waves(65_000, 1), ImageFormat::Png));
    assert_eq!((made.thumb, made.medium), (None, None), "it is as small as a variant already");
}

#[test]
fn every_orientation_stands_upright() {
    let upright = tiny(thumb(&corpus::read("orientation_1.jpg")));
    for orientation in 2..=8 {
        let turned = tiny(thumb(&corpus::read(&format!("orientation_{orientation}.jpg"))));
        assert_alike(&turned, &upright, 1.0);
    }
}

#[test]
fn an_orientation_is_obeyed_in_png_and_webp_too() {
    let lying = waves(600, 400);
    let upright = reduced(&DynamicImage::from(imageops::rotate90(&lying.to_rgb8())), 320);
    let png = insert(&encode(&lying, ImageFormat::Png), "IDAT", &[chunk(b"eXIf", &tiff(6, true))]);
    assert_alike(&thumb(&png), &upright, 1.5);

    let canvas = riff_chunk(b"VP8X", &[0x08, 0, 0, 0, 87, 2, 0, 143, 1, 0]);
    let bitstream = part(&encode(&lying, ImageFormat::WebP), "VP8L");
    assert_alike(&thumb(&riff(&[canvas, bitstream, riff_chunk(b"EXIF", &tiff(6, false))])), &upright, 1.5);
}

#[test]
fn a_webp_that_browsers_show_lying_has_variants_that_stand_however_small_it_is() {
    let canvas = riff_chunk(b"VP8X", &[0x08, 0, 0, 0, 59, 0, 0, 39, 0, 0]);
    let bitstream = part(&encode(&waves(60, 40), ImageFormat::WebP), "VP8L");
    let lying = |orientation| {
        let exif = riff_chunk(b"EXIF", &tiff(orientation, false));
        made(&riff(&[canvas.clone(), bitstream.clone(), exif]))
    };

    let turned = lying(6);

    assert_eq!((sides(&turned.thumb), sides(&turned.medium)), (Some((40, 60)), Some((40, 60))));
    assert_eq!((lying(1).thumb, lying(1).medium), (None, None), "it stands by itself");
}

#[test]
fn the_pictures_of_the_corpus_keep_their_colours() {
    for name in [
        "gps_exif_xmp_icc_comment.jpg",
        "gray.jpg",
        "phone_oneplus_gps_progressive.jpg",
        "progressive_restart.jpg",
        "rocket.jpg",
        "ultrahdr_motion_photo.jpg",
    ] {
        let bytes = corpus::read(name);
        let mut whole = image::load_from_memory(&bytes).unwrap();
        whole.apply_orientation(image::metadata::Orientation::from_exif(view::orientation(&bytes)).unwrap());
        let difference = difference(&tiny(thumb(&bytes)), &tiny(whole.into_rgb8()));
        assert!(difference <= 0.8, "{name}: {difference:.2} levels apart");
    }
}

#[test]
fn the_inks_of_a_cmyk_picture_become_the_right_colours() {
    // The mean colours of the quarters of the upper half, then of the lower half, as Pillow 13 sees them.
    #[rustfmt::skip]
    let expected: [[u64; 3]; 8] = [
        [113, 126, 148], [123, 143, 174], [93, 110, 139], [109, 121, 147],
        [81, 68, 47], [97, 82, 59], [102, 90, 66], [122, 112, 92],
    ];
    let thumb = thumb(&corpus::read("cmyk_adobe.jpg"));
    let (width, height) = (thumb.width() / 4, thumb.height() / 2);
    let fields = (0..8).map(|field| imageops::crop_imm(&thumb, field % 4 * width, field / 4 * height, width, height));
    for (field, expected) in fields.zip(expected) {
        let field = field.to_image();
        for (colour, expected) in expected.iter().enumerate() {
            let sum: u64 = field.pixels().map(|pixel| u64::from(pixel.0[colour])).sum();
            assert!((sum / u64::from(width * height)).abs_diff(*expected) <= 2, "{expected:?}");
        }
    }
}

#[test]
fn what_is_transparent_becomes_white() {
    let picture =
        RgbaImage::from_fn(400, 400, |x, _| if x < 200 { Rgba([0, 0, 0, 0]) } else { Rgba([200, 0, 0, 128]) });
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let thumb = thumb(&encode(&picture.clone().into(), format));
        let [left, right] = [80, 240].map(|x| thumb.get_pixel(x, 160).0);
        assert!(left.iter().all(|colour| *colour > 250), "{format:?}: {left:?}");
        // Of GIF colours each is transparent or not at all.
        let expected = if format == ImageFormat::Gif { [200, 0, 0] } else { [227, 127, 127] };
        assert!(right.iter().zip(expected).all(|(is, expected)| is.abs_diff(expected) <= 4), "{format:?}: {right:?}");
    }
}

/// A line of this grey on nothing, 400 pixels wide.
fn drawing(grey: u8) -> DynamicImage {
    let is_line = |x: u32, y: u32| (100..300).contains(&x) && y % 40 < 20;
    RgbaImage::from_fn(400, 400, |x, y| if is_line(x, y) { Rgba([grey, grey, grey, 255]) } else { Rgba([0; 4]) }).into()
}

#[test]
fn what_is_nearly_white_on_nothing_stands_out_from_a_light_grey() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        for (grey, background) in [(255, 200), (245, 200), (225, 255), (0, 255)] {
            let thumb = thumb(&encode(&drawing(grey), format));
            let (line, behind) = (thumb.get_pixel(160, 8).0[0], thumb.get_pixel(20, 160).0[0]);
            assert!(
                line.abs_diff(grey) <= 4 && behind.abs_diff(background) <= 4,
                "{format:?}, {grey}: {line}, {behind}"
            );
        }
    }
}

#[test]
fn a_white_picture_that_is_not_transparent_stays_white() {
    let thumb = thumb(&encode(&RgbaImage::from_pixel(400, 400, Rgba([255; 4])).into(), ImageFormat::Png));
    assert!(thumb.pixels().all(|pixel| pixel.0 == [255; 3]));
}

/// The quarters' mean colours, from left to right and from above.
fn quarters(picture: &RgbImage) -> [[u8; 3]; 4] {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| {
        let field = imageops::crop_imm(picture, x * width, y * height, width, height).to_image();
        [0, 1, 2].map(|colour| {
            let sum: u64 = field.pixels().map(|pixel| u64::from(pixel.0[colour])).sum();
            (sum / u64::from(width * height)) as u8
        })
    })
}

#[track_caller]
fn assert_quarters(picture: &RgbImage, expected: [[u8; 3]; 4]) {
    let seen = quarters(picture);
    let is_near =
        seen.as_flattened().iter().zip(expected.as_flattened()).all(|(is, expected)| is.abs_diff(*expected) <= 3);
    assert!(is_near, "{seen:?} where Chromium shows {expected:?}");
}

/// What Chromium shows of these pictures (156, in sRGB).
#[test]
fn colours_are_those_that_the_file_says() {
    let shown: [(&str, [[u8; 3]; 4]); 2] = [
        ("gamma_1.png", [[143, 49, 76], [101, 134, 76], [49, 102, 170], [206, 206, 181]]),
        ("profile_of_5000_bytes.jpg", [[80, 53, 143], [80, 134, 105], [170, 105, 54], [180, 205, 205]]),
    ];
    for (name, expected) in shown {
        assert_quarters(&thumb(&corpus::read(name)), expected);
    }
}

#[test]
fn a_png_of_high_dynamic_range_has_no_variants_rather_than_grey_ones() {
    for transfer in [16, 18] {
        let png = insert(&encode(&waves(500, 400), ImageFormat::Png), "IDAT", &[chunk(b"cICP", &[9, transfer, 0, 1])]);
        assert!(matches!(variants(&cleaned(&png)), Err(NoVariants::Undecodable(_))));
    }
}

#[test]
fn what_a_png_says_wrongly_about_its_colours_is_not_heard() {
    let png = encode(&waves(500, 400), ImageFormat::Png);
    let plain = thumb(&png);
    for wrong in [chunk(b"gAMA", &[0; 4]), chunk(b"cHRM", &[0; 32]), chunk(b"cICP", &[99, 99, 0, 1])] {
        assert_alike(&thumb(&insert(&png, "IDAT", &[wrong])), &plain, 0.5);
    }
}

#[test]
fn a_png_of_any_kind_is_understood() {
    let colours = waves(500, 400);
    let kinds = [
        DynamicImage::from(colours.to_luma8()),
        colours.to_luma_alpha8().into(),
        colours.to_luma16().into(),
        colours.to_luma_alpha16().into(),
        colours.to_rgb16().into(),
        colours.to_rgba16().into(),
    ];
    for kind in kinds {
        assert_alike(&thumb(&encode(&kind, ImageFormat::Png)), &reduced(&kind, 320), 1.5);
    }
}

#[test]
fn an_interlaced_png_with_a_palette_is_understood() {
    let bytes = corpus::read("palette_interlaced.png");
    let mut whole = RgbaImage::from_pixel(330, 247, Rgba([255; 4]));
    imageops::overlay(&mut whole, &image::load_from_memory(&bytes).unwrap(), 0, 0);
    assert_alike(&thumb(&bytes), &reduced(&whole.into(), 320), 3.0);
}

#[test]
fn frames_that_begin_an_animation_and_show_nothing_are_passed_over() {
    let blank = RgbaImage::new(400, 300);
    let shown = RgbaImage::from_fn(400, 300, |x, _| Rgba([if x < 200 { 250 } else { 120 }, 0, 0, 255]));
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for frame in [&blank, &blank, &shown] {
        encoder.encode_frame(image::Frame::new(frame.clone())).unwrap();
    }
    drop(encoder);
    let mut apng = Vec::new();
    let mut encoder = png::Encoder::new(&mut apng, 400, 300);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(2, 0).unwrap();
    let mut frames = encoder.write_header().unwrap();
    frames.write_image_data(&blank).unwrap();
    frames.write_image_data(&shown).unwrap();
    frames.finish().unwrap();
    let head = [0, 0, 0, 0, 0, 0, 143, 1, 0, 43, 1, 0, 100, 0, 0, 0];
    let frames = [blank, shown].map(|frame| {
        let bitstream = part(&encode(&frame.into(), ImageFormat::WebP), "VP8L");
        riff_chunk(b"ANMF", &[head.as_slice(), &bitstream].concat())
    });
    let canvas = riff_chunk(b"VP8X", &[0x12, 0, 0, 0, 143, 1, 0, 43, 1, 0]);
    let webp = riff(&[[canvas, riff_chunk(b"ANIM", &[0; 6])], frames].concat());
    for animation in [gif, apng, webp] {
        let thumb = thumb(&animation);
        let [left, right] = [80, 240].map(|x| thumb.get_pixel(x, 120).0);
        assert!(left[0] > 240 && left[1] < 15 && right[0].abs_diff(120) < 15, "{left:?}, {right:?}");
    }
}

#[test]
fn of_an_animation_the_first_frame_is_taken() {
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for shade in [250, 20] {
        encoder.encode_frame(image::Frame::new(RgbaImage::from_pixel(400, 300, Rgba([shade, 0, 0, 255])))).unwrap();
    }
    drop(encoder);
    assert!(thumb(&gif).pixels().all(|pixel| pixel.0[0] > 240));

    let frame =
        |shade| part(&encode(&RgbImage::from_pixel(400, 300, Rgb([shade, 0, 0])).into(), ImageFormat::WebP), "VP8L");
    let head = [0, 0, 0, 0, 0, 0, 143, 1, 0, 43, 1, 0, 100, 0, 0, 0];
    let frames = [250, 20].map(|shade| riff_chunk(b"ANMF", &[head.as_slice(), &frame(shade)].concat()));
    let canvas = riff_chunk(b"VP8X", &[0x02, 0, 0, 0, 143, 1, 0, 43, 1, 0]);
    let webp = riff(&[[canvas, riff_chunk(b"ANIM", &[0; 6])], frames].concat());
    assert!(thumb(&webp).pixels().all(|pixel| pixel.0[0] > 240));

    let mut apng = Vec::new();
    let mut encoder = png::Encoder::new(&mut apng, 400, 300);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).unwrap();
    let mut frames = encoder.write_header().unwrap();
    for shade in [250, 20] {
        frames.write_image_data(&[shade; 400 * 300 * 3]).unwrap();
    }
    frames.finish().unwrap();
    let thumb = thumb(&apng);
    assert_eq!(thumb.dimensions(), (320, 240));
    assert!(thumb.pixels().all(|pixel| pixel.0[0] > 240));
}

#[test]
fn a_gif_frame_that_is_smaller_than_the_picture_lies_on_white_at_its_place() {
    let mut gif = encode(&RgbImage::from_pixel(100, 100, Rgb([0, 0, 0])).into(), ImageFormat::Gif);
    // The picture becomes 400 × 400, its frame begins at 200, 100.
    gif[6..10].copy_from_slice(&[144, 1, 144, 1]);
    let image = memchr::memmem::find(&gif, &[0x2C, 0, 0, 0, 0, 100, 0, 100, 0]).unwrap();
    gif[image + 1..image + 5].copy_from_slice(&[200, 0, 100, 0]);
    let thumb = thumb(&gif);
    assert!(thumb.get_pixel(200, 120).0.iter().all(|colour| *colour < 10), "the frame");
    for (x, y) in [(100, 120), (300, 120), (200, 40), (200, 240)] {
        assert!(thumb.get_pixel(x, y).0.iter().all(|colour| *colour > 245), "{x}, {y}");
    }
}

#[test]
fn a_wide_gamut_keeps_its_profile() {
    let rgb = |length| {
        let mut profile = profile(length);
        profile[16..20].copy_from_slice(b"RGB ");
        profile
    };
    let with_profile = |profile: &[u8]| {
        let icc = segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", profile].concat());
        made(&insert(&encode(&waves(1200, 900), ImageFormat::Jpeg), "DQT", &[icc]))
    };
    let made = with_profile(&rgb(548));
    for variant in [made.thumb.unwrap(), made.medium.unwrap()] {
        assert_eq!(view::profile(&variant.bytes), Some(rgb(548)));
    }
    for useless in [rgb(5000), profile(548)] {
        let made = with_profile(&useless);
        assert_eq!(view::profile(&made.thumb.unwrap().bytes), None, "too long, or not of RGB");
    }
}

#[test]
fn a_photo_with_an_orientation_has_variants_without() {
    let jpeg = insert(&encode(&waves(1200, 900), ImageFormat::Jpeg), "DQT", &[exif_segment(&tiff(6, false))]);
    let made = made(&jpeg);
    assert_eq!(sides(&made.medium), Some((810, 1080)));
    assert_eq!(view::orientation(&made.medium.unwrap().bytes), 1);
}

/// Made by the reference implementation (npm, `thumbhash` 0.1.1) from the same pixels.
#[test]
fn the_placeholder_is_the_one_of_the_reference() {
    type Colours = fn(u32, u32) -> [u32; 3];
    let pictures: [(u32, u32, Colours, &str); 3] = [
        (40, 30, |x, y| [x * x + y * 3, y * y + x * 5, x * y + 90], "9fe7051d84203375255587368749957540458760ab"),
        (30, 48, |x, y| [x * 8 + y, y * 5 + x * x, x * y * 3], "5f080a1c145057755577777877789057099688"),
        (48, 16, |x, y| [255 - x * 5 + y * y, y * 15 + x * x, x * 5 + y * 2], "e0070a628a606777965566aa7f88b7b59f"),
    ];
    for (width, height, colours, expected) in pictures {
        let picture = RgbImage::from_fn(width, height, |x, y| Rgb(colours(x, y).map(|colour| (colour % 256) as u8)));
        let made = made(&encode(&picture.into(), ImageFormat::Png));
        let hex: String = made.placeholder.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}

#[test]
fn the_placeholder_of_a_large_picture_is_nearly_that_of_a_small_one() {
    let [large, small] = [2000, 48].map(|side| made(&encode(&waves(side, side), ImageFormat::Jpeg)).placeholder);
    assert_eq!(large.len(), small.len());
    let mean = |hash: &[u8]| thumbhash::thumb_hash_to_average_rgba(hash).unwrap();
    let ((r, g, b, _), (other_r, other_g, other_b, _)) = (mean(&large), mean(&small));
    assert!((r - other_r).abs() + (g - other_g).abs() + (b - other_b).abs() < 0.06);
}

#[test]
fn a_picture_whose_data_is_damaged_has_no_variants() {
    let png = encode(&waves(700, 500), ImageFormat::Png);
    let webp = part(&encode(&waves(700, 500), ImageFormat::WebP), "VP8L");
    for damaged in [
        replace(&png, "IDAT", &chunk(b"IDAT", b"\x78\x9C no deflate")),
        riff(&[riff_chunk(b"VP8L", &[&webp[8..14], &[0xFF; 40]].concat())]),
    ] {
        let picture = cleaned(&damaged);
        assert!(matches!(variants(&picture), Err(NoVariants::Undecodable(_))), "{:?}", picture.format);
    }
}

#[test]
fn what_would_take_too_much_memory_is_not_begun() {
    // 25 MP of an animation.
    let canvas = riff_chunk(b"VP8X", &[0x02, 0, 0, 0, 135, 19, 0, 135, 19, 0]);
    let head = [0, 0, 0, 0, 0, 0, 15, 0, 0, 11, 0, 0, 100, 0, 0, 0];
    let frame = riff_chunk(b"ANMF", &[head.as_slice(), &part(&build::webp(), "VP8L")].concat());
    let animation = riff(&[canvas, riff_chunk(b"ANIM", &[0; 6]), frame]);
    // 25 MP of colours, and as many of transparency.
    let canvas = riff_chunk(b"VP8X", &[0x10, 0, 0, 0, 135, 19, 0, 135, 19, 0]);
    let mut lossy = part(&corpus::read("exif_xmp_icc.webp"), "VP8 ");
    lossy[14..18].copy_from_slice(&[136, 19, 136, 19]);
    let transparent = riff(&[canvas, riff_chunk(b"ALPH", &[1, 0]), lossy]);
    for large in [animation, transparent] {
        assert!(
            matches!(variants(&cleaned(&large)), Err(NoVariants::TooLarge(bytes)) if bytes > imaging::MAX_DECODER_BYTES)
        );
    }
}
