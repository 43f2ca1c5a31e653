//! Over the wire to in-process servers. Time is an argument: twenty minutes go by at once.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use lambda_http::Context;
use platform::{clock, config, telemetry};
use serde_json::{Value, json};
use testkit::{Capture, Fault, Stack, User, event};

use super::*;

const PATIENCE: Patience = Patience::BACKGROUND.stretched(testkit::PATIENCE);

mod crashes;
mod passes;

/// A stack with the seeded user, who stays, and with Alice, who has begun to leave.
struct House {
    stack: Stack,
    app: App,
    alice: User,
    /// All that was there before Alice.
    others: BTreeSet<String>,
    marked_at: Timestamp,
}

impl House {
    async fn new() -> Self {
        let stack = Stack::start().await;
        let config = config::from_lookup(&stack.lookup("account-sweep", &[]), Config::read).unwrap();
        let app = App::new(config, stack.http(), PATIENCE);
        stack.registered("bob").await;
        let others = stack.everything();
        let alice = stack.registered("alice").await;
        Self { stack, app, alice, others, marked_at: clock::now() }
    }

    /// With something of everything that a user may have.
    async fn full() -> Self {
        let house = Self::new().await;
        house.stack.another_session_of(&house.alice).await;
        for (n, state) in ["pending", "ready", "rejected", "removed"].into_iter().enumerate() {
            house.put_image(n, state).await;
        }
        house.stack.task_of(&house.alice).await;
        house.stack.task_of(&house.alice).await;
        let pointer = json!({
            "stem": {"S": format!("avatar#{}", house.alice.user_id)},
            "image_name": {"S": format!("{}.jpg", stem(1))},
            "attempt": {"S": attempt(1)},
            "object_key": {"S": format!("images/{}/{}/original.jpg", stem(1), attempt(1))}
        });
        house.stack.put_row("ImagesTable", pointer).await;
        house.mark();
        house
    }

    /// Puts the row of an image of Alice. Her tombstones are new.
    async fn put_image(&self, n: usize, state: &str) {
        let mut row = json!({
            "stem": {"S": stem(n)},
            "extension": {"S": "jpg"},
            "state": {"S": state},
            "owner_id": {"S": self.alice.user_id},
            "target": {"S": "task#somewhere"},
            "content_hash": {"S": "x"},
            "attempt": {"S": attempt(n)},
            "object_key": {"S": format!("images/{}/{}/original.jpg", stem(n), attempt(n))},
            "touched_at": {"N": "$now"}
        });
        if state != "ready" {
            let in_15_days = self.marked_at.as_second() + 15 * 24 * 3600 + 1;
            row["expires_at"] = json!({"N": in_15_days.to_string()});
        }
        self.stack.put_row("ImagesTable", row).await;
    }

    /// As `account-remove` does it first.
    fn mark(&self) {
        let mut account = self.stack.account_of(&self.alice).unwrap();
        account["removal"] = json!({"S": "due"});
        account["removal_at"] = json!({"N": self.marked_at.as_second().to_string()});
        account["marked_at_ms"] = json!({"N": self.marked_at.as_millisecond().to_string()});
        self.stack.replace_row("UsersTable", account);
    }

    async fn run(&self, minutes: i64) -> Result<(), ApiError> {
        let event = LambdaEvent::new(event!("account-sweep/schedule").parsed(), Context::default());
        handle(&self.app, event, self.marked_at + SignedDuration::from_mins(minutes)).await
    }

    /// The states of the rows of Alice's images.
    fn states(&self) -> Vec<String> {
        let rows = self.stack.image_rows().into_iter().filter(|row| row["owner_id"]["S"] == *self.alice.user_id);
        let mut states: Vec<_> = rows.map(|row| row["state"]["S"].as_str().unwrap().to_owned()).collect();
        states.sort_unstable();
        states
    }

    /// What is stored beside what was there before Alice.
    fn left(&self) -> Vec<String> {
        let everything = self.stack.everything();
        assert!(self.others.is_subset(&everything), "something of somebody else is gone or changed");
        everything.difference(&self.others).cloned().collect()
    }
}

fn stem(n: usize) -> String {
    format!("a11ce{n:027x}")
}

fn attempt(n: usize) -> String {
    format!("a77e3{n:027x}")
}

fn outcomes(log: &Capture) -> Vec<Value> {
    log.lines().into_iter().filter(|line| line["message"] == "removal").map(|line| line["outcome"].clone()).collect()
}
