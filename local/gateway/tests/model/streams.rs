//! What AWS tells of changes: of rows by the images table's stream, of objects by S3. All of it comes at least once, and
//! whenever it likes; only the records of one row keep their order.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use testkit::{Event, Stack};

/// What was told and not worked off yet, and what was, since it can come once more.
#[derive(Default)]
pub(crate) struct Streams {
    of_rows: BTreeMap<String, VecDeque<Event>>,
    rows_done: Vec<Event>,
    of_objects: Vec<Event>,
    objects_done: Vec<Event>,
}

impl Streams {
    /// Takes what was told since the last time; gives the rows as they became.
    pub(crate) fn take(&mut self, stack: &Stack) -> Vec<Value> {
        self.of_objects.extend(stack.take_created());
        let mut rows = Vec::new();
        for record in stack.take_changes() {
            let change = record.parsed::<Value>()["Records"][0]["dynamodb"].take();
            let stem = change["Keys"]["stem"]["S"].as_str().expect("a stem").to_owned();
            self.of_rows.entry(stem).or_default().push_back(record);
            rows.push(change["NewImage"].clone());
        }
        rows
    }

    /// Rows of which records wait.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &String> {
        self.of_rows.keys()
    }

    /// The next record of a row. It stays the next one until it is [`row_done`](Self::row_done).
    pub(crate) fn next_of(&self, stem: &str) -> Event {
        self.of_rows[stem][0].clone()
    }

    pub(crate) fn row_done(&mut self, stem: &str) {
        let records = self.of_rows.get_mut(stem).expect("a row with records");
        self.rows_done.extend(records.pop_front());
        if records.is_empty() {
            self.of_rows.remove(stem);
        }
    }

    /// The records that were worked off.
    pub(crate) fn rows_done(&self) -> &[Event] {
        &self.rows_done
    }

    /// What waits of S3's.
    pub(crate) fn objects(&self) -> &[Event] {
        &self.of_objects
    }

    pub(crate) fn object_done(&mut self, event: &Event) {
        self.of_objects.retain(|waiting| waiting != event);
        self.objects_done.push(event.clone());
    }

    /// What was worked off of S3's.
    pub(crate) fn objects_done(&self) -> &[Event] {
        &self.objects_done
    }

    /// Nothing of S3's comes again for ever.
    pub(crate) fn forget_objects(&mut self) {
        self.objects_done.clear();
    }
}
