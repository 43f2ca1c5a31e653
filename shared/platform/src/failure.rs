use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::metrics::{self, Metric};

/// A remote call that did not give what it should.
///
/// It names the operation and the code that came back, and keeps nothing else: an SDK error's `Debug` holds the whole
/// answer, items and all, and would take them into the log.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Failure {
    /// Throttled, slow, down, refused or not reachable: the caller may try again.
    #[error("{operation}: {code}")]
    Unavailable {
        /// `Service.Operation`, as in an IAM action.
        operation: &'static str,
        /// The service's error code, or the kind of a failure that has none: `timeout`, `dispatch`, `response`.
        code: String,
    },
    /// A transaction has the row just now, so nothing was applied. DynamoDB's SDK does not try again by itself.
    #[error("{operation}: transaction conflict")]
    Conflict {
        /// `Service.Operation`, as in an IAM action.
        operation: &'static str,
    },
    /// Our role may not do this. Trying again helps once somebody has corrected its policy.
    #[error("{operation}: {code}")]
    Forbidden {
        /// `Service.Operation`, as in an IAM action.
        operation: &'static str,
        /// The service's error code.
        code: String,
    },
    /// The answer is there, but is not what we once wrote: a broken row, a request of ours that is refused as malformed.
    #[error("{operation}: {code}")]
    Broken {
        /// `Service.Operation`, or the table whose row is broken.
        operation: &'static str,
        /// What is wrong with it.
        code: String,
    },
}

impl Failure {
    /// A failure of `operation`, as the SDK reports it after its last try. Counted, since not every one becomes an answer.
    pub fn of<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error,
    {
        metrics::count(Metric::AwsFailures);
        let code = match error {
            SdkError::ServiceError(refusal) => refusal.err().code().unwrap_or("unknown error code").to_owned(),
            SdkError::TimeoutError(_) => "timeout".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_io() => "connection".to_owned(),
            SdkError::DispatchFailure(_) => "dispatch".to_owned(),
            SdkError::ResponseError(_) => "response".to_owned(),
            _ => "request".to_owned(),
        };
        match code.as_str() {
            "ValidationException" | "request" => Self::Broken { operation, code },
            "TransactionConflictException" => Self::Conflict { operation },
            "AccessDenied" | "AccessDeniedException" => Self::Forbidden { operation, code },
            _ => Self::Unavailable { operation, code },
        }
    }

    /// A remote call that failed outside the SDK, or one given up on. Counted like those of the SDK.
    pub fn unavailable(operation: &'static str, code: impl Into<String>) -> Self {
        metrics::count(Metric::AwsFailures);
        Self::Unavailable { operation, code: code.into() }
    }

    /// A row of `table` that we cannot read: its `attribute` is missing or of another type.
    pub fn broken_row(table: &'static str, attribute: &'static str) -> Self {
        Self::Broken { operation: table, code: format!("attribute {attribute} is missing or malformed") }
    }

    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Conflict { .. } | Self::Forbidden { .. } => true,
            Self::Broken { .. } => false,
        }
    }
}
