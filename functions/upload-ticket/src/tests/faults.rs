//! AWS fails, or the function is killed. A ticket is then given by a retry, once, and nothing of it is shown.

use futures_util::StreamExt;
use testkit::Fault;

use super::*;

const APPLIED_OR_NOT: [Fault; 6] = [
    Fault::Refused,
    Fault::Throttled,
    Fault::ServerError,
    Fault::AppliedThenServerError,
    Fault::AppliedThenReset,
    Fault::AppliedThenTimedOut,
];

/// Every remote call of a ticket: two reads, claim, append.
const CALLS: usize = 4;

#[tokio::test]
async fn killed_at_any_step_a_retry_gives_the_ticket() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for step in 1..=CALLS {
            let house = House::new().await;
            let (alice, task) = house.somebody().await;
            house.stack.wire().fail_call(step, fault);
            house.stack.killed(house.send(ask(&alice, &task, &photo_as("retry")))).await;
            assert!(house.stack.image_rows().iter().all(|row| row["state"]["S"] == "pending"));

            let answer = house.send(ask(&alice, &task, &photo_as("retry"))).await;

            house.assert_ticket(&task, &answer);
            assert_eq!(house.stack.image_rows().len(), 1, "{fault:?} at {step}");
            assert_eq!(post(&answer, PHOTO).await.status, 201);
        }
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed_whether_it_was_applied_or_not() {
    let cases = (1..=CALLS).flat_map(|step| APPLIED_OR_NOT.map(|fault| (step, fault)));
    let check = async |(step, fault)| {
        let house = House::new().await;
        let (alice, task) = house.somebody().await;
        house.stack.wire().fail_call(step, fault);

        let answer = house.send(ask(&alice, &task, &photo())).await;

        house.assert_ticket(&task, &answer);
        assert_eq!((house.stack.listed(&task).len(), house.stack.image_rows().len()), (1, 1), "{fault:?} at {step}");
    };
    futures_util::stream::iter(cases).for_each_concurrent(6, check).await;
}

#[tokio::test]
async fn a_call_that_always_fails_is_busy_and_never_a_false_answer() {
    let mut cases = Vec::new();
    for operation in ["DynamoDB.GetItem", "DynamoDB.PutItem", "DynamoDB.UpdateItem"] {
        cases.extend(APPLIED_OR_NOT.map(|fault| (operation, fault)));
        cases.extend([Fault::TimedOut, Fault::AccessDenied].map(|fault| (operation, fault)));
    }
    let check = async |(operation, fault): (&str, Fault)| {
        let house = House::new().await;
        let (alice, task) = house.somebody().await;
        house.stack.wire().fail_every(operation, fault);

        house.send(ask(&alice, &task, &photo_as("again"))).await.assert_refused(503, "busy");

        house.stack.wire().heal();
        let answer = house.send(ask(&alice, &task, &photo_as("again"))).await;
        house.assert_ticket(&task, &answer);
        assert_eq!(house.stack.image_rows().len(), 1, "{operation} {fault:?}");
    };
    futures_util::stream::iter(cases).for_each_concurrent(6, check).await;
}

#[tokio::test]
async fn while_s3_fails_tickets_are_issued_and_a_task_full_of_tickets_is_busy() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    house.stack.wire().fail_every("S3.ListObjectsV2", Fault::Throttled);

    let first = house.send(ask(&alice, &task, &photo())).await;
    house.assert_ticket(&task, &first);
    house.send_at(ask(&alice, &task, &photo()), in_minutes(9)).await.assert_refused(409, "task_full");
    house.send_at(ask(&alice, &task, &photo_as("next")), in_minutes(11)).await.assert_refused(503, "busy");
    assert_eq!(house.stack.listed(&task), [name_of(&first)], "it may have been sent");

    house.stack.wire().heal();
    let next = house.send_at(ask(&alice, &task, &photo_as("next")), in_minutes(11)).await;
    house.assert_ticket(&task, &next);
}
