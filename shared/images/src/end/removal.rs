use jiff::Timestamp;

use crate::error::ImageError;
use crate::rows::name::{ImageName, Target};
use crate::rows::rules::Deletion;
use crate::rows::store::Store;
use crate::rows::table::{ImageRows, Written};
use crate::rows::tasks::{Task, Tasks};

/// How often a row is read that changes all the time.
const REMOVE_TRIES: u32 = 4;

/// Deletes images of tasks.
#[derive(Clone, Debug)]
pub struct Removal {
    rows: ImageRows,
    tasks: Tasks,
}

impl Removal {
    /// Deletes from these tables.
    pub fn new(store: Store, tasks: Tasks) -> Self {
        Self { rows: store.rows, tasks }
    }

    /// Deletes an image of a task: its row becomes a tombstone, so that nothing shows it any more, and then its name is taken
    /// off the list. A repeated call finishes what was cut short.
    ///
    /// # Errors
    /// For a name that this task never showed, and where it could not be confirmed that the image is deleted.
    pub async fn remove(&self, task: Task, name: &str, now: Timestamp) -> Result<(), ImageError> {
        let parsed = ImageName::parse(name).ok_or(ImageError::NotFound)?;
        let target = Target::Task(task.id.clone());
        let mut found = self.rows.find(&parsed.stem).await?;
        for _ in 0..REMOVE_TRIES {
            let row = found.filter(|row| row.target == target && row.name == parsed).ok_or(ImageError::NotFound)?;
            match row.deletion() {
                Deletion::Due => match self.rows.mark_removed(&row, now).await? {
                    Written::Applied => return Ok(self.tasks.remove_name(task, name).await?),
                    Written::Refused(changed) => found = changed,
                },
                Deletion::Done => return Ok(self.tasks.remove_name(task, name).await?),
                Deletion::NotFound => return Err(ImageError::NotFound),
                Deletion::Unknown => return Err(ImageError::UnknownState),
            }
        }
        Err(ImageError::Unconfirmed("the row was changed again and again"))
    }
}
