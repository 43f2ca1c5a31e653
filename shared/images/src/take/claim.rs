//! A row is claimed before anything else is written: from then on its name is this upload's.

use std::time::Duration;

use jiff::Timestamp;
use platform::Failure;

use crate::error::ImageError;
use crate::rows::row::ImageRow;
use crate::rows::state::Taken;
use crate::rows::table::{ImageRows, Written};

/// A claim meets another one, or a transaction, so often before it gives up for now.
const TRIES: u32 = 5;
const FIRST_BACKOFF: Duration = Duration::from_millis(20);

/// What a claim came to.
pub(crate) enum Claim {
    /// The row is ours to complete: fresh, or adopted from a try that did not end.
    Ours(ImageRow),
    /// An earlier try has ended: the picture is ready, or was rejected, as only what comes by a ticket can be.
    Done(ImageRow),
}

/// Takes the draft's name, or finds out who has it.
///
/// # Errors
/// Where the image was deleted, the upload id stands for other content, or it could not be found out.
pub(crate) async fn claim(rows: &ImageRows, draft: &ImageRow, now: Timestamp) -> Result<Claim, ImageError> {
    for tried in 1..=TRIES {
        match try_claim(rows, draft, now).await {
            Ok(Some(claim)) => return Ok(claim),
            Ok(None) => {}
            // The avatar's transaction holds the row; DynamoDB's SDK does not try this again by itself.
            Err(ImageError::Failure(Failure::Conflict { .. })) => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(FIRST_BACKOFF * tried).await;
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
