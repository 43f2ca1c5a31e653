//! All image rows of one user, as a removal of the account goes through them. It reads no more of a row than it has to
//! know: whatever else is in it, it goes.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::{SignedDuration, Timestamp};
use platform::Failure;
use platform::row::{self, Reader, Row};
use session::UserId;

use crate::rows::lives::ROW_LIFE;
use crate::rows::name::Stem;
use crate::rows::state::State;
use crate::rows::table::{ImageRows, MARK_REMOVED, removed_values};

/// Image rows by owner. Other rows of the table have none and are not in it.
const INDEX: &str = "by_owner";

/// A row, as far as its removal has to know it.
#[derive(Debug)]
pub(crate) struct OwnedRow {
    stem: String,
    attempt: String,
    /// Of a tombstone.
    removed_at: Option<Timestamp>,
}

impl OwnedRow {
    fn read(row: &Row) -> Result<Self, Failure> {
        let stored = Reader::new("images", row);
        let removed_at = match stored.text("state")? {
            state if state == State::Removed.name() => Some(removed_at(stored.number("expires_at")?)),
            _ => None,
        };
        Ok(Self { stem: stored.text("stem")?.to_owned(), attempt: stored.text("attempt")?.to_owned(), removed_at })
    }

    /// Whether it is a tombstone, and has been one for so long.
    pub(crate) fn is_tombstone_since(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.removed_at.is_some_and(|removed_at| removed_at + time <= now)
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        self.removed_at.is_some()
    }
}

/// A tombstone's TTL, which is rounded up to the next second, says when it became one.
fn removed_at(expires_at: i64) -> Timestamp {
    let expires_at = Timestamp::from_second(expires_at - 1).unwrap_or_default();
    expires_at - ROW_LIFE
}

/// The stems of one page of the index, and where the next page begins.
pub(crate) struct StemPage {
    pub(crate) stems: Vec<Stem>,
    pub(crate) next: Option<Row>,
}

impl ImageRows {
    /// A page of the stems that the index knows of a user: on AWS the rows of the last moments may be missing.
    pub(crate) async fn stems_of(&self, owner: &UserId, start: Option<Row>) -> Result<StemPage, Failure> {
        let page = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("owner_id = :owner")
            .expression_attribute_values(":owner", row::text(owner.as_str()))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.Query", &error))?;
        let stem = |row| Reader::new("images", row).get("stem", |value| Stem::parse(value.as_s().ok()?));
        let stems = page.items().iter().map(stem).collect::<Result<_, _>>()?;
        Ok(StemPage { stems, next: page.last_evaluated_key })
    }

    /// The rows of these stems as they are now.
    pub(crate) async fn owned(&self, stems: &[Stem]) -> Result<Vec<OwnedRow>, Failure> {
        self.rows_of(stems.iter()).await?.iter().map(OwnedRow::read).collect()
    }

    /// The row becomes a tombstone, in whichever state it is by now. Nothing where it is one, or gone.
    pub(crate) async fn bury(&self, seen: &OwnedRow, now: Timestamp) -> Result<(), Failure> {
        let mut request = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("stem", row::text(&seen.stem))
            .update_expression(MARK_REMOVED)
            .condition_expression("attempt = :seen_attempt AND #state <> :removed")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":seen_attempt", row::text(&seen.attempt));
        for (name, value) in removed_values(now) {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        }
    }

    /// Deletes a tombstone.
    pub(crate) async fn delete_tombstone(&self, seen: &OwnedRow) -> Result<(), Failure> {
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("stem", row::text(&seen.stem))
            .condition_expression("#state = :removed AND attempt = :seen_attempt")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":removed", row::text(State::Removed.name()))
            .expression_attribute_values(":seen_attempt", row::text(&seen.attempt))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(Failure::of("DynamoDB.DeleteItem", &error)),
            },
        }
    }
}
