use jiff::Timestamp;
use platform::aws::Aws;
use web::{ApiError, ErrorCode};

use crate::config::Config;
use crate::rows::name::{ImageName, Target};
use crate::rows::row::State;
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
    pub async fn remove(&self, task: Task, name: &str, now: Timestamp) -> Result<(), ApiError> {
        let parsed = ImageName::parse(name).ok_or(ErrorCode::NotFound)?;
        let target = Target::Task(task.id.clone());
        let mut found = self.rows.find(&parsed.stem).await?;
        for _ in 0..REMOVE_TRIES {
            let row = found.filter(|row| row.target == target && row.name == parsed).ok_or(ErrorCode::NotFound)?;
            match row.state {
                State::Pending if !row.is_ticket() => return Err(ErrorCode::NotFound.into()),
                State::Removed => return Ok(self.tasks.delist(task, name).await?),
                State::Pending | State::Ready | State::Rejected => match self.rows.mark_removed(&row, now).await? {
                    Written::Applied => return Ok(self.tasks.delist(task, name).await?),
                    Written::Refused(now_there) => found = now_there,
                },
            }
        }
        Err(ApiError::from(ErrorCode::Busy).because("the row was always changed meanwhile"))
    }
}
