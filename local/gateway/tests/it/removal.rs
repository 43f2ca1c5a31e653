//! What was removed is gone at once for everyone, and from the bucket soon after.

use gateway::stack::Stack;
use serde_json::{Value, json};
use testkit::eventually;

use crate::client::{User, delete, fetch, get, post, sign_in};
use crate::{start, start_with_deliveries};

const PHOTO: &[u8] = include_bytes!("../../../../events/photos/coffee.jpg");
const AVATAR: &[u8] = include_bytes!("../../../../events/photos/avatar.png");

/// An image, its name, and the URL under which it was shown.
struct Shown {
    task: String,
    name: String,
    url: String,
}

async fn upload(base: &str, user: &User) -> Shown {
    let task = post(base, "/tasks").from(user).json(&json!({})).send().await.expect(201);
    let task = task["task_id"].as_str().expect("a task id").to_owned();
    let image = again(base, user, &task).await.expect(201);
    let text = |name: &str| image[name].as_str().expect("text").to_owned();
    Shown { task, name: text("name"), url: text("url") }
}

/// The upload, or a retry of it: always the same upload id.
async fn again(base: &str, user: &User, task: &str) -> crate::client::Answer {
    post(base, &format!("/tasks/{task}/images")).from(user).form(&[("upload_id", "one")], PHOTO).send().await
}

async fn remove(base: &str, user: &User, image: &Shown) {
    let gone = delete(base, &format!("/tasks/{}/images/{}", image.task, image.name)).from(user).send().await;
    assert_eq!(gone.status, 204, "{}", gone.text());
}

/// Waits until a URL that was handed out opens nothing any more.
async fn ended(url: &str) {
    eventually("the object is gone", async || (fetch(url).await.status == 404).then_some(())).await;
}

fn objects_of(stack: &Stack, name: &str) -> Vec<String> {
    let stem = name.split('.').next().expect("a stem");
    stack.emulators().objects().into_iter().filter(|key| key.contains(stem)).collect()
}

fn state_of(stack: &Stack, name: &str) -> Value {
    let stem = name.split('.').next().expect("a stem");
    let request = json!({ "TableName": "ImagesTable", "Key": { "stem": { "S": stem } } });
    let row = stack.emulators().database().get_item(serde_json::from_value(request).expect("a request"));
    let row = row.expect("an answer").item.expect("a row");
    serde_json::to_value(row).expect("JSON")["state"]["S"].clone()
}

#[tokio::test]
async fn a_removed_image_is_gone_from_every_read_and_its_url_ends_with_its_object() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let (image, other) = (upload(base, &alice).await, upload(base, &alice).await);
    assert_eq!(fetch(&image.url).await.status, 200);

    remove(base, &alice, &image).await;

    let page = get(base, &format!("/tasks/{}", image.task)).from(&alice).send().await.expect(200);
    assert_eq!(page["images"], json!([]));
    let redirect = get(base, &format!("/images/{}", image.name)).send().await;
    assert!(redirect.location().contains("/defaults/"), "{redirect:?}");
    let resolved = post(base, "/images/resolve").from(&alice).json(&json!({ "names": [image.name] })).send().await;
    assert_eq!(resolved.expect(200)["images"][0]["state"], "missing");
    ended(&image.url).await;
    assert_eq!(objects_of(&stack, &image.name), [""; 0]);
    assert_eq!(fetch(&other.url).await.status, 200, "another image of the same bytes stays");
}

#[tokio::test]
async fn a_removed_upload_id_does_not_come_back_before_or_after_its_object_went() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let image = upload(base, &alice).await;
    assert_eq!(again(base, &alice, &image.task).await.expect(201)["name"], image.name, "a retry of a living one");

    remove(base, &alice, &image).await;

    again(base, &alice, &image.task).await.assert_refused(404, "not_found");
    ended(&image.url).await;
    again(base, &alice, &image.task).await.assert_refused(404, "not_found");
    assert_eq!(objects_of(&stack, &image.name), [""; 0]);
}

#[tokio::test]
async fn a_replaced_avatar_takes_its_object_with_it_and_does_not_come_back() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let avatar = async |upload_id: &str, photo: &[u8]| {
        post(base, "/me/avatar").from(&alice).form(&[("upload_id", upload_id)], photo).send().await
    };
    let first = avatar("first", AVATAR).await.expect(201);
    let second = avatar("second", PHOTO).await.expect(201);
    let text = |image: &Value, name: &str| image[name].as_str().expect("text").to_owned();

    ended(&text(&first, "url")).await;

    assert_eq!(state_of(&stack, &text(&first, "name")), "removed");
    assert_eq!(objects_of(&stack, &text(&first, "name")), [""; 0]);
    avatar("first", AVATAR).await.assert_refused(404, "not_found");
    let shown = get(base, &format!("/users/{}/avatar", alice.user_id)).send().await;
    assert_eq!(fetch(shown.location()).await.body, fetch(&text(&second, "url")).await.body);
    assert_eq!(avatar("second", PHOTO).await.expect(201)["name"], second["name"]);
    assert_eq!(state_of(&stack, &text(&second, "name")), "ready");
}

#[tokio::test]
async fn events_that_come_twice_remove_nothing_that_lives() {
    let stack = start_with_deliveries(2).await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let (image, other) = (upload(base, &alice).await, upload(base, &alice).await);

    remove(base, &alice, &image).await;
    ended(&image.url).await;
    remove(base, &alice, &other).await;
    ended(&other.url).await;
    let third = upload(base, &alice).await;

    assert_eq!(fetch(&third.url).await.status, 200);
    let given_up = |key: &String| key.starts_with("aws/lambda/") || key.starts_with("dead-letters/");
    assert!(!stack.emulators().objects().iter().any(given_up), "nothing failed for good");
}
