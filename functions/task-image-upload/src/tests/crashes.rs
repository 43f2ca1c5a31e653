//! The function is killed between any two steps of an upload. What it leaves is invisible; a retry with the same upload
//! id completes it, and without one the TTL ends it.

use testkit::Fault;

use super::*;

/// The calls of a first upload: two reads, claim, object and append side by side, ready.
const CALLS: usize = 6;

#[tokio::test]
async fn killed_at_any_step_nothing_is_shown_and_a_retry_completes_it() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for step in 1..=CALLS {
            let house = House::new().await;
            let (alice, task) = house.somebody().await;
            house.stack.wire().fail_call(step, fault);
            house.stack.killed(house.send(upload(&alice, &task, photo_as("retry")))).await;

            let was_ready = step == CALLS && fault == Fault::KilledAfter;
            for row in house.stack.image_rows() {
                assert_eq!(row["state"]["S"] == "ready", was_ready, "{fault:?} at step {step}");
                assert!(was_ready || row["expires_at"]["N"].is_string(), "the TTL ends what nobody completes");
            }

            let answer = house.send(upload(&alice, &task, photo_as("retry"))).await;
            house.assert_shown(&task, answer.assert_status(201));
            assert_eq!((house.stack.listed(&task).len(), house.stack.stored().len()), (1, 1), "{fault:?} at {step}");
        }
    }
}

#[tokio::test]
async fn what_a_killed_upload_leaves_goes_with_the_ttl_and_frees_its_slot() {
    for step in 3..=CALLS {
        let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
        let (alice, task) = house.somebody().await;
        house.stack.wire().fail_call(step, Fault::KilledBefore);
        house.stack.killed(house.send(upload(&alice, &task, photo_as("lost")))).await;
        for row in house.stack.image_rows() {
            house.stack.remove_image_row(row["stem"]["S"].as_str().unwrap());
        }

        let answer = house.send(upload(&alice, &task, Multipart::new().image(OTHER_PHOTO))).await;

        house.assert_shown(&task, answer.assert_status(201));
        assert_eq!(house.stack.listed(&task).len(), 1, "step {step}");
    }
}

#[tokio::test]
async fn an_upload_abandoned_for_15_minutes_frees_its_slot_and_can_be_completed_later() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::KilledBefore);
    house.stack.killed(house.send(upload(&alice, &task, photo_as("slow")))).await;
    assert_eq!(house.stack.listed(&task).len(), 1);

    let other = || upload(&alice, &task, Multipart::new().image(OTHER_PHOTO));
    house.send(other()).await.assert_refused(409, "task_full");

    let later = clock::now() + jiff::SignedDuration::from_mins(16);
    let answer = house.send_at(other(), later).await;
    house.assert_shown(&task, answer.assert_status(201));
    house.send_at(upload(&alice, &task, photo_as("slow")), later).await.assert_refused(409, "task_full");
    assert_eq!(house.stack.listed(&task).len(), 1);
}

#[tokio::test]
async fn a_row_whose_ttl_has_passed_is_adopted_and_lives_on() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    house.stack.wire().fail_nth("S3.PutObject", 1, Fault::KilledBefore);
    house.stack.killed(house.send(upload(&alice, &task, photo_as("old")))).await;
    let name = house.stack.image_rows()[0]["stem"]["S"].as_str().unwrap().to_owned();
    let attempt = house.stack.image_row(&name).unwrap()["attempt"].clone();
    house.stack.change_image_row(&name, |row| row["expires_at"]["N"] = "1".into());

    let answer = house.send(upload(&alice, &task, photo_as("old"))).await;

    house.assert_shown(&task, answer.assert_status(201));
    assert_eq!(house.stack.image_row(&name).unwrap()["attempt"], attempt);
}

#[tokio::test]
async fn a_retry_after_the_ttl_is_a_new_attempt_under_the_same_name() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::KilledBefore);
    house.stack.killed(house.send(upload(&alice, &task, photo_as("old")))).await;
    let row = house.stack.image_rows().remove(0);
    house.stack.remove_image_row(row["stem"]["S"].as_str().unwrap());

    let answer = house.send(upload(&alice, &task, photo_as("old"))).await;

    house.assert_shown(&task, answer.assert_status(201));
    let again = house.stack.image_rows().remove(0);
    assert_eq!(again["stem"], row["stem"]);
    assert_ne!(again["attempt"], row["attempt"]);
}

#[tokio::test]
async fn a_row_that_went_before_it_was_ready_takes_its_object_with_it() {
    for gone in [true, false] {
        let house = House::new().await;
        let (alice, task) = house.somebody().await;
        // The second update is the ready one: by then the row is gone, or was removed.
        let meanwhile = async {
            house.stack.wire().held().await;
            testkit::eventually("the object is put", async || house.stack.stored().pop()).await;
            let rows = house.stack.image_rows();
            let stem = rows[0]["stem"]["S"].as_str().unwrap();
            if gone {
                house.stack.remove_image_row(stem);
            } else {
                house.stack.change_image_row(stem, |row| row["state"]["S"] = "removed".into());
            }
            house.stack.wire().release();
        };
        // The append is held, so that the object is there before the row becomes ready.
        house.stack.wire().fail_nth("DynamoDB.UpdateItem", 1, Fault::Held);
        let (answer, ()) = tokio::join!(house.send(upload(&alice, &task, photo())), meanwhile);

        answer.assert_refused(503, "busy");
        assert!(house.stack.stored().is_empty(), "nothing names the object any more");
    }
}
