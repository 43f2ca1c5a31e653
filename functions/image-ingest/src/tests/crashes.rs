//! The function is stopped between any two steps, or AWS fails. The event comes again, and then all is as it should be.

use super::*;

/// The calls for a photo of which one variant is made: row, object, thumb, original, list, touch, ready, deletion.
const CALLS: usize = 8;
/// The same where its task is full: row, object, thumb, original, list, rows, look, rows, prune, list, ready, deletion.
const CALLS_OF_A_FULL_TASK: usize = 12;

async fn house_of(calls: usize) -> House {
    if calls == CALLS { House::with_ticket(&[]).await } else { House::with_full_task().await }
}

/// Every call of both.
fn steps() -> impl Iterator<Item = (usize, usize)> {
    [CALLS, CALLS_OF_A_FULL_TASK].into_iter().flat_map(|calls| (1..=calls).map(move |step| (calls, step)))
}

#[tokio::test]
async fn killed_at_any_step_the_event_completes_it_when_it_comes_again() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for (calls, step) in steps() {
            let house = house_of(calls).await;
            let sent = house.sent(LARGE_PHOTO).await;
            house.stack.wire().fail_call(step, fault);
            house.stack.killed(house.take(sent.clone())).await;
            assert_eq!(house.stack.wire().operations().len(), step);
            assert!(house.state() == "ready" || house.is_sent_still(), "{fault:?} at {step} of {calls}");

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
        for (calls, step) in steps() {
            let house = house_of(calls).await;
            let sent = house.sent(LARGE_PHOTO).await;
            house.stack.wire().fail_call(step, fault);

            house.take(sent.clone()).await.unwrap_or_else(|error| panic!("{fault:?} at {step} of {calls}: {error:?}"));

            house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
            assert!(
                house.stack.wire().operations().len() > calls,
                "{fault:?} at {step} was met, and all calls are known"
            );
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_none_of_s3s_rejects_no_photo() {
    for fault in [Fault::CutBody, Fault::NoLength, Fault::Page] {
        let house = House::with_ticket(&[]).await;
        let sent = house.sent(LARGE_PHOTO).await;
        house.stack.wire().fail_every("S3.GetObject", fault);

        assert_eq!(house.take(sent.clone()).await.unwrap_err().code(), web::ErrorCode::Busy, "{fault:?}");
        assert_eq!((house.state().as_str(), house.is_sent_still()), ("pending", true), "{fault:?}");

        house.stack.wire().heal();
        house.stack.wire().fail_nth("S3.GetObject", 1, fault);
        house.take(sent.clone()).await.unwrap();
        house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
    }
}

#[tokio::test]
async fn while_nobody_can_tell_whether_a_full_task_has_room_a_photo_is_not_refused() {
    for (operation, fault) in [
        ("S3.ListObjectsV2", Fault::Throttled),
        ("S3.ListObjectsV2", Fault::ServerError),
        ("S3.ListObjectsV2", Fault::Refused),
        ("DynamoDB.BatchGetItem", Fault::AccessDenied),
        ("DynamoDB.BatchGetItem", Fault::Unprocessed),
    ] {
        let house = House::with_full_task().await;
        let sent = house.sent(LARGE_PHOTO).await;
        house.stack.wire().fail_every(operation, fault);

        assert_eq!(house.take(sent.clone()).await.unwrap_err().code(), web::ErrorCode::Busy, "{operation} {fault:?}");
        assert_eq!((house.state().as_str(), house.is_sent_still()), ("pending", true), "{operation} {fault:?}");

        house.stack.wire().heal();
        house.take(sent.clone()).await.unwrap();
        house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
    }
}

#[tokio::test]
async fn an_outage_is_tried_longer_than_anybody_would_wait_for_an_answer() {
    let house = House::with_ticket(&[]).await;
    let sent = house.sent(PHOTO).await;
    house.stack.wire().fail_every("DynamoDB.GetItem", Fault::ServerError);

    house.take(sent).await.unwrap_err();

    assert_eq!(house.stack.wire().operations(), ["DynamoDB.GetItem"; 5]);
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

#[tokio::test]
async fn an_object_that_waited_too_long_or_was_not_done_rings() {
    for (minutes, fault, attention) in [
        (14, None, Value::Null),
        (16, None, json!("ingest_behind")),
        (1, Some(Fault::ServerError), json!("ingest_failed")),
    ] {
        let house = House::with_ticket(&[]).await;
        let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
        let put_at = clock::now() - jiff::SignedDuration::from_mins(minutes);
        let sent =
            house.sent(PHOTO).await.changed(|event| event["Records"][0]["eventTime"] = json!(put_at.to_string()));
        if let Some(fault) = fault {
            house.stack.wire().fail_every("S3.GetObject", fault);
        }

        let done = house.take(sent).await;

        assert_eq!(done.is_err(), fault.is_some());
        assert_eq!(log.lines().last().map(|line| line["attention"].clone()), Some(attention));
    }
}
