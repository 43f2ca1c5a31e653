use jiff::Timestamp;

use crate::error::ImageError;
use crate::rows::keys::{Folder, Object, Upload, parse_etag};

/// An object that was put into the bucket, as S3's event tells.
#[derive(Debug)]
pub struct Arrival {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, as it is in the bucket.
    pub key: String,
    /// S3's hash of its bytes.
    pub etag: String,
    /// When it was put.
    pub at: Timestamp,
}

/// What was put.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A direct upload, as it was sent with a ticket's form.
    Incoming(Sent),
    /// The original of an upload through the API.
    Original(Upload),
}

/// A direct upload. A form can be used more than once: what was sent each time is told apart by the `ETag`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) upload: Upload,
    pub(crate) etag: String,
}

impl Arrival {
    /// Nothing for what is none of ours, and for what was made here of an upload: it would come again for ever.
    ///
    /// # Errors
    /// For a direct upload whose event does not say which bytes it is about: passed over, it would be lost without a trace.
    pub(crate) fn place(&self) -> Result<Option<Place>, ImageError> {
        match Object::parse(&self.key) {
            Some(Object::Incoming(upload)) => {
                let etag = parse_etag(&self.etag);
                let etag = etag.ok_or(ImageError::Broken("the event of a direct upload has no ETag"))?;
                Ok(Some(Place::Incoming(Sent { upload, etag })))
            }
            Some(Object::Original(Folder { upload, etag: None }, _)) => Ok(Some(Place::Original(upload))),
            Some(Object::Default(_) | Object::Original(..) | Object::Thumb(_) | Object::Medium(_)) | None => Ok(None),
        }
    }
}

impl Sent {
    /// The key under which it came.
    pub(crate) fn key(&self) -> String {
        Object::Incoming(self.upload.clone()).key()
    }

    /// Where what is made of it lies.
    pub(crate) fn folder(&self) -> Folder {
        Folder { upload: self.upload.clone(), etag: Some(self.etag.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::name::{Attempt, Stem};

    const STEM: &str = "5eed0000000040008000000000000001";
    const ATTEMPT: &str = "5eed0000000040008000000000000a01";

    fn arrival(key: &str, etag: &str) -> Arrival {
        Arrival { bucket: "b".to_owned(), key: key.to_owned(), etag: etag.to_owned(), at: Timestamp::UNIX_EPOCH }
    }

    fn place(key: &str) -> Option<Place> {
        arrival(key, "e").place().unwrap()
    }

    #[test]
    fn direct_uploads_and_originals_of_the_api_are_looked_at() {
        let upload = Upload { stem: Stem::parse(STEM).unwrap(), attempt: Attempt::parse(ATTEMPT).unwrap() };
        let sent = Sent { upload: upload.clone(), etag: "e".to_owned() };
        assert_eq!(sent.folder().prefix(), format!("{}e/", upload.folder().prefix()));
        assert_eq!(place(&sent.key()), Some(Place::Incoming(sent)));
        for extension in ["jpg", "png", "webp", "gif"] {
            let key = format!("images/{STEM}/{ATTEMPT}/original.{extension}");
            assert_eq!(place(&key), Some(Place::Original(upload.clone())), "{key}");
        }
    }

    #[test]
    fn what_comes_from_here_and_what_is_none_of_ours_is_not() {
        for key in [
            &format!("images/{STEM}/{ATTEMPT}/0123456789abcdef/original.jpg"),
            &format!("images/{STEM}/{ATTEMPT}/thumb.jpg"),
            &format!("images/{STEM}/{ATTEMPT}/medium.jpg"),
            "defaults/missing",
            "elsewhere/original.jpg",
        ] {
            assert_eq!(place(key), None, "{key:?}");
        }
    }

    #[test]
    fn an_etag_becomes_part_of_keys_only_if_it_cannot_lead_elsewhere() {
        let incoming = format!("incoming/{STEM}/{ATTEMPT}");
        assert!(
            matches!(arrival(&incoming, "\"0f3a-2\"").place(), Ok(Some(Place::Incoming(sent))) if sent.etag == "0f3a-2")
        );
        for odd in ["", "\"\"", "a/b", "..", "a b", "a\n", "0\"1", &"a".repeat(65)] {
            assert!(arrival(&incoming, odd).place().is_err(), "{odd:?}");
            assert_eq!(arrival("incoming/odd", odd).place().unwrap(), None, "{odd:?}");
        }
    }
}
