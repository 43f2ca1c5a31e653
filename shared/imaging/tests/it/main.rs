//! What `clean` keeps, drops and refuses, judged by another decoder and by a second, simpler walk over the files.

#[cfg(test)]
mod build;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod gif;
#[cfg(test)]
mod jpeg;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod png;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod variants;
#[cfg(test)]
mod view;
#[cfg(test)]
mod webp;

#[cfg(test)]
use imaging::{Cleaned, Limits, Refused, clean};

/// The words that stand for everything private in built and made-up files.
#[cfg(test)]
const SECRETS: [&[u8]; 4] = [b"PRIVATE-SERIAL-7", b"PrivateMake", b"PrivateModel", b"GPSLatitude"];

/// A good picture, cleaned, with its pixels unchanged.
#[cfg(test)]
#[track_caller]
fn kept(bytes: &[u8]) -> Cleaned {
    let cleaned = taken(bytes);
    assert_eq!(view::frames(bytes).unwrap(), view::frames(&cleaned.bytes).unwrap(), "the pixels changed");
    cleaned
}

/// A good picture, cleaned, although the other decoder may give up over the metadata that it had.
#[cfg(test)]
#[track_caller]
fn taken(bytes: &[u8]) -> Cleaned {
    let cleaned = clean(bytes, &Limits::default()).expect("a good picture");
    assert_nothing_private(&cleaned.bytes);
    assert_settled(&cleaned);
    cleaned
}

#[cfg(test)]
#[track_caller]
fn refused(bytes: &[u8]) -> Refused {
    clean(bytes, &Limits::default()).expect_err("nothing to take")
}

#[cfg(test)]
#[track_caller]
fn assert_settled(cleaned: &Cleaned) {
    let again = clean(&cleaned.bytes, &Limits::default());
    assert_eq!(again.as_ref(), Ok(cleaned), "cleaning a clean picture changed it");
}

#[cfg(test)]
#[track_caller]
fn assert_nothing_private(bytes: &[u8]) {
    for secret in SECRETS {
        assert!(!contains(bytes, secret), "{} is left", String::from_utf8_lossy(secret));
    }
    for part in parts::list(bytes) {
        assert!(part.is_allowed(), "{} is left", part.name);
    }
}

#[cfg(test)]
fn contains(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(bytes, word).is_some()
}
