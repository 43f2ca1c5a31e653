use platform::{clock, config};
use testkit::{Answer, Event, Multipart, Stack, User, event};

use super::*;

mod behaviour;
mod crashes;
mod faults;
mod newer;
mod races;
mod tickets;

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
        let config = config::from_lookup(&stack.lookup("task-image-upload", changes), Config::read).unwrap();
        let app = App::new(config, stack.http(), PATIENCE);
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

    fn state_of(&self, name: &str) -> String {
        self.stack.image_row(name).unwrap()["state"]["S"].as_str().unwrap().to_owned()
    }

    /// What promise 1 says of an acknowledged photo: ready, listed once, and its object is there.
    #[track_caller]
    fn assert_shown(&self, task: &str, answer: &Answer) {
        let name = answer.json()["name"].as_str().unwrap().to_owned();
        let row = self.stack.image_row(&name).unwrap();
        assert_eq!(row["state"]["S"], "ready");
        assert!(row.get("expires_at").is_none(), "a ready row must not end");
        assert_eq!(self.stack.listed(task).iter().filter(|listed| **listed == name).count(), 1);
        let object = self.stack.emulators().object(row["object_key"]["S"].as_str().unwrap()).unwrap();
        assert_eq!(object.bytes.len() as u64, answer.json()["bytes"].as_u64().unwrap());
    }
}

const PHOTO: &[u8] = include_bytes!("../../../shared/imaging/corpus/orientation_6.jpg");
const OTHER_PHOTO: &[u8] = include_bytes!("../../../shared/imaging/corpus/gray.jpg");

fn upload(user: &User, task: &str, form: Multipart) -> Event {
    Event::of("POST", &format!("/tasks/{task}/images")).from(user).form(form)
}

fn photo() -> Multipart {
    Multipart::new().image(PHOTO)
}

fn photo_as(upload_id: &str) -> Multipart {
    Multipart::new().field("upload_id", upload_id).image(PHOTO)
}
