//! Over the wire to in-process servers. What is left for the passes is tested in `account-sweep`.

use platform::{clock, config};
use serde_json::{Value, json};
use testkit::{Answer, Event, Fault, Stack, User, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

mod crashes;
mod presence;

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("account-remove", changes), Config::read).unwrap();
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

/// A removal by somebody whom the fake `WeChat` calls Alice.
fn removal(user: &User, nonce: u32) -> Event {
    event!("account-remove/delete").from(user).json(&json!({ "code": format!("dev-alice-{nonce}") }))
}

fn sessions_of(stack: &Stack, user: &User) -> usize {
    stack.rows("SessionsTable").iter().filter(|row| row["user_id"]["S"] == *user.user_id).count()
}

fn identities_of(stack: &Stack, user: &User) -> usize {
    stack.rows("UsersTable").iter().filter(|row| row["user_id"]["S"] == *user.user_id).count()
}

fn pointer_of(stack: &Stack, user: &User) -> Option<Value> {
    stack.row("ImagesTable", json!({"stem": {"S": format!("avatar#{}", user.user_id)}}))
}

async fn put_pointer(stack: &Stack, user: &User) {
    let pointer = json!({
        "stem": {"S": format!("avatar#{}", user.user_id)},
        "image_name": {"S": "5eed0000000040008000000000000002.jpg"},
        "attempt": {"S": "5eed0000000040008000000000000a02"},
        "object_key": {"S": "images/5eed0000000040008000000000000002/5eed0000000040008000000000000a02/original.jpg"}
    });
    stack.put_row("ImagesTable", pointer).await;
}

/// The account is marked, and nothing leads to it or from it any more.
#[track_caller]
fn assert_closed(stack: &Stack, user: &User) {
    let account = stack.account_of(user).unwrap();
    assert_eq!(account["removal"]["S"], "due");
    assert!(account["removal_at"]["N"].is_string() && account["marked_at_ms"]["N"].is_string(), "{account}");
    let left = (identities_of(stack, user), sessions_of(stack, user), pointer_of(stack, user));
    assert_eq!(left, (0, 0, None));
}

#[tokio::test]
async fn whoever_leaves_has_no_session_no_identity_and_no_avatar_any_more() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    for _ in 0..60 {
        stack.another_session_of(&alice).await;
    }
    put_pointer(&stack, &alice).await;
    let bob = stack.registered("bob").await;
    put_pointer(&stack, &bob).await;

    let answer = send(&app, removal(&alice, 1)).await;

    insta::assert_snapshot!(answer.redacted(), @r#"202 json {"done_by":"[time]"}"#);
    assert_closed(&stack, &alice);
    send(&app, removal(&alice, 2)).await.assert_refused(401, "session_invalid");
    assert_eq!((identities_of(&stack, &bob), sessions_of(&stack, &bob)), (1, 1));
    assert!(pointer_of(&stack, &bob).is_some() && stack.account_of(&bob).unwrap().get("removal").is_none());
}

#[tokio::test]
async fn the_user_of_the_seed_set_can_leave_too() {
    let (stack, app) = start().await;

    let answer = send(&app, event!("account-remove/delete")).await;

    let done_by: Timestamp = answer.assert_status(202).json()["done_by"].as_str().unwrap().parse().unwrap();
    let marked_at: i64 =
        stack.account_of(&stack.seeded_user()).unwrap()["marked_at_ms"]["N"].as_str().unwrap().parse().unwrap();
    assert_eq!(done_by.as_millisecond() - marked_at, 24 * 3600 * 1000);
}

#[tokio::test]
async fn an_identity_that_leads_to_somebody_else_by_now_stays() {
    let (stack, app) = start().await;
    let (alice, next) = (stack.registered("alice").await, stack.signed_in().await);
    let key = stack.account_of(&alice).unwrap()["user_keys"]["SS"][0].clone();
    let mut identity = stack.row("UsersTable", json!({"openid_hash": {"S": key}})).unwrap();
    identity["user_id"] = json!({"S": next.user_id});
    stack.replace_row("UsersTable", identity);

    send(&app, removal(&alice, 1)).await.assert_status(202);

    assert_eq!(identities_of(&stack, &next), 1);
}

#[tokio::test]
async fn without_an_account_one_has_to_sign_in_anew() {
    let (stack, app) = start().await;
    let from_before = stack.signed_in().await;

    send(&app, removal(&from_before, 1)).await.assert_refused(401, "session_invalid");
    send(&app, event!("account-remove/missing-headers")).await.assert_refused(401, "session_invalid");

    assert_eq!((sessions_of(&stack, &from_before), stack.account_of(&from_before)), (1, None));
    assert_eq!(stack.emulators().wechat().calls(), 0, "no code is used up");
}

#[tokio::test]
async fn two_devices_that_leave_at_once_both_leave() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    let elsewhere = stack.another_session_of(&alice).await;

    let (one, other) = tokio::join!(send(&app, removal(&alice, 1)), send(&app, removal(&elsewhere, 2)));

    // Whose session went first is told so, or finishes what the other began.
    let statuses = [one.status(), other.status()];
    assert!(statuses.contains(&202) && statuses.iter().all(|status| [202, 401].contains(status)), "{statuses:?}");
    assert_closed(&stack, &alice);
}

#[tokio::test]
async fn another_method_is_told_what_the_path_takes() {
    let (stack, app) = start().await;
    let answer = send(&app, event!("account-remove/delete").method("PUT")).await;
    answer.assert_refused(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "DELETE, GET, HEAD");
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn while_the_tables_fail_nobody_is_told_that_they_left() {
    let (stack, app) = start().await;
    let alice = stack.registered("alice").await;
    for (nonce, operation) in ["GetItem", "UpdateItem", "DeleteItem", "Query"].into_iter().enumerate() {
        stack.wire().fail_every(&format!("DynamoDB.{operation}"), Fault::AccessDenied);
        let nonce = u32::try_from(nonce).unwrap();
        send(&app, removal(&alice, nonce)).await.assert_refused(503, "busy");
        stack.wire().heal();
    }
    assert_eq!(sessions_of(&stack, &alice), 1, "the caller's own session goes last");
    // Since the mark no code is asked for.
    send(&app, event!("account-remove/delete").from(&alice).text("")).await.assert_status(202);
    assert_closed(&stack, &alice);
}
