use std::time::Duration;

use jiff::Timestamp;
use platform::aws::Aws;
use session::Caller;
use web::ImageForm;

use crate::config::{Config, UploadConfig};
use crate::error::ImageError;
use crate::rows::name::Target;
use crate::rows::row::ImageRow;
use crate::rows::table::Transacted;
use crate::show::answer::Image;
use crate::show::delivery::Delivery;
use crate::take::claim::{Claim, claim};
use crate::take::draft::{Uploads, count_upload};

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
        Self { uploads: Uploads::new(config, limits, aws), delivery: Delivery::new(config, aws) }
    }

    /// Opens connections and gets what URLs need, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.uploads.warm(), self.delivery.prepare());
    }

    /// Makes a photo the caller's avatar. It becomes current at most once, in the moment in which its row becomes ready:
    /// a retry that finds it ready writes nothing, so it cannot bring a replaced picture back.
    ///
    /// # Errors
    /// `image_unsupported`, `image_invalid`, `image_incomplete`, `not_found` (replaced meanwhile), `upload_id_reused`, `busy`.
    pub async fn accept(&self, caller: &Caller, form: &ImageForm, now: Timestamp) -> Result<Image, ImageError> {
        let draft = self.uploads.draft(caller, &Target::Avatar, form, now)?;
        self.delivery.prepare().await?;
        let row = match claim(&self.uploads.rows, &draft.row, now).await? {
            Claim::Ours(row) => row,
            Claim::Done(row) => return Ok(Image::without_variants(&row, &self.delivery, now).await?),
        };
        self.uploads.put(&row, draft.bytes).await?;
        self.make_current(caller, &row).await?;
        Ok(Image::without_variants(&row.into_ready(), &self.delivery, now).await?)
    }

    /// Makes the picture ready and current in one transaction: nobody but this very user contends for its two rows.
    async fn make_current(&self, caller: &Caller, row: &ImageRow) -> Result<(), ImageError> {
        for tried in 1..=TRANSACTION_TRIES {
            match self.uploads.rows.make_current(&caller.user_id, row).await? {
                Transacted::Applied => {
                    count_upload(row.bytes.unwrap_or_default());
                    return Ok(());
                }
                Transacted::InDoubt => return self.uploads.read_back(row).await,
                Transacted::Conflict => tokio::time::sleep(FIRST_BACKOFF * tried).await,
            }
        }
        self.uploads.read_back(row).await
    }
}
