//! A function that is told of images: it keeps how many each task shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use platform::telemetry;
use serde::Deserialize;

/// What EventBridge hands over.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "detail-type")]
    kind: String,
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    name: String,
    task_id: Option<String>,
}

/// What was seen. A function of yours keeps it in a table of yours.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<BTreeMap<String, Task>>);

#[derive(Debug, Default)]
struct Task {
    shown: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Shelf {
    /// How many images a task shows.
    pub(crate) fn shown(&self, task_id: &str) -> usize {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.get(task_id).map_or(0, |task| task.shown.difference(&task.removed).count())
    }

    /// Events come at least once and in any order. Names in sets bear both: no name is ever shown again after it was removed.
    fn keep(&self, task_id: String, event: Event) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tasks.entry(task_id).or_default();
        match event.kind.as_str() {
            "image.shown" => task.shown.insert(event.detail.name),
            "image.removed" => task.removed.insert(event.detail.name),
            // A kind of a later version.
            _ => false,
        };
    }
}

/// Keeps what an event says. An avatar belongs to no task.
pub(crate) async fn handle(shelf: &Shelf, event: LambdaEvent<Event>) -> Result<(), lambda_runtime::Error> {
    if let Some(task_id) = event.payload.detail.task_id.clone() {
        shelf.keep(task_id.clone(), event.payload);
        tracing::info!(task_id, images = shelf.shown(&task_id), "a task has changed");
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::init();
    let shelf = &Shelf::default();
    lambda_runtime::run(service_fn(|event| handle(shelf, event))).await
}
