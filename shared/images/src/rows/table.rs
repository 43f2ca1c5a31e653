use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use platform::Failure;
use platform::retry::Attempts;
use platform::row::{self, Reader, Row};
use session::UserId;

use crate::rows::keys::Upload;
use crate::rows::lives::ROW_LIFE;
use crate::rows::name::{Attempt, Stem};
use crate::rows::reason::Reason;
use crate::rows::row::{AvatarPointer, ImageRow, Made, write_variants};
use crate::rows::state::State;
use crate::rows::variant::Variants;

/// `BatchGetItem` gives up to so many rows; a task has at most as many images.
const BATCH: usize = 100;
const BATCH_TRIES: u32 = 4;

/// The outcome of a write with a precondition.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is returned")]
pub(crate) enum Written {
    /// It was applied.
    Applied,
    /// Its precondition does not hold. The row as it is, if there is one.
    Refused(Option<ImageRow>),
}

/// The outcome of an avatar's transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// It was applied.
    Applied,
    /// Another transaction had one of the rows: nothing was applied.
    Conflict,
    /// Its condition failed, perhaps because an earlier try of it was applied, or there was no answer.
    InDoubt,
}

/// The images table.
#[derive(Clone, Debug)]
pub(crate) struct ImageRows {
    pub(super) dynamodb: Client,
    pub(super) table: String,
}

impl ImageRows {
    pub(crate) fn new(table: &str, dynamodb: Client) -> Self {
        Self { dynamodb, table: table.to_owned() }
    }

    pub(crate) async fn warm(&self) {
        let _ = self.get("warm").await;
    }

    pub(crate) async fn find(&self, stem: &Stem) -> Result<Option<ImageRow>, Failure> {
        self.get(stem.as_str()).await?.as_ref().map(ImageRow::read).transpose()
    }

    /// The rows of these stems, as far as there are any: one round trip, unless DynamoDB leaves some of them unprocessed.
    pub(crate) async fn find_all<'a>(
        &self,
        stems: impl Iterator<Item = &'a Stem>,
    ) -> Result<HashMap<Stem, ImageRow>, Failure> {
        let rows = self.rows_of(stems).await?;
        let read = |row| ImageRow::read(row).map(|row| (row.name.stem.clone(), row));
        rows.iter().map(read).collect()
    }

    /// The rows of these stems, as they are written.
    pub(super) async fn rows_of<'a>(&self, stems: impl Iterator<Item = &'a Stem>) -> Result<Vec<Row>, Failure> {
        let mut wanted: Vec<&Stem> = stems.collect();
        // DynamoDB refuses a request with a doubled key.
        wanted.sort_by_key(|stem| stem.as_str());
        wanted.dedup();
        let mut rows = Vec::with_capacity(wanted.len());
        for batch in wanted.chunks(BATCH) {
            self.get_batch(batch, &mut rows).await?;
        }
        Ok(rows)
    }

    async fn get_batch(&self, stems: &[&Stem], rows: &mut Vec<Row>) -> Result<(), Failure> {
        const OPERATION: &str = "DynamoDB.BatchGetItem";
        let keys = stems.iter().map(|stem| Row::from([("stem".to_owned(), row::text(stem.as_str()))]));
        let mut left = Some(
            KeysAndAttributes::builder()
                .set_keys(Some(keys.collect()))
                .consistent_read(true)
                .build()
                .map_err(|_| Failure::broken_row("images", "stem"))?,
        );
        let mut attempts = Attempts::at_most(BATCH_TRIES);
        while let Some(request) = left.take() {
            if !attempts.next().await {
                // Half of the rows would look like missing images.
                return Err(Failure::unavailable(OPERATION, "unprocessed keys"));
            }
            let answer = self
                .dynamodb
                .batch_get_item()
                .request_items(&self.table, request)
                .send()
                .await
                .map_err(|error| Failure::of(OPERATION, &error))?;
            rows.extend(answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default());
            left = answer.unprocessed_keys.unwrap_or_default().remove(&self.table);
        }
        Ok(())
    }

    /// Puts a row where there is none.
    pub(crate) async fn claim(&self, row: &ImageRow) -> Result<Written, Failure> {
        let result = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row.write()))
            .condition_expression("attribute_not_exists(stem)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Written::Applied),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => refused(refusal.item.as_ref()),
                _ => Err(Failure::of("DynamoDB.PutItem", &error)),
            },
        }
    }

    /// Adopts a pending row whose upload did not finish: its life begins again at `now`, if it is still as seen.
    pub(crate) async fn adopt(&self, seen: &ImageRow, now: Timestamp) -> Result<Written, Failure> {
        self.update(
            seen,
            State::Pending,
            "SET touched_at = :now, expires_at = :ttl",
            [(":now", row::number(now.as_second())), (":ttl", row::ttl(now + ROW_LIFE))],
        )
        .await
    }

    /// The row becomes visible, and no TTL ends it any more, if it is pending under the attempt that was seen. Whatever
    /// else was seen does not count: a late repeat must not bring back what was removed meanwhile.
    pub(crate) async fn make_ready(&self, seen: &ImageRow) -> Result<Written, Failure> {
        self.update(seen, State::Pending, MAKE_READY, [(":ready", row::text(State::Ready.name()))]).await
    }

    /// [`make_ready`](Self::make_ready) of a direct upload's row, with what was made of the upload.
    pub(crate) async fn publish(&self, seen: &ImageRow, made: &Made) -> Result<Written, Failure> {
        let values = [
            (":ready", row::text(State::Ready.name())),
            (":key", row::text(&made.object_key)),
            (":bytes", row::number(made.bytes)),
            (":width", row::number(made.width)),
            (":height", row::number(made.height)),
        ];
        const PUBLISH: &str =
            "SET #state = :ready, object_key = :key, bytes = :bytes, width = :width, height = :height";
        match &made.variants {
            Some(variants) => {
                let expression = format!("{PUBLISH}, variants = :variants REMOVE expires_at");
                let [ready, key, bytes, width, height] = values;
                let variants = (":variants", write_variants(variants));
                self.update(seen, State::Pending, &expression, [ready, key, bytes, width, height, variants]).await
            }
            None => self.update(seen, State::Pending, &format!("{PUBLISH} REMOVE expires_at"), values).await,
        }
    }

    /// The row of a direct upload says why it was refused, under the same condition. Its TTL removes it.
    pub(crate) async fn reject(&self, seen: &ImageRow, reason: Reason) -> Result<Written, Failure> {
        let values = [(":rejected", row::text(State::Rejected.name())), (":reason", row::text(reason.name()))];
        self.update(seen, State::Pending, "SET #state = :rejected, reason = :reason", values).await
    }

    /// A ready row gets its variants.
    pub(crate) async fn add_variants(&self, seen: &ImageRow, variants: &Variants) -> Result<Written, Failure> {
        self.update(seen, State::Ready, "SET variants = :variants", [(":variants", write_variants(variants))]).await
    }

    /// The row becomes a tombstone, if it is still as seen.
    pub(crate) async fn mark_removed(&self, seen: &ImageRow, now: Timestamp) -> Result<Written, Failure> {
        self.update(seen, seen.state, MARK_REMOVED, removed_values(now)).await
    }

    /// The row of an avatar that was replaced becomes a tombstone, if it is ready under this attempt.
    pub(crate) async fn remove_replaced_avatar(&self, upload: &Upload, now: Timestamp) -> Result<Written, Failure> {
        self.update_as(&upload.stem, &upload.attempt, State::Ready, MARK_REMOVED, removed_values(now)).await
    }

    async fn update<const N: usize>(
        &self,
        seen: &ImageRow,
        state: State,
        expression: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<Written, Failure> {
        self.update_as(&seen.name.stem, &seen.attempt, state, expression, values).await
    }

    async fn update_as<const N: usize>(
        &self,
        stem: &Stem,
        attempt: &Attempt,
        state: State,
        expression: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<Written, Failure> {
        let mut request = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("stem", row::text(stem.as_str()))
            .update_expression(expression)
            .condition_expression(AS_SEEN)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":seen_state", row::text(state.name()))
            .expression_attribute_values(":seen_attempt", row::text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(Written::Applied),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => refused(refusal.item.as_ref()),
                _ => Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        }
    }

    /// The user's current avatar: one read.
    pub(crate) async fn find_avatar(&self, user_id: &UserId) -> Result<Option<AvatarPointer>, Failure> {
        let Some(row) = self.get(&pointer_key(user_id)).await? else {
            return Ok(None);
        };
        let object_key = Reader::new("images", &row).text("object_key")?.to_owned();
        Ok(Some(AvatarPointer { object_key }))
    }

    /// [`make_ready`](Self::make_ready), and sets the user's pointer to the image: both or neither.
    pub(crate) async fn make_current(&self, user_id: &UserId, seen: &ImageRow) -> Result<Transacted, Failure> {
        let ready = Update::builder()
            .table_name(&self.table)
            .key("stem", row::text(seen.name.stem.as_str()))
            .update_expression(MAKE_READY)
            .condition_expression(AS_SEEN)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":ready", row::text(State::Ready.name()))
            .expression_attribute_values(":seen_state", row::text(State::Pending.name()))
            .expression_attribute_values(":seen_attempt", row::text(seen.attempt.as_str()))
            .build();
        let pointer = Put::builder()
            .table_name(&self.table)
            .item("stem", row::text(pointer_key(user_id)))
            .item("image_name", row::text(seen.name.to_string()))
            .item("attempt", row::text(seen.attempt.as_str()))
            .item("object_key", row::text(&seen.object_key))
            .build();
        let (Ok(ready), Ok(pointer)) = (ready, pointer) else {
            return Err(Failure::broken_row("images", "stem"));
        };
        let result = self
            .dynamodb
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(ready).build())
            .transact_items(TransactWriteItem::builder().put(pointer).build())
            .send()
            .await;
        Ok(match result {
            Ok(_) => Transacted::Applied,
            Err(error) if error.as_service_error().is_some_and(is_conflict) => Transacted::Conflict,
            Err(_) => Transacted::InDoubt,
        })
    }

    /// Deletes the user's pointer, and says whether there was one.
    pub(crate) async fn delete_pointer(&self, user_id: &UserId) -> Result<bool, Failure> {
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("stem", row::text(pointer_key(user_id)))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.DeleteItem", &error))?;
        Ok(deleted.attributes.is_some())
    }

    async fn get(&self, stem: &str) -> Result<Option<Row>, Failure> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key("stem", row::text(stem))
            // What was acknowledged is shown, and what was removed is not, from that moment on.
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.GetItem", &error))?;
        Ok(answer.item)
    }
}

/// What makes an image exist: from now on it is shown, and no TTL ends it.
const MAKE_READY: &str = "SET #state = :ready REMOVE expires_at";

/// What makes a row a tombstone.
pub(super) const MARK_REMOVED: &str = "SET #state = :removed, expires_at = :ttl";

pub(super) fn removed_values(now: Timestamp) -> [(&'static str, AttributeValue); 2] {
    [(":removed", row::text(State::Removed.name())), (":ttl", row::ttl(now + ROW_LIFE))]
}

/// Nobody changed the row since it was read. Attempts are never used twice, so this is also "it is still the same row".
const AS_SEEN: &str = "#state = :seen_state AND attempt = :seen_attempt";

/// How the keys of avatar pointers begin. No stem looks like it.
pub(crate) const POINTER: &str = "avatar#";

/// The key of a user's avatar pointer.
fn pointer_key(user_id: &UserId) -> String {
    format!("{POINTER}{user_id}")
}

fn refused(found: Option<&Row>) -> Result<Written, Failure> {
    Ok(Written::Refused(found.map(ImageRow::read).transpose()?))
}

/// DynamoDB gives the reasons of a cancelled transaction as text only.
fn is_conflict(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return false;
    };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
}
