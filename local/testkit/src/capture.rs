use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber};

use crate::metrics::metrics_of;

const LONGEST_LINE: usize = 600;
/// A function's name takes 64 characters at most, and in tests it is "local". Traces are recorded only where they are asked for.
const LONGER_ON_LAMBDA: usize = 64 - "local".len();

/// What a subscriber writes its lines to.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log lines of this thread, kept instead of printed for as long as this lives.
pub struct Capture {
    lines: Lines,
    _default: DefaultGuard,
    _second: Dispatch,
}

impl Capture {
    /// Captures what the subscriber that `make` gives writes.
    pub fn start<S>(make: impl Fn(Lines) -> S) -> Self
    where
        S: Subscriber + Send + Sync + 'static,
    {
        let lines = Lines::default();
        // Of a single subscriber, tracing keeps what the thread says that meets a callsite first: perhaps another test's.
        let second = Dispatch::new(make(Lines::default()));
        let default = tracing::subscriber::set_default(make(lines.clone()));
        Self { lines, _default: default, _second: second }
    }

    /// All lines so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The one line of each request so far. Every line there is must be JSON.
    #[track_caller]
    pub fn requests(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["message"] == "request").collect()
    }

    /// All lines so far. Every one must be JSON, and short: what is written of each request is most of what logs cost.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let long = text.lines().find(|line| line.len() + LONGER_ON_LAMBDA > LONGEST_LINE);
        assert_eq!(long, None, "a line that takes more than {LONGEST_LINE} bytes");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The metrics that the template's filters take out of each event so far, a line for each: `Logins=1 Refusals{busy}=1`, times as
    /// `[ms]`.
    #[track_caller]
    pub fn metrics(&self) -> String {
        self.text().lines().filter_map(metrics_of).collect::<Vec<_>>().join("\n")
    }
}
