use jiff::SignedDuration;
use platform::{clock, config};
use serde_json::{Value, json};
use testkit::{Answer, Event, Fetched, Multipart, Stack, User, event, post_form};

use super::*;

mod again;
mod behaviour;
mod faults;
mod forms;
mod slots;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

struct House {
    stack: Stack,
    app: App,
}

impl House {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(changes: &[(&str, &str)]) -> Self {
        let stack = Stack::start().await;
        let app = app_of(&stack, changes);
        Self { stack, app }
    }

    async fn send(&self, event: Event) -> Answer {
        self.send_at(event, clock::now()).await
    }

    async fn send_at(&self, event: Event, now: Timestamp) -> Answer {
        Answer::of(
            web::answer(event.request(), now, PATIENCE.deadline, |request, now| handle(&self.app, request, now)).await,
        )
    }

    /// Somebody with an empty task.
    async fn somebody(&self) -> (User, String) {
        let user = self.stack.signed_in().await;
        let task = self.stack.task_of(&user).await;
        (user, task)
    }

    /// The keys below `incoming/`.
    fn incoming(&self) -> Vec<String> {
        self.stack.emulators().objects().into_iter().filter(|key| key.starts_with("incoming/")).collect()
    }

    /// What a ticket is: a form, a pending row under its key, and a place in the task.
    #[track_caller]
    fn assert_ticket(&self, task: &str, answer: &Answer) {
        let ticket = answer.assert_status(201).json();
        let row = self.stack.image_row(name_of(answer).as_str()).unwrap();
        assert_eq!((&row["state"]["S"], &row["object_key"]["S"]), (&json!("pending"), &ticket["fields"]["key"]));
        assert!(row["expires_at"]["N"].is_string(), "the TTL ends what nobody completes");
        assert_eq!(self.stack.listed(task).iter().filter(|listed| **listed == name_of(answer)).count(), 1);
    }
}

fn app_of(stack: &Stack, changes: &[(&str, &str)]) -> App {
    let config = config::from_lookup(&stack.lookup("upload-ticket", changes), Config::read).unwrap();
    App::new(config, stack.http(), PATIENCE)
}

const PHOTO: &[u8] = include_bytes!("../../../events/photos/coffee.jpg");

fn ask(user: &User, task: &str, body: &Value) -> Event {
    Event::of("POST", &format!("/tasks/{task}/uploads")).from(user).json(body)
}

fn photo() -> Value {
    json!({"content_type": "image/jpeg", "bytes": PHOTO.len()})
}

fn photo_as(upload_id: &str) -> Value {
    json!({"content_type": "image/jpeg", "bytes": PHOTO.len(), "upload_id": upload_id})
}

fn name_of(answer: &Answer) -> String {
    answer.json()["name"].as_str().unwrap().to_owned()
}

fn in_minutes(minutes: i64) -> Timestamp {
    clock::now() + SignedDuration::from_mins(minutes)
}

/// Sends a photo with a ticket's form, as a mini-program does.
async fn post(answer: &Answer, photo: &[u8]) -> Fetched {
    post_form(answer.json()["url"].as_str().unwrap(), form_of(&answer.json()["fields"]).file(photo)).await
}

fn form_of(fields: &Value) -> Multipart {
    let fields = fields.as_object().unwrap().iter();
    fields.fold(Multipart::new(), |form, (name, value)| form.field(name, value.as_str().unwrap()))
}
