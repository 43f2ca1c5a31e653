//! Somebody leaves while their devices go on uploading: in the end nothing of them is left, and nothing of anybody else is changed.

use std::collections::BTreeSet;
use std::time::Duration;

use emulators::template::Template;
use futures_util::future::join_all;
use gateway::settings::Settings;
use gateway::stack::Stack;
use serde_json::{Value, json};
use testkit::eventually;

use crate::client::{User, delete, get, post, sign_in};
use crate::settings;
use crate::workspace::text;

const PHOTO: &[u8] = include_bytes!("../../../../events/photos/coffee.jpg");
const AVATAR: &[u8] = include_bytes!("../../../../events/photos/avatar.png");

async fn start() -> Stack {
    // Passes a second apart: what is on its way when the last one ends is found by the test, which looks until nothing is left.
    let settings = Settings { schedule: Duration::from_secs(1), ..settings() };
    let quiet = |name: &str| (name == "ACCOUNT_QUIET_SECONDS").then(|| "3".to_owned());
    Stack::start(&settings, &quiet).await.expect("a stack")
}

/// All rows of all tables, and all keys of the bucket.
fn everything(stack: &Stack) -> BTreeSet<String> {
    let template = Template::parse(&text("template.yaml")).expect("our own template");
    let rows = |table: &str| {
        let request = serde_json::from_value(json!({ "TableName": table })).expect("a request");
        let found = stack.emulators().database().scan(request).expect("an answer");
        let rows = serde_json::to_value(found.items).expect("JSON");
        rows.as_array().cloned().unwrap_or_default()
    };
    let rows = template.tables.iter().flat_map(|table| rows(&table.logical_id)).map(|row| row.to_string());
    rows.chain(stack.emulators().objects()).collect()
}

async fn task_of(base: &str, user: &User) -> String {
    let task = post(base, "/tasks").from(user).json(&json!({})).send().await.expect(201);
    task["task_id"].as_str().expect("a task id").to_owned()
}

/// An upload, which may be refused by now.
async fn upload(base: &str, user: &User, task: &str) -> Option<Value> {
    let answer = post(base, &format!("/tasks/{task}/images")).from(user).form(&[], PHOTO).send().await;
    (answer.status == 201).then(|| answer.json())
}

/// Everything, once the variants of all of a user's images are there, so that they cannot be taken for a change later.
async fn settled(stack: &Stack, user: &User) -> BTreeSet<String> {
    eventually("the variants are made", async || {
        let now = everything(stack);
        let is_image = |stored: &&String| stored.contains(&user.user_id) && stored.contains("\"content_hash\"");
        let is_settled = now.iter().filter(is_image).all(|image| image.contains("\"variants\""));
        is_settled.then_some(now)
    })
    .await
}

#[tokio::test]
async fn whoever_leaves_while_uploads_run_is_gone_and_nobody_else_is_touched() {
    let stack = start().await;
    let base = stack.addresses().gateway.clone();
    let bob = sign_in(&base, "dev-bob-1").await;
    let bobs_task = task_of(&base, &bob).await;
    upload(&base, &bob, &bobs_task).await.expect("an image");
    post(&base, "/me/avatar").from(&bob).form(&[], AVATAR).send().await.expect(201);
    let without_alice = settled(&stack, &bob).await;

    let alice = sign_in(&base, "dev-alice-1").await;
    let others = [sign_in(&base, "dev-alice-2").await, sign_in(&base, "dev-alice-3").await];
    let task = task_of(&base, &alice).await;
    let image = upload(&base, &alice, &task).await.expect("an image");
    post(&base, "/me/avatar").from(&alice).form(&[], AVATAR).send().await.expect(201);
    let ticket = json!({"content_type": "image/jpeg", "bytes": PHOTO.len()});
    post(&base, &format!("/tasks/{task}/uploads")).from(&alice).json(&ticket).send().await.expect(201);
    let profile = get(&base, "/me").from(&alice).send().await.expect(200);
    assert_eq!(profile["user_id"], *alice.user_id);

    let leave = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        delete(&base, "/me").from(&alice).json(&json!({"code": "dev-alice-4"})).send().await
    };
    let uploads = join_all((0..8).map(|n| upload(&base, &others[n % 2], &task)));
    let login = post(&base, "/session").json(&json!({"code": "dev-alice-5"})).send();
    let (left, _, meanwhile) = tokio::join!(leave, uploads, login);
    left.expect(202);

    for session in others.iter().chain([&alice]) {
        assert_eq!(get(&base, "/session").from(session).send().await.status, 401);
    }
    let avatar = get(&base, &format!("/users/{}/avatar", alice.user_id)).send().await;
    assert!(avatar.location().contains("/defaults/avatar"), "{avatar:?}");

    // Whoever signed in meanwhile had been let in before, and was signed out, too; or is somebody new.
    let meanwhile = meanwhile.expect(201);
    let next = post(&base, "/session").json(&json!({"code": "dev-alice-6"})).send().await.expect(201);
    assert_ne!(next["user_id"], *alice.user_id);
    if meanwhile["user_id"] != *alice.user_id {
        assert_eq!(meanwhile["user_id"], next["user_id"]);
    }
    let new_id = next["user_id"].as_str().expect("a user id");

    let in_the_end = eventually("nothing is left", async || {
        let now = everything(&stack);
        let is_left = now.difference(&without_alice).any(|stored| !stored.contains(new_id));
        (!is_left).then_some(now)
    })
    .await;
    assert!(without_alice.is_subset(&in_the_end), "{:?}", without_alice.difference(&in_the_end));
    let name = image["name"].as_str().expect("a name");
    let shown = get(&base, &format!("/images/{name}")).send().await;
    assert!(shown.location().contains("/defaults/missing"), "{shown:?}");
}
