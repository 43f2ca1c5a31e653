//! JSON logs on standard output, one line per event: what CloudWatch Logs takes as it is.

use std::fmt;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// Events of this target are lines already.
const LINE: &str = "platform::line";

/// Sends log lines of level INFO and above to standard output. Called once, first thing in `main`.
pub fn init() {
    let _ = tracing::subscriber::set_global_default(subscriber(std::io::stdout));
}

/// The subscriber of [`init`], for another writer. Tests capture the lines with it.
pub fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // Level INFO is a promise: the SDK's DEBUG lines carry whole requests, headers and items.
    let json = tracing_subscriber::fmt::format().json().flatten_event(true);
    tracing_subscriber::fmt()
        .fmt_fields(JsonFields::new())
        .event_format(Lines(json.with_current_span(false).with_span_list(false)))
        .with_max_level(LevelFilter::INFO)
        .with_writer(writer)
        .finish()
}

/// Writes a line as it is. tracing's own fields cannot hold objects, which the metrics of a line need.
pub(crate) fn write(line: &impl Serialize, is_error: bool) {
    match serde_json::to_string(line) {
        Ok(line) if is_error => tracing::error!(target: LINE, line),
        Ok(line) => tracing::info!(target: LINE, line),
        Err(error) => tracing::error!(error.cause = %error, "a line that is no JSON"),
    }
}

/// One line per event: made of its fields, or as it was given to [`write()`].
struct Lines(Format<Json>);

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != LINE {
            return self.0.format_event(context, writer, event);
        }
        let mut given = Given(String::new());
        event.record(&mut given);
        writeln!(writer, "{}", given.0)
    }
}

struct Given(String);

impl Visit for Given {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.push_str(value);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
