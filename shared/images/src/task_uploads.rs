use jiff::{SignedDuration, Timestamp};
use platform::aws::Aws;
use session::Caller;
use web::{ApiError, ErrorCode, ImageForm};

use crate::answer::Image;
use crate::config::{Config, UploadConfig};
use crate::delivery::Delivery;
use crate::image_rows::{ImageRow, State, Written};
use crate::name::{ImageName, Target};
use crate::tasks::{ListWritten, Task, Tasks};
use crate::uploads::{Claim, Uploads, count_upload};

/// A pending row that nobody touched for so long gives its place in the list back. API calls end long before.
const ABANDONED: SignedDuration = SignedDuration::from_mins(15);
const PRUNE_TRIES: u32 = 3;
/// Append, touch and append again: each is tried anew when the list changed in between.
const ENLIST_TRIES: u32 = 6;

/// Takes photos into tasks.
#[derive(Clone, Debug)]
pub struct TaskUploads {
    uploads: Uploads,
    tasks: Tasks,
    delivery: Delivery,
    most: usize,
}

impl TaskUploads {
    /// Uploads of at most `max_task_images` to one task.
    pub fn new(config: &Config, limits: &UploadConfig, max_task_images: usize, tasks: Tasks, aws: &Aws) -> Self {
        Self {
            uploads: Uploads::new(config, limits, aws.dynamodb(), aws.s3()),
            tasks,
            delivery: Delivery::new(config, aws),
            most: max_task_images,
        }
    }

    /// Opens connections and gets what URLs need, before the first event.
    pub async fn warm(&self) {
        let _ = tokio::join!(self.uploads.warm(), self.delivery.prepare());
    }

    /// Adds one photo to a task of the caller's. Three round trips: claim · object and append · ready. The same upload id
    /// with the same bytes gives the same image once.
    ///
    /// # Errors
    /// `image_unsupported`, `image_invalid`, `task_not_found`, `not_found` (deleted), `task_full`, `upload_id_reused`,
    /// `busy`. A refused photo leaves nothing that anyone else can see.
    pub async fn accept(
        &self,
        caller: &Caller,
        task: &Task,
        form: &ImageForm,
        now: Timestamp,
    ) -> Result<Image, ApiError> {
        let draft = self.uploads.draft(caller, &Target::Task(task.id.clone()), form, now)?;
        self.delivery.prepare().await?;
        let row = match self.uploads.claim(&draft, now).await? {
            Claim::Ours(row) => row,
            Claim::Ready(row) => return self.delivery.image(&row, now).await,
        };

        let (stored, listed) =
            tokio::join!(self.uploads.put_object(&row, draft.bytes), self.enlist(caller, task, &row.name, now));
        // A refusal is an answer, an outage is not: the refusal goes first. Either way the row stays for a retry.
        listed?;
        stored?;

        self.make_ready(&row).await?;
        count_upload(&row);
        let row = ImageRow { state: State::Ready, ..row };
        self.delivery.image(&row, now).await
    }

    async fn make_ready(&self, row: &ImageRow) -> Result<(), ApiError> {
        match self.uploads.rows.make_ready(row).await {
            Ok(Written::Applied) => Ok(()),
            Ok(Written::Refused(found)) => self.uploads.settle(row, found.as_ref()).await,
            Err(_no_answer) => self.uploads.read_back(row).await,
        }
    }

    /// Puts the name on the task's list. A refused append is judged by the list that it came with.
    async fn enlist(&self, caller: &Caller, task: &Task, name: &ImageName, now: Timestamp) -> Result<(), ApiError> {
        let mut was_pruned = false;
        for _ in 0..ENLIST_TRIES {
            let refused = match self.tasks.append(&task.id, &caller.user_id, name, self.most).await? {
                ListWritten::Applied => return Ok(()),
                ListWritten::Refused(list) => list,
            };
            let list = refused.and_then(|list| list.owned_by(caller)).ok_or(ErrorCode::TaskNotFound)?;
            if list.images.contains(&name.to_string()) {
                // An earlier try put it there. A prune that has seen our row gone must not drop it now.
                if let ListWritten::Applied = self.tasks.touch(&task.id, name).await? {
                    return Ok(());
                }
            } else if was_pruned {
                return Err(ErrorCode::TaskFull.into());
            } else {
                self.prune(list, now).await?;
                was_pruned = true;
            }
        }
        Err(ApiError::from(ErrorCode::Busy).because("the list was always changed meanwhile"))
    }

    /// Drops the names that stand for nothing. The rows are read after the list: a name whose row is seen gone cannot have
    /// come back without raising the list's version.
    async fn prune(&self, list: Task, now: Timestamp) -> Result<(), ApiError> {
        let mut seen = Some(list);
        for _ in 0..PRUNE_TRIES {
            let Some(list) = seen else {
                return Ok(());
            };
            let names: Vec<_> = list.images.iter().map(|text| (text, ImageName::parse(text))).collect();
            let stems = names.iter().filter_map(|(_, name)| name.as_ref()).map(|name| &name.stem);
            let rows = self.uploads.rows.find_all(stems).await?;
            let is_kept = |name: &ImageName| rows.get(&name.stem).is_some_and(|row| !is_abandoned(row, now));
            let kept: Vec<_> =
                names.iter().filter(|(_, name)| name.as_ref().is_some_and(is_kept)).map(|(text, _)| *text).collect();
            if kept.len() == list.images.len() {
                return Ok(());
            }
            match self.tasks.prune(&list, &kept).await? {
                ListWritten::Applied => return Ok(()),
                ListWritten::Refused(found) => seen = found,
            }
        }
        Ok(())
    }
}

fn is_abandoned(row: &ImageRow, now: Timestamp) -> bool {
    match row.state {
        State::Removed => true,
        State::Pending => now.duration_since(row.touched_at) > ABANDONED,
        State::Ready | State::Rejected => false,
    }
}
