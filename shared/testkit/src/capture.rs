use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber};

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
}
