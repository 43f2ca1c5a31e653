//! What is none of ours, or comes from here, is nothing to be done.

use super::*;

#[tokio::test]
async fn what_is_none_of_ours_costs_no_call() {
    let house = House::new().await;
    let twice_encoded = event!("image-ingest/encoded-key").changed(|event| {
        let key = event["Records"][0]["s3"]["object"]["key"].as_str().unwrap().replace('%', "%25");
        event["Records"][0]["s3"]["object"]["key"] = json!(key);
    });
    let deleted = event!("image-ingest/original")
        .changed(|event| event["Records"][0]["eventName"] = json!("ObjectRemoved:DeleteMarkerCreated"));
    for event in [
        event!("image-ingest/own-output"),
        event!("image-ingest/foreign-bucket"),
        event!("image-ingest/foreign-key"),
        event!("image-ingest/test"),
        twice_encoded,
        deleted,
    ] {
        house.take(event).await.unwrap();
    }
    assert!(house.stack.wire().operations().is_empty());
}

#[tokio::test]
async fn an_object_that_no_ticket_promised_is_deleted_and_becomes_nothing() {
    let house = House::new().await;
    house.take(house.sent(PHOTO).await).await.unwrap();
    assert!(!house.is_sent_still() && house.outputs().is_empty());
    assert_eq!(house.stack.image_row(STEM), None);
}

/// An event whose object has another `ETag`, or none.
fn with_etag(event: EventFile, etag: Option<&str>) -> EventFile {
    event.changed(|event| event["Records"][0]["s3"]["object"]["eTag"] = json!(etag.unwrap_or_default()))
}

#[tokio::test]
async fn an_incoming_object_without_an_etag_fails_and_other_objects_need_none() {
    for odd in [None, Some("a/b"), Some("..")] {
        let house = House::with_ticket(&[]).await;
        house.sent(PHOTO).await;

        let taken = house.take(with_etag(event!("image-ingest/incoming"), odd)).await;

        assert_eq!(taken.unwrap_err().code(), web::ErrorCode::Internal, "{odd:?}");
        assert_eq!((house.state().as_str(), house.is_sent_still()), ("pending", true));
        house.take(with_etag(event!("image-ingest/foreign-bucket"), odd)).await.unwrap();
        house.take(with_etag(event!("image-ingest/foreign-key"), odd)).await.unwrap();
        assert!(house.stack.wire().operations().is_empty());
        house.take(with_etag(event!("image-ingest/original"), odd)).await.unwrap();
    }
}

#[test]
fn an_event_of_another_kind_is_a_fault_and_not_passed_over() {
    for odd in [
        json!({}),
        json!({"Event": "s3:Another"}),
        json!({"Records": {}}),
        json!({"Records": [{}]}),
        json!({"Records": [{"eventName": "ObjectCreated:Put", "eventTime": "yesterday"}]}),
        json!([]),
        json!(null),
    ] {
        assert!(serde_json::from_value::<Event>(odd.clone()).is_err(), "{odd}");
    }
}

#[tokio::test]
async fn each_object_is_one_line_of_the_log_and_no_name_is_in_it() {
    let house = House::with_ticket(&[]).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    house.take(house.sent(PHOTO).await).await.unwrap();
    house.take(event!("image-ingest/several")).await.unwrap();
    house.take(event!("image-ingest/test")).await.unwrap();

    let told =
        |field: &str| -> Vec<_> { ours(&log).iter().map(|line| line[field].as_str().unwrap().to_owned()).collect() };
    assert_eq!(told("outcome"), ["ready", "variants", "variants"]);
    let seeded = house.stack.seeded_user().user_id;
    assert_eq!(told("user_id"), [house.user.user_id.clone(), seeded.clone(), seeded], "whose photo it is");
    for secret in [STEM, ATTEMPT, "incoming", "images/"] {
        assert!(!log.text().contains(secret), "{secret} in {}", log.text());
    }
}
