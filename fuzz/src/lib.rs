//! What the image targets share.

use imaging::{Limits, Refused, clean, variants};

/// Cleans `file`, and what comes out a second time. Panics where a promise of `imaging` is broken.
pub fn check(file: &[u8]) {
    match clean(file, &Limits::default()) {
        Ok(picture) => {
            assert!(picture.bytes.len() <= file.len() + 512, "{} bytes became {}", file.len(), picture.bytes.len());
            assert!(picture.width > 0 && picture.height > 0);
            assert_eq!(clean(&picture.bytes, &Limits::default()), Ok(picture), "cleaning a clean picture changed it");
        }
        Err(refused) => assert_ne!(refused, Refused::Heic),
    }
}

/// `bytes` behind `magic`, unless they begin with it already: seeds are whole files.
pub fn behind(magic: &[u8], bytes: &[u8]) -> Vec<u8> {
    [magic, bytes.strip_prefix(magic).unwrap_or(bytes)].concat()
}

/// Makes the variants of `file`, if it is a picture. It may be damaged inside, but never so that a decoder panics; a panic
/// ends the target even where `imaging` catches it.
pub fn check_variants(file: &[u8]) {
    // Larger pictures take longer and show nothing new.
    let Ok(picture) = clean(file, &Limits { max_pixels: 1 << 20 }) else { return };
    let Ok(made) = variants(&picture) else { return };
    assert!((5..=25).contains(&made.placeholder.len()));
    let (longest, shortest) = (picture.width.max(picture.height), picture.width.min(picture.height));
    for (variant, side) in [(made.thumb, 320), (made.medium, 1080)] {
        // Long pictures are measured by their shorter side; a WebP that lies on its side has variants of its own size.
        let is_long = longest > 3 * shortest;
        assert!(is_long || variant.is_some() || longest <= side, "no variant of {longest} pixels");
        let Some(variant) = variant else { continue };
        assert!(is_long || variant.width.max(variant.height) == longest.min(side));
        let cleaned = clean(&variant.bytes, &Limits::default()).expect("a variant is a good picture");
        assert_eq!((&cleaned.bytes, cleaned.width, cleaned.height), (&variant.bytes, variant.width, variant.height));
    }
}

/// Puts the right checksum behind every chunk of a PNG: with a wrong one, its contents would never be looked at.
pub fn with_checksums(mut file: Vec<u8>) -> Vec<u8> {
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

/// Puts the right length into the container of a WebP: a wrong one is refused before anything else is looked at.
pub fn with_length(mut file: Vec<u8>) -> Vec<u8> {
    const HEADER: usize = 8;
    let length = file.len().saturating_sub(HEADER) as u32;
    file[4..HEADER].copy_from_slice(&length.to_le_bytes());
    file
}
