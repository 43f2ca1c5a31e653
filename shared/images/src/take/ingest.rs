//! What comes straight to the bucket is looked at here, and nowhere else becomes an image; and all images get their variants.
//!
//! S3 tells of an object at least once, late, and in any order. What was done before is found in the row and not done again.

use std::time::Duration;

use imaging::{Cleaned, NoVariants};
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use platform::invocation;
use platform::metrics::{self, Metric};
use tokio::time::Instant;

use crate::config::{IngestConfig, StorageConfig};
use crate::error::ImageError;
use crate::rows::bucket::{Bucket, Got};
use crate::rows::lives::UPLOAD_ENDS;
use crate::rows::name::Target;
use crate::rows::reason::Reason;
use crate::rows::row::{ImageRow, Made};
use crate::rows::state::Fate;
use crate::rows::table::{ImageRows, Written};
use crate::rows::tasks::Tasks;
use crate::rows::variant::{Variant, Variants};
use crate::take::arrival::{Arrival, Place, Sent, Upload};
use crate::take::draft::count_upload;
use crate::take::task_list::TaskList;

const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// What became of an object that had come: by this delivery's own write, whose answer came.
#[derive(Debug)]
pub enum Ingested {
    /// A ticket's picture is an image now.
    Ready(Option<NoVariants>),
    /// A ticket's picture was refused.
    Rejected(Reason),
    /// An image has its variants now.
    Variants,
    /// An image has none. It is shown as it is.
    NoVariants(NoVariants),
    /// It is none of ours, was done before, or is not wanted any more.
    Nothing,
}

enum Looked {
    Good(Cleaned),
    Bad(Reason),
    Gone,
}

/// The tables and the bucket, as the ingest writes to them.
#[derive(Clone, Debug)]
pub struct Ingest {
    rows: ImageRows,
    list: TaskList,
    bucket: Bucket,
    limits: IngestConfig,
}

impl Ingest {
    /// An ingest of the configured bucket.
    pub fn new(storage: &StorageConfig, limits: IngestConfig, tasks: Tasks, aws: &Aws) -> Self {
        Self {
            rows: ImageRows::new(&storage.table, aws.dynamodb()),
            list: TaskList::new(storage, limits.max_task_images, tasks, aws),
            bucket: Bucket::new(&storage.bucket, aws),
            limits,
        }
    }

    /// Makes of an object what is to be made of it.
    ///
    /// # Errors
    /// `busy` while the tables or S3 fail, or when it is not certain what was written: it has to come again. `internal` for what
    /// was sent with a form and comes without an `ETag` to read it by.
    pub async fn take(&self, arrival: &Arrival, now: Timestamp) -> Result<Ingested, ImageError> {
        if arrival.bucket != self.bucket.name {
            return Ok(Ingested::Nothing);
        }
        // Boxed, since these futures nest deeper than the compiler goes.
        match arrival.place()? {
            Some(Place::Incoming(sent)) => Box::pin(self.ingest(&sent, now)).await,
            Some(Place::Original(upload)) => Box::pin(self.add_variants(arrival, &upload, now)).await,
            None => Ok(Ingested::Nothing),
        }
    }

    /// A ticket's picture. Its form can be used twice, with other bytes: outputs lie under the `ETag`, and the first that
    /// become ready stay.
    async fn ingest(&self, sent: &Sent, now: Timestamp) -> Result<Ingested, ImageError> {
        let ingested = match self.row_of(&sent.upload).await? {
            Some(row) if row.is_pending() && row.object_key == sent.key() => {
                match self.look_at(&row, sent).await? {
                    Looked::Good(picture) => self.publish(&row, picture, sent, now).await?,
                    Looked::Bad(reason) => self.reject(&row, reason, sent).await?,
                    // Another delivery was quicker; or other bytes came, of which S3 tells as well.
                    Looked::Gone => return Ok(Ingested::Nothing),
                }
            }
            found => self.leave(found.as_ref(), sent).await?,
        };
        // Last: as long as it is there, the event can come again.
        self.bucket.delete(&sent.key()).await?;
        Ok(ingested)
    }

    /// Nobody calls here; the line tells whose photo it is, so that whoever sends too many can be found.
    async fn row_of(&self, upload: &Upload) -> Result<Option<ImageRow>, Failure> {
        let found = self.rows.find(&upload.stem).await?;
        if let Some(row) = &found {
            invocation::note_user(row.owner_id.as_str());
        }
        Ok(found)
    }

    /// Whether it is what the ticket said.
    async fn look_at(&self, row: &ImageRow, sent: &Sent) -> Result<Looked, Failure> {
        let bytes = match self.bucket.get(&sent.key(), Some(&sent.etag), self.limits.max_direct_bytes).await? {
            Got::Bytes(bytes) => bytes,
            Got::TooLarge => return Ok(Looked::Bad(Reason::TooLarge)),
            Got::Gone => return Ok(Looked::Gone),
        };
        Ok(match imaging::clean(&bytes, &self.limits.pixels) {
            Ok(picture) if picture.format == row.name.format => Looked::Good(picture),
            Ok(_of_another_format) => Looked::Bad(Reason::Unsupported),
            Err(refusal) => Looked::Bad(Reason::of(&refusal)),
        })
    }

    /// Outputs, list, ready: in this order, so that what is ready is there and listed.
    async fn publish(
        &self,
        row: &ImageRow,
        picture: Cleaned,
        sent: &Sent,
        now: Timestamp,
    ) -> Result<Ingested, ImageError> {
        let Target::Task(task) = &row.target else {
            return Err(ImageError::Broken("a ticket that belongs to no task"));
        };
        let outputs = sent.outputs();
        let (variants, no_variants) = match self.make_variants(&picture, &outputs).await? {
            Ok(variants) => (Some(variants), None),
            Err(cause) => (None, Some(cause)),
        };
        let made = Made {
            object_key: format!("{outputs}original.{}", picture.format.extension()),
            bytes: picture.bytes.len() as u64,
            width: picture.width,
            height: picture.height,
            variants,
        };
        self.bucket.put(&made.object_key, picture.format.content_type(), picture.bytes).await?;

        match self.list.enlist(&row.owner_id, task, &row.name, now).await {
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
        self.leave(found.as_ref(), sent).await
    }

    async fn reject(&self, row: &ImageRow, reason: Reason, sent: &Sent) -> Result<Ingested, ImageError> {
        match self.rows.reject(row, reason).await? {
            Written::Applied => {
                self.bucket.delete_below(&sent.outputs()).await?;
                Ok(Ingested::Rejected(reason))
            }
            Written::Refused(found) => self.leave(found.as_ref(), sent).await,
        }
    }

    /// The row is not ours to change any more. Our outputs go, unless it shows them.
    async fn leave(&self, found: Option<&ImageRow>, sent: &Sent) -> Result<Ingested, ImageError> {
        match ImageRow::fate_of(found, &sent.upload.attempt, &sent.outputs()) {
            Fate::Kept => Ok(Ingested::Nothing),
            Fate::Undecided => Err(ImageError::Unconfirmed("could not confirm that the row was written")),
            Fate::Unknown => Err(ImageError::UnknownState),
            Fate::Unwanted => self.delete(&sent.outputs()).await,
        }
    }

    /// An upload through the API is answered before its variants are made.
    async fn add_variants(&self, arrival: &Arrival, upload: &Upload, now: Timestamp) -> Result<Ingested, ImageError> {
        let found = self.row_of_ended_upload(upload, arrival.at, now).await?;
        let row = match ImageRow::fate_of(found.as_ref(), &upload.attempt, &upload.folder()) {
            Fate::Kept => found.filter(|row| row.lacks_variants(&arrival.key)),
            // Its upload was cut short, and a retry puts the object again.
            Fate::Undecided => None,
            Fate::Unknown => return Err(ImageError::UnknownState),
            Fate::Unwanted => return self.delete(&upload.folder()).await,
        };
        let Some(row) = row else {
            return Ok(Ingested::Nothing);
        };
        let Got::Bytes(bytes) = self.bucket.get(&row.object_key, None, self.limits.max_direct_bytes).await? else {
            return Ok(Ingested::Nothing);
        };
        let picture = match imaging::clean(&bytes, &self.limits.pixels) {
            Ok(picture) => picture,
            // It was taken, and the limits were lowered since.
            Err(refusal) => return Ok(none_of(NoVariants::Undecodable(refusal.to_string()))),
        };
        drop(bytes);
        let variants = match self.make_variants(&picture, &upload.folder()).await? {
            Ok(variants) => variants,
            Err(cause) => return Ok(none_of(cause)),
        };
        match self.rows.add_variants(&row, &variants).await? {
            Written::Applied => {
                metrics::count(Metric::Variants);
                Ok(Ingested::Variants)
            }
            // Removed in the meantime, perhaps before the variants were put: the sweep may be through.
            Written::Refused(found) => match ImageRow::fate_of(found.as_ref(), &upload.attempt, &upload.folder()) {
                Fate::Kept | Fate::Undecided => Ok(Ingested::Nothing),
                Fate::Unknown => Err(ImageError::UnknownState),
                Fate::Unwanted => self.delete(&upload.folder()).await,
            },
        }
    }

    /// The row of an upload that is not at work any more, or of none.
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
            let is_at_work = found.as_ref().is_some_and(ImageRow::is_pending);
            if !is_at_work || Instant::now() >= end {
                return Ok(found);
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }

    /// Deletes what no row leads to, nor ever will.
    async fn delete(&self, prefix: &str) -> Result<Ingested, ImageError> {
        self.bucket.delete_below(prefix).await?;
        Ok(Ingested::Nothing)
    }

    /// Makes variants and puts them. A picture of which none can be made is an image all the same.
    async fn make_variants(&self, picture: &Cleaned, folder: &str) -> Result<Result<Variants, NoVariants>, Failure> {
        let made = match imaging::variants(picture) {
            Ok(made) => made,
            Err(cause) => return Ok(Err(cause)),
        };
        let (thumb, medium) =
            tokio::try_join!(self.put(folder, "thumb", made.thumb), self.put(folder, "medium", made.medium))?;
        Ok(Ok(Variants { thumb, medium, placeholder: made.placeholder }))
    }

    async fn put(&self, folder: &str, name: &str, made: Option<imaging::Variant>) -> Result<Option<Variant>, Failure> {
        let Some(made) = made else {
            return Ok(None);
        };
        let variant = Variant { object_key: format!("{folder}{name}.jpg"), width: made.width, height: made.height };
        self.bucket.put(&variant.object_key, imaging::Format::Jpeg.content_type(), made.bytes).await?;
        Ok(Some(variant))
    }
}

fn none_of(cause: NoVariants) -> Ingested {
    metrics::count(Metric::VariantFailures);
    Ingested::NoVariants(cause)
}
