//! What is counted while an event is worked on, for CloudWatch: its numbers ride on the event's log line, in the
//! [embedded metric format]. They cost no call and no permission; CloudWatch Logs takes them out of the line.
//!
//! Own code, since the format is one JSON object and its crates bring either a collector for the whole process or some
//! forty packages (`docs/decisions/0006-metrics-in-the-log-line.md`).
//!
//! [embedded metric format]:
//!     https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::invocation;

/// Under which CloudWatch keeps all of them.
pub const NAMESPACE: &str = "mini-functions";

const FUNCTION_NAME: &str = "FunctionName";
const ERROR_CODE: &str = "ErrorCode";
const BY_FUNCTION: &[&str] = &[FUNCTION_NAME];
const BY_FUNCTION_AND_ERROR: &[&str] = &[FUNCTION_NAME, ERROR_CODE];

/// Everything that is counted. Each pair of a metric and a value of its dimensions is paid for: few, and never an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    RequestDuration,
    Refusals,
    AwsFailures,
    Logins,
    NewUsers,
    WeChatDuration,
    WeChatFailures,
    WeChatSecretRefused,
    Uploads,
    UploadBytes,
    Redirects,
    DefaultImages,
    Variants,
    VariantFailures,
    RemovedObjects,
    RemovalAge,
    Removals,
}

impl Metric {
    /// All of them, in the order of `docs/metrics.md`.
    pub const ALL: [Self; 17] = [
        Self::RequestDuration,
        Self::Refusals,
        Self::AwsFailures,
        Self::Logins,
        Self::NewUsers,
        Self::WeChatDuration,
        Self::WeChatFailures,
        Self::WeChatSecretRefused,
        Self::Uploads,
        Self::UploadBytes,
        Self::Redirects,
        Self::DefaultImages,
        Self::Variants,
        Self::VariantFailures,
        Self::RemovedObjects,
        Self::RemovalAge,
        Self::Removals,
    ];

    /// Name and unit as CloudWatch knows them, and what it says.
    const fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::RequestDuration => ("RequestDuration", "Milliseconds", "from the event to its answer"),
            Self::Refusals => ("Refusals", "Count", "requests that were refused or failed, by their `error`"),
            Self::AwsFailures => (
                "AwsFailures",
                "Count",
                "operations of AWS that failed after all tries, whatever became of the request",
            ),
            Self::Logins => ("Logins", "Count", "sessions handed out"),
            Self::NewUsers => ("NewUsers", "Count", "users made by their first login"),
            Self::WeChatDuration => ("WeChatDuration", "Milliseconds", "from sending a code to WeChat to its answer"),
            Self::WeChatFailures => {
                ("WeChatFailures", "Count", "exchanges without a usable answer, or over WeChat's limit (45011)")
            }
            Self::WeChatSecretRefused => (
                "WeChatSecretRefused",
                "Count",
                "WeChat refused our app id or secret (40013, 40125): nobody can log in",
            ),
            Self::Uploads => (
                "Uploads",
                "Count",
                "images made ready, each once; one whose last write was not answered is left out, as it may be another's",
            ),
            Self::UploadBytes => ("UploadBytes", "Bytes", "what those images take, as stored"),
            Self::Redirects => ("Redirects", "Count", "redirects to an image, or to a default image"),
            Self::DefaultImages => ("DefaultImages", "Count", "those that led to a default image"),
            Self::Variants => ("Variants", "Count", "images that were given variants"),
            Self::VariantFailures => {
                ("VariantFailures", "Count", "pictures of which none could be made; they are shown as they are")
            }
            Self::RemovedObjects => ("RemovedObjects", "Count", "objects that went with their rows"),
            Self::RemovalAge => (
                "RemovalAge",
                "Milliseconds",
                "from the request to remove an account to a pass over it, which is not the last",
            ),
            Self::Removals => ("Removals", "Count", "accounts of which nothing is left"),
        }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The unit.
    pub const fn unit(self) -> &'static str {
        self.row().1
    }

    /// What it says, for `docs/metrics.md`.
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }

    /// By what it is told apart.
    pub const fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::Refusals => BY_FUNCTION_AND_ERROR,
            _ => BY_FUNCTION,
        }
    }
}

/// Counts one.
pub fn count(metric: Metric) {
    add(metric, 1);
}

/// Adds to what the event at work has counted so far. Outside of one, while a function starts, nothing is counted.
pub fn add(metric: Metric, amount: u64) {
    invocation::note(|record| record.counts.add(metric, amount));
}

/// Adds a time, in whole milliseconds.
pub fn add_time(metric: Metric, time: Duration) {
    add(metric, milliseconds(time));
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What one event has counted.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<Metric, u64>);

impl Counts {
    pub(crate) fn add(&mut self, metric: Metric, amount: u64) {
        let sum = self.0.entry(metric).or_default();
        *sum = sum.saturating_add(amount);
    }
}

/// The members of a log line that make it a document of the embedded metric format: the values and the dimensions that
/// they are told apart by, and `_aws`, which says which is which.
pub(crate) struct Document<'a> {
    pub(crate) at: Timestamp,
    pub(crate) function_name: &'a str,
    pub(crate) error_code: Option<&'a str>,
    pub(crate) counts: &'a Counts,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(FUNCTION_NAME, self.function_name)?;
        if let Some(code) = self.error_code {
            members.serialize_entry(ERROR_CODE, code)?;
        }
        for (metric, value) in &self.counts.0 {
            members.serialize_entry(metric.name(), value)?;
        }
        members.serialize_entry("_aws", &self.metadata())?;
        members.end()
    }
}

impl Document<'_> {
    fn metadata(&self) -> Value {
        let directives =
            [BY_FUNCTION, BY_FUNCTION_AND_ERROR].into_iter().filter_map(|dimensions| self.directive(dimensions));
        json!({ "Timestamp": self.at.as_millisecond(), "CloudWatchMetrics": directives.collect::<Vec<_>>() })
    }

    /// The metrics that are told apart by just these dimensions.
    fn directive(&self, dimensions: &[&str]) -> Option<Value> {
        let metrics = self.counts.0.keys().filter(|metric| metric.dimensions() == dimensions);
        let metrics: Vec<_> = metrics.map(|metric| json!({ "Name": metric.name(), "Unit": metric.unit() })).collect();
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics });
        (!metrics.is_empty()).then_some(directive)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn document(counted: &[(Metric, u64)], error_code: Option<&str>) -> Value {
        let mut counts = Counts::default();
        counted.iter().for_each(|(metric, amount)| counts.add(*metric, *amount));
        let at = Timestamp::from_millisecond(1_767_225_600_123).unwrap();
        serde_json::to_value(Document { at, function_name: "f", error_code, counts: &counts }).unwrap()
    }

    #[test]
    fn a_document_names_its_values_and_their_dimensions() {
        let document = document(&[(Metric::Uploads, 1), (Metric::UploadBytes, 70), (Metric::Uploads, 2)], None);

        assert_eq!(
            document,
            json!({
                "FunctionName": "f", "Uploads": 3, "UploadBytes": 70,
                "_aws": { "Timestamp": 1_767_225_600_123_i64, "CloudWatchMetrics": [{
                    "Namespace": "mini-functions",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{ "Name": "Uploads", "Unit": "Count" }, { "Name": "UploadBytes", "Unit": "Bytes" }]
                }]}
            })
        );
    }

    #[test]
    fn a_refusal_is_told_apart_by_its_code_and_nothing_else_is() {
        let document = document(&[(Metric::Refusals, 1), (Metric::AwsFailures, 1)], Some("busy"));

        let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let told: Vec<_> = directives.iter().map(|told| (&told["Metrics"][0]["Name"], &told["Dimensions"])).collect();
        assert_eq!(
            told,
            [
                (&json!("AwsFailures"), &json!([["FunctionName"]])),
                (&json!("Refusals"), &json!([["FunctionName", "ErrorCode"]]))
            ]
        );
        assert_eq!((&document["ErrorCode"], &document["Refusals"]), (&json!("busy"), &json!(1)));
    }

    #[test]
    fn every_metric_has_a_name_of_its_own_and_a_unit_of_cloudwatchs() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        assert!(Metric::ALL.is_sorted(), "the order of the variants is that of the document");
        for metric in Metric::ALL {
            assert!(["Count", "Bytes", "Milliseconds"].contains(&metric.unit()), "{metric:?}");
        }
    }
}
