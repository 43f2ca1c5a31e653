//! What every upload through the API does: validate the bytes, store the object, and find out whether the row became ready.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;
use platform::Failure;
use platform::metrics::{self, Metric};
use session::Caller;
use sha2::{Digest, Sha256};
use web::ImageForm;

use crate::config::UploadConfig;
use crate::error::ImageError;
use crate::rows::bucket::Bucket;
use crate::rows::keys::Object;
use crate::rows::name::Target;
use crate::rows::row::{Begun, ImageRow};
use crate::rows::rules::Fate;
use crate::rows::store::Store;
use crate::rows::table::ImageRows;

/// An upload before anything is written: the row to claim, and the bytes of the object.
pub(crate) struct Draft {
    pub(crate) row: ImageRow,
    pub(crate) bytes: Bytes,
}

/// The images table and the bucket, as uploads through the API write to them.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    pub(crate) rows: ImageRows,
    bucket: Bucket,
    pixels: imaging::Limits,
}

impl Uploads {
    pub(crate) fn new(store: Store, limits: &UploadConfig) -> Self {
        Self { rows: store.rows, bucket: store.bucket, pixels: limits.pixels }
    }

    /// Opens connections to the table and to S3.
    pub(crate) async fn warm(&self) {
        let _ = tokio::join!(self.rows.warm(), self.bucket.warm());
    }

    /// Validates the bytes and drafts the row: everything that can be refused without a write.
    pub(crate) fn draft(
        &self,
        caller: &Caller,
        target: &Target,
        form: &ImageForm,
        now: Timestamp,
    ) -> Result<Draft, ImageError> {
        let cleaned = imaging::clean(&form.image, &self.pixels)?;
        let begun = Begun {
            caller,
            target: target.clone(),
            upload_id: form.upload_id.as_ref(),
            format: cleaned.format,
            content_hash: URL_SAFE_NO_PAD.encode(Sha256::digest(&form.image)),
        };
        let mut row = ImageRow::begin(begun, |upload, format| Object::Original(upload.folder(), format), now);
        row.bytes = Some(cleaned.bytes.len() as u64);
        (row.width, row.height) = (Some(cleaned.width), Some(cleaned.height));
        Ok(Draft { row, bytes: cleaned.bytes.into() })
    }

    /// Stores the object under its row's key.
    pub(crate) async fn put(&self, row: &ImageRow, bytes: Bytes) -> Result<(), Failure> {
        // The key is the row's, which an earlier try may have written.
        let object = Object::parse(&row.object_key).ok_or_else(|| Failure::broken_row("images", "object_key"))?;
        self.bucket.put(&object, bytes).await
    }

    /// Reads back a row whose last write was not answered.
    pub(crate) async fn confirm_ready(&self, row: &ImageRow) -> Result<(), ImageError> {
        let found = self.rows.find(&row.name.stem).await?;
        self.judge(row, found.as_ref()).await
    }

    /// Judges by the row that was found whether the image became ready. If the row leads to our object, it was our own write,
    /// or that of a racing try with the same bytes. If the row is still pending under our attempt, the write may still be
    /// applied, so nothing is touched. If no row will ever lead to our object, it is deleted.
    pub(crate) async fn judge(&self, row: &ImageRow, found: Option<&ImageRow>) -> Result<(), ImageError> {
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

/// Counts an image that this very call has made ready. Where the answer was lost nobody knows whose write it was, and nobody
/// counts it.
pub(crate) fn count_upload(bytes: u64) {
    metrics::count(Metric::Uploads);
    metrics::add(Metric::UploadBytes, bytes);
}
