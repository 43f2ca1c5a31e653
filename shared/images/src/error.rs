use imaging::Refused;
use platform::Failure;

/// Why an image or a task is not taken, found or changed, in this crate's own words.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// These bytes, or what was announced of them, are no image that is taken.
    #[error(transparent)]
    Content(#[from] Refused),
    /// There is no such task, or it is somebody else's.
    #[error("no such task")]
    TaskNotFound,
    /// There is no such image in JSON calls: it was never shown, or it was deleted.
    #[error("no such image")]
    NotFound,
    /// The task has as many images as it may.
    #[error("the task is full")]
    TaskFull,
    /// The upload id stands for other content.
    #[error("the upload id stands for other content")]
    UploadIdReused,
    /// It is longer than 100 characters, or has control characters.
    #[error("A title has at most 100 characters and no control characters.")]
    MalformedTitle,
    /// It is none that we gave out.
    #[error("The cursor is not one that a page of tasks was answered with.")]
    MalformedCursor,
    /// Whether it was done is not known, or others were always quicker. Trying again is safe.
    #[error("{0}")]
    Unconfirmed(&'static str),
    /// Only a newer version knows the state of the row. It may be back soon.
    #[error("the row has a state of a newer version")]
    UnknownState,
    /// A remote call failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// What is there is not what we once wrote, or not what AWS sends.
    #[error("{0}")]
    Broken(&'static str),
}
