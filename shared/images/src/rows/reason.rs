use imaging::Refused;

/// Why a direct upload was refused, as its row says it. The names are stored, and clients compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has more bytes than a direct upload may.
    TooLarge,
    /// It is no image, or not of the type that was announced.
    Unsupported,
    /// Its end is missing.
    Incomplete,
    /// It is damaged, or larger than an image may be.
    Invalid,
    /// The task was full when it came.
    TaskFull,
    /// The task was gone when it came.
    TaskNotFound,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::TooLarge, Self::Unsupported, Self::Incomplete, Self::Invalid, Self::TaskFull, Self::TaskNotFound];

    /// Why bytes are refused.
    pub(crate) fn of(refusal: &Refused) -> Self {
        match refusal {
            Refused::Heic | Refused::Unsupported => Self::Unsupported,
            Refused::Incomplete => Self::Incomplete,
            Refused::Invalid(_)
            | Refused::TooManyPixels
            | Refused::TooManyFrames
            | Refused::TooManyScans
            | Refused::TooManySegments => Self::Invalid,
        }
    }

    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "image_too_large",
            Self::Unsupported => "image_unsupported",
            Self::Incomplete => "image_incomplete",
            Self::Invalid => "image_invalid",
            Self::TaskFull => "task_full",
            Self::TaskNotFound => "task_not_found",
        }
    }

    /// Reads a stored reason; nothing for one of a newer version.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == text)
    }
}
