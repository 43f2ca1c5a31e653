//! What a team's own code is told of images, by records of the images table's stream. The state of the row before and after says it.

use jiff::Timestamp;
use serde::Serialize;

use super::sweep::{RecordedRow, RowChange};
use crate::rows::name::Target;
use crate::rows::state::is_shown;

/// An image that is shown from now on, or no longer.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// `image.shown` or `image.removed`.
    pub kind: &'static str,
    /// What the event says.
    pub detail: Detail,
}

/// What the event says: `docs/events.md`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    id: String,
    /// When the row changed.
    pub at: Timestamp,
    name: String,
    owner_id: String,
    /// Nothing for an avatar.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    bytes: Option<u64>,
    width: Option<u64>,
    height: Option<u64>,
}

impl RowChange {
    /// What is told of this change, whose record has this id. Nothing for rows that are none of ours, and for changes after which
    /// the image is shown, or not shown, as before.
    pub fn told(&self, id: &str, at: Timestamp) -> Option<Told> {
        let is_ready = |row: &RecordedRow| row.text("state").is_some_and(is_shown);
        let (kind, row) = match (self.old.as_ref(), self.new.as_ref()) {
            (old, Some(new)) if is_ready(new) && !old.is_some_and(is_ready) => ("image.shown", new),
            (Some(old), new) if is_ready(old) && !new.is_some_and(is_ready) => ("image.removed", old),
            _ => return None,
        };
        let task_id = match Target::parse(row.text("target")?)? {
            Target::Task(task_id) => Some(task_id.as_str().to_owned()),
            Target::Avatar => None,
        };
        Some(Told {
            kind,
            detail: Detail {
                id: id.to_owned(),
                at,
                name: format!("{}.{}", row.text("stem")?, row.text("extension")?),
                owner_id: row.text("owner_id")?.to_owned(),
                task_id,
                bytes: row.number("bytes"),
                width: row.number("width"),
                height: row.number("height"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(state: &str) -> Value {
        json!({
            "stem": {"S": "5eed0000000040008000000000000001"}, "extension": {"S": "jpg"}, "state": {"S": state},
            "attempt": {"S": "5eed0000000040008000000000000a01"}, "owner_id": {"S": "somebody"}, "target": {"S": "task#t1"},
            "bytes": {"N": "70"}, "width": {"N": "4"}, "height": {"N": "3"}, "content_hash": {"S": "not told"},
        })
    }

    fn told(old: Value, new: Value) -> Option<Told> {
        let change: RowChange = serde_json::from_value(json!({ "OldImage": old, "NewImage": new })).unwrap();
        change.told("record-1", Timestamp::UNIX_EPOCH)
    }

    fn kind(old: Value, new: Value) -> Option<&'static str> {
        told(old, new).map(|told| told.kind)
    }

    #[test]
    fn an_image_is_shown_from_ready_on_and_until_it_is_something_else() {
        assert_eq!(kind(row("pending"), row("ready")), Some("image.shown"));
        assert_eq!(kind(Value::Null, row("ready")), Some("image.shown"));
        assert_eq!(kind(row("ready"), row("removed")), Some("image.removed"));
        assert_eq!(kind(row("ready"), Value::Null), Some("image.removed"));
    }

    #[test]
    fn nothing_is_told_of_what_was_never_shown_or_stays_so() {
        for (old, new) in [
            (Value::Null, row("pending")),
            (row("pending"), row("pending")),
            (row("pending"), row("rejected")),
            (row("pending"), row("removed")),
            (row("ready"), row("ready")),
            (row("removed"), Value::Null),
            (row("pending"), Value::Null),
        ] {
            assert_eq!(kind(old.clone(), new.clone()), None, "{old} {new}");
        }
    }

    #[test]
    fn an_event_says_whose_image_it_is_and_where_and_no_more() {
        let detail = serde_json::to_value(told(row("pending"), row("ready")).unwrap().detail).unwrap();

        let expected = json!({
            "id": "record-1", "at": "1970-01-01T00:00:00Z", "name": "5eed0000000040008000000000000001.jpg", "owner_id": "somebody",
            "task_id": "t1", "bytes": 70, "width": 4, "height": 3,
        });
        assert_eq!(detail, expected);
    }

    #[test]
    fn an_avatar_belongs_to_no_task_and_a_row_of_another_form_is_not_told() {
        let with = |attribute: &str, value: Value| {
            let mut row = row("ready");
            row[attribute] = value;
            told(Value::Null, row)
        };
        let avatar = with("target", json!({"S": "avatar"})).unwrap();
        assert!(serde_json::to_value(avatar.detail).unwrap().get("task_id").is_none());
        for (attribute, value) in
            [("target", json!({"S": "odd"})), ("owner_id", json!({"N": "1"})), ("extension", Value::Null)]
        {
            assert_eq!(with(attribute, value), None, "{attribute}");
        }
    }
}
