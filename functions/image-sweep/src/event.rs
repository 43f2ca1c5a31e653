use images::{RowChange, Told};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Records of the images table's stream, in the order in which the changes of one row were made.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "Records")]
    pub(crate) records: Vec<Record>,
}

/// One change of a row.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    #[serde(rename = "eventID")]
    id: String,
    pub(crate) dynamodb: StreamRecord,
}

impl Record {
    /// What others are told of it. The record has the second in which the change was made.
    pub(crate) fn told(&self) -> Option<Told> {
        let at = Timestamp::from_second(self.dynamodb.made_at as i64).ok()?;
        self.dynamodb.change.told(&self.id, at)
    }
}

/// The row before and after, and the record's place in the stream.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamRecord {
    #[serde(rename = "SequenceNumber")]
    pub(crate) sequence_number: String,
    /// Seconds since 1970.
    #[serde(rename = "ApproximateCreationDateTime")]
    made_at: f64,
    #[serde(flatten)]
    pub(crate) change: RowChange,
}

/// Which records failed: Lambda repeats the batch from the first of them.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    batch_item_failures: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

impl Answer {
    pub(crate) fn of(failed: impl Iterator<Item = String>) -> Self {
        Self { batch_item_failures: failed.map(|item_identifier| Failed { item_identifier }).collect() }
    }
}
