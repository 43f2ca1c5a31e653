//! The only place that reads the time. Everything else takes `now` as an argument.

use jiff::Timestamp;

/// The current time, in whole milliseconds: what rows keep of it. Called once per request, where it comes in.
#[expect(clippy::disallowed_methods, reason = "this is the one legal reader of the clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
