use crate::client::{User, fetch, get};
use crate::start;

const IMAGE: &str = "5eed0000000040008000000000000001.jpg";

#[tokio::test]
async fn the_seed_user_has_a_task_with_a_photo_in_it() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();
    let alice = User {
        user_id: "5e550000-0000-4000-8000-00000000a11c".to_owned(),
        session_id: "dGhlIHNlZWQgc2Vzc2lvbiwgbm8gc2VjcmV0IGhlcmU".to_owned(),
    };

    let page = get(base, "/tasks/seed-task").from(&alice).send().await.expect(200);
    let photo = fetch(get(base, &format!("/images/{IMAGE}")).send().await.location()).await;

    assert_eq!(page["images"][0]["name"], IMAGE);
    assert_eq!(photo.body, include_bytes!("../../../../events/photos/seed-task.jpg"));
}
