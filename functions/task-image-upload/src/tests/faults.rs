//! AWS fails. One failed call behind an operation is absorbed, for good is 503, and neither loses, doubles or falsely
//! acknowledges an image.

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

/// Every remote call of an upload: the n-th call of an operation.
const CALLS: [(&str, usize); 6] = [
    ("DynamoDB.GetItem", 1),
    ("DynamoDB.GetItem", 2),
    ("DynamoDB.PutItem", 1),
    ("DynamoDB.UpdateItem", 1),
    ("S3.PutObject", 1),
    ("DynamoDB.UpdateItem", 2),
];

#[tokio::test]
async fn one_failed_call_is_absorbed_whether_it_was_applied_or_not() {
    let mut cases = Vec::new();
    for (operation, nth) in CALLS {
        cases.extend(APPLIED_OR_NOT.map(|fault| (operation, nth, fault)));
    }
    let check = async |(operation, nth, fault): (&str, usize, Fault)| {
        let house = House::new().await;
        let (alice, task) = house.somebody().await;
        house.stack.wire().fail_nth(operation, nth, fault);

        let answer = house.send(upload(&alice, &task, photo())).await;

        assert_eq!(answer.status(), 201, "{operation} {nth} {fault:?}: {}", answer.text());
        house.assert_shown(&task, &answer);
        let left = (house.stack.listed(&task).len(), house.stack.stored().len(), house.stack.image_rows().len());
        assert_eq!(left, (1, 1, 1), "{operation} {nth} {fault:?}");
    };
    side_by_side(cases, check).await;
}

#[tokio::test]
async fn a_call_that_always_fails_is_busy_and_never_a_false_answer() {
    let mut cases = Vec::new();
    for operation in ["DynamoDB.GetItem", "DynamoDB.PutItem", "DynamoDB.UpdateItem", "S3.PutObject"] {
        cases.extend(APPLIED_OR_NOT.map(|fault| (operation, fault)));
        cases.extend([Fault::TimedOut, Fault::AccessDenied].map(|fault| (operation, fault)));
    }
    let check = async |(operation, fault): (&str, Fault)| {
        let house = House::new().await;
        let (alice, task) = house.somebody().await;
        house.stack.wire().fail_every(operation, fault);

        let answer = house.send(upload(&alice, &task, photo_as("again"))).await;

        // The claim's own mark and the ready row are read back: an answer that was only lost need not be an outage.
        if answer.status() == 201 {
            assert!(matches!(
                fault,
                Fault::AppliedThenServerError | Fault::AppliedThenReset | Fault::AppliedThenTimedOut
            ));
        } else {
            answer.assert_refused(503, "busy");
            assert!(house.stack.image_rows().iter().all(|row| row["state"]["S"] == "pending"), "{operation} {fault:?}");
        }

        house.stack.wire().heal();
        let answer = house.send(upload(&alice, &task, photo_as("again"))).await;
        house.assert_shown(&task, answer.assert_status(201));
        assert_eq!((house.stack.listed(&task).len(), house.stack.stored().len()), (1, 1), "{operation} {fault:?}");
    };
    side_by_side(cases, check).await;
}

#[tokio::test]
async fn a_ready_write_in_doubt_is_read_back_and_its_object_is_never_deleted() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    // Every try of the ready write is applied, and every answer is lost.
    for nth in 2..=4 {
        house.stack.wire().fail_nth("DynamoDB.UpdateItem", nth, Fault::AppliedThenReset);
    }
    let answer = house.send(upload(&alice, &task, photo())).await;
    house.assert_shown(&task, answer.assert_status(201));
    assert!(!house.stack.wire().operations().contains(&"S3.DeleteObject".to_owned()));
}

#[tokio::test]
async fn a_ready_write_that_never_arrives_leaves_everything_for_a_retry() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for nth in 2..=4 {
        house.stack.wire().fail_nth("DynamoDB.UpdateItem", nth, Fault::Refused);
    }
    house.send(upload(&alice, &task, photo_as("x"))).await.assert_refused(503, "busy");
    assert_eq!(house.stack.stored().len(), 1, "the object of a pending row stays");

    house.stack.wire().heal();
    let answer = house.send(upload(&alice, &task, photo_as("x"))).await;
    house.assert_shown(&task, answer.assert_status(201));
}

#[tokio::test]
async fn retries_are_bounded() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for operation in ["DynamoDB.PutItem", "S3.PutObject", "DynamoDB.UpdateItem"] {
        house.stack.wire().fail_every(operation, Fault::ServerError);
        house.stack.wire().forget();
        house.send(upload(&alice, &task, photo())).await.assert_refused(503, "busy");
        let tries = house.stack.wire().operations().iter().filter(|called| *called == operation).count();
        assert_eq!(tries, 3, "{operation}");
        house.stack.wire().heal();
    }
}

/// Some at a time: most of a case is waiting for the pauses between attempts.
async fn side_by_side<T, F: Future<Output = ()>>(cases: Vec<T>, check: impl FnMut(T) -> F) {
    futures_util::stream::iter(cases).for_each_concurrent(6, check).await;
}

#[tokio::test]
async fn a_photo_whose_url_could_not_be_signed_is_not_taken() {
    let house = House::with(&[("IMAGE_DELIVERY", "cloudfront"), ("IMAGE_BASE_URL", "https://img.example.com")]).await;
    let (alice, task) = house.somebody().await;
    house.stack.wire().fail_every("SecretsManager.GetSecretValue", Fault::AccessDenied);

    house.send(upload(&alice, &task, photo())).await.assert_refused(503, "busy");

    let left = (house.stack.listed(&task).len(), house.stack.stored().len(), house.stack.image_rows().len());
    assert_eq!(left, (0, 0, 0));
    house.stack.wire().heal();
    assert_eq!(house.send(upload(&alice, &task, photo())).await.status(), 201);
}
