//! One event that a function works on: what it says of itself on the way, and the one line that is logged of it.
//!
//! On Lambda a process works on one event at a time, in the local stack on many. What is noted belongs to the task that
//! works on the event, so that [`note_user`] and [`crate::metrics`] need no value handed down to them.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::metrics::{Counts, Metric, milliseconds};
use crate::{Attention, telemetry};

/// Stands for the function's name where nobody gave it one: in the local stack and in tests.
const UNNAMED: &str = "local";

tokio::task_local! {
    static CURRENT: RefCell<Record>;
}

/// What an event has said of itself so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    user_id: Option<String>,
    aws_calls: u32,
    attention: Option<Attention>,
    pub(crate) counts: Counts,
}

/// Changes the record of the event at work, if there is one.
pub(crate) fn note(change: impl FnOnce(&mut Record)) {
    let _ = CURRENT.try_with(|record| change(&mut record.borrow_mut()));
}

/// Says whose event it is: of somebody whose session was accepted or just made, or whose image it is about.
pub fn note_user(user_id: &str) {
    note(|record| record.user_id = Some(user_id.to_owned()));
}

/// Says that somebody has to look at it. What is said first is kept.
pub fn note_attention(attention: Attention) {
    note(|record| {
        record.attention.get_or_insert(attention);
    });
}

/// One request went out to AWS, be it the first try or another.
pub(crate) fn note_aws_call() {
    note(|record| record.aws_calls += 1);
}

/// Under what an event is known.
#[derive(Clone, Debug)]
pub struct Invocation {
    function_name: String,
    request_id: String,
    trace_id: Option<String>,
    now: Timestamp,
}

impl Invocation {
    /// An event of this function (as Lambda's context names it) that came `now`, with the trace header of Lambda's context
    /// (`Root=…;Parent=…;Sampled=…`), of which the root is the id that X-Ray knows, if the trace was taken.
    pub fn new(function_name: &str, request_id: &str, trace_header: Option<&str>, now: Timestamp) -> Self {
        let function_name = if function_name.is_empty() { UNNAMED } else { function_name };
        let taken = trace_header.filter(|header| header.split(';').any(|part| part == "Sampled=1"));
        let root = taken.and_then(|header| header.split(';').find_map(|part| part.strip_prefix("Root=")));
        Self {
            function_name: function_name.to_owned(),
            request_id: request_id.to_owned(),
            trace_id: root.map(str::to_owned),
            now,
        }
    }

    /// Works on the event. What the work notes is kept for the line.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> (T, Ended) {
        let started = Instant::now();
        let noted = async { (work.await, CURRENT.with(RefCell::take)) };
        let (outcome, record) = CURRENT.scope(RefCell::default(), noted).await;
        (outcome, Ended { invocation: self, record, duration: started.elapsed() })
    }
}

/// Why an event did not get what it asked for.
#[derive(Debug)]
pub struct Refusal {
    /// The code under which it was answered.
    pub code: &'static str,
    /// What the log is told besides.
    pub cause: Option<String>,
    /// Whether the fault is on our side: an ERROR.
    pub is_fault: bool,
}

/// An event whose work is done, before it is answered.
#[derive(Debug)]
pub struct Ended {
    invocation: Invocation,
    record: Record,
    duration: Duration,
}

impl Ended {
    /// Writes the line: what the caller adds, the ids, the user, the time taken, the calls made and the metrics. To be
    /// written before the answer is given, after which Lambda may freeze the process.
    pub fn log(mut self, message: &'static str, fields: impl Serialize, refusal: Option<&Refusal>) {
        let duration_ms = milliseconds(self.duration);
        if refusal.is_some() {
            self.record.counts.add(Metric::Refusals, 1);
        }
        let is_fault = refusal.is_some_and(|refusal| refusal.is_fault);
        let error_code = refusal.map(|refusal| refusal.code);
        let line = Line {
            timestamp: self.invocation.now,
            level: if is_fault { "ERROR" } else { "INFO" },
            message,
            fields,
            duration_ms,
            request_id: &self.invocation.request_id,
            trace_id: self.invocation.trace_id.as_deref(),
            user_id: self.record.user_id.as_deref(),
            aws_calls: self.record.aws_calls,
            error_code,
            error_cause: refusal.and_then(|refusal| refusal.cause.as_deref()),
            attention: self.record.attention.map(Attention::name),
            function_name: &self.invocation.function_name,
            refused_as: error_code,
            counts: &self.record.counts,
        };
        telemetry::write(&line, is_fault);
    }
}

#[derive(Serialize)]
struct Line<'a, F> {
    timestamp: Timestamp,
    level: &'static str,
    message: &'static str,
    #[serde(flatten)]
    fields: F,
    duration_ms: u64,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(rename = "aws.calls")]
    aws_calls: u32,
    #[serde(rename = "error.code", skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(rename = "error.cause", skip_serializing_if = "Option::is_none")]
    error_cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<&'static str>,
    // Metric filters take their dimensions from these two; they know no names with dots.
    #[serde(rename = "FunctionName")]
    function_name: &'a str,
    #[serde(rename = "ErrorCode", skip_serializing_if = "Option::is_none")]
    refused_as: Option<&'a str>,
    #[serde(flatten)]
    counts: &'a Counts,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    fn invocation(trace_header: Option<&str>) -> Invocation {
        Invocation::new("", "request", trace_header, Timestamp::UNIX_EPOCH)
    }

    /// Makes so many calls in the name of a user, and lets others work after each.
    async fn call(user_id: &str, calls: u32) {
        note_user(user_id);
        for _ in 0..calls {
            note_aws_call();
            metrics::count(Metric::AwsFailures);
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn events_at_work_side_by_side_do_not_mix() {
        let ((_, alice), (_, bob)) =
            tokio::join!(invocation(None).run(call("alice", 2)), invocation(None).run(call("bob", 5)));

        for (ended, user_id, calls) in [(alice, "alice", 2), (bob, "bob", 5)] {
            assert_eq!((ended.record.user_id.as_deref(), ended.record.aws_calls), (Some(user_id), calls));
            assert_eq!(format!("{:?}", ended.record.counts), format!("Counts({{AwsFailures: {calls}}})"));
        }
    }

    #[tokio::test]
    async fn what_is_done_outside_of_an_event_is_counted_for_none() {
        call("alice", 3).await;
        let ((), ended) = invocation(None).run(async {}).await;

        assert_eq!((ended.record.user_id, ended.record.aws_calls), (None, 0));
    }

    #[tokio::test]
    async fn what_is_to_be_looked_at_first_is_kept() {
        let work = async {
            note_attention(Attention::IngestBehind);
            note_attention(Attention::IngestFailed);
        };

        let ((), ended) = invocation(None).run(work).await;

        assert_eq!(ended.record.attention, Some(Attention::IngestBehind));
    }

    #[test]
    fn a_trace_that_was_taken_is_known_by_its_root() {
        for (header, root) in [
            (
                "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
                Some("1-5759e988-bd862e3fe1be46a994272793"),
            ),
            (
                "Parent=53995c3f42cd8ad8;Sampled=1;Root=1-5759e988-bd862e3fe1be46a994272793",
                Some("1-5759e988-bd862e3fe1be46a994272793"),
            ),
            ("", None),
            ("Sampled=1", None),
            ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0", None),
        ] {
            assert_eq!(invocation(Some(header)).trace_id.as_deref(), root, "{header}");
        }
    }
}
