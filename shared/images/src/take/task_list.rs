use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use jiff::Timestamp;
use platform::Failure;
use session::UserId;

use crate::error::ImageError;
use crate::rows::bucket::Bucket;
use crate::rows::name::{ImageName, Stem, TaskId};
use crate::rows::row::ImageRow;
use crate::rows::store::Store;
use crate::rows::table::ImageRows;
use crate::rows::tasks::{ListWritten, Task, Tasks};

const PRUNE_TRIES: u32 = 3;
/// Append, touch, and append again after a prune: each is repeated when the list changed in between.
const ADD_TRIES: u32 = 6;
/// S3 is asked about so many tickets at once: a full task may hold a hundred.
const ASKED_AT_ONCE: usize = 10;

/// Adds images to the lists of tasks.
#[derive(Clone, Debug)]
pub(crate) struct TaskList {
    tasks: Tasks,
    rows: ImageRows,
    bucket: Bucket,
    most: usize,
}

impl TaskList {
    /// Lists of at most `max_task_images`.
    pub(crate) fn new(store: Store, tasks: Tasks, max_task_images: usize) -> Self {
        Self { tasks, rows: store.rows, bucket: store.bucket, most: max_task_images }
    }

    /// Appends the name to the task's list, once. A refused append is judged by the list that came with the refusal.
    ///
    /// # Errors
    /// Where there is no such task or no room, and while a table or S3 fails.
    pub(crate) async fn add(
        &self,
        owner: &UserId,
        task: &TaskId,
        name: &ImageName,
        now: Timestamp,
    ) -> Result<(), ImageError> {
        let mut refusal = None;
        for _ in 0..ADD_TRIES {
            let refused = match self.tasks.append(task, owner, name, self.most).await? {
                ListWritten::Applied => return Ok(()),
                ListWritten::Refused(list) => list,
            };
            let list = refused.filter(|list| list.owner_id == *owner).ok_or(ImageError::TaskNotFound)?;
            if list.images.contains(&name.to_string()) {
                // An earlier try put it there. A prune that saw our row gone before must not drop the name now.
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

    /// Drops the names of a full list that stand for no image, and gives the error of a caller who finds it full even so. The
    /// rows are read after the list: a name whose row was gone then cannot have come back without raising the list's version.
    async fn prune(&self, list: Task, now: Timestamp) -> Result<ImageError, Failure> {
        let (mut seen, mut unasked) = (Some(list), None);
        for _ in 0..PRUNE_TRIES {
            // The task is gone, or somebody else has made room in the meantime.
            let Some(list) = seen.filter(|list| list.images.len() >= self.most) else {
                break;
            };
            let (kept, failed) = self.names_to_keep(&list, now).await?;
            unasked = failed;
            if kept.len() == list.images.len() {
                break;
            }
            match self.tasks.prune(&list, &kept).await? {
                ListWritten::Applied => break,
                ListWritten::Refused(found) => seen = found,
            }
        }
        // Where S3 could not be asked nobody knows whether there is room, and an outage is no refusal.
        Ok(unasked.map_or(ImageError::TaskFull, ImageError::from))
    }

    /// The names of a list that stand for an image, or may yet; and why S3 could not be asked, if it could not.
    async fn names_to_keep<'a>(
        &self,
        list: &'a Task,
        now: Timestamp,
    ) -> Result<(Vec<&'a String>, Option<Failure>), Failure> {
        // A name that cannot be read may be that of a newer version's format: it stays.
        let names: Vec<_> =
            list.images.iter().map(|text| (text, ImageName::parse(text).map(|name| name.stem))).collect();
        let rows = self.rows.find_all(names.iter().filter_map(|(_, stem)| stem.as_ref())).await?;
        let (unused, unasked) = self.unused_tickets(&rows, now).await?;
        let is_kept = |stem| rows.get(stem).is_some_and(|row| !row.is_abandoned(now)) && !unused.contains(stem);
        let kept = names.iter().filter(|(_, stem)| stem.as_ref().is_none_or(is_kept));
        let kept = kept.map(|(text, _)| *text).collect();
        Ok((kept, unasked))
    }

    /// The tickets that nothing will come of: their form has ended, nothing was sent with it, and the row is still pending
    /// when it is read after that. In the other order an image that became ready in between, and whose incoming object was
    /// deleted, would look like one that was never sent.
    async fn unused_tickets(
        &self,
        rows: &HashMap<Stem, ImageRow>,
        now: Timestamp,
    ) -> Result<(HashSet<Stem>, Option<Failure>), Failure> {
        let ended: Vec<_> = rows.values().filter(|row| row.is_expired_ticket(now)).collect();
        let (mut empty, mut unasked) = (Vec::new(), None);
        for some in ended.chunks(ASKED_AT_ONCE) {
            let answers = join_all(some.iter().map(|row| self.is_nothing_incoming(row))).await;
            for (row, is_nothing_incoming) in some.iter().zip(answers) {
                match is_nothing_incoming {
                    Ok(true) => empty.push(&row.name.stem),
                    Ok(false) => {}
                    Err(failure) => unasked = Some(failure),
                }
            }
        }
        let again = self.rows.find_all(empty.into_iter()).await?;
        let unused = again.into_values().filter(|row| row.is_expired_ticket(now)).map(|row| row.name.stem).collect();
        Ok((unused, unasked))
    }

    /// Whether S3 says that nothing lies under the ticket's key.
    async fn is_nothing_incoming(&self, row: &ImageRow) -> Result<bool, Failure> {
        match self.bucket.is_empty_below(&row.object_key).await {
            // A role that may not ask counts the slot as taken until the ticket's row goes. The refusal is counted as a failure of
            // AWS, since nobody is told.
            Err(Failure::Forbidden { .. }) => Ok(false),
            answer => answer,
        }
    }
}
