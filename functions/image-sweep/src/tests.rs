use lambda_http::Context;
use platform::{clock, config, telemetry};
use serde_json::{Value, json};
use testkit::{Capture, Event as EventFile, Fault, Stack, event};

use super::*;

const PATIENCE: Patience = Patience::BACKGROUND.stretched(testkit::PATIENCE);

/// The photo and the avatar of the seed set.
const PHOTO: &str = "images/5eed0000000040008000000000000001/5eed0000000040008000000000000a01/";
const AVATAR: &str = "images/5eed0000000040008000000000000002/5eed0000000040008000000000000a02/";
const AVATAR_NAME: &str = "5eed0000000040008000000000000002.jpg";
/// The file that holds one record of each kind names their sequence numbers so.
const FIRST: u128 = 111_000_000_000_000_000_000_001;

async fn start() -> (Stack, App) {
    start_with(&[]).await
}

/// With a bus that is told.
async fn start_with_events() -> (Stack, App) {
    start_with(&[("EVENT_BUS", "EventBus")]).await
}

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let app = start_over(&stack, changes);
    (stack, app)
}

fn start_over(stack: &Stack, changes: &[(&str, &str)]) -> App {
    let config = config::from_lookup(&stack.lookup("image-sweep", changes), Config::read).unwrap();
    App::new(config, stack.http(), PATIENCE)
}

/// The sequence numbers of the records that have to come again.
async fn failed(app: &App, event: EventFile) -> Vec<String> {
    let event = LambdaEvent::new(event.parsed(), Context::default());
    let answer = serde_json::to_value(handle(app, event, clock::now()).await.unwrap()).unwrap();
    let [failures] = answer.as_object().unwrap().values().collect::<Vec<_>>()[..] else { panic!("{answer}") };
    assert_eq!(&answer["batchItemFailures"], failures);
    let failures = failures.as_array().unwrap().iter();
    failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

async fn follow(app: &App, event: EventFile) {
    assert_eq!(failed(app, event).await, [""; 0]);
}

/// A record of a row that went, which was the seeded photo's but for these attributes.
fn gone(changes: &[(&str, &str)]) -> EventFile {
    event!("image-sweep/ttl").changed(|event| {
        for (attribute, value) in changes {
            event["Records"][0]["dynamodb"]["OldImage"][*attribute] = json!({ "S": value });
        }
    })
}

async fn put(stack: &Stack, key: &str) {
    stack.put_object(key, "photos/seed-task.jpg").await;
}

fn keys(stack: &Stack, prefix: &str) -> Vec<String> {
    stack.emulators().objects().into_iter().filter(|key| key.starts_with(prefix)).collect()
}

fn state(stack: &Stack, name: &str) -> Value {
    stack.image_row(name).unwrap()["state"]["S"].clone()
}

#[tokio::test]
async fn the_objects_of_a_removed_image_go_and_no_others() {
    let (stack, app) = start().await;
    for key in ["etag/original.jpg", "etag/thumb.jpg"] {
        put(&stack, &format!("{PHOTO}{key}")).await;
    }
    let neighbours = [
        "images/5eed0000000040008000000000000001/5eed0000000040008000000000000a02/original.jpg",
        "images/5eed0000000040008000000000000001/5eed0000000040008000000000000a010/original.jpg",
        "images/5eed0000000040008000000000000011/5eed0000000040008000000000000a01/original.jpg",
        "incoming/5eed0000000040008000000000000001/5eed0000000040008000000000000a02",
    ];
    for key in neighbours {
        put(&stack, key).await;
    }
    let others = stack.emulators().objects().len() - 3;

    follow(&app, event!("image-sweep/removed")).await;

    assert_eq!(keys(&stack, PHOTO), [""; 0]);
    assert_eq!(stack.emulators().objects().len(), others);
    assert!(neighbours.iter().all(|key| stack.emulators().object(key).is_some()));
}

#[tokio::test]
async fn what_was_sent_directly_for_it_goes_as_well() {
    let (stack, app) = start().await;
    let incoming = "incoming/5eed0000000040008000000000000001/5eed0000000040008000000000000a01";
    put(&stack, incoming).await;

    follow(&app, event!("image-sweep/ttl")).await;

    assert_eq!(keys(&stack, PHOTO), [""; 0]);
    assert_eq!(keys(&stack, incoming), [""; 0]);
}

#[tokio::test]
async fn a_late_or_repeated_record_hits_no_image_that_lives_now() {
    let (stack, app) = start().await;
    // The row went, and a retry with the same upload id made it anew: another attempt under the same stem.
    let living = "images/5eed0000000040008000000000000001/5eed0000000040008000000000000b01/original.jpg";
    put(&stack, living).await;
    stack.change_image_row("5eed0000000040008000000000000001", |row| {
        row["attempt"] = json!({"S": "5eed0000000040008000000000000b01"});
    });
    let row = stack.image_row("5eed0000000040008000000000000001");

    for _ in 0..3 {
        follow(&app, event!("image-sweep/ttl")).await;
        follow(&app, event!("image-sweep/removed")).await;
    }

    assert!(stack.emulators().object(living).is_some());
    assert_eq!(stack.image_row("5eed0000000040008000000000000001"), row);
}

#[tokio::test]
async fn an_object_that_came_after_the_removal_goes_when_the_tombstone_does() {
    let (stack, app) = start().await;
    follow(&app, event!("image-sweep/removed")).await;
    put(&stack, &format!("{PHOTO}original.jpg")).await;

    follow(&app, gone(&[("state", "removed")])).await;

    assert_eq!(keys(&stack, PHOTO), [""; 0]);
}

#[tokio::test]
async fn a_replaced_avatar_becomes_a_tombstone_and_its_objects_are_deleted_then() {
    let (stack, app) = start().await;

    follow(&app, event!("image-sweep/replaced-avatar")).await;

    assert_eq!(state(&stack, AVATAR_NAME), "removed");
    let expires_at = stack.image_row(AVATAR_NAME).unwrap()["expires_at"]["N"].clone();
    let days = (expires_at.as_str().unwrap().parse::<i64>().unwrap() - clock::now().as_second() + 60) / (24 * 3600);
    assert_eq!(days, 15);
    assert_eq!(keys(&stack, AVATAR).len(), 1, "the change of the row is a record of its own");
}

#[tokio::test]
async fn a_replaced_avatar_that_is_something_else_by_now_stays_as_it_is() {
    for (attribute, value) in
        [("attempt", "5eed0000000040008000000000000b02"), ("state", "pending"), ("state", "removed")]
    {
        let (stack, app) = start().await;
        stack.change_image_row(AVATAR_NAME, |row| row[attribute] = json!({ "S": value }));
        let row = stack.image_row(AVATAR_NAME);

        follow(&app, event!("image-sweep/replaced-avatar")).await;

        assert_eq!(stack.image_row(AVATAR_NAME), row, "{attribute} {value}");
    }
    let (stack, app) = start().await;
    stack.remove_image_row("5eed0000000040008000000000000002");
    follow(&app, event!("image-sweep/replaced-avatar")).await;
    assert_eq!(stack.image_row(AVATAR_NAME), None, "a row that went is not made again");
}

#[tokio::test]
async fn a_row_of_an_unknown_state_keeps_its_objects_and_its_record_fails() {
    for state in ["reviewing", "hidden"] {
        let (stack, app) = start().await;
        stack.take_changes();
        stack.change_image_row("5eed0000000040008000000000000001", |row| row["state"] = json!({ "S": state }));
        let [change] = &stack.take_changes()[..] else { panic!("one change") };
        let kept = || (stack.rows("ImagesTable"), stack.emulators().objects());
        let before = kept();

        assert_eq!(failed(&app, change.clone()).await.len(), 1, "{state}");
        assert_eq!(kept(), before, "{state}");

        follow(&app, gone(&[("state", state)])).await;
        assert_eq!(keys(&stack, PHOTO), [""; 0], "objects go with their row whatever its state was");
    }
}

#[tokio::test]
async fn a_replaced_avatar_of_an_unknown_state_stays_and_its_record_fails() {
    let (stack, app) = start().await;
    stack.change_image_row(AVATAR_NAME, |row| row["state"] = json!({"S": "reviewing"}));
    let row = stack.image_row(AVATAR_NAME);

    assert_eq!(failed(&app, event!("image-sweep/replaced-avatar")).await.len(), 1);

    assert_eq!((stack.image_row(AVATAR_NAME), keys(&stack, AVATAR).len()), (row, 1));
}

#[tokio::test]
async fn it_understands_what_the_stream_really_tells() {
    let (stack, app) = start().await;
    let in_15_days = clock::now().as_second() + 15 * 24 * 3600;
    stack.change_image_row("5eed0000000040008000000000000001", |row| row["state"] = json!({"S": "removed"}));
    stack.change_image_row(AVATAR_NAME, |row| {
        row["state"] = json!({"S": "pending"});
        row["expires_at"] = json!({ "N": in_15_days.to_string() });
    });

    for change in stack.take_changes() {
        follow(&app, change).await;
    }
    assert_eq!((keys(&stack, PHOTO).len(), keys(&stack, AVATAR).len()), (0, 1));

    stack.sweep_ttl(in_15_days - 1);
    assert!(stack.take_changes().is_empty());
    stack.sweep_ttl(in_15_days + 1);
    let changes = stack.take_changes();
    for change in &changes {
        follow(&app, change.clone()).await;
    }
    assert_eq!((changes.len(), keys(&stack, AVATAR).len()), (1, 0));
}

#[tokio::test]
async fn rows_of_others_and_changes_that_end_nothing_make_no_call() {
    let (stack, app) = start().await;
    follow(&app, event!("image-sweep/foreign-rows")).await;
    assert_eq!(stack.wire().operations(), [""; 0]);
}

#[tokio::test]
async fn a_record_of_another_form_never_widens_a_prefix() {
    let (stack, app) = start().await;
    let objects = stack.emulators().objects();
    let stem = "5eed0000000040008000000000000001";
    for odd in
        ["", "/", "5eed", "5eed00000000400080000000000000", &format!("{stem}/"), "5EED0000000040008000000000000A01"]
    {
        follow(&app, gone(&[("attempt", odd)])).await;
        follow(&app, gone(&[("stem", odd)])).await;
        follow(&app, gone(&[("stem", odd), ("attempt", odd)])).await;
    }
    assert_eq!(stack.wire().operations(), [""; 0]);
    assert_eq!(stack.emulators().objects(), objects);
}

#[tokio::test]
async fn more_objects_than_a_page_holds_go() {
    let (stack, app) = start().await;
    for number in 0..1001 {
        put(&stack, &format!("{PHOTO}{number}/original.jpg")).await;
    }

    follow(&app, event!("image-sweep/removed")).await;

    assert_eq!(keys(&stack, PHOTO), [""; 0]);
    let lists = stack.wire().operations().iter().filter(|operation| *operation == "S3.ListObjectsV2").count();
    assert_eq!(lists, 3, "two pages below images/, one below incoming/");
}

#[tokio::test]
async fn a_batch_is_done_with_every_record_of_it() {
    let (stack, app) = start().await;
    let late = "images/5eed00000000400080000000000000ff/5eed0000000040008000000000000aff/original.jpg";
    put(&stack, late).await;

    follow(&app, event!("image-sweep/several")).await;

    assert_eq!(keys(&stack, PHOTO), [""; 0]);
    assert_eq!(keys(&stack, late), [""; 0]);
    assert_eq!(state(&stack, AVATAR_NAME), "removed");
}

#[tokio::test]
async fn one_failed_call_is_absorbed_whether_it_was_applied_or_not() {
    for fault in
        [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AppliedThenServerError, Fault::AppliedThenReset]
    {
        for operation in ["DynamoDB.UpdateItem", "S3.ListObjectsV2", "S3.DeleteObjects"] {
            let (stack, app) = start().await;
            stack.wire().fail_nth(operation, 1, fault);
            follow(&app, event!("image-sweep/several")).await;
            assert_eq!(keys(&stack, PHOTO), [""; 0], "{operation} {fault:?}");
            assert_eq!(state(&stack, AVATAR_NAME), "removed", "{operation} {fault:?}");
        }
    }
}

#[tokio::test]
async fn the_records_that_failed_come_again_and_the_others_are_done() {
    for (operation, expected) in [
        ("DynamoDB.UpdateItem", [FIRST + 1].as_slice()),
        ("S3.ListObjectsV2", &[FIRST + 2, FIRST + 3]),
        ("S3.DeleteObjects", &[FIRST + 2]),
    ] {
        let (stack, app) = start().await;
        stack.wire().fail_every(operation, Fault::AccessDenied);

        let failed = failed(&app, event!("image-sweep/several")).await;

        assert_eq!(failed, expected.iter().map(ToString::to_string).collect::<Vec<_>>(), "{operation}");
        let is_s3 = operation.starts_with("S3.");
        assert_eq!(state(&stack, AVATAR_NAME), if is_s3 { "removed" } else { "ready" }, "{operation}");
        assert_eq!(keys(&stack, PHOTO).len(), usize::from(is_s3), "{operation}");

        stack.wire().heal();
        follow(&app, event!("image-sweep/several")).await;
        assert_eq!(keys(&stack, PHOTO), [""; 0]);
        assert_eq!(state(&stack, AVATAR_NAME), "removed");
    }
}

#[tokio::test]
async fn a_deletion_that_s3_answers_well_but_did_not_do_comes_again() {
    let (stack, app) = start().await;
    stack.wire().fail_every("S3.DeleteObjects", Fault::Unprocessed);
    assert_eq!(failed(&app, event!("image-sweep/removed")).await, [FIRST.to_string()]);
}

#[tokio::test]
async fn an_outage_is_tried_longer_than_anybody_would_wait_for_an_answer() {
    let (stack, app) = start().await;
    stack.wire().fail_every("S3.ListObjectsV2", Fault::ServerError);

    assert_eq!(failed(&app, event!("image-sweep/removed")).await, [FIRST.to_string()]);

    assert_eq!(stack.wire().operations(), ["S3.ListObjectsV2"; 5]);
}

#[tokio::test]
async fn a_batch_that_is_not_done_in_time_comes_again_as_a_whole_and_has_its_line() {
    let (stack, app) = start().await;
    assert!(Patience::BACKGROUND.deadline < stack.timeout_of("image-sweep"), "or Lambda ends it without a line");
    let hurried = App { deadline: Duration::from_millis(50), ..start_over(&stack, &[]) };
    let capture = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    stack.wire().fail_every("S3.ListObjectsV2", Fault::Silent);

    let event = LambdaEvent::new(event!("image-sweep/several").parsed(), Context::default());
    let late = handle(&hurried, event, clock::now()).await;

    assert_eq!(late.unwrap_err().code(), ErrorCode::Busy);
    let [line] = &capture.lines()[..] else { panic!("{}", capture.text()) };
    assert_eq!(["level", "records", "failed"].map(|name| &line[name]), [&json!("ERROR"), &json!(4), &json!(4)]);
    assert_eq!(line["error.cause"], "the deadline passed");

    stack.wire().heal();
    follow(&app, event!("image-sweep/several")).await;
    assert_eq!(keys(&stack, PHOTO), [""; 0]);
}

#[tokio::test]
async fn each_batch_is_one_log_line_that_names_no_image() {
    let (stack, app) = start().await;
    let capture = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    follow(&app, event!("image-sweep/several")).await;
    stack.wire().fail_every("DynamoDB.UpdateItem", Fault::AccessDenied);
    failed(&app, event!("image-sweep/replaced-avatar")).await;

    let text = capture.text();
    let lines = capture.lines();
    assert_eq!(lines.len(), 2, "{text}");
    let told = |line: &Value| ["level", "message", "records", "failed", "error.code"].map(|name| line[name].clone());
    assert_eq!(told(&lines[0]), [json!("INFO"), json!("sweep"), json!(4), json!(0), Value::Null]);
    assert_eq!(told(&lines[1]), [json!("ERROR"), json!("sweep"), json!(1), json!(1), json!("busy")]);
    assert_eq!(lines[1]["error.cause"], "DynamoDB.UpdateItem: AccessDeniedException");
    assert_eq!((lines[0].get("attention"), &lines[1]["attention"]), (None, &json!("sweep_failed")));
    assert_eq!(
        capture.metrics(),
        "RequestDuration=[ms] RemovedObjects=1\nRequestDuration=[ms] AwsFailures=1 Refusals{busy}=1"
    );
    assert!(!text.contains("5eed"), "{text}");
}

#[tokio::test]
async fn others_are_told_of_images_that_are_shown_and_removed() {
    let (stack, app) = start_with_events().await;

    follow(&app, event!("image-sweep/shown")).await;
    follow(&app, event!("image-sweep/removed")).await;
    follow(&app, event!("image-sweep/ttl")).await;

    let told = stack.emulators().take_events();
    let kinds: Vec<_> =
        told.iter().map(|told| (told.bus.as_str(), told.event["detail-type"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("EventBus", "image.shown"), ("EventBus", "image.removed")]);
    let shown = &told[0].event;
    assert_eq!((&shown["source"], &shown["time"]), (&json!("mini-functions"), &json!("2026-01-01T00:00:00.000Z")));
    assert_eq!(
        shown["detail"],
        json!({
            "id": "5eed0000000000000000000000000001", "at": "2026-01-01T00:00:00Z", "name": "5eed0000000040008000000000000001.jpg",
            "owner_id": "5e550000-0000-4000-8000-00000000a11c", "task_id": "seed-task", "bytes": null, "width": null, "height": null,
        })
    );
    assert_eq!(told[1].event["detail"]["name"], shown["detail"]["name"]);
}

#[tokio::test]
async fn nobody_is_told_where_there_is_no_bus() {
    let (stack, app) = start().await;

    follow(&app, event!("image-sweep/shown")).await;
    follow(&app, event!("image-sweep/removed")).await;

    assert!(stack.emulators().take_events().is_empty());
    assert!(stack.wire().operations().iter().all(|operation| !operation.starts_with("EventBridge")));
}

#[tokio::test]
async fn what_could_not_be_told_comes_again_under_the_same_id_though_its_work_is_done() {
    for fault in [Fault::AccessDenied, Fault::Throttled, Fault::Page, Fault::AppliedThenReset] {
        let (stack, app) = start_with_events().await;
        put(&stack, &format!("{PHOTO}etag/original.jpg")).await;
        stack.wire().fail_every("EventBridge.PutEvents", fault);
        assert_eq!(failed(&app, event!("image-sweep/removed")).await, [FIRST.to_string()], "{fault:?}");
        assert_eq!(keys(&stack, PHOTO), [""; 0], "{fault:?}");

        stack.wire().heal();
        follow(&app, event!("image-sweep/removed")).await;

        let told = stack.emulators().take_events();
        assert!(!told.is_empty(), "{fault:?}");
        let ids = told.iter().map(|told| &told.event["detail"]["id"]);
        assert!(ids.into_iter().all(|id| id == "5eed0000000000000000000000000001"), "{fault:?}");
    }
}

#[tokio::test]
async fn one_failed_call_to_the_bus_is_absorbed() {
    let (stack, app) = start_with_events().await;
    stack.wire().fail_nth("EventBridge.PutEvents", 1, Fault::ServerError);

    follow(&app, event!("image-sweep/shown")).await;

    assert_eq!(stack.emulators().take_events().len(), 1);
}

#[tokio::test]
async fn nobody_is_told_of_what_was_not_done() {
    let (stack, app) = start_with_events().await;
    stack.wire().fail_every("S3.ListObjectsV2", Fault::ServerError);

    assert_eq!(failed(&app, event!("image-sweep/removed")).await, [FIRST.to_string()]);

    assert!(stack.emulators().take_events().is_empty());
}

#[test]
fn what_is_no_record_of_a_stream_is_refused_as_a_whole() {
    for odd in [json!({}), json!({"Records": [{"s3": {}}]}), json!({"Records": [{"dynamodb": {"OldImage": {}}}]})] {
        assert!(serde_json::from_value::<Event>(odd.clone()).is_err(), "{odd}");
    }
}
