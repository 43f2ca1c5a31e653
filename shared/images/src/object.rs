use crate::name::{Attempt, ImageName};

/// A picture that stands for one that cannot be shown. They lie in the bucket, put there by the local stack and by
/// deploying, and are delivered like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultImage {
    /// There is no such image.
    Missing,
    /// This user has no avatar.
    Avatar,
}

impl DefaultImage {
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Missing => "defaults/missing",
            Self::Avatar => "defaults/avatar",
        }
    }
}

/// What a picture's object may be kept for by whoever got it: its key is never used for other bytes.
pub(crate) const CACHE_CONTROL: &str = "max-age=31536000, immutable";

/// The key of a picture that came through the API. Validated output only lies under `images/`, and no read path
/// addresses anything else but `defaults/`.
pub(crate) fn key_of(name: &ImageName, attempt: &Attempt) -> String {
    let extension = name.format.extension();
    format!("images/{}/{}/original.{extension}", name.stem.as_str(), attempt.as_str())
}

/// Where direct uploads land, as they come. No read path addresses it.
pub(crate) const INCOMING: &str = "incoming/";
