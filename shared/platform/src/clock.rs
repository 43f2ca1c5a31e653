//! The only place that reads the time. Everything else takes `now` as an argument.

use jiff::Timestamp;

/// The current time. Called once per request, where it comes in.
#[expect(clippy::disallowed_methods, reason = "this is the one legal reader of the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
