//! Everything of one user goes, when the account is removed.

use futures_util::{TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use platform::Failure;
use session::UserId;

use crate::config::{TableConfig, TasksConfig};
use crate::rows::owned::OwnedRow;
use crate::rows::table::ImageRows;
use crate::rows::tasks::Tasks;

/// Writes under way at once: ten thousand images go in about a minute.
const AT_ONCE: usize = 32;
/// Rows that are read at once.
const BATCH: usize = 100;

/// The avatars' pointers.
#[derive(Clone, Debug)]
pub struct Avatars {
    rows: ImageRows,
}

impl Avatars {
    /// Pointers in the configured table.
    pub fn new(config: &TableConfig, dynamodb: aws_sdk_dynamodb::Client) -> Self {
        Self { rows: ImageRows::new(&config.table, dynamodb) }
    }

    /// Takes a user's avatar away: from now on the default one is shown. Says whether there was one. Its image row stays.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn delete_pointer(&self, user_id: &UserId) -> Result<bool, Failure> {
        self.rows.delete_pointer(user_id).await
    }
}

/// The tasks, images and the avatar of a user.
#[derive(Clone, Debug)]
pub struct Belongings {
    tasks: Tasks,
    rows: ImageRows,
}

impl Belongings {
    /// Belongings in the configured tables.
    pub fn new(images: &TableConfig, tasks: &TasksConfig, dynamodb: aws_sdk_dynamodb::Client) -> Self {
        let rows = ImageRows::new(&images.table, dynamodb.clone());
        Self { tasks: Tasks::new(tasks, dynamodb), rows }
    }

    /// Deletes the tasks of a user, and says how many the index knew.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn delete_tasks(&self, user_id: &UserId) -> Result<usize, Failure> {
        let mut found = 0;
        let mut start = None;
        loop {
            let (ids, next) = self.tasks.ids_of(user_id, start).await?;
            found += ids.len();
            let deletions = ids.into_iter().map(|id| Ok(self.tasks.delete(id, user_id)));
            stream::iter(deletions).try_buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            start = next;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Makes tombstones of the images of a user, deletes those that have been tombstones for `quiet`, and says how many the
    /// index knew. Tombstones come first: a row that was deleted at once would leave the object that a slow upload puts
    /// afterwards with no row by which it is swept.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn delete_images(
        &self,
        user_id: &UserId,
        quiet: SignedDuration,
        now: Timestamp,
    ) -> Result<usize, Failure> {
        let mut found = 0;
        let mut start = None;
        loop {
            let page = self.rows.stems_of(user_id, start).await?;
            found += page.stems.len();
            for stems in page.stems.chunks(BATCH) {
                let rows = self.rows.owned(stems).await?;
                let removals = rows.into_iter().map(|row| Ok(self.delete_image(row, quiet, now)));
                stream::iter(removals).try_buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            }
            start = page.next;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    async fn delete_image(&self, row: OwnedRow, quiet: SignedDuration, now: Timestamp) -> Result<(), Failure> {
        if row.is_tombstone_since(quiet, now) {
            self.rows.delete_tombstone(&row).await
        } else if row.is_tombstone() {
            Ok(())
        } else {
            self.rows.bury(&row, now).await
        }
    }

    /// Takes the user's avatar away, and says whether there was one.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn delete_avatar(&self, user_id: &UserId) -> Result<bool, Failure> {
        self.rows.delete_pointer(user_id).await
    }
}
