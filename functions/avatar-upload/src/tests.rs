use futures_util::future::join_all;
use platform::{clock, config, telemetry};
use serde_json::json;
use testkit::{Answer, Capture, Event, Fault, Multipart, Stack, User, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

struct House {
    stack: Stack,
    app: App,
}

impl House {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(changes: &[(&str, &str)]) -> Self {
        let stack = Stack::start().await;
        let config = config::from_lookup(&stack.lookup("avatar-upload", changes), Config::read).unwrap();
        let app = App::new(config, stack.http(), PATIENCE);
        Self { stack, app }
    }

    async fn send(&self, event: Event) -> Answer {
        Answer::of(
            web::answer(event.request(), clock::now(), PATIENCE.deadline, |request, now| {
                handle(&self.app, request, now)
            })
            .await,
        )
    }

    /// The name that the user's pointer row holds.
    fn current(&self, user: &User) -> Option<String> {
        let key = json!({"stem": {"S": format!("avatar#{}", user.user_id)}});
        Some(self.stack.row("ImagesTable", key)?["image_name"]["S"].as_str()?.to_owned())
    }

    fn state_of(&self, name: &str) -> String {
        self.stack.image_row(name).unwrap()["state"]["S"].as_str().unwrap().to_owned()
    }

    fn states(&self) -> Vec<String> {
        let rows = self.stack.image_rows();
        rows.iter().filter_map(|row| Some(row["state"]["S"].as_str()?.to_owned())).collect()
    }

    /// The answer's picture is the user's current one, its row is ready and its object is there.
    #[track_caller]
    fn assert_current(&self, user: &User, answer: &Answer) {
        answer.assert_status(201);
        let name = answer.json()["name"].as_str().unwrap().to_owned();
        assert_eq!(self.current(user).as_deref(), Some(&*name));
        let row = self.stack.image_row(&name).unwrap();
        assert_eq!((&row["state"]["S"], row.get("expires_at")), (&json!("ready"), None));
        let key = json!({"stem": {"S": format!("avatar#{}", user.user_id)}});
        let pointer = self.stack.row("ImagesTable", key).unwrap();
        assert_eq!((&pointer["object_key"], &pointer["attempt"]), (&row["object_key"], &row["attempt"]));
        assert!(self.stack.emulators().object(row["object_key"]["S"].as_str().unwrap()).is_some());
    }
}

const FACE: &[u8] = include_bytes!("../../../shared/imaging/corpus/orientation_6.jpg");
const OTHER_FACE: &[u8] = include_bytes!("../../../shared/imaging/corpus/gray.jpg");

fn upload(user: &User, upload_id: &str, face: &[u8]) -> Event {
    Event::of("POST", "/me/avatar").from(user).form(Multipart::new().field("upload_id", upload_id).image(face))
}

#[tokio::test]
async fn a_photo_becomes_the_avatar() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;

    let answer = house.send(event!("avatar-upload/one-avatar").from(&alice)).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"201 json {"bytes":12836,"content_type":"image/jpeg","height":240,"name":"[image].jpg","placeholder":null,"state":"ready","url":"[bucket]/images/[stem]/[attempt]/original.jpg?signed","url_expires_at":"[time]","variants":{},"width":240}"#
    );
    house.assert_current(&alice, &answer);
}

#[tokio::test]
async fn a_second_photo_replaces_the_first() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    house.send(event!("avatar-upload/one-avatar").from(&alice)).await.assert_status(201);

    let answer = house.send(event!("avatar-upload/png").from(&alice)).await;

    house.assert_current(&alice, &answer);
    assert_eq!(answer.json()["content_type"], "image/png");
}

#[tokio::test]
async fn refused_photos_leave_the_avatar_as_it_is() {
    let house = House::new().await;
    let alice = house.stack.seeded_user();
    let before = house.current(&alice);
    for (event, status, error) in [
        (event!("avatar-upload/missing-headers"), 401, "session_invalid"),
        (event!("avatar-upload/no-image"), 400, "bad_request"),
        (upload(&alice, "x", b"no picture"), 415, "image_unsupported"),
        (upload(&alice, "x", &FACE[..FACE.len() / 2]), 422, "image_incomplete"),
        (upload(&alice, "x", &vec![0; 5_000_000]), 413, "image_too_large"),
        (Event::of("GET", "/me/avatar").from(&alice), 405, "method_not_allowed"),
    ] {
        house.send(event).await.assert_refused(status, error);
    }
    assert_eq!(house.current(&alice), before);
    assert!(house.stack.stored().is_empty() && house.stack.image_rows().is_empty());
}

#[tokio::test]
async fn an_avatar_renews_the_session_that_it_comes_with() {
    let house = House::new().await;
    let alice = house.stack.due_for_renewal().await;
    house.send(upload(&alice, "x", FACE)).await.assert_status(201);
    assert!(house.stack.is_renewed(&alice));
}

#[tokio::test]
async fn init_opens_both_connections_and_changes_nothing() {
    let house = House::new().await;
    let before = (house.stack.rows("ImagesTable"), house.stack.emulators().objects());

    house.app.warm().await;

    let mut operations = house.stack.wire().operations();
    operations.sort();
    assert_eq!(operations, ["DynamoDB.GetItem", "S3.GetObject"]);
    assert_eq!((house.stack.rows("ImagesTable"), house.stack.emulators().objects()), before);
}

#[tokio::test]
async fn where_cloudfront_delivers_nothing_is_written_without_the_key_to_sign_with() {
    let house = House::with(&[("IMAGE_DELIVERY", "cloudfront"), ("IMAGE_BASE_URL", "https://img.example.com")]).await;
    let alice = house.stack.signed_in().await;
    house.stack.wire().fail_every("SecretsManager.GetSecretValue", Fault::ServerError);
    house.send(upload(&alice, "x", FACE)).await.assert_refused(503, "busy");
    assert!(house.stack.image_rows().is_empty());

    house.stack.wire().heal();
    let answer = house.send(upload(&alice, "x", FACE)).await;
    house.assert_current(&alice, &answer);
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://img.example.com/images/") && url.contains("&Signature="), "{url}");
}

#[tokio::test]
async fn it_is_four_round_trips() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    house.send(upload(&alice, "x", FACE)).await.assert_status(201);
    let operations = house.stack.wire().operations();
    assert_eq!(operations, ["DynamoDB.GetItem", "DynamoDB.PutItem", "S3.PutObject", "DynamoDB.TransactWriteItems"]);
}

#[tokio::test]
async fn a_retry_that_finds_its_row_ready_never_brings_a_replaced_picture_back() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let first = house.send(upload(&alice, "first", FACE)).await;
    let second = house.send(upload(&alice, "second", OTHER_FACE)).await;

    let retry = house.send(upload(&alice, "first", FACE)).await;

    assert_eq!((retry.status(), retry.json()), (201, first.json()));
    house.assert_current(&alice, &second);
}

#[tokio::test]
async fn an_upload_id_stands_for_one_picture() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let first = house.send(upload(&alice, "one", FACE)).await;

    house.send(upload(&alice, "one", OTHER_FACE)).await.assert_refused(409, "upload_id_reused");
    house.assert_current(&alice, &first);

    let name = first.json()["name"].as_str().unwrap().to_owned();
    house.stack.change_image_row(&name, |row| row["state"]["S"] = "removed".into());
    house.send(upload(&alice, "one", FACE)).await.assert_refused(404, "not_found");
}

#[tokio::test]
async fn of_racing_avatars_all_are_stored_and_one_is_current() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let uploads = (0..8).map(|n| upload(&alice, &format!("face-{n}"), if n % 2 == 0 { FACE } else { OTHER_FACE }));

    let answers = join_all(uploads.map(|event| house.send(event))).await;

    assert!(answers.iter().all(|answer| answer.status() == 201));
    let current = house.current(&alice).unwrap();
    let answer = answers.iter().find(|answer| answer.json()["name"] == *current).unwrap();
    house.assert_current(&alice, answer);
}

#[tokio::test]
async fn racing_retries_of_one_upload_id_make_one_picture() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    let answers = join_all((0..8).map(|_| house.send(upload(&alice, "same", FACE)))).await;

    assert!(answers.iter().all(|answer| answer.status() == 201 && answer.json() == answers[0].json()));
    house.assert_current(&alice, &answers[0]);
    assert_eq!((house.states(), house.stack.stored().len()), (vec!["ready".to_owned()], 1));
    assert_eq!(log.metrics().matches("Uploads=1").count(), 1, "{}", log.metrics());
}

#[tokio::test]
async fn a_transaction_conflict_is_tried_again() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    for (nth, operation) in
        [(1, "DynamoDB.PutItem"), (1, "DynamoDB.TransactWriteItems"), (2, "DynamoDB.TransactWriteItems")]
    {
        house.stack.wire().fail_nth(operation, nth, Fault::TransactionConflict);
    }
    let answer = house.send(upload(&alice, "x", FACE)).await;
    house.assert_current(&alice, &answer);
}

#[tokio::test]
async fn an_adoption_that_meets_a_conflict_is_tried_again() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    house.stack.wire().fail_nth("S3.PutObject", 1, Fault::KilledBefore);
    house.stack.killed(house.send(upload(&alice, "x", FACE))).await;

    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 1, Fault::TransactionConflict);
    let answer = house.send(upload(&alice, "x", FACE)).await;
    house.assert_current(&alice, &answer);
}

#[tokio::test]
async fn conflicts_without_end_are_busy_and_leave_the_old_avatar() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let old = house.send(upload(&alice, "old", OTHER_FACE)).await;
    house.stack.wire().fail_every("DynamoDB.TransactWriteItems", Fault::TransactionConflict);

    house.send(upload(&alice, "new", FACE)).await.assert_refused(503, "busy");
    house.assert_current(&alice, &old);
    assert_eq!(house.stack.stored().len(), 2, "a pending row keeps its object for the retry");

    house.stack.wire().heal();
    let answer = house.send(upload(&alice, "new", FACE)).await;
    house.assert_current(&alice, &answer);
}

#[tokio::test]
async fn killed_at_any_step_a_retry_makes_it_current() {
    for fault in [Fault::KilledBefore, Fault::KilledAfter] {
        for step in 1..=4 {
            let house = House::new().await;
            let alice = house.stack.signed_in().await;
            let old = house.send(upload(&alice, "old", OTHER_FACE)).await;
            house.stack.wire().fail_call(step, fault);
            house.stack.killed(house.send(upload(&alice, "new", FACE))).await;
            if step < 4 || fault == Fault::KilledBefore {
                house.assert_current(&alice, &old);
            }
            // Who shows an avatar relies on it, and does not read the row.
            assert_eq!(house.state_of(&house.current(&alice).unwrap()), "ready", "{fault:?} at step {step}");

            let answer = house.send(upload(&alice, "new", FACE)).await;
            house.assert_current(&alice, &answer);
            assert_eq!(house.stack.stored().len(), 2, "{fault:?} at step {step}");
        }
    }
}

#[tokio::test]
async fn a_transaction_in_doubt_is_read_back() {
    for fault in [Fault::AppliedThenServerError, Fault::AppliedThenReset, Fault::AppliedThenTimedOut] {
        let house = House::new().await;
        let alice = house.stack.signed_in().await;
        house.stack.wire().fail_every("DynamoDB.TransactWriteItems", fault);
        let answer = house.send(upload(&alice, "x", FACE)).await;
        house.assert_current(&alice, &answer);
        assert!(!house.stack.wire().operations().contains(&"S3.DeleteObject".to_owned()));
    }
}

#[tokio::test]
async fn a_row_that_went_before_it_was_ready_takes_its_object_with_it() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    // While the first transaction is not answered, the row comes to its end.
    house.stack.wire().fail_nth("DynamoDB.TransactWriteItems", 1, Fault::Held);
    let meanwhile = async {
        house.stack.wire().held().await;
        house.stack.remove_image_row(house.stack.image_rows()[0]["stem"]["S"].as_str().unwrap());
        house.stack.wire().release();
    };
    let (answer, ()) = tokio::join!(house.send(upload(&alice, "x", FACE)), meanwhile);

    answer.assert_refused(503, "busy");
    assert_eq!(house.current(&alice), None);
    assert!(house.stack.stored().is_empty(), "nothing names the object any more");
}

#[tokio::test]
async fn aws_failing_for_good_is_busy_and_the_avatar_stays() {
    for operation in ["DynamoDB.GetItem", "DynamoDB.PutItem", "S3.PutObject", "DynamoDB.TransactWriteItems"] {
        for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied] {
            let house = House::new().await;
            let alice = house.stack.signed_in().await;
            let old = house.send(upload(&alice, "old", OTHER_FACE)).await;
            house.stack.wire().fail_every(operation, fault);

            house.send(upload(&alice, "new", FACE)).await.assert_refused(503, "busy");

            house.assert_current(&alice, &old);
            house.stack.wire().heal();
            let answer = house.send(upload(&alice, "new", FACE)).await;
            house.assert_current(&alice, &answer);
        }
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed() {
    for operation in ["DynamoDB.GetItem", "DynamoDB.PutItem", "S3.PutObject", "DynamoDB.TransactWriteItems"] {
        for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AppliedThenServerError] {
            let house = House::new().await;
            let alice = house.stack.signed_in().await;
            house.stack.wire().fail_nth(operation, 1, fault);
            let answer = house.send(upload(&alice, "x", FACE)).await;
            house.assert_current(&alice, &answer);
            assert_eq!(house.stack.stored().len(), 1, "{operation} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_retry_that_finds_a_state_of_a_newer_version_is_busy_and_changes_nothing() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let first = house.send(upload(&alice, "one", FACE)).await;
    let name = first.assert_status(201).json()["name"].as_str().unwrap().to_owned();
    house.stack.change_image_row(&name, |row| row["state"]["S"] = "reviewing".into());
    let before = (house.stack.image_rows(), house.stack.stored());

    house.send(upload(&alice, "one", FACE)).await.assert_refused(503, "busy");

    assert_eq!((house.stack.image_rows(), house.stack.stored()), before);
}

#[tokio::test]
async fn a_new_avatar_is_counted_once() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    let first = house.send(upload(&alice, "counted", FACE)).await;
    house.send(upload(&alice, "counted", FACE)).await.assert_status(201);
    house.send(upload(&alice, "counted", OTHER_FACE)).await.assert_refused(409, "upload_id_reused");

    let bytes = first.assert_status(201).json()["bytes"].to_string();
    insta::assert_snapshot!(log.metrics().replace(&bytes, "[stored]"), @r"
    RequestDuration=[ms] Uploads=1 UploadBytes=[stored]
    RequestDuration=[ms]
    RequestDuration=[ms] Refusals{upload_id_reused}=1
    ");
}
