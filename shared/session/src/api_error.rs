//! The one place where the errors of this crate become answers.

use web::{ApiError, ErrorCode};

use crate::error::SessionError;

impl From<SessionError> for ApiError {
    /// One answer for every session that is refused: a stranger must not learn which part was wrong.
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Missing | SessionError::Malformed | SessionError::Unknown | SessionError::Expired => {
                Self::from(ErrorCode::SessionInvalid).because(error)
            }
            SessionError::TooManyFailures { retry_after } => {
                Self::from(ErrorCode::TooManyRequests).retry_after(retry_after)
            }
            SessionError::NoRandomBytes(_) => Self::from(ErrorCode::Internal).because(error),
            SessionError::Failure(failure) => failure.into(),
        }
    }
}
