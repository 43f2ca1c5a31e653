use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use platform::Failure;
use platform::retry::Attempts;
use platform::row::{self, Reader, Row};
use serde::{Deserialize, Serialize};
use session::{Caller, UserId};
use web::IdempotencyKey;

use crate::config::TasksConfig;
use crate::error::ImageError;
use crate::rows::name::{ImageName, TaskId};

const PAGE: i32 = 50;
const INDEX: &str = "by_owner";

/// A task and its list of names.
#[derive(Clone, Debug)]
pub struct Task {
    /// The task.
    pub id: TaskId,
    /// What its user calls it.
    pub title: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    pub(crate) owner_id: UserId,
    pub(crate) images: Vec<String>,
    version: i64,
}

impl Task {
    /// The task, if it is this caller's. Somebody else's is like none: a caller cannot tell the two apart.
    pub fn owned_by(self, caller: &Caller) -> Option<Self> {
        (self.owner_id == caller.user_id).then_some(self)
    }

    fn read(row: &Row) -> Result<Self, Failure> {
        let stored = Reader::new("tasks", row);
        let names = stored.get("images", |value| value.as_l().ok())?;
        let text = |value: &AttributeValue| value.as_s().ok().cloned();
        Ok(Self {
            id: stored.get("task_id", |value| TaskId::parse(value.as_s().ok()?))?,
            title: row.get("title").and_then(text),
            created_at: stored.time("created_at_ms")?,
            owner_id: stored.get("owner_id", |value| UserId::parse(value.as_s().ok()?))?,
            images: names
                .iter()
                .map(text)
                .collect::<Option<_>>()
                .ok_or_else(|| Failure::broken_row("tasks", "images"))?,
            version: stored.number("version")?,
        })
    }
}

/// What a user calls a task: at most 100 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Reads a title.
    ///
    /// # Errors
    /// For a longer one and for control characters.
    pub fn parse(text: String) -> Result<Self, ImageError> {
        if text.chars().count() <= 100 && !text.chars().any(char::is_control) {
            Ok(Self(text))
        } else {
            Err(ImageError::MalformedTitle)
        }
    }
}

/// One page of a user's tasks, without their images.
#[derive(Debug)]
pub struct TaskPage {
    /// The tasks, newest first.
    pub tasks: Vec<ListedTask>,
    /// Where the next page begins, unless this is the last one.
    pub cursor: Option<Cursor>,
}

/// A task as the index knows it.
#[derive(Debug)]
pub struct ListedTask {
    pub(crate) id: TaskId,
    pub(crate) title: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// A place in a user's list of tasks. It names no user: whoever presents it looks through their own list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    created_at_ms: i64,
    task_id: String,
}

impl Cursor {
    /// Reads a cursor.
    ///
    /// # Errors
    /// For anything that is none of ours.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| ImageError::MalformedCursor)?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| ImageError::MalformedCursor)?;
        TaskId::parse(&cursor.task_id).ok_or(ImageError::MalformedCursor)?;
        Ok(cursor)
    }

    /// The cursor as text.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD
            .encode(serde_json::json!({"created_at_ms": self.created_at_ms, "task_id": self.task_id}).to_string())
    }

    fn key(&self, owner: &UserId) -> Row {
        Row::from([
            ("owner_id".to_owned(), row::text(owner.as_str())),
            ("created_at_ms".to_owned(), row::number(self.created_at_ms)),
            ("task_id".to_owned(), row::text(&self.task_id)),
        ])
    }
}

/// The outcome of a write to a list.
pub(crate) enum ListWritten {
    /// It was applied.
    Applied,
    /// Its precondition does not hold. The task as it is, if there is one.
    Refused(Option<Task>),
}

/// The tasks table.
#[derive(Clone, Debug)]
pub struct Tasks {
    dynamodb: Client,
    table: String,
}

impl Tasks {
    /// Tasks in the configured table.
    pub fn new(config: &TasksConfig, dynamodb: Client) -> Self {
        Self { dynamodb, table: config.table.clone() }
    }

    /// Creates a task. The same key from the same user gives the same task, as it was first created.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn create(
        &self,
        caller: &Caller,
        title: Option<Title>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Task, ImageError> {
        let task = Task {
            id: TaskId::of(&caller.user_seed, key),
            title: title.map(|title| title.0),
            created_at: now,
            owner_id: caller.user_id.clone(),
            images: Vec::new(),
            version: 1,
        };
        match self.put(&task).await? {
            ListWritten::Applied => Ok(task),
            // An earlier call with this key, or this very call, whose first try was applied without an answer.
            ListWritten::Refused(found) => {
                let found = found.and_then(|found| found.owned_by(caller));
                let found = found.ok_or(ImageError::Unconfirmed("could not confirm that the task was created"))?;
                Ok(Task { images: Vec::new(), ..found })
            }
        }
    }

    async fn put(&self, task: &Task) -> Result<ListWritten, Failure> {
        let mut request = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .item("task_id", row::text(task.id.as_str()))
            .item("owner_id", row::text(task.owner_id.as_str()))
            .item("created_at_ms", row::milliseconds(task.created_at))
            // Created empty: `size()` of a missing list is no number, and no append would ever pass.
            .item("images", AttributeValue::L(Vec::new()))
            .item("version", row::number(task.version))
            .condition_expression("attribute_not_exists(task_id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(title) = &task.title {
            request = request.item("title", row::text(title));
        }
        match request.send().await {
            Ok(_) => Ok(ListWritten::Applied),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => refused(refusal.item.as_ref()),
                _ => Err(Failure::of("DynamoDB.PutItem", &error)),
            },
        }
    }

    /// The task of this id; none for an id that no task can have. One strongly consistent read.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn find(&self, id: &str) -> Result<Option<Task>, Failure> {
        let Some(id) = TaskId::parse(id) else {
            return Ok(None);
        };
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .key("task_id", row::text(id.as_str()))
            // What was acknowledged is listed.
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.GetItem", &error))?;
        answer.item.as_ref().map(Task::read).transpose()
    }

    /// The caller's tasks, newest first, 50 a page. An index has no strongly consistent reads: on AWS a task that was created
    /// just now may be missing for a moment.
    ///
    /// # Errors
    /// While the table fails.
    pub async fn list(&self, caller: &Caller, cursor: Option<&Cursor>) -> Result<TaskPage, Failure> {
        let page = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("owner_id = :owner")
            .expression_attribute_values(":owner", row::text(caller.user_id.as_str()))
            .scan_index_forward(false)
            .limit(PAGE)
            .set_exclusive_start_key(cursor.map(|cursor| cursor.key(&caller.user_id)))
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.Query", &error))?;
        let tasks = page.items().iter().map(ListedTask::read).collect::<Result<_, _>>()?;
        let cursor = page.last_evaluated_key().map(Cursor::read).transpose()?;
        Ok(TaskPage { tasks, cursor })
    }

    /// A page of the ids that the index knows of a user's tasks, and where the next page begins.
    pub(crate) async fn ids_of(
        &self,
        owner: &UserId,
        start: Option<Row>,
    ) -> Result<(Vec<TaskId>, Option<Row>), Failure> {
        let page = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("owner_id = :owner")
            .expression_attribute_values(":owner", row::text(owner.as_str()))
            .projection_expression("task_id")
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| Failure::of("DynamoDB.Query", &error))?;
        let id = |row| Reader::new("tasks", row).get("task_id", |value| TaskId::parse(value.as_s().ok()?));
        Ok((page.items().iter().map(id).collect::<Result<_, _>>()?, page.last_evaluated_key))
    }

    /// Deletes a task, if it is this owner's. Nothing where it is gone.
    pub(crate) async fn delete(&self, id: TaskId, owner: &UserId) -> Result<(), Failure> {
        let deleted = self
            .dynamodb
            .delete_item()
            .table_name(&self.table)
            .key("task_id", row::text(id.as_str()))
            .condition_expression("owner_id = :owner")
            .expression_attribute_values(":owner", row::text(owner.as_str()))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(Failure::of("DynamoDB.DeleteItem", &error)),
            },
        }
    }

    /// Appends a name to a list, if it is this owner's, the name is not in it, and there is room. The condition keeps the SDK's
    /// own retries from doubling the name.
    pub(crate) async fn append(
        &self,
        task: &TaskId,
        owner: &UserId,
        name: &ImageName,
        most: usize,
    ) -> Result<ListWritten, Failure> {
        let name = name.to_string();
        self.write_list(
            task,
            "SET images = list_append(images, :names), version = version + :one",
            "owner_id = :owner AND NOT contains(images, :name) AND size(images) < :most",
            [
                (":names", AttributeValue::L(vec![row::text(&name)])),
                (":name", row::text(&name)),
                (":owner", row::text(owner.as_str())),
                (":most", row::number(i64::try_from(most).unwrap_or(i64::MAX))),
            ],
        )
        .await
    }

    /// Raises the version of a list that still has the name: a prune that read the list before is not applied then.
    pub(crate) async fn touch(&self, task: &TaskId, name: &ImageName) -> Result<ListWritten, Failure> {
        self.write_list(
            task,
            "SET version = version + :one",
            "contains(images, :name)",
            [(":name", row::text(name.to_string()))],
        )
        .await
    }

    /// Keeps these names of a list, if it is still as it was read.
    pub(crate) async fn prune(&self, seen: &Task, kept: &[&String]) -> Result<ListWritten, Failure> {
        let kept = kept.iter().map(|name| row::text(name.as_str())).collect();
        self.write_list(
            &seen.id,
            "SET images = :kept, version = version + :one",
            "version = :seen",
            [(":kept", AttributeValue::L(kept)), (":seen", row::number(seen.version))],
        )
        .await
    }

    /// Takes a name off a list. The request's deadline may end it; a repeated call finishes it.
    pub(crate) async fn remove_name(&self, mut task: Task, name: &str) -> Result<(), Failure> {
        // Each change of a list makes all others who have read it begin again: many at once take turns.
        let mut attempts = Attempts::at_most(u32::MAX);
        while let Some(at) = task.images.iter().position(|listed| listed == name)
            && attempts.next().await
        {
            let removed = self
                .write_list(
                    &task.id,
                    &format!("REMOVE images[{at}] SET version = version + :one"),
                    "version = :seen",
                    [(":seen", row::number(task.version))],
                )
                .await?;
            match removed {
                ListWritten::Applied | ListWritten::Refused(None) => return Ok(()),
                ListWritten::Refused(Some(found)) => task = found,
            }
        }
        Ok(())
    }

    async fn write_list<const N: usize>(
        &self,
        task: &TaskId,
        update: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<ListWritten, Failure> {
        let mut request = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .key("task_id", row::text(task.as_str()))
            .update_expression(update)
            .condition_expression(condition)
            .expression_attribute_values(":one", row::number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        match request.send().await {
            Ok(_) => Ok(ListWritten::Applied),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => refused(refusal.item.as_ref()),
                _ => Err(Failure::of("DynamoDB.UpdateItem", &error)),
            },
        }
    }
}

fn refused(found: Option<&Row>) -> Result<ListWritten, Failure> {
    Ok(ListWritten::Refused(found.map(Task::read).transpose()?))
}

impl ListedTask {
    fn read(row: &Row) -> Result<Self, Failure> {
        let stored = Reader::new("tasks", row);
        Ok(Self {
            id: stored.get("task_id", |value| TaskId::parse(value.as_s().ok()?))?,
            title: row.get("title").and_then(|value| value.as_s().ok().cloned()),
            created_at: stored.time("created_at_ms")?,
        })
    }
}

impl Cursor {
    fn read(key: &Row) -> Result<Self, Failure> {
        let stored = Reader::new("tasks", key);
        Ok(Self { created_at_ms: stored.number("created_at_ms")?, task_id: stored.text("task_id")?.to_owned() })
    }
}
