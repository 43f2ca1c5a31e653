//! The same upload id again: one photo, one place, and what became of it.

use futures_util::future::join_all;
use testkit::Fault;

use super::*;

#[tokio::test]
async fn the_same_upload_id_gives_another_form_for_the_same_photo() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    let first = house.send(ask(&alice, &task, &photo_as("one"))).await;
    let later = in_minutes(3);
    let again = house.send_at(ask(&alice, &task, &photo_as("one")), later).await;
    let by_header = house.send(ask(&alice, &task, &photo()).header("idempotency-key", "one")).await;

    let of = |answer: &Answer| (name_of(answer), answer.json()["fields"]["key"].clone());
    assert_eq!(of(&first), of(again.assert_status(201)));
    assert_eq!(of(&first), of(by_header.assert_status(201)));
    let end = jiff::Timestamp::from_second((later + SignedDuration::from_mins(10)).as_second()).unwrap();
    assert_eq!(again.json()["expires_at"], end.to_string());
    assert_eq!((house.stack.listed(&task).len(), house.stack.image_rows().len()), (1, 1));
}

#[tokio::test]
async fn a_ticket_asked_for_again_keeps_its_slot_from_then_on() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    house.send(ask(&alice, &task, &photo_as("one"))).await.assert_status(201);
    house.send_at(ask(&alice, &task, &photo_as("one")), in_minutes(9)).await.assert_status(201);

    let other = async |minutes| house.send_at(ask(&alice, &task, &photo()), in_minutes(minutes)).await;
    other(18).await.assert_refused(409, "task_full");
    other(20).await.assert_status(201);
}

#[tokio::test]
async fn a_ticket_that_lost_its_place_takes_another_when_it_is_asked_for_again() {
    let house = House::with(&[("MAX_TASK_IMAGES", "2")]).await;
    let (alice, task) = house.somebody().await;
    let lost = house.send(ask(&alice, &task, &photo_as("slow"))).await;
    house.stack.set_list(&task, &[]);

    let again = house.send(ask(&alice, &task, &photo_as("slow"))).await;

    house.assert_ticket(&task, &again);
    assert_eq!(name_of(&lost), name_of(&again));
}

#[tokio::test]
async fn once_the_photo_is_ready_or_rejected_the_answer_is_the_image_and_no_form() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo_as("one"))).await;
    let name = name_of(&answer);
    let (stem, _) = name.split_once('.').unwrap();

    house.stack.change_image_row(&name, |row| {
        row["state"]["S"] = "rejected".into();
        row["reason"] = json!({"S": "image_invalid"});
    });
    let rejected = house.send(ask(&alice, &task, &photo_as("one"))).await;
    let image = &rejected.assert_status(200).json()["image"];
    assert_eq!(
        (&image["name"], &image["state"], &image["reason"]),
        (&json!(name), &json!("rejected"), &json!("image_invalid"))
    );
    assert!(image["url"].as_str().unwrap().contains("/defaults/"));

    house.stack.change_image_row(&name, |row| {
        row["state"]["S"] = "ready".into();
        row["object_key"]["S"] = format!("images/{stem}/attempt/original.jpg").into();
        row.as_object_mut().unwrap().remove("reason");
    });
    let ready = house.send(ask(&alice, &task, &photo_as("one"))).await;
    let body = ready.assert_status(200).json();
    let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["image", "name"]);
    assert_eq!((&body["name"], &body["image"]["name"]), (&json!(name), &json!(name)));
    assert_eq!((&body["image"]["state"], body["image"].get("reason")), (&json!("ready"), None));
    assert!(body["image"]["url"].as_str().unwrap().contains("/original.jpg?"));
}

#[tokio::test]
async fn a_ticket_whose_row_has_a_state_of_a_newer_version_is_busy_and_changes_nothing() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let first = house.send(ask(&alice, &task, &photo_as("one"))).await;
    house.assert_ticket(&task, &first);
    house.stack.change_image_row(&name_of(&first), |row| row["state"]["S"] = "reviewing".into());
    let before = (house.stack.image_rows(), house.stack.listed(&task));

    house.send(ask(&alice, &task, &photo_as("one"))).await.assert_refused(503, "busy");

    assert_eq!((house.stack.image_rows(), house.stack.listed(&task)), before);
}

#[tokio::test]
async fn with_cloudfront_the_image_of_a_ticket_is_busy_without_the_signing_key() {
    let house = House::with(&[("IMAGE_DELIVERY", "cloudfront"), ("IMAGE_BASE_URL", "https://img.example.com")]).await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo_as("one"))).await;
    house.assert_ticket(&task, &answer);
    house.stack.change_image_row(&name_of(&answer), |row| row["state"]["S"] = "rejected".into());
    house.stack.wire().fail_every("SecretsManager.GetSecretValue", Fault::ServerError);
    house.send(ask(&alice, &task, &photo_as("one"))).await.assert_refused(503, "busy");

    house.stack.wire().heal();
    let answer = house.send(ask(&alice, &task, &photo_as("one"))).await;
    let url = answer.assert_status(200).json()["image"]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://img.example.com/defaults/") && url.contains("&Signature="), "{url}");
}

#[tokio::test]
async fn a_deleted_upload_id_does_not_come_back_whatever_is_announced() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo_as("gone"))).await;
    house.stack.change_image_row(&name_of(&answer), |row| row["state"]["S"] = "removed".into());

    house.send(ask(&alice, &task, &photo_as("gone"))).await.assert_refused(404, "not_found");
    let other = json!({"content_type": "image/jpeg", "bytes": 1, "upload_id": "gone"});
    house.send(ask(&alice, &task, &other)).await.assert_refused(404, "not_found");
}

#[tokio::test]
async fn an_upload_id_is_bound_to_its_user_its_task_and_what_was_announced() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let other_task = house.stack.task_of(&alice).await;
    let (bob, bobs_task) = house.somebody().await;

    let mut names = Vec::new();
    for (user, task) in [(&alice, &task), (&alice, &other_task), (&bob, &bobs_task)] {
        names.push(name_of(&house.send(ask(user, task, &photo_as("same"))).await));
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3);

    for (content_type, bytes) in [("image/jpeg", PHOTO.len() + 1), ("image/png", PHOTO.len())] {
        let other = json!({"content_type": content_type, "bytes": bytes, "upload_id": "same"});
        house.send(ask(&alice, &task, &other)).await.assert_refused(409, "upload_id_reused");
    }
    assert_eq!(house.stack.listed(&task).len(), 1);
}

#[tokio::test]
async fn an_upload_id_of_an_upload_through_the_api_is_not_one_of_a_ticket() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(ask(&alice, &task, &photo_as("api"))).await;
    // As `task-image-upload` writes it: the hash of the bytes.
    house.stack.change_image_row(&name_of(&answer), |row| {
        row["content_hash"]["S"] = "R5nBOdZSZFJVkVaYJmQ2aJNDRzWOCyyw60MgFPHEPRY".into();
    });

    house.send(ask(&alice, &task, &photo_as("api"))).await.assert_refused(409, "upload_id_reused");
}

#[tokio::test]
async fn a_ticket_of_the_seed_set_is_given_again() {
    let house = House::new().await;
    let [one, two] = [
        house.send(event!("upload-ticket/with-upload-id")).await,
        house.send(event!("upload-ticket/with-upload-id")).await,
    ];
    house.assert_ticket("seed-task", &one);
    assert_eq!((name_of(&one), house.stack.listed("seed-task").len()), (name_of(&two), 2));
}

#[tokio::test]
async fn without_an_upload_id_every_ticket_is_another_photo() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let [one, two] = [house.send(ask(&alice, &task, &photo())).await, house.send(ask(&alice, &task, &photo())).await];
    assert_ne!(name_of(&one), name_of(&two));
    assert_eq!(house.stack.listed(&task).len(), 2);
}

#[tokio::test]
async fn racing_calls_with_one_upload_id_get_forms_for_one_photo() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    let answers = join_all((0..12).map(|_| house.send(ask(&alice, &task, &photo_as("race"))))).await;

    answers.iter().for_each(|answer| house.assert_ticket(&task, answer));
    assert!(answers.iter().all(|answer| answer.json()["fields"]["key"] == answers[0].json()["fields"]["key"]));
    assert_eq!((house.stack.listed(&task).len(), house.stack.image_rows().len()), (1, 1));
}
