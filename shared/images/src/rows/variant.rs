use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How large an image is wanted at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// Its longest side has 320 pixels: for lists.
    Thumb,
    /// Its longest side has 1080 pixels: for a screen.
    Medium,
    /// As it was sent.
    #[default]
    Original,
}

impl Size {
    /// Reads the name of a size, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "thumb" => Some(Self::Thumb),
            "medium" => Some(Self::Medium),
            "original" => Some(Self::Original),
            _ => None,
        }
    }
}

/// A smaller copy of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) object_key: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What was made of an image after it was stored. A size that the image itself does not exceed is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variants {
    pub(crate) thumb: Option<Variant>,
    pub(crate) medium: Option<Variant>,
    /// A `ThumbHash`.
    pub(crate) placeholder: Vec<u8>,
}

impl Variants {
    /// The variant for a size, or the next larger one that was made; nothing where that is the image itself.
    pub(crate) fn get(&self, size: Size) -> Option<&Variant> {
        match size {
            Size::Thumb => self.thumb.as_ref().or(self.medium.as_ref()),
            Size::Medium => self.medium.as_ref(),
            Size::Original => None,
        }
    }

    pub(crate) fn placeholder_text(&self) -> String {
        STANDARD.encode(&self.placeholder)
    }
}
