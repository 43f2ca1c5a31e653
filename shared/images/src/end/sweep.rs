//! Objects live exactly as long as their row: the bucket follows the stream of the images table.

use std::collections::BTreeMap;

use jiff::Timestamp;
use platform::metrics::{self, Metric};
use serde::Deserialize;
use serde_json::Value;

use crate::error::ImageError;
use crate::rows::keys::Upload;
use crate::rows::name::{Attempt, ImageName, Stem};
use crate::rows::state::ObjectsAfterChange;
use crate::rows::store::Store;
use crate::rows::table::{POINTER, Written};

/// One change of a row, as the table's stream records it: the row before and after.
#[derive(Debug, Deserialize)]
pub struct RowChange {
    #[serde(rename = "OldImage")]
    pub(super) old: Option<RecordedRow>,
    #[serde(rename = "NewImage")]
    pub(super) new: Option<RecordedRow>,
}

/// A row in DynamoDB's JSON.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedRow(BTreeMap<String, Value>);

/// What is to be done about a change. It follows from the record alone and never from what is in the table by now: attempts
/// are never used twice, so a late or repeated record cannot hit the objects of a living image.
#[derive(Debug, PartialEq, Eq)]
enum Work {
    /// The row is gone or a tombstone: the objects of its attempt are deleted.
    DeleteObjects(Upload),
    /// Another image became the avatar: the row of this one becomes a tombstone.
    RemoveAvatar(Upload),
    /// Only a newer version knows the state of the row, and what becomes of its objects.
    Unknown,
}

impl RowChange {
    /// Nothing for rows of no image, and for changes that leave the objects where they are. It does not matter who removed a
    /// row, the TTL or a person: nothing leads to its objects any more.
    fn work(&self) -> Option<Work> {
        match (&self.old, &self.new) {
            // Whatever its state was.
            (Some(old), None) => old.delete_objects(),
            (old, Some(new)) => match new.text("state").map(ObjectsAfterChange::of) {
                Some(ObjectsAfterChange::Stay) => None,
                Some(ObjectsAfterChange::Go) => new.delete_objects(),
                Some(ObjectsAfterChange::Unknown) => Stem::parse(new.text("stem")?).map(|_| Work::Unknown),
                None => old.as_ref()?.replaced_by(new),
            },
            (None, None) => None,
        }
    }
}

impl RecordedRow {
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute)?.get("S")?.as_str()
    }

    pub(super) fn number(&self, attribute: &str) -> Option<u64> {
        self.0.get(attribute)?.get("N")?.as_str()?.parse().ok()
    }

    fn attempt(&self) -> Option<Attempt> {
        Attempt::parse(self.text("attempt")?)
    }

    fn delete_objects(&self) -> Option<Work> {
        Some(Work::DeleteObjects(Upload { stem: Stem::parse(self.text("stem")?)?, attempt: self.attempt()? }))
    }

    /// Of an avatar's pointer that names another image now: the one that it named before is removed.
    fn replaced_by(&self, new: &Self) -> Option<Work> {
        if self.text("attempt") == new.text("attempt") {
            return None;
        }
        self.text("stem")?.strip_prefix(POINTER)?;
        let name = ImageName::parse(self.text("image_name")?)?;
        Some(Work::RemoveAvatar(Upload { stem: name.stem, attempt: self.attempt()? }))
    }
}

/// Deletes objects whose rows are gone, and removes replaced avatars.
#[derive(Clone, Debug)]
pub struct Sweep {
    store: Store,
}

impl Sweep {
    /// A sweep of this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Does what a change asks for. Doing it again does nothing more.
    ///
    /// # Errors
    /// While the table or S3 fails, and for a row whose state only a newer version knows: the record has to come again.
    pub async fn apply(&self, change: &RowChange, now: Timestamp) -> Result<(), ImageError> {
        match change.work() {
            Some(Work::DeleteObjects(upload)) => {
                for prefix in upload.prefixes() {
                    metrics::add(Metric::RemovedObjects, self.store.bucket.delete_below(&prefix).await?);
                }
                Ok(())
            }
            // Refused: it is removed already, or gone. The change of that row is a record of its own.
            Some(Work::RemoveAvatar(upload)) => match self.store.rows.remove_replaced_avatar(&upload, now).await? {
                Written::Refused(Some(row)) if row.is_unknown() => Err(ImageError::UnknownState),
                Written::Applied | Written::Refused(_) => Ok(()),
            },
            Some(Work::Unknown) => Err(ImageError::UnknownState),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STEM: &str = "5eed0000000040008000000000000001";
    const ATTEMPT: &str = "5eed0000000040008000000000000a01";
    const OTHER: &str = "5eed0000000040008000000000000a02";

    fn row(stem: &str, attempt: &str, state: &str) -> Value {
        json!({"stem": {"S": stem}, "attempt": {"S": attempt}, "state": {"S": state}, "bytes": {"N": "1"}})
    }

    fn pointer(image_name: &str, attempt: &str) -> Value {
        json!({"stem": {"S": "avatar#somebody"}, "image_name": {"S": image_name}, "attempt": {"S": attempt}})
    }

    fn work(old: Value, new: Value) -> Option<Work> {
        serde_json::from_value::<RowChange>(json!({"OldImage": old, "NewImage": new})).unwrap().work()
    }

    fn upload(attempt: &str) -> Upload {
        Upload { stem: Stem::parse(STEM).unwrap(), attempt: Attempt::parse(attempt).unwrap() }
    }

    fn objects(attempt: &str) -> Option<Work> {
        Some(Work::DeleteObjects(upload(attempt)))
    }

    #[test]
    fn the_objects_of_a_row_go_with_it_whatever_it_was() {
        for state in ["pending", "ready", "rejected", "removed", "odd"] {
            assert_eq!(work(row(STEM, ATTEMPT, state), Value::Null), objects(ATTEMPT), "{state}");
        }
    }

    #[test]
    fn the_objects_of_a_tombstone_go_and_those_of_other_rows_stay() {
        let pending = || row(STEM, ATTEMPT, "pending");
        assert_eq!(work(pending(), row(STEM, ATTEMPT, "removed")), objects(ATTEMPT));
        assert_eq!(work(row(STEM, OTHER, "ready"), row(STEM, ATTEMPT, "removed")), objects(ATTEMPT), "the newer's");
        for new in ["pending", "ready", "rejected"] {
            assert_eq!(work(pending(), row(STEM, ATTEMPT, new)), None, "{new}");
            assert_eq!(work(Value::Null, row(STEM, ATTEMPT, new)), None, "{new}");
        }
    }

    #[test]
    fn a_change_to_a_state_of_a_newer_version_is_not_guessed_at() {
        for state in ["reviewing", "hidden"] {
            let new = || row(STEM, ATTEMPT, state);
            assert_eq!(work(row(STEM, ATTEMPT, "pending"), new()), Some(Work::Unknown), "{state}");
            assert_eq!(work(new(), new()), Some(Work::Unknown), "{state}, changed in itself");
            assert_eq!(work(Value::Null, new()), Some(Work::Unknown), "{state}, put as such");
            assert_eq!(work(new(), row(STEM, ATTEMPT, "ready")), None, "{state} has ended well");
        }
        assert_eq!(work(Value::Null, row("check#1", ATTEMPT, "hidden")), None, "it is no image");
    }

    #[test]
    fn a_pointer_that_names_another_image_removes_the_one_it_named() {
        let name = format!("{STEM}.jpg");
        let removal = Some(Work::RemoveAvatar(upload(ATTEMPT)));
        assert_eq!(work(pointer(&name, ATTEMPT), pointer(&name, OTHER)), removal);
        assert_eq!(work(pointer(&name, ATTEMPT), pointer(&name, ATTEMPT)), None, "it leads to the same");
        assert_eq!(work(Value::Null, pointer(&name, ATTEMPT)), None, "it is the first");
        assert_eq!(work(pointer(&name, ATTEMPT), Value::Null), None, "it went");
        assert_eq!(work(row(STEM, ATTEMPT, "ready"), row(STEM, OTHER, "ready")), None, "it is no pointer");
    }

    #[test]
    fn a_malformed_record_deletes_nothing() {
        for odd in ["", "/", "5eed", &STEM[1..], &format!("{STEM}/"), &STEM.to_uppercase(), "..", "avatar#somebody"] {
            assert_eq!(work(row(odd, ATTEMPT, "ready"), Value::Null), None, "stem {odd:?}");
            assert_eq!(work(row(STEM, odd, "ready"), Value::Null), None, "attempt {odd:?}");
            assert_eq!(work(pointer(&format!("{odd}.jpg"), ATTEMPT), pointer("", OTHER)), None, "name {odd:?}");
        }
        assert_eq!(work(json!({"stem": {"S": STEM}}), Value::Null), None);
        assert_eq!(work(json!({"stem": {"S": STEM}, "attempt": {"N": "1"}}), Value::Null), None);
        assert_eq!(work(json!({}), json!({})), None);
        assert_eq!(work(Value::Null, Value::Null), None);
    }
}
