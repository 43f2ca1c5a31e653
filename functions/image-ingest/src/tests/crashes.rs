//! The function is stopped between any two steps, or AWS fails. The event comes again, and then all is as it should be.

use super::*;

/// The calls for a photo of which one variant is made: row, object, thumb, original, list, touch, ready, deletion.
const CALLS: usize = 8;

#[tokio::test]
async fn killed_at_any_step_the_event_completes_it_when_it_comes_again() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for step in 1..=CALLS {
            let house = House::with_ticket(&[]).await;
            let sent = house.sent(LARGE_PHOTO).await;
            house.stack.wire().fail_call(step, fault);
            house.stack.killed(house.take(sent.clone())).await;
            assert_eq!(house.stack.wire().operations().len(), step);
            assert!(house.state() == "ready" || house.is_sent_still(), "{fault:?} at {step}");

            house.take(sent.clone()).await.unwrap();

            house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
        }
    }
}

#[tokio::test]
async fn killed_at_any_step_nothing_is_left_of_a_picture_that_is_removed_meanwhile() {
    for step in 2..=CALLS {
        let house = House::with_ticket(&[]).await;
        let sent = house.sent(LARGE_PHOTO).await;
        house.stack.wire().fail_call(step, Fault::KilledAfter);
        house.stack.killed(house.take(sent.clone())).await;
        house.stack.change_image_row(STEM, |row| row["state"] = json!({"S": "removed"}));

        house.take(sent.clone()).await.unwrap();

        assert_eq!(house.state(), "removed");
        assert!(house.outputs().is_empty() && !house.is_sent_still(), "step {step}");
    }
}

#[tokio::test]
async fn a_refusal_that_was_cut_short_is_completed_as_well() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for step in 1..=4 {
            let house = House::with_ticket(&[]).await;
            let sent = house.sent(TEXT).await;
            house.stack.wire().fail_call(step, fault);
            house.stack.killed(house.take(sent.clone())).await;

            house.take(sent).await.unwrap();

            house.assert_rejected("image_unsupported");
        }
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed_whether_it_was_applied_or_not() {
    for fault in
        [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AppliedThenServerError, Fault::AppliedThenReset]
    {
        for step in 1..=CALLS {
            let house = House::with_ticket(&[]).await;
            let sent = house.sent(LARGE_PHOTO).await;
            house.stack.wire().fail_call(step, fault);

            house.take(sent.clone()).await.unwrap_or_else(|error| panic!("{fault:?} at {step}: {error:?}"));

            house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
        }
    }
}

#[tokio::test]
async fn a_call_that_always_fails_makes_the_event_come_again() {
    for operation in ["DynamoDB.GetItem", "DynamoDB.UpdateItem", "S3.GetObject", "S3.PutObject", "S3.DeleteObject"] {
        for fault in [Fault::AccessDenied, Fault::AppliedThenServerError] {
            let house = House::with_ticket(&[]).await;
            let sent = house.sent(LARGE_PHOTO).await;
            house.stack.wire().fail_every(operation, fault);

            let failed = house.take(sent.clone()).await;

            // An applied write that is not answered is read back where it decides; what is deleted is just deleted.
            assert_eq!(failed.unwrap_err().code(), web::ErrorCode::Busy, "{operation} {fault:?}");
            house.stack.wire().heal();
            house.take(sent.clone()).await.unwrap();
            house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
        }
    }
}
