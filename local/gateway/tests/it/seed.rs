use serde_json::json;

use crate::client::{User, fetch, get, post};
use crate::start;

const IMAGE: &str = "5eed0000000040008000000000000001.jpg";

fn seed_user() -> User {
    let session_id = "dGhlIHNlZWQgc2Vzc2lvbiwgbm8gc2VjcmV0IGhlcmU".to_owned();
    User { user_id: "5e550000-0000-4000-8000-00000000a11c".to_owned(), session_id }
}

#[tokio::test]
async fn the_seed_user_has_a_task_with_a_photo_in_it() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    let page = get(base, "/tasks/seed-task").from(&seed_user()).send().await.expect(200);
    let photo = fetch(get(base, &format!("/images/{IMAGE}")).send().await.location()).await;

    assert_eq!(page["images"][0]["name"], IMAGE);
    assert_eq!(photo.body, include_bytes!("../../../../events/photos/seed-task.jpg"));
}

#[tokio::test]
async fn the_default_images_are_there() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    let missing = fetch(get(base, "/images/none.jpg").send().await.location()).await;
    let names = json!({ "names": [IMAGE, "none.jpg"] });
    let resolved = post(base, "/images/resolve").from(&seed_user()).json(&names).send().await.expect(200);

    assert_eq!((missing.status, missing.header("content-type")), (200, "image/png"));
    assert_eq!(
        (&resolved["images"][0]["state"], &resolved["images"][1]["state"]),
        (&json!("ready"), &json!("missing"))
    );
    assert_eq!(fetch(resolved["images"][1]["url"].as_str().expect("a URL")).await.body, missing.body);
}

#[tokio::test]
async fn a_signed_url_opens_one_object_and_nothing_else() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();
    let redirect = get(base, &format!("/images/{IMAGE}")).send().await;
    let location = redirect.location();

    let unsigned = location.split('?').next().expect("an address");
    let another = location.replace("5eed0000000040008000000000000001", "5eed0000000040008000000000000002");

    assert_eq!(fetch(location).await.status, 200);
    assert_eq!(fetch(unsigned).await.status, 403);
    assert_eq!(fetch(&another).await.status, 403);
}
