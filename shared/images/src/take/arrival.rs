use imaging::Format;
use jiff::Timestamp;

use crate::error::ImageError;
use crate::rows::keys::{folder_of, incoming_key_of};
use crate::rows::name::{Attempt, Stem};

/// An object of which S3 says that it has come.
#[derive(Debug)]
pub struct Arrival {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, as it is in the bucket.
    pub key: String,
    /// What S3 makes of its bytes.
    pub etag: String,
    /// When it was put.
    pub at: Timestamp,
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// What was sent with a ticket's form, as it was sent.
    Incoming(Sent),
    /// The original of a picture that came through the API.
    Original(Upload),
}

/// The try that brought it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) stem: Stem,
    pub(crate) attempt: Attempt,
}

/// A form can be used more than once: what was sent each time is told apart by the `ETag`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) upload: Upload,
    pub(crate) etag: String,
}

impl Arrival {
    /// Nothing for what is none of ours, and for what was made of a ticket's picture or is a variant: that has come from
    /// here, and would come again for ever.
    ///
    /// # Errors
    /// Where something was sent that cannot be told apart: passed over, it would be lost without a trace.
    pub(crate) fn place(&self) -> Result<Option<Place>, ImageError> {
        let upload = |stem, attempt| Some(Upload { stem: Stem::parse(stem)?, attempt: Attempt::parse(attempt)? });
        match self.key.split('/').collect::<Vec<_>>()[..] {
            ["incoming", stem, attempt] => upload(stem, attempt).map(|upload| self.sent(upload)).transpose(),
            ["images", stem, attempt, file] if is_original(file) => Ok(upload(stem, attempt).map(Place::Original)),
            _ => Ok(None),
        }
    }

    fn sent(&self, upload: Upload) -> Result<Place, ImageError> {
        let etag =
            self.etag_in_keys().ok_or(ImageError::Broken("the event of a direct upload has no ETag"))?.to_owned();
        Ok(Place::Incoming(Sent { upload, etag }))
    }

    /// The `ETag` as a part of keys, or nothing.
    fn etag_in_keys(&self) -> Option<&str> {
        let etag = self.etag.trim_matches('"');
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        ((1..=64).contains(&etag.len()) && etag.bytes().all(is_legal)).then_some(etag)
    }
}

fn is_original(file: &str) -> bool {
    file.strip_prefix("original.").and_then(Format::from_extension).is_some()
}

impl Sent {
    /// Under which it came.
    pub(crate) fn key(&self) -> String {
        incoming_key_of(&self.upload.stem, &self.upload.attempt)
    }

    /// Below which lies what is made of it.
    pub(crate) fn outputs(&self) -> String {
        format!("{}{}/", self.upload.folder(), self.etag)
    }
}

impl Upload {
    /// Below which its pictures lie.
    pub(crate) fn folder(&self) -> String {
        folder_of(&self.stem, &self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEM: &str = "5eed0000000040008000000000000001";
    const ATTEMPT: &str = "5eed0000000040008000000000000a01";

    fn arrival(key: &str, etag: &str) -> Arrival {
        Arrival { bucket: "b".to_owned(), key: key.to_owned(), etag: etag.to_owned(), at: Timestamp::UNIX_EPOCH }
    }

    fn place(key: &str) -> Option<Place> {
        arrival(key, "e").place().unwrap()
    }

    #[test]
    fn what_was_sent_with_a_form_and_originals_of_the_api_are_looked_at() {
        let upload = || Upload { stem: Stem::parse(STEM).unwrap(), attempt: Attempt::parse(ATTEMPT).unwrap() };
        let sent = Sent { upload: upload(), etag: "e".to_owned() };
        assert_eq!(
            (sent.key(), sent.outputs()),
            (format!("incoming/{STEM}/{ATTEMPT}"), format!("{}e/", upload().folder()))
        );
        assert_eq!(place(&sent.key()), Some(Place::Incoming(sent)));
        for extension in ["jpg", "png", "webp", "gif"] {
            let key = format!("images/{STEM}/{ATTEMPT}/original.{extension}");
            assert_eq!(place(&key), Some(Place::Original(upload())), "{key}");
            assert!(key.starts_with(&upload().folder()));
        }
    }

    #[test]
    fn what_comes_from_here_and_what_is_none_of_ours_is_not() {
        for key in [
            format!("images/{STEM}/{ATTEMPT}/0123456789abcdef/original.jpg"),
            format!("images/{STEM}/{ATTEMPT}/thumb.jpg"),
            format!("images/{STEM}/{ATTEMPT}/original.svg"),
            format!("images/{STEM}/{ATTEMPT}/original.jpg/"),
            format!("images/{STEM}/original.jpg"),
            format!("images/{}/{ATTEMPT}/original.jpg", &STEM[1..]),
            format!("incoming/{STEM}/{ATTEMPT}/"),
            format!("incoming/{STEM}/{ATTEMPT}/original.jpg"),
            format!("incoming/{STEM}"),
            format!("incoming/{STEM}/{}", ATTEMPT.to_uppercase()),
            format!("incoming/../{STEM}/{ATTEMPT}"),
            format!("incoming%2F{STEM}%2F{ATTEMPT}"),
            format!("/incoming/{STEM}/{ATTEMPT}"),
            format!("incoming/{STEM}/{ATTEMPT}\n"),
            "defaults/missing".to_owned(),
            String::new(),
        ] {
            assert_eq!(place(&key), None, "{key:?}");
        }
    }

    #[test]
    fn an_etag_becomes_part_of_keys_only_if_it_cannot_lead_elsewhere() {
        assert_eq!(arrival("", "\"0f3a-2\"").etag_in_keys(), Some("0f3a-2"));
        for odd in ["", "\"\"", "a/b", "..", "a b", "a\n", "0\"1", &"a".repeat(65)] {
            assert_eq!(arrival("", odd).etag_in_keys(), None, "{odd:?}");
            assert!(arrival(&format!("incoming/{STEM}/{ATTEMPT}"), odd).place().is_err(), "{odd:?}");
            assert_eq!(arrival("incoming/odd", odd).place().unwrap(), None, "{odd:?}");
        }
    }
}
