//! A task whose places are held by tickets: one that nothing will come of frees its slot, and no other does.

use jiff::SignedDuration;
use testkit::{Capture, Fault};

use super::*;

/// A task whose first place a ticket holds; mostly it has no other.
struct Held {
    house: House,
    alice: User,
    task: String,
    ticket: String,
    incoming: String,
}

impl Held {
    async fn new() -> Self {
        Self::of_a_task_with_room_for("1").await
    }

    async fn of_a_task_with_room_for(most: &str) -> Self {
        let house = House::with(&[("MAX_TASK_IMAGES", most)]).await;
        let (alice, task) = house.somebody().await;
        house.stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::KilledBefore);
        house.stack.killed(house.send(upload(&alice, &task, photo()))).await;
        let [ticket] = &house.stack.listed(&task)[..] else { panic!("one name") };
        let ticket = ticket.clone();
        let (stem, _) = ticket.split_once('.').unwrap();
        let mut incoming = String::new();
        house.stack.change_image_row(&ticket, |row| {
            incoming = format!("incoming/{stem}/{}", row["attempt"]["S"].as_str().unwrap());
            row["object_key"]["S"] = incoming.as_str().into();
        });
        Self { house, alice, task, ticket, incoming }
    }

    async fn upload_after(&self, minutes: i64) -> Answer {
        let later = clock::now() + SignedDuration::from_mins(minutes);
        self.house.send_at(upload(&self.alice, &self.task, photo()), later).await
    }

    #[track_caller]
    fn assert_slot_kept(&self, answer: &Answer) {
        answer.assert_refused(409, "task_full");
        assert_eq!(self.house.stack.listed(&self.task), std::slice::from_ref(&self.ticket));
    }

    #[track_caller]
    fn assert_slot_freed(&self, answer: &Answer) {
        self.house.assert_shown(&self.task, answer.assert_status(201));
        assert_eq!(self.house.stack.listed(&self.task).len(), 1);
    }
}

#[tokio::test]
async fn a_ticket_keeps_its_slot_while_its_form_is_good_and_not_longer() {
    let held = Held::new().await;
    held.assert_slot_kept(&held.upload_after(9).await);
    held.assert_slot_freed(&held.upload_after(11).await);
}

#[tokio::test]
async fn a_ticket_whose_photo_has_come_keeps_its_slot() {
    let held = Held::new().await;
    held.house.stack.put_object(&held.incoming, "photos/coffee.jpg").await;
    held.assert_slot_kept(&held.upload_after(24 * 60).await);
}

#[tokio::test]
async fn what_came_of_another_attempt_keeps_no_slot() {
    let held = Held::new().await;
    let (of_the_stem, _) = held.incoming.rsplit_once('/').unwrap();
    held.house.stack.put_object(&format!("{of_the_stem}/{}", "0".repeat(32)), "photos/coffee.jpg").await;
    held.assert_slot_freed(&held.upload_after(11).await);
}

#[tokio::test]
async fn a_slot_is_not_freed_while_s3_fails_or_refuses_to_list_what_came() {
    for (fault, status, error) in [
        (Fault::AccessDenied, 409, "task_full"),
        (Fault::Throttled, 503, "busy"),
        (Fault::ServerError, 503, "busy"),
        (Fault::Refused, 503, "busy"),
        (Fault::Page, 503, "busy"),
        (Fault::TimedOut, 503, "busy"),
    ] {
        let capture = Capture::start(|lines| platform::telemetry::subscriber(move || lines.clone()));
        let held = Held::new().await;
        held.house.stack.wire().fail_every("S3.ListObjectsV2", fault);

        held.upload_after(11).await.assert_refused(status, error);

        assert_eq!(held.house.stack.listed(&held.task), std::slice::from_ref(&held.ticket), "{fault:?}");
        assert!(capture.metrics().contains("AwsFailures=1"), "{fault:?}: {}", capture.metrics());
        held.house.stack.wire().heal();
        held.assert_slot_freed(&held.upload_after(11).await);
    }
}

#[tokio::test]
async fn a_look_that_fails_refuses_nobody_for_whom_another_look_finds_room() {
    let held = Held::of_a_task_with_room_for("2").await;
    let mut other = held.house.stack.image_row(&held.ticket).unwrap();
    let stem = "0".repeat(32);
    other["object_key"]["S"] = format!("incoming/{stem}/{stem}").into();
    other["stem"]["S"] = stem.as_str().into();
    held.house.stack.put_row("ImagesTable", other).await;
    held.house.stack.set_list(&held.task, &[format!("{stem}.jpg"), held.ticket.clone()]);
    // All three tries of one look, and two of the other.
    for nth in 1..=5 {
        held.house.stack.wire().fail_nth("S3.ListObjectsV2", nth, Fault::Refused);
    }

    let answer = held.upload_after(11).await;

    held.house.assert_shown(&held.task, answer.assert_status(201));
    assert_eq!(held.house.stack.listed(&held.task).len(), 2);
}

#[tokio::test]
async fn a_photo_that_was_rejected_keeps_its_slot_until_it_is_removed_or_its_row_goes() {
    let held = Held::new().await;
    held.house.stack.change_image_row(&held.ticket, |row| row["state"]["S"] = "rejected".into());
    held.assert_slot_kept(&held.upload_after(6 * 24 * 60).await);

    held.house.stack.change_image_row(&held.ticket, |row| row["state"]["S"] = "removed".into());
    held.assert_slot_freed(&held.upload_after(1).await);

    let held = Held::new().await;
    held.house.stack.change_image_row(&held.ticket, |row| row["state"]["S"] = "rejected".into());
    held.house.stack.remove_image_row(held.ticket.split('.').next().unwrap());
    held.assert_slot_freed(&held.upload_after(1).await);
}

#[tokio::test]
async fn a_ticket_that_changes_while_s3_is_asked_keeps_its_slot() {
    let later = (clock::now() + SignedDuration::from_mins(11)).as_second().to_string();
    for (attribute, kind, value) in [("state", "S", "ready"), ("touched_at", "N", &later)] {
        let held = Held::new().await;
        // The first look is not answered; while it is tried again, the photo comes, becomes an image, and leaves `incoming/`.
        held.house.stack.wire().fail_nth("S3.ListObjectsV2", 1, Fault::Held);
        let meanwhile = async {
            held.house.stack.wire().held().await;
            held.house.stack.change_image_row(&held.ticket, |row| row[attribute][kind] = value.into());
            held.house.stack.wire().release();
        };
        let (answer, ()) = tokio::join!(held.upload_after(11), meanwhile);
        held.assert_slot_kept(&answer);
    }
}

#[tokio::test]
async fn tickets_fill_a_task_and_all_that_were_given_up_are_dropped_at_once() {
    let held = Held::new().await;
    let mut names = held.house.stack.listed(&held.task);
    let row = held.house.stack.image_row(&held.ticket).unwrap();
    for n in 1..100 {
        let stem = format!("{n:032x}");
        let mut row = row.clone();
        row["object_key"]["S"] = format!("incoming/{stem}/{}", row["attempt"]["S"].as_str().unwrap()).into();
        row["stem"]["S"] = stem.as_str().into();
        held.house.stack.put_row("ImagesTable", row).await;
        names.push(format!("{stem}.jpg"));
    }
    held.house.stack.set_list(&held.task, &names);

    held.upload_after(9).await.assert_refused(409, "task_full");
    assert_eq!(held.house.stack.listed(&held.task), names);

    held.assert_slot_freed(&held.upload_after(11).await);
}
