use jiff::Timestamp;
use platform::retry::Attempts;
use session::Caller;
use web::ImageForm;

use crate::config::UploadConfig;
use crate::error::ImageError;
use crate::rows::name::Target;
use crate::rows::row::ImageRow;
use crate::rows::store::Store;
use crate::rows::table::Transacted;
use crate::show::answer::Image;
use crate::show::delivery::Delivery;
use crate::take::claim::{Claim, claim};
use crate::take::draft::{Uploads, count_upload};

const TRANSACTION_TRIES: u32 = 4;

/// Takes avatars through the API.
#[derive(Clone, Debug)]
pub struct AvatarUploads {
    uploads: Uploads,
    delivery: Delivery,
}

impl AvatarUploads {
    /// Avatars of at most these limits.
    pub fn new(store: Store, delivery: Delivery, limits: &UploadConfig) -> Self {
        Self { uploads: Uploads::new(store, limits), delivery }
    }

    /// Opens connections and reads the key that URLs are signed with, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.uploads.warm(), self.delivery.prepare());
    }

    /// Makes an image the caller's avatar. It becomes current at most once, at the moment its row becomes ready: a retry that
    /// finds the row ready writes nothing, so it cannot bring a replaced avatar back.
    ///
    /// # Errors
    /// Where the bytes are no image that is taken, the image was replaced in the meantime, the upload id stands for other
    /// content, or the outcome is not certain.
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

    /// Makes the image ready and current in one transaction: nobody but this very user contends for its two rows.
    async fn make_current(&self, caller: &Caller, row: &ImageRow) -> Result<(), ImageError> {
        let mut attempts = Attempts::at_most(TRANSACTION_TRIES);
        while attempts.next().await {
            match self.uploads.rows.make_current(&caller.user_id, row).await? {
                Transacted::Applied => {
                    count_upload(row.bytes.unwrap_or_default());
                    return Ok(());
                }
                Transacted::InDoubt => return self.uploads.confirm_ready(row).await,
                Transacted::Conflict => {}
            }
        }
        self.uploads.confirm_ready(row).await
    }
}
