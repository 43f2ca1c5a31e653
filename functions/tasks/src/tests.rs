use futures_util::future::join_all;
use platform::{clock, config, telemetry};
use serde_json::{Value, json};
use testkit::{Answer, Capture, Event, Fault, Stack, User, event, fetch};

use super::*;

mod create;
mod list;
mod newer;
mod page;
mod remove;
mod routes;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

async fn start() -> (Stack, App) {
    start_with(&[]).await
}

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("tasks", changes), Config::read).unwrap();
    let app = App::new(config, stack.http(), PATIENCE);
    (stack, app)
}

async fn send(app: &App, event: Event) -> Answer {
    Answer::of(
        web::answer(event.request(), clock::now(), PATIENCE.deadline, |request, now| handle(app, request, now)).await,
    )
}

/// The photo of the task `seed-task`.
const SEEDED_IMAGE: &str = "5eed0000000040008000000000000001.jpg";

/// The n-th name of a test.
fn name(n: usize) -> String {
    format!("{n:032x}.jpg")
}

/// Puts an image's row. Its object is the seeded photo's.
async fn put_image(stack: &Stack, owner: &User, task_id: &str, name: &str, state: &str) {
    let (stem, extension) = name.split_once('.').unwrap();
    let row = json!({
        "stem": {"S": stem},
        "extension": {"S": extension},
        "state": {"S": state},
        "owner_id": {"S": owner.user_id},
        "target": {"S": format!("task#{task_id}")},
        "content_hash": {"S": "hash"},
        "attempt": {"S": format!("attempt-of-{stem}")},
        "object_key": stack.image_row(SEEDED_IMAGE).unwrap()["object_key"],
        "touched_at": {"N": "$now"},
    });
    stack.put_row("ImagesTable", row).await;
}

/// A task with these names in its list, all of them ready.
async fn task_with(stack: &Stack, owner: &User, names: &[String]) -> String {
    let task_id = stack.task_of(owner).await;
    for name in names {
        put_image(stack, owner, &task_id, name, "ready").await;
    }
    list_names(stack, &task_id, names);
    task_id
}

/// Writes a task's list, as another request does.
fn list_names(stack: &Stack, task_id: &str, names: &[String]) {
    let mut row = task_row(stack, task_id).unwrap();
    let version: i64 = row["version"]["N"].as_str().unwrap().parse().unwrap();
    row["version"] = json!({"N": (version + 1).to_string()});
    row["images"] = json!({"L": names.iter().map(|name| json!({"S": name})).collect::<Vec<_>>()});
    let request = json!({"TableName": "TasksTable", "Item": row});
    stack.emulators().database().put_item(serde_json::from_value(request).unwrap()).unwrap();
}

fn task_row(stack: &Stack, task_id: &str) -> Option<Value> {
    stack.row("TasksTable", json!({"task_id": {"S": task_id}}))
}

fn page_of(task_id: &str) -> Event {
    event!("tasks/page").parameter("task_id", task_id)
}

fn removal_of(task_id: &str, name: &str) -> Event {
    event!("tasks/delete-image").parameter("task_id", task_id).parameter("name", name)
}

/// The names of the images of a page.
#[track_caller]
fn shown(page: &Answer) -> Vec<String> {
    let page = page.assert_status(200).json();
    page["images"].as_array().unwrap().iter().map(|image| image["name"].as_str().unwrap().to_owned()).collect()
}
