//! What AWS tells of changes: records of the images table's stream, in order for each row. They come at least once, and
//! whenever they like.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

type Rows = BTreeMap<String, Value>;

/// The table as it was last seen, and the records that were not delivered yet.
#[derive(Default)]
pub(crate) struct Stream {
    rows: Rows,
    waiting: BTreeMap<String, VecDeque<Value>>,
    /// Whole again from the dead letters, or sent twice.
    delivered: Vec<Value>,
    told: u64,
}

impl Stream {
    /// Takes the table as it is, without a record: of rows that were there before, or that a test has made older.
    pub(crate) fn begin_with(&mut self, rows: Vec<Value>) {
        self.rows = by_stem(rows);
    }

    /// Tells what changed since the last look, row by row: before and after.
    pub(crate) fn look_at(&mut self, rows: Vec<Value>) -> Vec<(Option<Value>, Option<Value>)> {
        let now = by_stem(rows);
        let before = std::mem::replace(&mut self.rows, now.clone());
        let stems: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        let mut changes = Vec::new();
        for stem in stems {
            let change = (before.get(stem).cloned(), now.get(stem).cloned());
            if change.0 != change.1 {
                self.tell(stem, &change);
                changes.push(change);
            }
        }
        changes
    }

    /// Rows of which records wait.
    pub(crate) fn rows_with_news(&self) -> Vec<String> {
        self.waiting.keys().cloned().collect()
    }

    /// The next record of a row. It stays the next one until it is [`done`](Self::done).
    pub(crate) fn next_of(&self, stem: &str) -> Value {
        self.waiting[stem][0].clone()
    }

    /// The row's next record was worked off.
    pub(crate) fn done(&mut self, stem: &str) {
        let records = self.waiting.get_mut(stem).expect("a row with news");
        self.delivered.extend(records.pop_front());
        if records.is_empty() {
            self.waiting.remove(stem);
        }
    }

    /// The records that were worked off, any of which can come again.
    pub(crate) fn delivered(&self) -> &[Value] {
        &self.delivered
    }

    fn tell(&mut self, stem: &str, change: &(Option<Value>, Option<Value>)) {
        self.told += 1;
        let mut record = json!({
            "eventName": match change { (None, _) => "INSERT", (_, None) => "REMOVE", _ => "MODIFY" },
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": {"stem": {"S": stem}},
                "SequenceNumber": self.told.to_string(),
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        });
        if let Some(old) = &change.0 {
            record["dynamodb"]["OldImage"] = old.clone();
        }
        if let Some(new) = &change.1 {
            record["dynamodb"]["NewImage"] = new.clone();
        } else {
            // Nothing but the TTL removes rows of this table.
            record["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        }
        self.waiting.entry(stem.to_owned()).or_default().push_back(record);
    }
}

fn by_stem(rows: Vec<Value>) -> Rows {
    rows.into_iter().map(|row| (row["stem"]["S"].as_str().expect("a stem").to_owned(), row)).collect()
}
