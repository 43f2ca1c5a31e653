use crate::rows::name::{Attempt, ImageName, Stem};

/// A picture that stands for one that cannot be shown. They lie in the bucket, put there by the local stack and by
/// deploying, and are delivered like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultImage {
    /// There is no such image.
    Missing,
    /// This user has no avatar.
    Avatar,
    /// The image is to come, straight to the bucket, or is being looked at.
    InPreparation,
    /// The image came straight to the bucket and was refused.
    NotAvailable,
}

impl DefaultImage {
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Missing => "defaults/missing",
            Self::Avatar => "defaults/avatar",
            Self::InPreparation => "defaults/in-preparation",
            Self::NotAvailable => "defaults/not-available",
        }
    }

    /// Seconds for which a redirect to it can be kept at most: something else may be there soon.
    pub const fn max_age(self) -> u32 {
        match self {
            Self::InPreparation => 10,
            Self::Missing | Self::Avatar | Self::NotAvailable => 60,
        }
    }
}

/// What a picture's object may be kept for by whoever got it: its key is never used for other bytes.
pub(crate) const CACHE_CONTROL: &str = "max-age=31536000, immutable";

/// The key of a picture that came through the API. Validated output only lies under `images/`, and no read path
/// addresses anything else but `defaults/`.
pub(crate) fn key_of(name: &ImageName, attempt: &Attempt) -> String {
    let extension = name.format.extension();
    format!("{}original.{extension}", folder_of(&name.stem, attempt))
}

/// Below which the pictures of an attempt lie.
pub(crate) fn folder_of(stem: &Stem, attempt: &Attempt) -> String {
    format!("images/{}/{}/", stem.as_str(), attempt.as_str())
}

/// Where direct uploads land, as they come. No read path addresses it.
pub(crate) const INCOMING: &str = "incoming/";

/// The key under which a ticket's photo is sent.
pub(crate) fn incoming_key_of(stem: &Stem, attempt: &Attempt) -> String {
    format!("{INCOMING}{}/{}", stem.as_str(), attempt.as_str())
}

/// Below which everything lies that an attempt may have left: its outputs, and what was sent for it directly to S3.
pub(crate) fn prefixes_of(stem: &Stem, attempt: &Attempt) -> [String; 2] {
    [folder_of(stem, attempt), incoming_key_of(stem, attempt)]
}
