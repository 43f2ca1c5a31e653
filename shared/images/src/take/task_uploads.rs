use jiff::Timestamp;
use session::Caller;
use web::ImageForm;

use crate::config::UploadConfig;
use crate::error::ImageError;
use crate::rows::name::Target;
use crate::rows::row::ImageRow;
use crate::rows::store::Store;
use crate::rows::table::Written;
use crate::rows::tasks::{Task, Tasks};
use crate::show::answer::Image;
use crate::show::delivery::Delivery;
use crate::take::claim::{Claim, claim};
use crate::take::draft::{Uploads, count_upload};
use crate::take::task_list::TaskList;

/// Takes images into tasks through the API.
#[derive(Clone, Debug)]
pub struct TaskUploads {
    uploads: Uploads,
    list: TaskList,
    delivery: Delivery,
}

impl TaskUploads {
    /// Uploads of at most `max_task_images` to one task.
    pub fn new(store: Store, tasks: Tasks, delivery: Delivery, limits: &UploadConfig, max_task_images: usize) -> Self {
        Self {
            uploads: Uploads::new(store.clone(), limits),
            list: TaskList::new(store, tasks, max_task_images),
            delivery,
        }
    }

    /// Opens connections and reads the key that URLs are signed with, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.uploads.warm(), self.delivery.prepare());
    }

    /// Adds one image to a task of the caller's. Three round trips: claim · object and append · ready. The same upload id with
    /// the same bytes gives the same image once.
    ///
    /// # Errors
    /// Where the bytes are no image that is taken, the task is gone or full, the image was deleted, the upload id stands for
    /// other content, or the outcome is not certain. A refused image leaves nothing that anyone else can see.
    pub async fn accept(
        &self,
        caller: &Caller,
        task: &Task,
        form: &ImageForm,
        now: Timestamp,
    ) -> Result<Image, ImageError> {
        let draft = self.uploads.draft(caller, &Target::Task(task.id.clone()), form, now)?;
        self.delivery.prepare().await?;
        let row = match claim(&self.uploads.rows, &draft.row, now).await? {
            Claim::Ours(row) => row,
            Claim::Done(row) => return Ok(Image::without_variants(&row, &self.delivery, now).await?),
        };

        let append = self.list.add(&caller.user_id, &task.id, &row.name, now);
        let (stored, listed) = tokio::join!(self.uploads.put(&row, draft.bytes), append);
        // A refusal is an answer, an outage is not: the refusal is told first. Either way the row stays for a retry.
        listed?;
        stored?;

        self.make_ready(&row).await?;
        Ok(Image::without_variants(&row.into_ready(), &self.delivery, now).await?)
    }

    async fn make_ready(&self, row: &ImageRow) -> Result<(), ImageError> {
        match self.uploads.rows.make_ready(row).await {
            Ok(Written::Applied) => {
                count_upload(row.bytes.unwrap_or_default());
                Ok(())
            }
            Ok(Written::Refused(found)) => self.uploads.judge(row, found.as_ref()).await,
            Err(_no_answer) => self.uploads.confirm_ready(row).await,
        }
    }
}
