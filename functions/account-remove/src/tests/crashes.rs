//! The function is killed between any two calls. Before the mark nothing has happened; after it, a repeat finishes the
//! removal without another code.

use super::*;

#[tokio::test]
async fn killed_at_any_call_it_has_not_begun_or_is_finished_by_a_repeat() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        let mut call = 1;
        loop {
            let (stack, app) = start().await;
            let alice = stack.registered("alice").await;
            stack.another_session_of(&alice).await;
            put_pointer(&stack, &alice).await;
            app.warm().await;
            stack.wire().forget();
            stack.wire().fail_call(call, fault);
            let answered = tokio::select! {
                answer = send(&app, removal(&alice, 1)) => Some(answer),
                () = stack.wire().killed() => None,
            };
            if let Some(answer) = answered {
                answer.assert_status(202);
                break;
            }
            stack.wire().heal();

            let is_marked = stack.account_of(&alice).unwrap().get("removal").is_some();
            let is_whole = (identities_of(&stack, &alice), sessions_of(&stack, &alice)) == (1, 2);
            assert!(is_marked || is_whole, "{fault:?} at call {call}");
            let again = send(&app, removal(&alice, 2)).await;

            let has_ended = is_marked && sessions_of(&stack, &alice) == 0 && again.status() == 401;
            assert!(has_ended || again.status() == 202, "{fault:?} at call {call}: {again:?}");
            assert_closed(&stack, &alice);
            call += 1;
        }
        assert!(call > 8, "reads, exchange, mark, identity, pointer, sessions: {call}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_any_call_is_no_refusal() {
    for operation in ["DynamoDB.UpdateItem", "DynamoDB.DeleteItem", "DynamoDB.BatchWriteItem"] {
        for fault in [Fault::AppliedThenServerError, Fault::AppliedThenReset] {
            let (stack, app) = start().await;
            let alice = stack.registered("alice").await;
            stack.another_session_of(&alice).await;
            put_pointer(&stack, &alice).await;
            stack.wire().fail_nth(operation, 1, fault);

            send(&app, removal(&alice, 1)).await.assert_status(202);

            assert_closed(&stack, &alice);
        }
    }
}
