//! Whole stories, told over HTTP alone, so that they can be told of any stack (`target.rs`).

mod routes;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::client::{Answer, User, delete, fetch, get, post, sign_in};
use crate::target::{self, Target};

const PHOTO: &[u8] = include_bytes!("../../../../events/photos/coffee.jpg");
const AVATAR: &[u8] = include_bytes!("../../../../events/photos/avatar.png");

#[tokio::test]
async fn a_photo_goes_from_a_phone_into_a_task_and_back() {
    let target = Target::reach().await;
    let base = target.base();

    let alice = target.newcomer("alice").await;
    let session = get(base, "/session").from(&alice).send().await.expect(200);
    assert_eq!(session["user_id"], alice.user_id);

    let task = post(base, "/tasks").from(&alice).json(&json!({ "title": "咖啡" })).send().await.expect(201);
    let task_id = task["task_id"].as_str().expect("a task id");

    let upload = post(base, &format!("/tasks/{task_id}/images")).from(&alice).form(&[("upload_id", "one")], PHOTO);
    let image = upload.send().await.expect(201);
    let name = image["name"].as_str().expect("a name");
    assert_eq!(image["state"], "ready");

    let page = get(base, &format!("/tasks/{task_id}")).from(&alice).send().await.expect(200);
    assert_eq!((&page["title"], &page["images"][0]["name"]), (&json!("咖啡"), &json!(name)));

    let redirect = get(base, &format!("/images/{name}")).send().await;
    let photo = fetch(redirect.location()).await;
    assert_eq!((photo.status, photo.header("content-type")), (200, "image/jpeg"));
    assert!(photo.body.starts_with(b"\xff\xd8\xff") && photo.body.ends_with(b"\xff\xd9"));
    let by_its_url = fetch(page["images"][0]["url"].as_str().expect("a URL")).await;
    assert_eq!(by_its_url.body, photo.body);

    let gone = delete(base, &format!("/tasks/{task_id}/images/{name}")).from(&alice).send().await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let page = get(base, &format!("/tasks/{task_id}")).from(&alice).send().await.expect(200);
    assert_eq!(page["images"], json!([]));
    let redirect = get(base, &format!("/images/{name}")).send().await;
    assert!(redirect.location().contains("/defaults/"), "{redirect:?}");

    let revoked = delete(base, "/session").from(&alice).send().await;
    assert_eq!((revoked.status, revoked.body.len()), (204, 0));
    get(base, "/session").from(&alice).send().await.assert_refused(401, "session_invalid");
    let late = post(base, &format!("/tasks/{task_id}/images")).from(&alice).form(&[], PHOTO);
    late.send().await.assert_refused(401, "session_invalid");
}

#[tokio::test]
async fn calls_written_for_the_old_back_end_keep_working() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let task_id = a_task_of(base, &alice).await;

    let upload = post(base, "/task/postImage").header("session_id", &alice.session_id);
    let upload = upload.header("user_id", &alice.user_id).form(&[("task_id", &task_id)], PHOTO);
    let name = upload.send().await.expect(200);
    let name = name.as_str().expect("the name alone");

    let redirect = get(base, &format!("/task/{name}")).send().await;
    assert_eq!(fetch(redirect.location()).await.status, 200);

    let page = get(base, &format!("/tasks/{task_id}")).from(&alice).send().await.expect(200);
    assert_eq!(page["images"][0]["name"], name);
}

#[tokio::test]
async fn an_avatar_is_shown_to_anyone_and_its_successor_after_it() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let address = format!("/users/{}/avatar", alice.user_id);
    let shown = async || fetch(get(base, &address).send().await.location()).await;

    let before = shown().await;
    let first = post(base, "/me/avatar").from(&alice).form(&[], AVATAR).send().await.expect(201);
    let after = shown().await;
    post(base, "/me/avatar").from(&alice).form(&[], PHOTO).send().await.expect(201);
    let replaced = shown().await;

    assert_eq!((before.status, before.header("content-type")), (200, "image/png"), "the default avatar");
    assert_eq!((first["content_type"].as_str(), after.header("content-type")), (Some("image/png"), "image/png"));
    assert_ne!(before.body, after.body);
    assert_eq!(replaced.header("content-type"), "image/jpeg");
}

#[tokio::test]
async fn nobody_reaches_into_a_strangers_task() {
    let target = Target::reach().await;
    let base = target.base();
    let (alice, mallory) = (target.newcomer("alice").await, target.newcomer("mallory").await);
    let task_id = a_task_of(base, &alice).await;

    let upload = post(base, &format!("/tasks/{task_id}/images")).from(&mallory).form(&[], PHOTO);
    upload.send().await.assert_refused(404, "task_not_found");
    let page = get(base, &format!("/tasks/{task_id}")).from(&mallory).send().await;
    page.assert_refused(404, "task_not_found");
    let page = get(base, &format!("/tasks/{task_id}")).from(&alice).send().await.expect(200);
    assert_eq!(page["images"], json!([]), "a refused upload leaves nothing behind");
}

#[tokio::test]
async fn a_wechat_code_signs_in_once() {
    let target = Target::reach().await;
    let base = target.base();
    let code = target::code("alice");
    sign_in(base, &code).await;

    let again = post(base, "/session").json(&json!({ "code": code })).send().await;

    again.assert_refused(401, "code_invalid");
}

#[tokio::test]
async fn photos_that_come_at_once_all_stay() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let task_id = a_task_of(base, &alice).await;
    let path = format!("/tasks/{task_id}/images");

    let uploads = (0..8).map(|_| async { name_of(&post(base, &path).from(&alice).form(&[], PHOTO).send().await) });
    let mut sent = join_all(uploads).await;
    let page = get(base, &format!("/tasks/{task_id}")).from(&alice).send().await.expect(200);

    let listed = page["images"].as_array().expect("images").iter();
    let mut listed: Vec<_> = listed.map(|image| image["name"].as_str().expect("a name").to_owned()).collect();
    sent.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, sent);
}

#[tokio::test]
async fn many_images_are_resolved_at_once_and_those_that_are_missing_too() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let avatar = name_of(&post(base, "/me/avatar").from(&alice).form(&[], AVATAR).send().await);

    let missing = fetch(get(base, "/images/none.jpg").send().await.location()).await;
    let names = json!({ "names": [avatar, "none.jpg"] });
    let resolved = post(base, "/images/resolve").from(&alice).json(&names).send().await.expect(200);

    assert_eq!((missing.status, missing.header("content-type")), (200, "image/png"));
    let [found, default] = [&resolved["images"][0], &resolved["images"][1]];
    assert_eq!((&found["state"], &default["state"]), (&json!("ready"), &json!("missing")));
    assert_ne!(fetch(found["url"].as_str().expect("a URL")).await.body, missing.body);
    assert_eq!(fetch(default["url"].as_str().expect("a URL")).await.body, missing.body);
}

#[tokio::test]
async fn a_signed_url_opens_one_object_and_nothing_else() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let name = name_of(&post(base, "/me/avatar").from(&alice).form(&[], AVATAR).send().await);
    let redirect = get(base, &format!("/images/{name}")).send().await;
    let location = redirect.location();

    let unsigned = location.split('?').next().expect("an address");
    let stem = name.split('.').next().expect("a name");
    let another = location.replace(stem, &"0".repeat(stem.len()));

    assert_eq!(fetch(location).await.status, 200);
    assert_eq!(fetch(unsigned).await.status, 403);
    assert_ne!(another, location);
    assert_eq!(fetch(&another).await.status, 403);
}

#[tokio::test]
async fn a_photo_goes_straight_to_s3_with_a_ticket() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let task_id = a_task_of(base, &alice).await;
    let ticket = ticket_of(base, &alice, &task_id).await;

    let posted = post_to(&ticket, PHOTO, &[]).await;

    assert_eq!(posted.status, 201, "{}", posted.text());
    let page = get(base, &format!("/tasks/{task_id}")).from(&alice).send().await.expect(200);
    let [image] = &page["images"].as_array().expect("images")[..] else { panic!("one image: {page}") };
    assert_eq!(image["name"], ticket["name"]);
    assert!(["pending", "ready"].contains(&image["state"].as_str().expect("a state")), "{image}");
    assert!(!image["url"].as_str().expect("a URL").contains("/incoming/"), "{image}");
}

#[tokio::test]
async fn a_ticket_takes_the_announced_image_and_nothing_else() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;
    let task_id = a_task_of(base, &alice).await;
    let (ticket, other) = (ticket_of(base, &alice, &task_id).await, ticket_of(base, &alice, &task_id).await);
    let text = |field: &str| ticket["fields"][field].as_str().expect("text").to_owned();
    let other_text = |field: &str| other["fields"][field].as_str().expect("text").to_owned();

    for (field, value) in [
        ("key", text("key").replace("incoming/", "images/")),
        ("key", other_text("key")),
        ("policy", other_text("policy")),
        ("Content-Type", "text/html".to_owned()),
        ("x-amz-signature", "0".repeat(64)),
        ("x-amz-meta-more", "more".to_owned()),
    ] {
        let posted = post_to(&ticket, PHOTO, &[(field, &value)]).await;
        assert_eq!(posted.status, 403, "{field}={value}: {}", posted.text());
    }
    let larger = post_to(&ticket, &[PHOTO, b"x"].concat(), &[]).await;
    assert_eq!(larger.status, 400, "{}", larger.text());
    assert_eq!(post_to(&ticket, PHOTO, &[]).await.status, 201);
}

async fn ticket_of(base: &str, user: &User, task_id: &str) -> Value {
    let photo = json!({ "content_type": "image/jpeg", "bytes": PHOTO.len() });
    post(base, &format!("/tasks/{task_id}/uploads")).from(user).json(&photo).send().await.expect(201)
}

/// Sends a photo with a ticket's form, in which these fields have other values.
async fn post_to(ticket: &Value, photo: &[u8], changes: &[(&str, &str)]) -> Answer {
    let mut fields = ticket["fields"].as_object().expect("fields").clone();
    fields.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
    post(ticket["url"].as_str().expect("a URL"), "").form_with(&fields, "file", photo).send().await
}

async fn a_task_of(base: &str, user: &User) -> String {
    let task = post(base, "/tasks").from(user).json(&json!({})).send().await.expect(201);
    task["task_id"].as_str().expect("a task id").to_owned()
}

/// The name of an image that was taken.
#[track_caller]
fn name_of(upload: &Answer) -> String {
    upload.expect(201)["name"].as_str().expect("a name").to_owned()
}
