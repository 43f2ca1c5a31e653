//! Every object in the bucket, with its key, its type, and how long it may be kept.

use imaging::Format;

use crate::rows::name::{Attempt, Stem};

/// How the keys of direct uploads begin.
pub(crate) const INCOMING: &str = "incoming/";

/// An object in the bucket. There are no others: what is put, signed or looked for is one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// A default image.
    Default(DefaultImage),
    /// What was sent with a ticket's form, as it was sent. No URL leads to it.
    Incoming(Upload),
    /// An image without its metadata.
    Original(Folder, Format),
    /// A smaller image of at most 320 pixels a side.
    Thumb(Folder),
    /// A smaller image of at most 1080 pixels a side.
    Medium(Folder),
}

/// One attempt to bring an image in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) stem: Stem,
    pub(crate) attempt: Attempt,
}

/// Where the objects made of an upload lie. A form can be used more than once: what was sent each time is told apart by its
/// `ETag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) upload: Upload,
    pub(crate) etag: Option<String>,
}

impl Object {
    /// The object with this key, or nothing.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let upload = |stem, attempt| Some(Upload { stem: Stem::parse(stem)?, attempt: Attempt::parse(attempt)? });
        match key.split('/').collect::<Vec<_>>()[..] {
            ["defaults", kind] => DefaultImage::parse(kind).map(Self::Default),
            ["incoming", stem, attempt] => upload(stem, attempt).map(Self::Incoming),
            ["images", stem, attempt, file] => {
                Self::in_folder(Folder { upload: upload(stem, attempt)?, etag: None }, file)
            }
            ["images", stem, attempt, etag, file] => {
                Self::in_folder(Folder { upload: upload(stem, attempt)?, etag: Some(parse_etag(etag)?) }, file)
            }
            _ => None,
        }
    }

    fn in_folder(folder: Folder, file: &str) -> Option<Self> {
        match file.split_once('.')? {
            ("original", extension) => Some(Self::Original(folder, Format::from_extension(extension)?)),
            ("thumb", "jpg") => Some(Self::Thumb(folder)),
            ("medium", "jpg") => Some(Self::Medium(folder)),
            _ => None,
        }
    }

    /// Its key in the bucket.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Default(kind) => format!("defaults/{}", kind.name()),
            Self::Incoming(upload) => upload.incoming(),
            Self::Original(folder, format) => format!("{}original.{}", folder.prefix(), format.extension()),
            Self::Thumb(folder) => format!("{}thumb.jpg", folder.prefix()),
            Self::Medium(folder) => format!("{}medium.jpg", folder.prefix()),
        }
    }

    /// Its `Content-Type`; of what was sent with a form, the form's.
    pub(crate) fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Default(_) => Some(Format::Png.content_type()),
            Self::Incoming(_) => None,
            Self::Original(_, format) => Some(format.content_type()),
            Self::Thumb(_) | Self::Medium(_) => Some(Format::Jpeg.content_type()),
        }
    }

    /// How long whoever got it may keep it. The key of an image is never used for other bytes; a default image may be drawn
    /// anew.
    pub(crate) fn cache_control(&self) -> Option<&'static str> {
        match self {
            Self::Default(_) => Some("max-age=86400"),
            Self::Incoming(_) => None,
            Self::Original(..) | Self::Thumb(_) | Self::Medium(_) => Some("max-age=31536000, immutable"),
        }
    }
}

impl Upload {
    /// Where the objects that are made of it lie.
    pub(crate) fn folder(&self) -> Folder {
        Folder { upload: self.clone(), etag: None }
    }

    /// Below which everything lies that the attempt may have left: what was made of it, and what was sent for it with a form.
    /// Both end where no other attempt's key goes on.
    pub(crate) fn prefixes(&self) -> [String; 2] {
        [self.folder().prefix(), self.incoming()]
    }

    fn incoming(&self) -> String {
        format!("{INCOMING}{}/{}", self.stem.as_str(), self.attempt.as_str())
    }
}

impl Folder {
    /// The beginning of the keys of its objects.
    pub(crate) fn prefix(&self) -> String {
        let Upload { stem, attempt } = &self.upload;
        match &self.etag {
            Some(etag) => format!("images/{}/{}/{etag}/", stem.as_str(), attempt.as_str()),
            None => format!("images/{}/{}/", stem.as_str(), attempt.as_str()),
        }
    }
}

/// An `ETag` that may stand in a key, without its quotation marks.
pub(crate) fn parse_etag(text: &str) -> Option<String> {
    let etag = text.trim_matches('"');
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=64).contains(&etag.len()) && etag.bytes().all(is_legal)).then(|| etag.to_owned())
}

/// An image that stands for one that cannot be shown. They lie in the bucket, put there by the local stack and by deploying,
/// and are delivered like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultImage {
    /// There is no such image.
    Missing,
    /// This user has no avatar.
    Avatar,
    /// The image is uploaded directly to the bucket, and is not there or not validated yet.
    InPreparation,
    /// The image was uploaded directly to the bucket and was refused.
    NotAvailable,
}

impl DefaultImage {
    const ALL: [Self; 4] = [Self::Missing, Self::Avatar, Self::InPreparation, Self::NotAvailable];

    const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Avatar => "avatar",
            Self::InPreparation => "in-preparation",
            Self::NotAvailable => "not-available",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Seconds for which a redirect to it may be kept: something else may be there soon.
    pub const fn max_age(self) -> u32 {
        match self {
            Self::InPreparation => 10,
            Self::Missing | Self::Avatar | Self::NotAvailable => 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEM: &str = "5eed0000000040008000000000000001";
    const ATTEMPT: &str = "5eed0000000040008000000000000a01";

    fn folder(etag: Option<&str>) -> Folder {
        let upload = Upload { stem: Stem::parse(STEM).unwrap(), attempt: Attempt::parse(ATTEMPT).unwrap() };
        Folder { upload, etag: etag.map(str::to_owned) }
    }

    #[test]
    fn every_object_is_read_as_its_key_is_written() {
        let mut objects = vec![Object::Incoming(folder(None).upload)];
        objects.extend(DefaultImage::ALL.map(Object::Default));
        for etag in [None, Some("0123456789abcdef-2")] {
            objects.extend([Format::Jpeg, Format::Png].map(|format| Object::Original(folder(etag), format)));
            objects.extend([Object::Thumb(folder(etag)), Object::Medium(folder(etag))]);
        }
        for object in objects {
            assert_eq!(Object::parse(&object.key()).as_ref(), Some(&object), "{}", object.key());
        }
    }

    #[test]
    fn what_an_attempt_leaves_lies_below_its_prefixes() {
        let upload = folder(None).upload;
        let [made, sent] = upload.prefixes();
        assert_eq!([&*made, &*sent], [format!("images/{STEM}/{ATTEMPT}/"), format!("incoming/{STEM}/{ATTEMPT}")]);
        assert!(Object::Thumb(folder(Some("e"))).key().starts_with(&made));
        assert_eq!(Object::Incoming(upload).key(), sent);
    }

    #[test]
    fn any_other_key_is_none_of_ours() {
        for key in [
            format!("images/{STEM}/{ATTEMPT}/original.svg"),
            format!("images/{STEM}/{ATTEMPT}/original"),
            format!("images/{STEM}/{ATTEMPT}/original.jpg/"),
            format!("images/{STEM}/{ATTEMPT}/thumb.png"),
            format!("images/{STEM}/{ATTEMPT}/e/f/original.jpg"),
            format!("images/{STEM}/{ATTEMPT}/../original.jpg"),
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
            format!("dead-letters/{STEM}/{ATTEMPT}"),
            "defaults/other".to_owned(),
            "defaults/missing/x".to_owned(),
            String::new(),
        ] {
            assert_eq!(Object::parse(&key), None, "{key:?}");
        }
    }
}
