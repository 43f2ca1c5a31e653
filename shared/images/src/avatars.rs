use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use platform::row;
use session::Caller;
use web::{ApiError, ImageForm};

use crate::answer::Image;
use crate::config::{Config, UploadConfig};
use crate::delivery::Delivery;
use crate::image_rows::{AS_SEEN, ImageRow, State, pointer_key};
use crate::name::Target;
use crate::uploads::{Claim, Uploads};

const TRANSACTION_TRIES: u32 = 4;
const FIRST_BACKOFF: Duration = Duration::from_millis(25);

/// Takes avatars.
#[derive(Clone, Debug)]
pub struct AvatarUploads {
    uploads: Uploads,
    delivery: Delivery,
}

impl AvatarUploads {
    /// Uploads of avatars.
    pub fn new(config: &Config, limits: &UploadConfig, aws: &Aws) -> Self {
        Self { uploads: Uploads::new(config, limits, aws.dynamodb(), aws.s3()), delivery: Delivery::new(config, aws) }
    }

    /// Opens connections before the first event.
    pub async fn warm(&self) {
        self.uploads.warm().await;
    }

    /// Makes a photo the caller's avatar. It becomes current at most once, in the moment in which its row becomes ready:
    /// a retry that finds it ready writes nothing, so it cannot bring a replaced picture back.
    ///
    /// # Errors
    /// `image_unsupported`, `image_invalid`, `not_found` (replaced meanwhile), `upload_id_reused`, `busy`.
    pub async fn accept(&self, caller: &Caller, form: &ImageForm, now: Timestamp) -> Result<Image, ApiError> {
        let draft = self.uploads.draft(caller, &Target::Avatar, form, now)?;
        let row = match self.uploads.claim(&draft, now).await? {
            Claim::Ours(row) => row,
            Claim::Ready(row) => return self.delivery.image(&row, now).await,
        };
        self.uploads.put_object(&row, draft.bytes).await?;
        self.make_current(caller, &row).await?;
        let row = ImageRow { state: State::Ready, ..row };
        self.delivery.image(&row, now).await
    }

    async fn make_current(&self, caller: &Caller, row: &ImageRow) -> Result<(), ApiError> {
        for tried in 1..=TRANSACTION_TRIES {
            match self.transact(caller, row).await? {
                Transacted::Applied => return Ok(()),
                Transacted::InDoubt => return self.uploads.read_back(row).await,
                Transacted::Conflict => tokio::time::sleep(FIRST_BACKOFF * tried).await,
            }
        }
        self.uploads.read_back(row).await
    }

    /// The one transaction of the house: nobody but this very user contends for its two rows.
    async fn transact(&self, caller: &Caller, seen: &ImageRow) -> Result<Transacted, Failure> {
        let rows = &self.uploads.rows;
        let ready = Update::builder()
            .table_name(rows.table())
            .key("stem", row::text(seen.name.stem.as_str()))
            .update_expression("SET #state = :ready REMOVE expires_at")
            .condition_expression(AS_SEEN)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":ready", row::text(State::Ready.name()))
            .expression_attribute_values(":seen_state", row::text(State::Pending.name()))
            .expression_attribute_values(":seen_attempt", row::text(seen.attempt.as_str()))
            .build();
        let pointer = Put::builder()
            .table_name(rows.table())
            .item("stem", row::text(pointer_key(&caller.user_id)))
            .item("image_name", row::text(seen.name.to_string()))
            .item("attempt", row::text(seen.attempt.as_str()))
            .item("object_key", row::text(&seen.object_key))
            .build();
        let (Ok(ready), Ok(pointer)) = (ready, pointer) else {
            return Err(Failure::broken_row("images", "stem"));
        };
        let result = rows
            .dynamodb()
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(ready).build())
            .transact_items(TransactWriteItem::builder().put(pointer).build())
            .send()
            .await;
        Ok(match result {
            Ok(_) => Transacted::Applied,
            Err(error) if is_conflict(&error) => Transacted::Conflict,
            Err(_) => Transacted::InDoubt,
        })
    }
}

enum Transacted {
    Applied,
    /// Another transaction had one of the rows: nothing was applied.
    Conflict,
    /// Its condition failed, perhaps because an earlier try of it was applied, or there was no answer.
    InDoubt,
}

fn is_conflict<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
        }
        _ => false,
    }
}
