use platform::{clock, config};
use serde_json::json;
use testkit::{Answer, Event, Fault, Stack, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("account", changes), Config::read).unwrap();
    let app = App::new(config, stack.http(), PATIENCE);
    (stack, app)
}

async fn start() -> (Stack, App) {
    start_with(&[]).await
}

async fn send(app: &App, event: Event) -> Answer {
    Answer::of(
        web::answer(event.request(), clock::now(), PATIENCE.deadline, |request, now| handle(app, request, now)).await,
    )
}

#[tokio::test]
async fn somebody_is_told_what_is_held_of_them() {
    let (stack, app) = start().await;

    let answer = send(&app, event!("account/me")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"200 json {"avatar_url":"[bucket]/images/[stem]/[attempt]/original.jpg?signed","avatar_url_expires_at":"[time]","created_at":"[time]","user_id":"[user]"}"#
    );
    let seeded = stack.seeded_user().user_id;
    assert_eq!(
        (&answer.json()["user_id"], &answer.json()["created_at"]),
        (&json!(seeded), &json!("2026-01-01T00:00:00Z"))
    );
}

#[tokio::test]
async fn without_an_avatar_it_is_the_default_one() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;

    let answer = send(&app, event!("account/me").from(&alice)).await;

    let url = answer.assert_status(200).json()["avatar_url"].as_str().unwrap().to_owned();
    assert!(url.contains("/defaults/avatar?"), "{url}");
}

#[tokio::test]
async fn the_urls_are_signed_for_cloudfront_where_it_delivers() {
    let (stack, app) =
        start_with(&[("IMAGE_DELIVERY", "cloudfront"), ("IMAGE_BASE_URL", "https://img.example.com")]).await;

    let url = send(&app, event!("account/me")).await.json()["avatar_url"].as_str().unwrap().to_owned();

    assert!(url.starts_with("https://img.example.com/images/") && url.contains("&Signature="), "{url}");
    drop(stack);
}

#[tokio::test]
async fn whoever_has_no_session_is_told_nothing() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    stack.remove_session(&alice);

    send(&app, event!("account/missing-headers")).await.assert_refused(401, "session_invalid");
    send(&app, event!("account/me").from(&alice)).await.assert_refused(401, "session_invalid");
}

#[tokio::test]
async fn without_an_account_one_has_to_sign_in_anew() {
    let (stack, app) = start().await;
    let from_before = stack.signed_in().await;
    send(&app, event!("account/me").from(&from_before)).await.assert_refused(401, "session_invalid");

    let leaving = stack.registered("alice").await;
    let mut account = stack.account_of(&leaving).unwrap();
    account["removal"] = json!({"S": "due"});
    stack.replace_row("UsersTable", account);
    send(&app, event!("account/me").from(&leaving)).await.assert_refused(401, "session_invalid");
}

#[tokio::test]
async fn it_is_three_reads_after_the_first_that_renews() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    app.warm().await;
    stack.wire().forget();

    send(&app, event!("account/me").from(&alice)).await.assert_status(200);

    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"; 3]);
    assert!(stack.wire().calls().iter().all(|call| call.body.contains(r#""ConsistentRead":true"#)));

    let due = stack.due_for_renewal().await;
    send(&app, event!("account/me").from(&due)).await.assert_refused(401, "session_invalid");
    assert!(stack.is_renewed(&due));
}

#[tokio::test]
async fn head_is_get_without_a_body_and_other_methods_are_told_so() {
    let (_stack, app) = start().await;

    let head = send(&app, event!("account/me").method("HEAD")).await;
    assert_eq!((head.assert_status(200).text(), head.header("cache-control")), ("", "no-store"));

    for event in [event!("account/post-method"), event!("account/me").method("PUT")] {
        let answer = send(&app, event).await;
        answer.assert_refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "DELETE, GET, HEAD");
    }
}

#[tokio::test]
async fn while_a_table_fails_nobody_is_told_that_they_have_no_account() {
    let (stack, app) = start().await;
    for nth in 1..=3 {
        for fault in [Fault::AccessDenied, Fault::ServerError] {
            stack.wire().heal();
            for attempt in 0..if fault == Fault::ServerError { 3 } else { 1 } {
                stack.wire().fail_nth("DynamoDB.GetItem", nth + attempt, fault);
            }
            let answer = send(&app, event!("account/me")).await;
            if fault == Fault::AccessDenied {
                answer.assert_refused(503, "busy");
            }
            assert!([200, 503].contains(&answer.status()), "{answer:?}");
        }
    }
}
