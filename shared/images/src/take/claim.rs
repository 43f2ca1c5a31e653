//! A row is claimed before anything else is written: from then on its name is this upload's.

use std::time::Duration;

use jiff::Timestamp;
use platform::Failure;
use web::{ApiError, ErrorCode};

use crate::rows::row::{ImageRow, State};
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
/// `not_found` (deleted), `upload_id_reused`, `busy`.
pub(crate) async fn claim(rows: &ImageRows, draft: &ImageRow, now: Timestamp) -> Result<Claim, ApiError> {
    for tried in 1..=TRIES {
        match try_claim(rows, draft, now).await {
            Ok(Some(claim)) => return Ok(claim),
            Ok(None) => {}
            // The avatar's transaction holds the row; DynamoDB's SDK does not try this again by itself.
            Err(ClaimError::Failure(Failure::Unavailable { code, .. })) if code == "TransactionConflictException" => {}
            Err(ClaimError::Failure(failure)) => return Err(failure.into()),
            Err(ClaimError::Refused(code)) => return Err(code.into()),
        }
        tokio::time::sleep(FIRST_BACKOFF * tried).await;
    }
    Err(ApiError::from(ErrorCode::Busy).because("the row was always changed meanwhile"))
}

async fn try_claim(rows: &ImageRows, draft: &ImageRow, now: Timestamp) -> Result<Option<Claim>, ClaimError> {
    let found = match rows.claim(draft).await? {
        Written::Applied => return Ok(Some(Claim::Ours(draft.clone()))),
        // Gone again between the write and its answer.
        Written::Refused(None) => return Ok(None),
        Written::Refused(Some(found)) => found,
    };
    // The order counts: a deleted upload stays deleted whatever bytes come, and our own row is never a conflict.
    if found.attempt == draft.attempt {
        return Ok(Some(Claim::Ours(found)));
    }
    match found.state {
        State::Removed => Err(ClaimError::Refused(ErrorCode::NotFound)),
        _ if found.content_hash != draft.content_hash => Err(ClaimError::Refused(ErrorCode::UploadIdReused)),
        State::Pending => match rows.adopt(&found, now).await? {
            Written::Applied => Ok(Some(Claim::Ours(found))),
            Written::Refused(_) => Ok(None),
        },
        State::Ready | State::Rejected => Ok(Some(Claim::Done(found))),
    }
}

enum ClaimError {
    Refused(ErrorCode),
    Failure(Failure),
}

impl From<Failure> for ClaimError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}
