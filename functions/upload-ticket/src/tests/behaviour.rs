//! What is given, what is refused, and what is answered.

use testkit::{Capture, Fault};

use super::*;

#[tokio::test]
async fn a_ticket_is_a_form_for_one_photo_and_a_place_in_its_task() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let event = event!("upload-ticket/one-photo").from(&alice).parameter("task_id", &task);

    let answer = house.send_at(event, "2026-11-26T09:00:00.9Z".parse().unwrap()).await;

    house.assert_ticket(&task, &answer);
    let ticket = answer.json();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&ticket), "expires_at fields name url");
    assert_eq!(
        names(&ticket["fields"]),
        "Content-Type key policy success_action_status x-amz-algorithm x-amz-credential x-amz-date x-amz-signature"
    );
    assert_eq!(ticket["expires_at"], "2026-11-26T09:10:00Z");
    let (stem, extension) = ticket["name"].as_str().unwrap().split_once('.').unwrap();
    let row = house.stack.image_row(stem).unwrap();
    assert_eq!(extension, "jpg");
    assert_eq!(ticket["fields"]["key"], format!("incoming/{stem}/{}", row["attempt"]["S"].as_str().unwrap()));
}

#[tokio::test]
async fn a_ticket_renews_the_session_that_asks_for_it() {
    let house = House::new().await;
    let alice = house.stack.due_for_renewal().await;
    let task = house.stack.task_of(&alice).await;
    house.assert_ticket(&task, &house.send(ask(&alice, &task, &photo())).await);
    assert!(house.stack.is_renewed(&alice));
}

#[tokio::test]
async fn every_type_that_is_taken_has_its_extension() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for (content_type, extension) in
        [("image/jpeg", ".jpg"), ("image/png", ".png"), ("image/webp", ".webp"), ("image/gif", ".gif")]
    {
        let answer = house.send(ask(&alice, &task, &json!({"content_type": content_type, "bytes": 1}))).await;
        house.assert_ticket(&task, &answer);
        assert!(name_of(&answer).ends_with(extension));
        assert_eq!(answer.json()["fields"]["Content-Type"], content_type);
    }
}

#[tokio::test]
async fn a_jpg_is_a_jpeg() {
    let house = House::new().await;

    let answer = house.send(event!("upload-ticket/jpg")).await;

    assert_eq!(answer.assert_status(201).json()["fields"]["Content-Type"], "image/jpeg");
    assert!(name_of(&answer).ends_with(".jpg"));
}

#[tokio::test]
async fn refused_tickets_get_their_answer_and_leave_nothing() {
    let house = House::new().await;
    for (event, status, error) in [
        (event!("upload-ticket/missing-headers"), 401, "session_invalid"),
        (event!("upload-ticket/too-large"), 413, "image_too_large"),
        (event!("upload-ticket/missing-bytes"), 400, "bad_request"),
        (event!("upload-ticket/no-bytes"), 400, "bad_request"),
        (event!("upload-ticket/unknown-task"), 404, "task_not_found"),
        (event!("upload-ticket/svg"), 415, "image_unsupported"),
        (event!("upload-ticket/heic"), 415, "image_unsupported"),
        (event!("upload-ticket/get-method"), 405, "method_not_allowed"),
    ] {
        house.send(event).await.assert_refused(status, error);
    }
    assert!(house.stack.image_rows().is_empty());
    assert_eq!(house.stack.listed("seed-task").len(), 1);
}

#[tokio::test]
async fn a_heic_photo_is_told_what_to_do_and_another_method_the_old_words() {
    let house = House::new().await;
    let answer = house.send(event!("upload-ticket/heic")).await;
    assert_eq!(answer.json()["errmsg"], "不支持HEIC图片，请选择压缩图或JPEG");
    let answer = house.send(event!("upload-ticket/get-method")).await;
    assert_eq!((answer.json()["errmsg"].as_str(), answer.header("allow")), (Some("没有使用POST请求"), "POST"));
}

#[tokio::test]
async fn the_limit_holds_to_the_byte() {
    let house = House::new().await;
    house.send(event!("upload-ticket/largest")).await.assert_status(201);

    let house = House::with(&[("MAX_DIRECT_BYTES", "1000")]).await;
    let (alice, task) = house.somebody().await;
    for (bytes, status) in
        [(json!(1000), 201), (json!(1000.0), 201), (json!(1001), 413), (json!(u64::MAX), 413), (json!(1e300), 413)]
    {
        let answer = house.send(ask(&alice, &task, &json!({"content_type": "image/jpeg", "bytes": bytes}))).await;
        answer.assert_status(status);
    }
}

#[tokio::test]
async fn what_is_no_announcement_of_a_photo_is_refused() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for body in [
        r#""#,
        r#"{"#,
        r#"[]"#,
        r#"["image/jpeg", 1]"#,
        r#"{"bytes": 1}"#,
        r#"{"content_type": "image/jpeg"}"#,
        r#"{"content_type": null, "bytes": 1}"#,
        r#"{"content_type": ["image/jpeg"], "bytes": 1}"#,
        r#"{"content_type": "image/jpeg", "bytes": "1"}"#,
        r#"{"content_type": "image/jpeg", "bytes": 1.5}"#,
        r#"{"content_type": "image/jpeg", "bytes": -1}"#,
        r#"{"content_type": "image/jpeg", "bytes": 0}"#,
        r#"{"content_type": "image/jpeg", "bytes": 1, "bytes": 2}"#,
        r#"{"content_type": "image/jpeg", "bytes": 1, "upload_id": ""}"#,
        r#"{"content_type": "image/jpeg", "bytes": 1, "upload_id": "a b"}"#,
        r#"{"content_type": "image/jpeg", "bytes": 1, "upload_id": 7}"#,
    ] {
        let event = Event::of("POST", &format!("/tasks/{task}/uploads")).from(&alice).text(body);
        let answer = house.send(event).await;
        assert_eq!(answer.status(), 400, "{body}");
        answer.assert_refused(400, "bad_request");
    }
    let differing = ask(&alice, &task, &photo_as("one")).header("idempotency-key", "two");
    house.send(differing).await.assert_refused(400, "bad_request");
    assert!(house.stack.image_rows().is_empty() && house.stack.listed(&task).is_empty());
}

#[tokio::test]
async fn types_in_another_spelling_are_not_taken() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for content_type in ["", "IMAGE/JPG", "IMAGE/JPEG", "image/jpeg, text/html", "image/jpeg\n", "text/html", "*/*"] {
        let answer = house.send(ask(&alice, &task, &json!({"content_type": content_type, "bytes": 1}))).await;
        answer.assert_refused(415, "image_unsupported");
    }
}

#[tokio::test]
async fn refusals_come_in_the_contracts_order() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    house.send(ask(&alice, &task, &photo_as("one"))).await.assert_status(201);
    let nobody = User { session_id: "x".repeat(43), ..alice.clone() };
    let body = |content_type: Option<&str>, bytes: u64| json!({"content_type": content_type, "bytes": bytes, "upload_id": "one"});
    const LARGE: u64 = 20 * 1024 * 1024 + 1;

    let refused = async |user: &User, task: &str, body: Value| house.send(ask(user, task, &body)).await;
    refused(&nobody, "no-such", body(None, LARGE)).await.assert_refused(401, "session_invalid");
    refused(&alice, "no-such", body(None, LARGE)).await.assert_refused(413, "image_too_large");
    refused(&alice, "no-such", body(None, 1)).await.assert_refused(400, "bad_request");
    refused(&alice, "no-such", body(Some("text/html"), 1)).await.assert_refused(404, "task_not_found");
    refused(&alice, &task, body(Some("text/html"), 1)).await.assert_refused(415, "image_unsupported");
    refused(&alice, &task, body(Some("image/jpeg"), 1)).await.assert_refused(409, "upload_id_reused");
    house.stack.fail_dynamodb(Fault::Throttled);
    refused(&alice, &task, body(Some("image/jpeg"), 1)).await.assert_refused(503, "busy");
}

#[tokio::test]
async fn someone_elses_task_and_no_task_are_not_to_be_told_apart() {
    let house = House::new().await;
    let (_alice, task) = house.somebody().await;
    let mallory = house.stack.signed_in().await;

    let foreign = house.send(ask(&mallory, &task, &photo())).await;
    let none = house.send(ask(&mallory, "no-such-task", &photo())).await;
    let odd = house.send(ask(&mallory, "a b", &photo())).await;

    foreign.assert_refused(404, "task_not_found");
    assert_eq!((foreign.redacted(), foreign.redacted()), (none.redacted(), odd.redacted()));
    assert!(house.stack.image_rows().is_empty() && house.stack.listed(&task).is_empty());
}

#[tokio::test]
async fn extra_fields_and_headers_set_nothing() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let (_bob, bobs_task) = house.somebody().await;
    let body = json!({
        "content_type": "image/jpeg", "bytes": 9, "task_id": bobs_task, "owner_id": "someone", "key": "images/evil",
        "name": "../../evil.jpg", "bucket": "another", "success_action_redirect": "https://evil.example"
    });

    let answer = house.send(ask(&alice, &task, &body).header("x-task-id", &bobs_task)).await;

    house.assert_ticket(&task, &answer);
    assert!(house.stack.listed(&bobs_task).is_empty());
    assert!(!answer.text().contains("evil"));
}

#[tokio::test]
async fn a_ticket_is_three_round_trips() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    house.send(ask(&alice, &task, &photo())).await.assert_status(201);

    let calls = house.stack.wire().calls();
    let operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["DynamoDB.GetItem", "DynamoDB.GetItem", "DynamoDB.PutItem", "DynamoDB.UpdateItem"]);
    for read in &calls[..2] {
        assert!(read.body.contains(r#""ConsistentRead":true"#), "{}", read.body);
    }
}

#[tokio::test]
async fn a_malformed_session_costs_no_read() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let malformed = ask(&alice, &task, &photo()).header("session_id", "a,b");
    house.send(malformed).await.assert_refused(401, "session_invalid");
    assert!(house.stack.wire().operations().is_empty());
}

#[tokio::test]
async fn init_opens_its_connection_and_changes_nothing() {
    let house = House::new().await;
    let before = (house.stack.rows("ImagesTable"), house.stack.emulators().objects());

    house.app.warm().await;

    assert_eq!(house.stack.wire().operations(), ["DynamoDB.GetItem"]);
    assert_eq!((house.stack.rows("ImagesTable"), house.stack.emulators().objects()), before);
}

#[tokio::test]
async fn neither_a_secret_nor_anything_of_a_form_reaches_the_log() {
    let capture = Capture::start(|lines| platform::telemetry::subscriber(move || lines.clone()));
    let house = House::with(&[("AWS_SESSION_TOKEN", "token-of-a-role")]).await;
    let (alice, task) = house.somebody().await;

    let answer = house.send(ask(&alice, &task, &photo_as("log"))).await;
    house.send(ask(&alice, &task, &json!({"content_type": "image/png", "bytes": 1, "upload_id": "log"}))).await;
    house.stack.fail_dynamodb(Fault::Throttled);
    house.send(ask(&alice, &task, &photo())).await.assert_refused(503, "busy");

    let (log, ticket) = (capture.text(), answer.assert_status(201).json());
    assert_eq!(capture.requests().len(), 3, "{log}");
    assert!(log.contains("upload_id_reused") && log.contains("ThrottlingException"));
    let of_the_form = ["key", "policy", "x-amz-signature", "x-amz-security-token"];
    let of_the_form = of_the_form.map(|field| ticket["fields"][field].as_str().unwrap());
    for secret in of_the_form.into_iter().chain([alice.session_id.as_str(), &name_of(&answer), "local-stack-secret"]) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
