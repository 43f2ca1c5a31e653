//! What was sent straight to S3 becomes an image that everyone is shown, or is refused and shown to nobody.

use serde_json::{Value, json};
use testkit::{Multipart, eventually, post_half_a_form};

use crate::client::{Answer, User, fetch, get, post, sign_in};
use crate::start;

/// Larger than the larger of the sizes that are made.
const PHOTO: &[u8] = include_bytes!("../../../../benches/photos/espresso.jpg");
const SMALL_PHOTO: &[u8] = include_bytes!("../../../../shared/imaging/corpus/gray.jpg");
/// The most that a ticket is for (bytes): `MAX_DIRECT_BYTES`, unless it is set.
const LARGEST: usize = 20 * 1024 * 1024;
const NO_PHOTO: &[u8] = include_bytes!("../../../../events/photos/text.jpg");

async fn a_task_of(base: &str, user: &User) -> String {
    let task = post(base, "/tasks").from(user).json(&json!({})).send().await.expect(201);
    task["task_id"].as_str().expect("a task id").to_owned()
}

async fn ticket_of(base: &str, user: &User, task: &str, bytes: usize) -> Value {
    let asked = json!({ "content_type": "image/jpeg", "bytes": bytes });
    post(base, &format!("/tasks/{task}/uploads")).from(user).json(&asked).send().await.expect(201)
}

/// A photo of so many bytes. Phones put a short film behind the picture.
fn photo_of(bytes: usize) -> Vec<u8> {
    let mut photo = PHOTO.to_vec();
    photo.resize(bytes, 0x5a);
    photo
}

/// Sends bytes with a ticket's form.
async fn post_to(ticket: &Value, bytes: &[u8]) {
    let sent = try_to_post(ticket, bytes).await;
    assert_eq!(sent.status, 201, "{}", sent.text());
}

async fn try_to_post(ticket: &Value, bytes: &[u8]) -> Answer {
    let fields = ticket["fields"].as_object().expect("fields").iter();
    let fields: Vec<_> = fields.map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
    post(ticket["url"].as_str().expect("a URL"), "").form_with(&fields, "file", bytes).send().await
}

/// Sends the first half of that, and is gone.
async fn post_half_of(ticket: &Value, bytes: &[u8]) {
    let fields = ticket["fields"].as_object().expect("fields").iter();
    let form = fields.fold(Multipart::new(), |form, (name, value)| form.field(name, value.as_str().expect("text")));
    post_half_a_form(ticket["url"].as_str().expect("a URL"), form.file(bytes)).await;
}

/// Sends bytes by a ticket into a new task; gives the task and the image's name.
async fn send(base: &str, user: &User, bytes: &[u8]) -> (String, String) {
    let task = a_task_of(base, user).await;
    let ticket = ticket_of(base, user, &task, bytes.len()).await;
    post_to(&ticket, bytes).await;
    (task, ticket["name"].as_str().expect("a name").to_owned())
}

/// The task's one image, once it has been looked at.
async fn looked_at(base: &str, user: &User, task: &str) -> Value {
    all_looked_at(base, user, task, 1).await.remove(0)
}

/// So many of the task's images that have been looked at.
async fn all_looked_at(base: &str, user: &User, task: &str, wanted: usize) -> Vec<Value> {
    eventually("they are looked at", async || {
        let page = get(base, &format!("/tasks/{task}")).from(user).send().await.expect(200);
        let images = page["images"].as_array().expect("images").iter().filter(|image| image["state"] != "pending");
        let images: Vec<_> = images.cloned().collect();
        (images.len() == wanted).then_some(images)
    })
    .await
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
async fn an_image_of_the_largest_size_is_taken_and_one_byte_more_is_refused_by_s3() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let task = a_task_of(base, &alice).await;
    let too_large = json!({ "content_type": "image/jpeg", "bytes": LARGEST + 1 });
    let refused = post(base, &format!("/tasks/{task}/uploads")).from(&alice).json(&too_large).send().await;
    refused.assert_refused(413, "image_too_large");
    let ticket = ticket_of(base, &alice, &task, LARGEST).await;

    let refused = try_to_post(&ticket, &photo_of(LARGEST + 1)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("<Code>EntityTooLarge</Code>"), "{}", refused.text());
    let page = get(base, &format!("/tasks/{task}")).from(&alice).send().await.expect(200);
    assert_eq!(page["images"][0]["state"], "pending", "{page}");

    post_to(&ticket, &photo_of(LARGEST)).await;

    let image = looked_at(base, &alice, &task).await;
    assert_eq!(image["state"], "ready", "{image}");
    assert!(image["bytes"].as_u64().is_some_and(|bytes| bytes <= PHOTO.len() as u64), "the picture alone: {image}");
    for variant in ["thumb", "medium"] {
        let url = image["variants"][variant]["url"].as_str().expect("a URL");
        assert_eq!(fetch(url).await.status, 200);
    }
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

#[tokio::test]
async fn of_200_tickets_the_unused_ones_expire_and_free_their_slots() {
    let stack = start().await;
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let mut sent = Vec::new();
    for _ in 0..4 {
        let task = a_task_of(base, &alice).await;
        // As many as a task takes. Half are sent; of the others, half are cut on their way.
        for nth in 0..50 {
            let ticket = ticket_of(base, &alice, &task, SMALL_PHOTO.len()).await;
            match nth {
                0..25 => {
                    post_to(&ticket, SMALL_PHOTO).await;
                    sent.push(ticket["name"].as_str().expect("a name").to_owned());
                }
                25..38 => post_half_of(&ticket, SMALL_PHOTO).await,
                _ => {}
            }
        }
        all_looked_at(base, &alice, &task, 25).await;
    }

    let in_16_days = u64::try_from(platform::clock::now().as_second()).expect("a time of today") + 16 * 24 * 3600;
    let ended = stack.emulators().sweep_ttl_at(in_16_days).expect("tables");

    assert!(ended >= 100, "{ended} rows ended, sessions among them");
    let alice = sign_in(base, "dev-alice-2").await;
    let tasks = get(base, "/tasks").from(&alice).send().await.expect(200);
    let mut shown = Vec::new();
    for task in tasks["tasks"].as_array().expect("tasks") {
        let task = task["task_id"].as_str().expect("a task id");
        for _ in 0..25 {
            ticket_of(base, &alice, task, SMALL_PHOTO.len()).await;
        }
        let asked = json!({ "content_type": "image/jpeg", "bytes": 1 });
        post(base, &format!("/tasks/{task}/uploads"))
            .from(&alice)
            .json(&asked)
            .send()
            .await
            .assert_refused(409, "task_full");
        let page = get(base, &format!("/tasks/{task}")).from(&alice).send().await.expect(200);
        let ready = page["images"].as_array().expect("images").iter().filter(|image| image["state"] == "ready");
        shown.extend(ready.map(|image| image["name"].as_str().expect("a name").to_owned()));
    }
    sent.sort();
    shown.sort();
    assert_eq!(shown, sent);
}
