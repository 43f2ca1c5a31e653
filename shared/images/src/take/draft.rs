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
use web::{ApiError, ErrorCode, ImageForm};

use crate::config::{Config, UploadConfig};
use crate::rows::bucket::Bucket;
use crate::rows::keys::key_of;
use crate::rows::name::{Attempt, ImageName, Stem, Target};
use crate::rows::row::{ImageRow, State};
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
    ) -> Result<Draft, ApiError> {
        let cleaned = imaging::clean(&form.image, &self.pixels).map_err(refused)?;
        let stem = Stem::of(&caller.user_seed, target, form.upload_id.as_ref());
        let name = ImageName { stem, format: cleaned.format };
        let attempt = Attempt::random();
        let row = ImageRow {
            object_key: key_of(&name, &attempt),
            name,
            state: State::Pending,
            owner_id: caller.user_id.clone(),
            target: target.clone(),
            content_hash: URL_SAFE_NO_PAD.encode(Sha256::digest(&form.image)),
            attempt,
            bytes: Some(cleaned.bytes.len() as u64),
            width: Some(cleaned.width),
            height: Some(cleaned.height),
            variants: None,
            reason: None,
            touched_at: now,
        };
        Ok(Draft { row, bytes: cleaned.bytes.into() })
    }

    /// Puts the picture under its row's key.
    pub(crate) async fn put(&self, row: &ImageRow, bytes: Bytes) -> Result<(), Failure> {
        self.bucket.put(&row.object_key, row.name.format.content_type(), bytes).await
    }

    /// Finds out what became of a row whose last write was refused or not answered.
    pub(crate) async fn read_back(&self, row: &ImageRow) -> Result<(), ApiError> {
        let found = self.rows.find(&row.name.stem).await?;
        self.settle(row, found.as_ref()).await
    }

    /// Ready with our object: it was our own write, or that of a racing try with the same bytes. Pending and ours: the
    /// write may still come, so nothing is touched. Else nothing will ever name our object: it goes.
    pub(crate) async fn settle(&self, row: &ImageRow, found: Option<&ImageRow>) -> Result<(), ApiError> {
        match found {
            Some(found) if found.state == State::Ready && found.object_key == row.object_key => Ok(()),
            Some(found) if found.state == State::Pending && found.attempt == row.attempt => {
                Err(ApiError::from(ErrorCode::Busy).because("not certainly ready"))
            }
            _ => {
                self.bucket.delete(&row.object_key).await?;
                Err(ApiError::from(ErrorCode::Busy).because("the row went meanwhile"))
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

/// Why a picture is not taken, as clients are told.
pub(crate) fn refused(refusal: imaging::Refused) -> ApiError {
    let error = match refusal {
        imaging::Refused::Heic => unsupported_heic(),
        imaging::Refused::Unsupported => ErrorCode::ImageUnsupported.into(),
        imaging::Refused::Incomplete => ErrorCode::ImageIncomplete.into(),
        imaging::Refused::Invalid(_)
        | imaging::Refused::TooManyPixels
        | imaging::Refused::TooManyFrames
        | imaging::Refused::TooManyScans
        | imaging::Refused::TooManySegments => ErrorCode::ImageInvalid.into(),
    };
    error.because(refusal)
}

/// Phones make such pictures, and their users can choose another format.
pub(crate) fn unsupported_heic() -> ApiError {
    ApiError::from(ErrorCode::ImageUnsupported).saying("不支持HEIC图片，请选择压缩图或JPEG")
}
