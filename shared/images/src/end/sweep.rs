//! Objects live exactly as long as their row: what the stream of the images table tells is carried out in the bucket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use platform::aws::Aws;
use platform::metrics::{self, Metric};
use serde::Deserialize;
use serde_json::Value;

use crate::config::StorageConfig;
use crate::error::ImageError;
use crate::rows::bucket::Bucket;
use crate::rows::keys::prefixes_of;
use crate::rows::name::{Attempt, ImageName, Stem};
use crate::rows::state::ObjectsAfterChange;
use crate::rows::table::{ImageRows, POINTER, Written};

/// One change of a row, as the table's stream tells it: the row before and after.
#[derive(Debug, Deserialize)]
pub struct RowChange {
    #[serde(rename = "OldImage")]
    old: Option<ToldRow>,
    #[serde(rename = "NewImage")]
    new: Option<ToldRow>,
}

/// A row in DynamoDB's JSON.
#[derive(Debug, Deserialize)]
struct ToldRow(BTreeMap<String, Value>);

/// What a change asks for. It follows from the record alone and never from what is in the table by now: attempts are
/// never used twice, so a late or repeated record cannot hit the objects of a living image.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// The row went, or is a tombstone: so do the objects of its attempt.
    Objects(Stem, Attempt),
    /// Another picture became the avatar: the row of this one becomes a tombstone.
    Retirement(Stem, Attempt),
    /// The row has a state of a newer version, which knows what becomes of its objects.
    Unknown,
}

impl RowChange {
    /// Nothing for rows that are none of ours, and for changes that leave the objects where they are. Whoever removed a row,
    /// the TTL or a person: nothing leads to its objects any more.
    fn due(&self) -> Option<Due> {
        match (&self.old, &self.new) {
            // Whatever its state was: no row leads to them any more.
            (Some(old), None) => old.objects(),
            (old, Some(new)) => match new.text("state").map(ObjectsAfterChange::of) {
                Some(ObjectsAfterChange::Stay) => None,
                Some(ObjectsAfterChange::Go) => new.objects(),
                Some(ObjectsAfterChange::Unknown) => Stem::parse(new.text("stem")?).map(|_| Due::Unknown),
                None => old.as_ref()?.replaced_by(new),
            },
            (None, None) => None,
        }
    }
}

impl ToldRow {
    fn text(&self, attribute: &str) -> Option<&str> {
        self.0.get(attribute)?.get("S")?.as_str()
    }

    fn attempt(&self) -> Option<Attempt> {
        Attempt::parse(self.text("attempt")?)
    }

    fn objects(&self) -> Option<Due> {
        Some(Due::Objects(Stem::parse(self.text("stem")?)?, self.attempt()?))
    }

    /// Of an avatar's pointer that names another image now: the image that it named before.
    fn replaced_by(&self, new: &Self) -> Option<Due> {
        if self.text("attempt") == new.text("attempt") {
            return None;
        }
        self.text("stem")?.strip_prefix(POINTER)?;
        Some(Due::Retirement(ImageName::parse(self.text("image_name")?)?.stem, self.attempt()?))
    }
}

/// The images table and the bucket, as the sweep writes to them.
#[derive(Clone, Debug)]
pub struct Sweep {
    rows: ImageRows,
    bucket: Bucket,
}

impl Sweep {
    /// A sweep of the configured bucket.
    pub fn new(config: &StorageConfig, aws: &Aws) -> Self {
        let rows = ImageRows::new(&config.table, aws.dynamodb());
        Self { rows, bucket: Bucket::new(&config.bucket, aws) }
    }

    /// Carries out what a change asks for. Doing it again does nothing more.
    ///
    /// # Errors
    /// While the table or S3 fails, and for a row whose state only a newer version knows: the record has to come again.
    pub async fn follow(&self, change: &RowChange, now: Timestamp) -> Result<(), ImageError> {
        match change.due() {
            Some(Due::Objects(stem, attempt)) => {
                for prefix in prefixes_of(&stem, &attempt) {
                    metrics::add(Metric::RemovedObjects, self.bucket.delete_below(&prefix).await?);
                }
                Ok(())
            }
            // Refused: it is removed already, or gone. The change of its row is a record of its own.
            Some(Due::Retirement(stem, attempt)) => match self.rows.retire(&stem, &attempt, now).await? {
                Written::Refused(Some(row)) if row.is_unknown() => Err(ImageError::UnknownState),
                Written::Applied | Written::Refused(_) => Ok(()),
            },
            Some(Due::Unknown) => Err(ImageError::UnknownState),
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

    fn due(old: Value, new: Value) -> Option<Due> {
        serde_json::from_value::<RowChange>(json!({"OldImage": old, "NewImage": new})).unwrap().due()
    }

    fn objects(attempt: &str) -> Option<Due> {
        Some(Due::Objects(Stem::parse(STEM).unwrap(), Attempt::parse(attempt).unwrap()))
    }

    #[test]
    fn the_objects_of_a_row_go_with_it_whatever_it_was() {
        for state in ["pending", "ready", "rejected", "removed", "odd"] {
            assert_eq!(due(row(STEM, ATTEMPT, state), Value::Null), objects(ATTEMPT), "{state}");
        }
    }

    #[test]
    fn the_objects_of_a_tombstone_go_and_those_of_every_other_row_stay() {
        let pending = || row(STEM, ATTEMPT, "pending");
        assert_eq!(due(pending(), row(STEM, ATTEMPT, "removed")), objects(ATTEMPT));
        assert_eq!(due(row(STEM, OTHER, "ready"), row(STEM, ATTEMPT, "removed")), objects(ATTEMPT), "the newer's");
        for new in ["pending", "ready", "rejected"] {
            assert_eq!(due(pending(), row(STEM, ATTEMPT, new)), None, "{new}");
            assert_eq!(due(Value::Null, row(STEM, ATTEMPT, new)), None, "{new}");
        }
    }

    #[test]
    fn a_change_to_a_state_of_a_newer_version_is_not_guessed_at() {
        for state in ["reviewing", "hidden"] {
            let new = || row(STEM, ATTEMPT, state);
            assert_eq!(due(row(STEM, ATTEMPT, "pending"), new()), Some(Due::Unknown), "{state}");
            assert_eq!(due(new(), new()), Some(Due::Unknown), "{state}, changed in itself");
            assert_eq!(due(Value::Null, new()), Some(Due::Unknown), "{state}, put as such");
            assert_eq!(due(new(), row(STEM, ATTEMPT, "ready")), None, "{state} has ended well");
        }
        assert_eq!(due(Value::Null, row("check#1", ATTEMPT, "hidden")), None, "it is no image");
    }

    #[test]
    fn a_pointer_that_leads_elsewhere_ends_the_picture_that_it_led_to() {
        let name = format!("{STEM}.jpg");
        let retirement = Some(Due::Retirement(Stem::parse(STEM).unwrap(), Attempt::parse(ATTEMPT).unwrap()));
        assert_eq!(due(pointer(&name, ATTEMPT), pointer(&name, OTHER)), retirement);
        assert_eq!(due(pointer(&name, ATTEMPT), pointer(&name, ATTEMPT)), None, "it leads to the same");
        assert_eq!(due(Value::Null, pointer(&name, ATTEMPT)), None, "it is the first");
        assert_eq!(due(pointer(&name, ATTEMPT), Value::Null), None, "it went");
        assert_eq!(due(row(STEM, ATTEMPT, "ready"), row(STEM, OTHER, "ready")), None, "it is no pointer");
    }

    #[test]
    fn a_record_of_another_form_asks_for_nothing_wider() {
        for odd in ["", "/", "5eed", &STEM[1..], &format!("{STEM}/"), &STEM.to_uppercase(), "..", "avatar#somebody"] {
            assert_eq!(due(row(odd, ATTEMPT, "ready"), Value::Null), None, "stem {odd:?}");
            assert_eq!(due(row(STEM, odd, "ready"), Value::Null), None, "attempt {odd:?}");
            assert_eq!(due(pointer(&format!("{odd}.jpg"), ATTEMPT), pointer("", OTHER)), None, "name {odd:?}");
        }
        assert_eq!(due(json!({"stem": {"S": STEM}}), Value::Null), None);
        assert_eq!(due(json!({"stem": {"S": STEM}, "attempt": {"N": "1"}}), Value::Null), None);
        assert_eq!(due(json!({}), json!({})), None);
        assert_eq!(due(Value::Null, Value::Null), None);
    }
}
