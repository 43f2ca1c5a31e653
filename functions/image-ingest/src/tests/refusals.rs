//! Pictures that were sent with a ticket's form, and are none that is taken.

use super::*;

#[tokio::test]
async fn refused_pictures_say_why_and_leave_nothing() {
    let heic = include_bytes!("../../../../events/photos/coffee.heic");
    let png = include_bytes!("../../../../events/photos/avatar.png");
    let bomb = include_bytes!("../../../../shared/imaging/corpus/bomb_65500x65500.jpg");
    for (bytes, reason) in [
        (TEXT, "image_unsupported"),
        (heic, "image_unsupported"),
        (png, "image_unsupported"),
        (&PHOTO[..PHOTO.len() * 6 / 10], "image_incomplete"),
        (bomb, "image_invalid"),
    ] {
        let house = House::with_ticket(&[]).await;
        let sent = house.sent(bytes).await;

        for _repeated in 0..2 {
            house.take(sent.clone()).await.unwrap();
            house.assert_rejected(reason);
        }
        assert_eq!(house.stack.listed(&house.task), [house.name()], "its owner sees it");
    }
}

#[tokio::test]
async fn a_refusal_that_is_delivered_several_times_at_once_is_counted_once() {
    let house = House::with_ticket(&[]).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    let sent = house.sent(TEXT).await;

    let outcomes = tokio::join!(house.take(sent.clone()), house.take(sent.clone()), house.take(sent));

    assert!(matches!(outcomes, (Ok(()), Ok(()), Ok(()))), "{outcomes:?}");
    house.assert_rejected("image_unsupported");
    assert_eq!(log.metrics().matches("Refusals").count(), 1, "{}", log.metrics());
}

#[tokio::test]
async fn what_is_larger_than_any_ticket_allows_is_not_even_read() {
    let house = House::with_ticket(&[("MAX_DIRECT_BYTES", "10000")]).await;
    house.take(house.sent(PHOTO).await).await.unwrap();
    house.assert_rejected("image_too_large");
}

#[tokio::test]
async fn a_task_without_room_takes_no_picture_whose_place_was_given_away() {
    let house = House::with_ticket(&[("MAX_TASK_IMAGES", "1")]).await;
    house.stack.set_list(&house.task, &["5eed0000000040008000000000000001.jpg".to_owned()]);

    house.take(house.sent(PHOTO).await).await.unwrap();

    house.assert_rejected("task_full");
    assert_eq!(house.stack.listed(&house.task), ["5eed0000000040008000000000000001.jpg"]);
}

#[tokio::test]
async fn a_picture_never_gets_into_the_task_of_somebody_else() {
    for target in ["task#seed-task", "task#no-such-task"] {
        let house = House::with_ticket(&[]).await;
        house.stack.change_image_row(STEM, |row| row["target"] = json!({"S": target}));

        house.take(house.sent(PHOTO).await).await.unwrap();

        house.assert_rejected("task_not_found");
        assert_eq!(house.stack.listed("seed-task"), ["5eed0000000040008000000000000001.jpg"], "{target}");
    }
}

#[tokio::test]
async fn a_refusal_is_a_line_of_the_log_and_a_count_but_no_fault() {
    let house = House::with_ticket(&[]).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    house.take(house.sent(TEXT).await).await.unwrap();

    let [line] = &ours(&log)[..] else { panic!("{}", log.text()) };
    assert_eq!(
        (&line["message"], &line["level"], &line["outcome"]),
        (&json!("ingest"), &json!("INFO"), &json!("rejected"))
    );
    assert_eq!(line["error.code"], "image_unsupported");
    insta::assert_snapshot!(log.metrics(), @"RequestDuration=[ms] Refusals{image_unsupported}=1");
}
