use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The emulators' clock. They stand in for servers, and servers have a clock of their own.
#[expect(clippy::disallowed_methods, reason = "the emulated services read the time where a request comes in")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Now without its fraction of a second, as HTTP dates are.
pub(crate) fn now_to_the_second() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds())
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
