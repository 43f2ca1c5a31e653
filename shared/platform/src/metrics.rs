//! What is counted while an event is worked on. Its numbers are members of the event's log line and cost no call and no permission;
//! where the stack's `Monitoring` is `full`, metric filters of `template.yaml` take them out of the line into CloudWatch
//! (`docs/decisions/0006-metrics-in-the-log-line.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::ser::{Serialize, Serializer};

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

    /// The member of a log line that has its value.
    pub const fn field(self) -> &'static str {
        match self {
            Self::RequestDuration => "duration_ms",
            _ => self.name(),
        }
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

/// The members of a log line that have the values.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(metric, value)| (metric.field(), value)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_was_counted_is_told_by_its_name() {
        let mut counts = Counts::default();
        for (metric, amount) in [(Metric::Uploads, 1), (Metric::UploadBytes, 70), (Metric::Uploads, 2)] {
            counts.add(metric, amount);
        }

        assert_eq!(serde_json::to_value(counts).unwrap(), serde_json::json!({ "Uploads": 3, "UploadBytes": 70 }));
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
