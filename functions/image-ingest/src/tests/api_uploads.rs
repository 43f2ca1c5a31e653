//! Pictures that came through the API: their variants are made behind the answer.

use super::*;

const IMAGE: &str = "5eed0000000040008000000000000001";
const AVATAR: &str = "5eed0000000040008000000000000002";
const FOLDER: &str = "images/5eed0000000040008000000000000001/5eed0000000040008000000000000a01/";

fn variants(house: &House, stem: &str) -> Value {
    house.stack.image_row(stem).unwrap()["variants"].clone()
}

/// Puts a larger picture in the place of the seeded one, and gives the event of it.
async fn larger(house: &House) -> EventFile {
    house.stack.put_bytes(&format!("{FOLDER}original.jpg"), LARGE_PHOTO).await;
    event!("image-ingest/original")
}

/// The event of a picture that was put just now.
fn fresh() -> EventFile {
    event!("image-ingest/original").changed(|event| event["Records"][0]["eventTime"] = json!(clock::now().to_string()))
}

fn set_state(house: &House, state: &str) {
    house.stack.change_image_row(IMAGE, |row| row["state"] = json!({"S": state}));
}

#[tokio::test]
async fn an_image_gets_its_variants_and_its_placeholder() {
    let house = House::new().await;

    house.take(larger(&house).await).await.unwrap();

    let made = variants(&house, IMAGE)["M"].clone();
    assert_eq!(made["thumb"]["M"]["object_key"]["S"], format!("{FOLDER}thumb.jpg"));
    assert_eq!(made.get("medium"), None, "it is no larger than that itself");
    assert!(made["placeholder"]["B"].is_string());
    assert_eq!(below(&house.stack, FOLDER), ["original.jpg", "thumb.jpg"]);
}

#[tokio::test]
async fn every_object_of_an_event_is_taken_and_keys_are_decoded_once() {
    let house = House::new().await;
    house.take(event!("image-ingest/several")).await.unwrap();
    for stem in [IMAGE, AVATAR] {
        assert!(variants(&house, stem)["M"]["placeholder"]["B"].is_string(), "{stem}");
    }

    let house = House::new().await;
    house.take(event!("image-ingest/encoded-key")).await.unwrap();
    assert!(variants(&house, IMAGE)["M"].is_object());
}

#[tokio::test]
async fn an_event_that_comes_twice_is_one_read_the_second_time() {
    let house = House::new().await;
    let event = larger(&house).await;
    house.take(event.clone()).await.unwrap();
    let row = house.stack.image_row(IMAGE);
    house.stack.wire().forget();

    house.take(event).await.unwrap();

    assert_eq!(house.stack.image_row(IMAGE), row);
    assert_eq!(house.stack.wire().operations(), ["DynamoDB.GetItem"]);
}

#[tokio::test]
async fn an_upload_that_is_still_at_work_is_waited_for() {
    let house = House::new().await;
    set_state(&house, "pending");

    let ready = async {
        house.has_called("DynamoDB.GetItem", 2).await;
        set_state(&house, "ready");
    };
    let (taken, ()) = tokio::join!(house.take(fresh()), ready);

    taken.unwrap();
    assert!(variants(&house, IMAGE)["M"].is_object());
}

#[tokio::test]
async fn an_upload_that_was_cut_short_is_left_to_its_retry_which_puts_the_picture_again() {
    let house = House::new().await;
    set_state(&house, "pending");
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    house.take(event!("image-ingest/original")).await.unwrap();

    assert_eq!((variants(&house, IMAGE), &ours(&log)[0]["outcome"]), (Value::Null, &json!("nothing")));
    assert_eq!(below(&house.stack, FOLDER), ["original.jpg"]);
}

#[tokio::test]
async fn of_an_image_that_went_or_was_removed_nothing_is_left() {
    for state in [Some("removed"), None] {
        let house = House::new().await;
        house.stack.put_bytes(&format!("{FOLDER}thumb.jpg"), PHOTO).await;
        match state {
            Some(state) => set_state(&house, state),
            None => house.stack.remove_image_row(IMAGE),
        }

        house.take(event!("image-ingest/original")).await.unwrap();

        assert!(below(&house.stack, FOLDER).is_empty(), "{state:?}");
    }
}

#[tokio::test]
async fn killed_at_any_step_the_repeated_event_completes_it_or_leaves_nothing() {
    // Row, object, thumb, row.
    for step in 1..=4 {
        for is_removed in [false, true] {
            let house = House::new().await;
            let event = larger(&house).await;
            house.stack.wire().fail_call(step, Fault::KilledAfter);
            house.stack.killed(house.take(event.clone())).await;
            if is_removed {
                set_state(&house, "removed");
            }

            house.take(event).await.unwrap();

            let expected: &[&str] = if is_removed { &[] } else { &["original.jpg", "thumb.jpg"] };
            assert_eq!(below(&house.stack, FOLDER), expected, "step {step}");
            assert!(is_removed || variants(&house, IMAGE)["M"].is_object(), "step {step}");
        }
    }
}

#[tokio::test]
async fn variants_of_an_image_that_is_removed_while_they_are_made_go_again() {
    let house = House::new().await;
    let event = larger(&house).await;

    let removal = async {
        house.has_called("S3.PutObject", 1).await;
        set_state(&house, "removed");
    };
    let (taken, ()) = tokio::join!(house.take(event), removal);

    taken.unwrap();
    assert!(house.stack.wire().operations().contains(&"DynamoDB.UpdateItem".to_owned()), "it got as far as the row");
    assert!(below(&house.stack, FOLDER).is_empty());
}

#[tokio::test]
async fn a_picture_of_which_no_variants_can_be_made_stays_as_it_is_and_is_counted() {
    let house = House::new().await;
    house.stack.put_bytes(&format!("{FOLDER}original.jpg"), &undecodable()).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    house.take(event!("image-ingest/original")).await.unwrap();

    assert_eq!((variants(&house, IMAGE), &ours(&log)[0]["outcome"]), (Value::Null, &json!("no_variants")));
    insta::assert_snapshot!(log.metrics(), @"RequestDuration=[ms] VariantFailures=1");
}

#[tokio::test]
async fn while_aws_fails_the_event_comes_again() {
    for (operation, fault) in [
        ("DynamoDB.GetItem", Fault::AccessDenied),
        ("DynamoDB.UpdateItem", Fault::AccessDenied),
        ("S3.GetObject", Fault::AccessDenied),
        ("S3.GetObject", Fault::CutBody),
        ("S3.GetObject", Fault::NoLength),
        ("S3.GetObject", Fault::Page),
        ("S3.PutObject", Fault::AccessDenied),
    ] {
        let house = House::new().await;
        let event = larger(&house).await;
        house.stack.wire().fail_every(operation, fault);

        assert_eq!(house.take(event.clone()).await.unwrap_err().code(), web::ErrorCode::Busy, "{operation} {fault:?}");

        house.stack.wire().heal();
        house.take(event).await.unwrap();
        assert!(variants(&house, IMAGE)["M"].is_object(), "{operation} {fault:?}");
    }
}
