use platform::Failure;

/// Why nobody is signed in. The caller is not told which of the first four it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No header, or only one of the two.
    #[error("no session was presented")]
    Missing,
    /// Doubled headers, spellings that differ, ids of another form.
    #[error("a malformed session was presented")]
    Malformed,
    /// Unknown, revoked, or another user's.
    #[error("no such session")]
    Unknown,
    /// Past its idle or absolute end.
    #[error("the session has ended")]
    Expired,
    /// The address has used up its failed logins of this minute.
    #[error("too many failed logins")]
    TooManyFailures {
        /// Seconds until the next minute.
        retry_after: u32,
    },
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    NoRandomBytes(#[from] getrandom::Error),
    /// The table failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}
