//! Direct uploads are validated here and become images, and all images get their variants.
//!
//! S3 sends the event of an object at least once, late, and in any order. What was done before is found in the row and not done
//! again.

use std::time::Duration;

use imaging::{Cleaned, NoVariants};
use jiff::Timestamp;
use platform::Failure;
use platform::invocation;
use platform::metrics::{self, Metric};
use tokio::time::Instant;

use crate::config::IngestConfig;
use crate::error::ImageError;
use crate::rows::bucket::{Bucket, Got};
use crate::rows::keys::{Folder, Object, Upload};
use crate::rows::lives::UPLOAD_ENDS;
use crate::rows::name::Target;
use crate::rows::reason::Reason;
use crate::rows::row::{ImageRow, Made};
use crate::rows::rules::Fate;
use crate::rows::store::Store;
use crate::rows::table::{ImageRows, Written};
use crate::rows::tasks::Tasks;
use crate::rows::variant::{Variant, Variants};
use crate::take::arrival::{Arrival, Place, Sent};
use crate::take::draft::count_upload;
use crate::take::task_list::TaskList;

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What this call made of an object, by its own write and with its answer.
#[derive(Debug)]
pub enum Ingested {
    /// A direct upload is an image now.
    Ready(Option<NoVariants>),
    /// A direct upload was refused.
    Rejected(Reason),
    /// An image has its variants now.
    Variants,
    /// An image gets none. It is shown as it is.
    NoVariants(NoVariants),
    /// It is none of ours, was done before, or is not needed any more.
    Nothing,
}

enum Validated {
    Good(Cleaned),
    Bad(Reason),
    /// Another delivery of the event was quicker; or other bytes were sent, which have an event of their own.
    Gone,
}

/// Processes what was put into the bucket.
#[derive(Clone, Debug)]
pub struct Ingest {
    rows: ImageRows,
    list: TaskList,
    bucket: Bucket,
    limits: IngestConfig,
}

impl Ingest {
    /// An ingest into this store and these tasks.
    pub fn new(store: Store, tasks: Tasks, limits: IngestConfig) -> Self {
        Self {
            rows: store.rows.clone(),
            bucket: store.bucket.clone(),
            list: TaskList::new(store, tasks, limits.max_task_images),
            limits,
        }
    }

    /// Processes one new object: validates a direct upload and makes it an image, or adds variants to an image.
    ///
    /// # Errors
    /// While the tables or S3 fail, where it could not be confirmed what was written, and for a row whose state only a newer
    /// version knows: the event has to come again. Also for a direct upload without an `ETag`.
    pub async fn process(&self, arrival: &Arrival, now: Timestamp) -> Result<Ingested, ImageError> {
        if arrival.bucket != self.bucket.name {
            return Ok(Ingested::Nothing);
        }
        // Boxed, since these futures nest too deep for the compiler.
        match arrival.place()? {
            Some(Place::Incoming(sent)) => Box::pin(self.ingest(&sent, now)).await,
            Some(Place::Original(upload)) => Box::pin(self.add_variants(arrival, &upload, now)).await,
            None => Ok(Ingested::Nothing),
        }
    }

    /// A direct upload. Its form can be used twice, with other bytes: what is made of them lies below the `ETag`, and what becomes
    /// ready first stays.
    async fn ingest(&self, sent: &Sent, now: Timestamp) -> Result<Ingested, ImageError> {
        let ingested = match self.row_of(&sent.upload).await? {
            Some(row) if row.is_pending() && row.object_key == sent.key() => match self.validate(&row, sent).await? {
                Validated::Good(cleaned) => self.publish(&row, cleaned, sent, now).await?,
                Validated::Bad(reason) => self.reject(&row, reason, sent).await?,
                Validated::Gone => return Ok(Ingested::Nothing),
            },
            found => self.delete_unless_kept(found.as_ref(), sent).await?,
        };
        // Last: as long as it is there, the event can be repeated.
        self.bucket.delete(&sent.key()).await?;
        Ok(ingested)
    }

    /// Nobody is signed in here. The log line names the owner of the image, so that whoever sends too many can be found.
    async fn row_of(&self, upload: &Upload) -> Result<Option<ImageRow>, Failure> {
        let found = self.rows.find(&upload.stem).await?;
        if let Some(row) = &found {
            invocation::note_user(row.owner_id.as_str());
        }
        Ok(found)
    }

    /// Validates the bytes, and their type against the ticket's.
    async fn validate(&self, row: &ImageRow, sent: &Sent) -> Result<Validated, Failure> {
        let bytes = match self.bucket.get(&sent.key(), Some(&sent.etag), self.limits.max_direct_bytes).await? {
            Got::Bytes(bytes) => bytes,
            Got::TooLarge => return Ok(Validated::Bad(Reason::TooLarge)),
            Got::Gone => return Ok(Validated::Gone),
        };
        Ok(match imaging::clean(&bytes, &self.limits.pixels) {
            Ok(cleaned) if cleaned.format == row.name.format => Validated::Good(cleaned),
            Ok(_of_another_format) => Validated::Bad(Reason::Unsupported),
            Err(refusal) => Validated::Bad(Reason::of(&refusal)),
        })
    }

    /// Objects, list, row: in this order, so that what is ready is stored and listed.
    async fn publish(
        &self,
        row: &ImageRow,
        cleaned: Cleaned,
        sent: &Sent,
        now: Timestamp,
    ) -> Result<Ingested, ImageError> {
        let Target::Task(task) = &row.target else {
            return Err(ImageError::Broken("the row of a direct upload belongs to no task"));
        };
        let folder = sent.folder();
        let (variants, no_variants) = match self.make_variants(&cleaned, &folder).await? {
            Ok(variants) => (Some(variants), None),
            Err(cause) => (None, Some(cause)),
        };
        let original = Object::Original(folder, cleaned.format);
        let made = Made {
            object_key: original.key(),
            bytes: cleaned.bytes.len() as u64,
            width: cleaned.width,
            height: cleaned.height,
            variants,
        };
        self.bucket.put(&original, cleaned.bytes).await?;

        match self.list.add(&row.owner_id, task, &row.name, now).await {
            Ok(()) => {}
            Err(ImageError::TaskFull) => return self.reject(row, Reason::TaskFull, sent).await,
            Err(ImageError::TaskNotFound) => return self.reject(row, Reason::TaskNotFound, sent).await,
            Err(failure) => return Err(failure),
        }

        let found = match self.rows.publish(row, &made).await {
            Ok(Written::Applied) => {
                count_upload(made.bytes);
                metrics::count(if no_variants.is_some() { Metric::VariantFailures } else { Metric::Variants });
                return Ok(Ingested::Ready(no_variants));
            }
            Ok(Written::Refused(found)) => found,
            Err(_no_answer) => self.rows.find(&row.name.stem).await?,
        };
        self.delete_unless_kept(found.as_ref(), sent).await
    }

    async fn reject(&self, row: &ImageRow, reason: Reason, sent: &Sent) -> Result<Ingested, ImageError> {
        match self.rows.reject(row, reason).await? {
            Written::Applied => {
                self.bucket.delete_below(&sent.folder().prefix()).await?;
                Ok(Ingested::Rejected(reason))
            }
            Written::Refused(found) => self.delete_unless_kept(found.as_ref(), sent).await,
        }
    }

    /// The row is not pending for this upload any more. What was made of it is deleted, unless the row leads to it.
    async fn delete_unless_kept(&self, found: Option<&ImageRow>, sent: &Sent) -> Result<Ingested, ImageError> {
        match ImageRow::fate_of(found, &sent.upload.attempt, &sent.folder().prefix()) {
            Fate::Kept => Ok(Ingested::Nothing),
            Fate::Undecided => Err(ImageError::Unconfirmed("could not confirm that the row was written")),
            Fate::Unknown => Err(ImageError::UnknownState),
            Fate::Unwanted => self.delete(&sent.folder().prefix()).await,
        }
    }

    /// Adds variants to an upload through the API, which was answered before they are made.
    async fn add_variants(&self, arrival: &Arrival, upload: &Upload, now: Timestamp) -> Result<Ingested, ImageError> {
        let found = self.row_of_ended_upload(upload, arrival.at, now).await?;
        let row = match ImageRow::fate_of(found.as_ref(), &upload.attempt, &upload.folder().prefix()) {
            Fate::Kept => found.filter(|row| row.lacks_variants(&arrival.key)),
            // The upload was cut short; a retry puts the object again.
            Fate::Undecided => None,
            Fate::Unknown => return Err(ImageError::UnknownState),
            Fate::Unwanted => return self.delete(&upload.folder().prefix()).await,
        };
        let Some(row) = row else {
            return Ok(Ingested::Nothing);
        };
        let Got::Bytes(bytes) = self.bucket.get(&row.object_key, None, self.limits.max_direct_bytes).await? else {
            return Ok(Ingested::Nothing);
        };
        let cleaned = match imaging::clean(&bytes, &self.limits.pixels) {
            Ok(cleaned) => cleaned,
            // It was taken, and the limits have been lowered since.
            Err(refusal) => return Ok(without_variants(NoVariants::Undecodable(refusal.to_string()))),
        };
        drop(bytes);
        let variants = match self.make_variants(&cleaned, &upload.folder()).await? {
            Ok(variants) => variants,
            Err(cause) => return Ok(without_variants(cause)),
        };
        match self.rows.add_variants(&row, &variants).await? {
            Written::Applied => {
                metrics::count(Metric::Variants);
                Ok(Ingested::Variants)
            }
            // Removed in the meantime, perhaps before the variants were put: the sweep may have passed already.
            Written::Refused(found) => {
                match ImageRow::fate_of(found.as_ref(), &upload.attempt, &upload.folder().prefix()) {
                    Fate::Kept | Fate::Undecided => Ok(Ingested::Nothing),
                    Fate::Unknown => Err(ImageError::UnknownState),
                    Fate::Unwanted => self.delete(&upload.folder().prefix()).await,
                }
            }
        }
    }

    /// The row of an upload that has ended, or none. Waits for one that may still be at work.
    async fn row_of_ended_upload(
        &self,
        upload: &Upload,
        put_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<ImageRow>, Failure> {
        let left = UPLOAD_ENDS.saturating_sub(now.duration_since(put_at)).min(UPLOAD_ENDS);
        let end = Instant::now() + Duration::try_from(left).unwrap_or_default();
        loop {
            let found = self.row_of(upload).await?;
            let is_running = found.as_ref().is_some_and(ImageRow::is_pending);
            if !is_running || Instant::now() >= end {
                return Ok(found);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Deletes what no row leads to, nor ever will.
    async fn delete(&self, prefix: &str) -> Result<Ingested, ImageError> {
        self.bucket.delete_below(prefix).await?;
        Ok(Ingested::Nothing)
    }

    /// Makes variants and stores them. An image of which none can be made is an image all the same.
    async fn make_variants(&self, cleaned: &Cleaned, folder: &Folder) -> Result<Result<Variants, NoVariants>, Failure> {
        let made = match imaging::variants(cleaned) {
            Ok(made) => made,
            Err(cause) => return Ok(Err(cause)),
        };
        let thumb = self.put(Object::Thumb(folder.clone()), made.thumb);
        let medium = self.put(Object::Medium(folder.clone()), made.medium);
        let (thumb, medium) = tokio::try_join!(thumb, medium)?;
        Ok(Ok(Variants { thumb, medium, placeholder: made.placeholder }))
    }

    async fn put(&self, object: Object, made: Option<imaging::Variant>) -> Result<Option<Variant>, Failure> {
        let Some(made) = made else {
            return Ok(None);
        };
        self.bucket.put(&object, made.bytes).await?;
        Ok(Some(Variant { object_key: object.key(), width: made.width, height: made.height }))
    }
}

fn without_variants(cause: NoVariants) -> Ingested {
    metrics::count(Metric::VariantFailures);
    Ingested::NoVariants(cause)
}
