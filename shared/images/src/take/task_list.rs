use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use jiff::Timestamp;
use platform::Failure;
use platform::aws::Aws;
use session::UserId;

use crate::config::StorageConfig;
use crate::error::ImageError;
use crate::rows::bucket::Bucket;
use crate::rows::name::{ImageName, Stem, TaskId};
use crate::rows::row::ImageRow;
use crate::rows::table::ImageRows;
use crate::rows::tasks::{ListWritten, Task, Tasks};

const PRUNE_TRIES: u32 = 3;
/// Append, touch and append again: each is tried anew when the list changed in between.
const ENLIST_TRIES: u32 = 6;
/// A full task may hold a hundred tickets.
const LOOKS_AT_ONCE: usize = 10;

/// The lists of tasks, as whoever brings an image in writes to them.
#[derive(Clone, Debug)]
pub(crate) struct TaskList {
    tasks: Tasks,
    rows: ImageRows,
    bucket: Bucket,
    most: usize,
}

impl TaskList {
    /// Lists of at most `max_task_images`.
    pub(crate) fn new(storage: &StorageConfig, max_task_images: usize, tasks: Tasks, aws: &Aws) -> Self {
        let rows = ImageRows::new(&storage.table, aws.dynamodb());
        Self { tasks, rows, bucket: Bucket::new(&storage.bucket, aws), most: max_task_images }
    }

    /// Puts the name on the task's list, once. A refused append is judged by the list that it came with.
    ///
    /// # Errors
    /// `task_not_found`, `task_full`, `busy`.
    pub(crate) async fn enlist(
        &self,
        owner: &UserId,
        task: &TaskId,
        name: &ImageName,
        now: Timestamp,
    ) -> Result<(), ImageError> {
        let mut refusal = None;
        for _ in 0..ENLIST_TRIES {
            let refused = match self.tasks.append(task, owner, name, self.most).await? {
                ListWritten::Applied => return Ok(()),
                ListWritten::Refused(list) => list,
            };
            let list = refused.filter(|list| list.owner_id == *owner).ok_or(ImageError::TaskNotFound)?;
            if list.images.contains(&name.to_string()) {
                // An earlier try put it there. A prune that has seen our row gone must not drop it now.
                if let ListWritten::Applied = self.tasks.touch(task, name).await? {
                    return Ok(());
                }
            } else if let Some(refusal) = refusal {
                return Err(refusal);
            } else {
                refusal = Some(self.prune(list, now).await?);
            }
        }
        Err(ImageError::Unconfirmed("the list was changed again and again"))
    }

    /// Drops the names of a full list that stand for nothing, and gives the refusal of who finds it full even so. The rows are
    /// read after the list: a name whose row is seen gone cannot have come back without raising the list's version.
    async fn prune(&self, list: Task, now: Timestamp) -> Result<ImageError, Failure> {
        let (mut seen, mut failed_look) = (Some(list), None);
        for _ in 0..PRUNE_TRIES {
            // Gone, or somebody else has made room meanwhile.
            let Some(list) = seen.filter(|list| list.images.len() >= self.most) else {
                break;
            };
            let (kept, failed) = self.living(&list, now).await?;
            failed_look = failed;
            if kept.len() == list.images.len() {
                break;
            }
            match self.tasks.prune(&list, &kept).await? {
                ListWritten::Applied => break,
                ListWritten::Refused(found) => seen = found,
            }
        }
        // Where a look failed nobody knows whether there is room, and an outage is no refusal.
        Ok(failed_look.map_or(ImageError::TaskFull, ImageError::from))
    }

    /// The names of a list that stand for something, or may yet, and what made a look fail, if one did.
    async fn living<'a>(&self, list: &'a Task, now: Timestamp) -> Result<(Vec<&'a String>, Option<Failure>), Failure> {
        // A name that cannot be read may be that of a newer version's format: it stays.
        let names: Vec<_> =
            list.images.iter().map(|text| (text, ImageName::parse(text).map(|name| name.stem))).collect();
        let rows = self.rows.find_all(names.iter().filter_map(|(_, stem)| stem.as_ref())).await?;
        let (unused, failed_look) = self.unused_tickets(&rows, now).await?;
        let is_living = |stem| rows.get(stem).is_some_and(|row| !row.is_abandoned(now)) && !unused.contains(stem);
        let living = names.iter().filter(|(_, stem)| stem.as_ref().is_none_or(is_living));
        let living = living.map(|(text, _)| *text).collect();
        Ok((living, failed_look))
    }

    /// The tickets that nothing will come of: their form has ended, nothing was sent with it, and the row is pending still
    /// when it is read after that. In the other order a picture that became ready in between, and whose incoming object
    /// went, would look like one that never came.
    async fn unused_tickets(
        &self,
        rows: &HashMap<Stem, ImageRow>,
        now: Timestamp,
    ) -> Result<(HashSet<Stem>, Option<Failure>), Failure> {
        let ended: Vec<_> = rows.values().filter(|row| row.is_expired_ticket(now)).collect();
        let (mut empty, mut failed_look) = (Vec::new(), None);
        for some in ended.chunks(LOOKS_AT_ONCE) {
            let looks = join_all(some.iter().map(|row| self.nothing_came(row))).await;
            for (row, nothing_came) in some.iter().zip(looks) {
                match nothing_came {
                    Ok(true) => empty.push(&row.name.stem),
                    Ok(false) => {}
                    Err(failure) => failed_look = Some(failure),
                }
            }
        }
        let again = self.rows.find_all(empty.into_iter()).await?;
        let unused = again.into_values().filter(|row| row.is_expired_ticket(now)).map(|row| row.name.stem).collect();
        Ok((unused, failed_look))
    }

    /// Whether S3 says that nothing lies under the ticket's key.
    async fn nothing_came(&self, row: &ImageRow) -> Result<bool, Failure> {
        match self.bucket.is_empty_below(&row.object_key).await {
            // To a role that may not look the slot is taken until the ticket's row goes. It is counted as a failure, since
            // nobody is told.
            Err(Failure::Forbidden { .. }) => Ok(false),
            looked => looked,
        }
    }
}
