//! What every upload does, whatever it belongs to: look at the bytes, put the object, settle doubts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use platform::metrics::{self, Metric};
use session::Caller;
use sha2::{Digest, Sha256};
use web::ImageForm;

use crate::config::{Config, UploadConfig};
use crate::error::ImageError;
use crate::rows::bucket::Bucket;
use crate::rows::keys::key_of;
use crate::rows::name::Target;
use crate::rows::row::{Begun, ImageRow};
use crate::rows::state::Fate;
use crate::rows::table::ImageRows;

/// A picture on its way in: the row that we would like to write, and the bytes to go with it.
pub(crate) struct Draft {
    pub(crate) row: ImageRow,
    pub(crate) bytes: Bytes,
}

/// The images table and the bucket, as uploads write to them.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    pub(crate) rows: ImageRows,
    bucket: Bucket,
    pixels: imaging::Limits,
}

impl Uploads {
    pub(crate) fn new(config: &Config, limits: &UploadConfig, aws: &Aws) -> Self {
        let rows = ImageRows::new(&config.table, aws.dynamodb());
        Self { rows, bucket: Bucket::new(&config.bucket, aws), pixels: limits.pixels }
    }

    /// Opens connections to the table and to S3.
    pub(crate) async fn warm(&self) {
        let _ = tokio::join!(self.rows.warm(), self.bucket.warm());
    }

    /// Looks at the bytes and drafts the row: everything that can be refused without a write.
    pub(crate) fn draft(
        &self,
        caller: &Caller,
        target: &Target,
        form: &ImageForm,
        now: Timestamp,
    ) -> Result<Draft, ImageError> {
        let cleaned = imaging::clean(&form.image, &self.pixels)?;
        let upload = Begun {
            caller,
            target: target.clone(),
            upload_id: form.upload_id.as_ref(),
            format: cleaned.format,
            content_hash: URL_SAFE_NO_PAD.encode(Sha256::digest(&form.image)),
        };
        let mut row = ImageRow::begin(upload, key_of, now);
        row.bytes = Some(cleaned.bytes.len() as u64);
        (row.width, row.height) = (Some(cleaned.width), Some(cleaned.height));
        Ok(Draft { row, bytes: cleaned.bytes.into() })
    }

    /// Puts the picture under its row's key.
    pub(crate) async fn put(&self, row: &ImageRow, bytes: Bytes) -> Result<(), Failure> {
        self.bucket.put(&row.object_key, row.name.format.content_type(), bytes).await
    }

    /// Finds out what became of a row whose last write was refused or not answered.
    pub(crate) async fn read_back(&self, row: &ImageRow) -> Result<(), ImageError> {
        let found = self.rows.find(&row.name.stem).await?;
        self.settle(row, found.as_ref()).await
    }

    /// Ready with our object: it was our own write, or that of a racing try with the same bytes. Pending and ours: the
    /// write may still come, so nothing is touched. Where no row will ever lead to our object, it goes.
    pub(crate) async fn settle(&self, row: &ImageRow, found: Option<&ImageRow>) -> Result<(), ImageError> {
        match ImageRow::fate_of(found, &row.attempt, &row.object_key) {
            Fate::Kept => Ok(()),
            Fate::Undecided => Err(ImageError::Unconfirmed("could not confirm that the row became ready")),
            Fate::Unknown => Err(ImageError::UnknownState),
            Fate::Unwanted => {
                self.bucket.delete(&row.object_key).await?;
                Err(ImageError::Unconfirmed("the row was removed in the meantime"))
            }
        }
    }
}

/// Counts a picture that this very call has made ready. Where its answer was lost nobody knows whose write it was, and
/// nobody counts it.
pub(crate) fn count_upload(bytes: u64) {
    metrics::count(Metric::Uploads);
    metrics::add(Metric::UploadBytes, bytes);
}
