//! What was sent straight to S3 becomes an image that everyone is shown, or is refused and shown to nobody.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{User, fetch, get, post, sign_in};
use crate::start;

/// Larger than the larger of the sizes that are made.
const PHOTO: &[u8] = include_bytes!("../../../../scripts/phone-photo.jpg");
const NO_PHOTO: &[u8] = include_bytes!("../../../../events/photos/text.jpg");

/// Asks for a ticket and sends these bytes with its form; gives the task and the image's name.
async fn send(base: &str, user: &User, bytes: &[u8]) -> (String, String) {
    let task = post(base, "/tasks").from(user).json(&json!({})).send().await.expect(201);
    let task = task["task_id"].as_str().expect("a task id").to_owned();
    let asked = json!({ "content_type": "image/jpeg", "bytes": bytes.len() });
    let ticket = post(base, &format!("/tasks/{task}/uploads")).from(user).json(&asked).send().await.expect(201);

    let fields = ticket["fields"].as_object().expect("fields").iter();
    let fields: Vec<_> = fields.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
    let sent = post(ticket["url"].as_str().expect("a URL"), "").form_with(&fields, "file", bytes).send().await;
    assert_eq!(sent.status, 201, "{}", sent.text());
    (task, ticket["name"].as_str().expect("a name").to_owned())
}

/// The task's one image, once it has been looked at.
async fn looked_at(base: &str, user: &User, task: &str) -> Value {
    for _ in 0..500 {
        let page = get(base, &format!("/tasks/{task}")).from(user).send().await.expect(200);
        let image = page["images"][0].clone();
        if image["state"] != "pending" {
            return image;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing has looked at it");
}

#[tokio::test]
async fn a_photo_that_was_sent_with_a_ticket_is_shown_in_every_size() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;

    let (task, name) = send(base, &alice, PHOTO).await;
    let image = looked_at(base, &alice, &task).await;

    assert_eq!((&image["state"], &image["name"]), (&json!("ready"), &json!(name)), "{image}");
    assert!(image["placeholder"].is_string(), "{image}");
    for url in [&image["url"], &image["variants"]["thumb"]["url"], &image["variants"]["medium"]["url"]] {
        let shown = fetch(url.as_str().expect("a URL")).await;
        assert_eq!(shown.status, 200);
        assert!(shown.body.starts_with(b"\xff\xd8\xff"), "a JPEG");
    }
    let incoming = |key: &String| key.starts_with("incoming/") && key.contains(name.split('.').next().expect("a stem"));
    assert!(!stack.emulators().objects().iter().any(incoming), "what was sent is deleted");
}

#[tokio::test]
async fn what_is_no_photo_is_refused_and_only_its_owner_is_told_why() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let (alice, bob) = (sign_in(base, "dev-alice-1").await, sign_in(base, "dev-bob-1").await);

    let (task, name) = send(base, &alice, NO_PHOTO).await;
    let image = looked_at(base, &alice, &task).await;

    assert_eq!((&image["state"], &image["reason"]), (&json!("rejected"), &json!("image_unsupported")), "{image}");
    let state_for = async |user: &User| {
        let asked = json!({ "names": [name] });
        let resolved = post(base, "/images/resolve").from(user).json(&asked).send().await.expect(200);
        resolved["images"][0]["state"].clone()
    };
    assert_eq!(state_for(&alice).await, "rejected");
    assert_eq!(state_for(&bob).await, "missing");
    let redirect = get(base, &format!("/images/{name}")).send().await;
    assert!(redirect.location().contains("/defaults/not-available"), "{}", redirect.location());
}
