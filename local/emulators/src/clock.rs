use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynoxide::storage_backend::Clock;

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

/// The clock that the tables end their rows by: ours, until a test says how late it is.
#[derive(Default)]
pub(crate) struct TtlClock {
    /// Seconds since 1970; 0 for nobody said it.
    said: AtomicU64,
}

impl TtlClock {
    pub(crate) fn say(&self, unix_seconds: u64) {
        self.said.store(unix_seconds, Ordering::Relaxed);
    }
}

impl Clock for TtlClock {
    fn now_unix_secs(&self) -> u64 {
        match self.said.load(Ordering::Relaxed) {
            0 => unix_seconds(),
            said => said,
        }
    }

    fn now_unix_secs_f64(&self) -> f64 {
        match self.said.load(Ordering::Relaxed) {
            0 => now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            said => Duration::from_secs(said).as_secs_f64(),
        }
    }
}
