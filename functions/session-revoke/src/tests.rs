use platform::{clock, config};
use testkit::{Answer, Event, Fault, Stack, User, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

async fn start() -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("session-revoke", &[]), Config::read).unwrap();
    let app = App::new(config, stack.http(), PATIENCE);
    (stack, app)
}

async fn send(app: &App, event: Event) -> Answer {
    Answer::of(
        web::answer(event.request(), clock::now(), PATIENCE.deadline, |request, now| handle(app, request, now)).await,
    )
}

fn sessions_of(stack: &Stack, user: &User) -> usize {
    stack.rows("SessionsTable").iter().filter(|row| row["user_id"]["S"] == *user.user_id).count()
}

#[tokio::test]
async fn a_session_is_revoked_once_and_no_other_with_it() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let alice_elsewhere = stack.another_session_of(&alice).await;

    send(&app, event!("session-revoke/one").from(&alice)).await.assert_status(204);

    send(&app, event!("session-revoke/one").from(&alice)).await.assert_refused(401, "session_invalid");
    assert_eq!(sessions_of(&stack, &alice_elsewhere), 1);
}

#[tokio::test]
async fn a_session_that_is_due_for_renewal_is_revoked_all_the_same() {
    let (stack, app) = start().await;
    let alice = stack.due_for_renewal().await;

    send(&app, event!("session-revoke/one").from(&alice)).await.assert_status(204);

    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.UpdateItem", "DynamoDB.DeleteItem"]);
    assert_eq!(sessions_of(&stack, &alice), 0);
}

#[tokio::test]
async fn all_sessions_of_a_user_end_and_nobody_elses() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    for _ in 0..59 {
        stack.another_session_of(&alice).await;
    }

    send(&app, event!("session-revoke/all").from(&alice)).await.assert_status(204);

    assert_eq!((sessions_of(&stack, &alice), sessions_of(&stack, &bob)), (0, 1));
    assert_eq!(
        stack.wire().operations(),
        [
            "DynamoDB.GetItem",
            "DynamoDB.Query",
            "DynamoDB.BatchWriteItem",
            "DynamoDB.BatchWriteItem",
            "DynamoDB.BatchWriteItem",
            "DynamoDB.DeleteItem"
        ]
    );
    assert!(stack.wire().calls()[1].body.contains(r#""ConsistentRead":true"#));
}

#[tokio::test]
async fn a_revocation_of_all_that_was_cut_short_can_be_repeated_with_the_same_session() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    for _ in 0..30 {
        stack.another_session_of(&alice).await;
    }
    for (operation, nth) in [("DynamoDB.BatchWriteItem", 2), ("DynamoDB.DeleteItem", 1)] {
        stack.wire().fail_nth(operation, nth, Fault::KilledBefore);
        stack.killed(send(&app, event!("session-revoke/all").from(&alice))).await;
    }
    send(&app, event!("session-revoke/all").from(&alice)).await.assert_status(204);
    assert_eq!(sessions_of(&stack, &alice), 0);
}

#[tokio::test]
async fn an_unknown_scope_ends_nothing() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    send(&app, event!("session-revoke/unknown-scope").from(&alice)).await.assert_refused(400, "bad_request");
    send(&app, event!("session-revoke/one").query("scope=one").from(&alice)).await.assert_refused(400, "bad_request");
    assert_eq!(sessions_of(&stack, &alice), 1);
}

#[tokio::test]
async fn it_takes_a_living_session_to_end_one() {
    let (_stack, app) = start().await;
    send(&app, event!("session-revoke/missing-headers")).await.assert_refused(401, "session_invalid");
}

#[tokio::test]
async fn done_is_never_said_while_the_session_may_live() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let sent = |file: Event| file.from(&alice);
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied] {
        for operation in ["DynamoDB.GetItem", "DynamoDB.DeleteItem"] {
            stack.wire().fail_every(operation, fault);
            send(&app, sent(event!("session-revoke/one"))).await.assert_refused(503, "busy");
            stack.wire().heal();
        }
        stack.wire().fail_every("DynamoDB.Query", fault);
        send(&app, sent(event!("session-revoke/all"))).await.assert_refused(503, "busy");
        stack.wire().heal();
    }
    assert_eq!(sessions_of(&stack, &alice), 1);
}

#[tokio::test]
async fn one_failed_call_is_absorbed_even_when_it_was_applied() {
    let (stack, app) = start().await;
    for fault in [Fault::Throttled, Fault::AppliedThenServerError, Fault::AppliedThenReset] {
        let alice = stack.signed_in().await;
        stack.wire().fail_nth("DynamoDB.DeleteItem", 1, fault);
        send(&app, event!("session-revoke/one").from(&alice)).await.assert_status(204);
        stack.wire().heal();
        assert_eq!(sessions_of(&stack, &alice), 0);
    }
}

#[tokio::test]
async fn what_dynamodb_left_of_a_batch_is_deleted_by_another_call_or_done_is_not_said() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    stack.another_session_of(&alice).await;
    let all = || event!("session-revoke/all").from(&alice);

    stack.wire().fail_every("DynamoDB.BatchWriteItem", Fault::Unprocessed);
    send(&app, all()).await.assert_refused(503, "busy");
    assert_eq!(stack.wire().operations().iter().filter(|called| *called == "DynamoDB.BatchWriteItem").count(), 4);
    assert_eq!(sessions_of(&stack, &alice), 2);

    stack.wire().heal();
    stack.wire().fail_nth("DynamoDB.BatchWriteItem", 1, Fault::Unprocessed);
    send(&app, all()).await.assert_status(204);
    assert_eq!(sessions_of(&stack, &alice), 0);
}
