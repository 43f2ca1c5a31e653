//! What the image targets share.

use imaging::{Limits, Refused, clean};

/// Cleans `file`, and what comes out a second time. Panics where a promise of `imaging` is broken.
pub fn check(file: &[u8]) {
    match clean(file, &Limits::default()) {
        Ok(picture) => {
            assert!(picture.bytes.len() <= file.len() + 64, "{} bytes became {}", file.len(), picture.bytes.len());
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
