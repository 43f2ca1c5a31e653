//! EventBridge: `PutEvents` and nothing else. Rules are judged by whoever takes the events from here.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use s3s::dto::{Timestamp, TimestampFormat};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws_json::{json_answer, refusal};
use crate::outbox::Outbox;
use crate::random;

/// What `X-Amz-Target` says.
pub(crate) const TARGET: &[u8] = b"AWSEvents.PutEvents";

/// What was put on a bus.
#[derive(Debug, Clone, PartialEq)]
pub struct BusEvent {
    /// The bus.
    pub bus: String,
    /// The event as the targets of rules are given it.
    pub event: Value,
}

/// The events that were put and that nobody has taken yet.
#[derive(Clone, Default)]
pub(crate) struct Events(pub(crate) Arc<Outbox<BusEvent>>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    event_bus_name: String,
    source: String,
    detail_type: String,
    detail: String,
    /// Seconds since 1970.
    time: f64,
}

impl Events {
    pub(crate) fn answer(&self, authorization: &str, body: &Bytes) -> Response {
        if !authorization.contains("/events/aws4_request") {
            return refusal("IncompleteSignatureException", "Credential should be scoped to the service events");
        }
        let Ok(PutEvents { entries }) = serde_json::from_slice(body) else {
            return refusal("SerializationException", "The request is not a PutEvents request");
        };
        if !(1..=10).contains(&entries.len()) {
            return refusal("ValidationException", "A request has 1 to 10 entries");
        }
        let results: Vec<_> = entries.into_iter().map(|entry| self.take(entry)).collect();
        let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
        json_answer(StatusCode::OK, &json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    fn take(&self, entry: Entry) -> Value {
        let Ok(Value::Object(detail)) = serde_json::from_str(&entry.detail) else {
            return json!({ "ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed." });
        };
        let id = random::uuid();
        let event = json!({
            "version": "0", "id": id, "detail-type": entry.detail_type, "source": entry.source, "account": "000000000000",
            "time": rfc3339(entry.time), "region": crate::REGION, "resources": [], "detail": detail,
        });
        self.0.put(BusEvent { bus: entry.event_bus_name, event });
        json!({ "EventId": id })
    }
}

fn rfc3339(seconds: f64) -> String {
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let mut text = Vec::new();
    // Into memory, and of a time within the years that it can be written for.
    let _ = Timestamp::from(UNIX_EPOCH + since).format(TimestampFormat::DateTime, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
