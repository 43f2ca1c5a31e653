use jiff::Timestamp;
use platform::aws::Aws;

use crate::config::Config;
use crate::error::ImageError;
use crate::rows::name::{ImageName, Target};
use crate::rows::state::Deletion;
use crate::rows::table::{ImageRows, Written};
use crate::rows::tasks::{Task, Tasks};

const REMOVE_TRIES: u32 = 4;

/// Deletes images of tasks.
#[derive(Clone, Debug)]
pub struct Removal {
    rows: ImageRows,
    tasks: Tasks,
}

impl Removal {
    /// Removal from the configured table and these tasks.
    pub fn new(config: &Config, tasks: Tasks, aws: &Aws) -> Self {
        Self { rows: ImageRows::new(&config.table, aws.dynamodb()), tasks }
    }

    /// Deletes an image of a task: its row becomes a tombstone, so that nothing shows it any more, and then its name goes
    /// from the list. Repeating it finishes what was cut short.
    ///
    /// # Errors
    /// `not_found` for a name that this task never showed; `busy` when it is not certainly done.
    pub async fn remove(&self, task: Task, name: &str, now: Timestamp) -> Result<(), ImageError> {
        let parsed = ImageName::parse(name).ok_or(ImageError::NotFound)?;
        let target = Target::Task(task.id.clone());
        let mut found = self.rows.find(&parsed.stem).await?;
        for _ in 0..REMOVE_TRIES {
            let row = found.filter(|row| row.target == target && row.name == parsed).ok_or(ImageError::NotFound)?;
            match row.deletion() {
                Deletion::Due => match self.rows.mark_removed(&row, now).await? {
                    Written::Applied => return Ok(self.tasks.delist(task, name).await?),
                    Written::Refused(now_there) => found = now_there,
                },
                Deletion::Done => return Ok(self.tasks.delist(task, name).await?),
                Deletion::NotFound => return Err(ImageError::NotFound),
                Deletion::Unknown => return Err(ImageError::UnknownState),
            }
        }
        Err(ImageError::Unconfirmed("the row was changed again and again"))
    }
}
