//! A row is claimed before anything else is written: from then on its name belongs to this upload.

use jiff::Timestamp;
use platform::Failure;
use platform::retry::Attempts;

use crate::error::ImageError;
use crate::rows::row::ImageRow;
use crate::rows::rules::Taken;
use crate::rows::table::{ImageRows, Written};

/// How often a claim that meets another one, or a transaction, is tried.
const TRIES: u32 = 5;

/// How a claim ended.
pub(crate) enum Claim {
    /// The row is ours to complete: fresh, or adopted from a try that did not end.
    Ours(ImageRow),
    /// An earlier try has ended: the image is ready or, of a ticket only, rejected.
    Done(ImageRow),
}

/// Claims the draft's name, or finds out who has it.
///
/// # Errors
/// Where the image was deleted, the upload id stands for other content, or it could not be found out.
pub(crate) async fn claim(rows: &ImageRows, draft: &ImageRow, now: Timestamp) -> Result<Claim, ImageError> {
    let mut attempts = Attempts::at_most(TRIES);
    while attempts.next().await {
        match try_claim(rows, draft, now).await {
            Ok(Some(claim)) => return Ok(claim),
            Ok(None) => {}
            // The transaction of an avatar has the row just now.
            Err(ImageError::Failure(Failure::Conflict { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ImageError::Unconfirmed("the row was changed again and again"))
}

async fn try_claim(rows: &ImageRows, draft: &ImageRow, now: Timestamp) -> Result<Option<Claim>, ImageError> {
    let found = match rows.claim(draft).await? {
        Written::Applied => return Ok(Some(Claim::Ours(draft.clone()))),
        // Gone again between the write and its answer.
        Written::Refused(None) => return Ok(None),
        Written::Refused(Some(found)) => found,
    };
    match found.taken_from(draft) {
        Taken::Own => Ok(Some(Claim::Ours(found))),
        Taken::Unfinished => match rows.adopt(&found, now).await? {
            Written::Applied => Ok(Some(Claim::Ours(found))),
            Written::Refused(_) => Ok(None),
        },
        Taken::Finished => Ok(Some(Claim::Done(found))),
        Taken::OtherContent => Err(ImageError::UploadIdReused),
        Taken::Deleted => Err(ImageError::NotFound),
        Taken::Unknown => Err(ImageError::UnknownState),
    }
}
