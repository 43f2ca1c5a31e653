use super::*;

fn avatar_of(user_id: &str) -> Event {
    event!("image-redirect/avatar").parameter("user_id", user_id)
}

#[tokio::test]
async fn an_avatar_is_a_redirect_to_the_current_one() {
    let (_stack, app) = start().await;

    let answer = send(&app, event!("image-redirect/avatar")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @"302 location=[bucket]/images/[stem]/[attempt]/original.jpg?signed max-age=[n]"
    );
    let photo = fetch("GET", answer.header("location")).await;
    assert_eq!((photo.status, photo.content_type.as_str()), (200, "image/jpeg"));
    assert!(photo.bytes == include_bytes!("../../../../events/photos/seed-avatar.jpg"));
}

#[tokio::test]
async fn an_avatar_is_one_read_of_its_pointer() {
    let (stack, app) = start().await;
    send(&app, event!("image-redirect/avatar")).await.assert_status(302);
    let calls = stack.wire().calls();
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
    assert!(calls[0].body.contains(&format!("avatar#{USER}")), "{}", calls[0].body);
}

#[tokio::test]
async fn somebody_without_an_avatar_has_the_default_one() {
    let (stack, app) = start().await;

    let answer = send(&app, event!("image-redirect/avatar-unknown")).await;

    insta::assert_snapshot!(answer.redacted(), @"302 location=[bucket]/defaults/avatar?signed max-age=[n]");
    let image = fetch("GET", answer.header("location")).await;
    assert_eq!((image.status, image.content_type.as_str()), (200, "image/png"));
    assert!(image.bytes == include_bytes!("../../../../shared/images/defaults/avatar.png"));
    assert_default(&stack, &send(&app, avatar_of(&stack.signed_in().await.user_id)).await, "avatar");
}

#[tokio::test]
async fn a_malformed_user_has_the_default_one_without_a_read() {
    let (stack, app) = start().await;
    let upper = USER.to_uppercase();
    let long = "a".repeat(5000);
    for user_id in [
        "",
        "/",
        "x",
        "..",
        "../../images",
        "a/b",
        &upper,
        &USER.replace("-4000-", "-1000-"),
        &USER.replace('-', ""),
        &format!("{{{USER}}}"),
        &format!("{USER} "),
        &format!("{USER}\r\n"),
        &format!("avatar#{USER}"),
        &format!("{USER}\u{0}"),
        "用户",
        &long,
    ] {
        assert_default(&stack, &send(&app, avatar_of(user_id)).await, "avatar");
    }
    assert!(stack.wire().operations().is_empty());
}
