//! What is taken, what is refused, and what is answered.

use testkit::Capture;

use super::*;

#[tokio::test]
async fn a_photo_lands_in_its_task() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    let answer = house.send(event!("task-image-upload/one-photo").from(&alice).parameter("task_id", &task)).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"201 json {"bytes":15024,"content_type":"image/jpeg","height":320,"name":"[image].jpg","placeholder":null,"state":"ready","url":"[bucket]/images/[stem]/[attempt]/original.jpg?signed","url_expires_at":"[time]","variants":{},"width":240}"#
    );
    house.assert_shown(&task, &answer);
}

#[tokio::test]
async fn the_seed_route_answers_with_the_file_name_as_the_old_back_end_did() {
    let house = House::new().await;

    let answer = house.send(event!("task-image-upload/seed-route")).await;

    answer.assert_status(200);
    let name = answer.json().as_str().unwrap().to_owned();
    assert_eq!(answer.text(), format!("\"{name}\""));
    assert_eq!(house.stack.listed("seed-task").last(), Some(&name));
    assert_eq!(house.state_of(&name), "ready");
}

#[tokio::test]
async fn refusals_of_the_seed_route_keep_the_old_words() {
    let house = House::new().await;
    let seed = || event!("task-image-upload/seed-route");
    let stranger = house.stack.signed_in().await;
    for (event, status, words) in [
        (seed().method("GET"), 405, "没有使用POST请求"),
        (seed().without_header("session_id"), 401, "没有建立会话或者会话信息出错"),
        (seed().from(&stranger), 404, "任务id错误，无该任务"),
        (seed().form(photo()), 404, "任务id错误，无该任务"),
        (seed().form(Multipart::new().field("task_id", "no-such-task").image(PHOTO)), 404, "任务id错误，无该任务"),
        (seed().form(Multipart::new().field("task_id", "seed-task")), 400, "请求格式错误"),
    ] {
        let answer = house.send(event).await;
        answer.assert_status(status);
        assert_eq!(answer.json()["errmsg"], words);
    }
}

#[tokio::test]
async fn odd_but_legal_forms_are_taken() {
    let house = House::new().await;
    for event in [
        event!("task-image-upload/file-before-fields"),
        event!("task-image-upload/third-part-header"),
        event!("task-image-upload/with-upload-id"),
    ] {
        let answer = house.send(event).await;
        assert!(matches!(answer.status(), 200 | 201), "{}", answer.text());
    }
}

#[tokio::test]
async fn refused_photos_get_their_answer_and_leave_nothing() {
    let house = House::new().await;
    for (event, status, error) in [
        (event!("task-image-upload/missing-headers"), 401, "session_invalid"),
        (event!("task-image-upload/no-image"), 400, "bad_request"),
        (event!("task-image-upload/two-images"), 400, "bad_request"),
        (event!("task-image-upload/unknown-task"), 404, "task_not_found"),
        (event!("task-image-upload/text-named-jpg"), 415, "image_unsupported"),
        (event!("task-image-upload/heic"), 415, "image_unsupported"),
        (event!("task-image-upload/truncated"), 422, "image_incomplete"),
        (event!("task-image-upload/get-method"), 405, "method_not_allowed"),
    ] {
        house.send(event).await.assert_refused(status, error);
    }
    assert!(house.stack.stored().is_empty());
    assert!(house.stack.image_rows().is_empty());
    assert_eq!(house.stack.listed("seed-task").len(), 1);
}

#[tokio::test]
async fn a_heic_photo_is_told_what_to_do() {
    let house = House::new().await;
    let answer = house.send(event!("task-image-upload/heic")).await;
    assert_eq!(answer.json()["errmsg"], "不支持HEIC图片，请选择压缩图或JPEG");
}

#[tokio::test]
async fn what_is_stored_is_upright_and_holds_nothing_private() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let photo = include_bytes!("../../../../shared/imaging/corpus/gps_exif_xmp_icc_comment.jpg");

    let answer = house.send(upload(&alice, &task, Multipart::new().image(photo))).await;

    answer.assert_status(201);
    let [key] = &house.stack.stored()[..] else { panic!("one object") };
    let object = house.stack.emulators().object(key).unwrap();
    let has = |words: &[u8]| object.bytes.windows(words.len()).any(|window| window == words);
    assert!(!has(b"PRIVATE") && !has(b"xmpmeta") && !has(b"exif:GPS"));
    assert!(has(b"ICC_PROFILE"));
    assert_eq!(object.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(object.cache_control.as_deref(), Some("max-age=31536000, immutable"));
    let (width, height) = (answer.json()["width"].as_u64(), answer.json()["height"].as_u64());
    assert!(width < height, "a photo that was held upright is answered so");
}

#[tokio::test]
async fn the_content_decides_and_never_the_name_or_the_type() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let png = include_bytes!("../../../../shared/imaging/corpus/png_named.jpg");

    let answer = house.send(upload(&alice, &task, Multipart::new().image(png))).await;

    assert_eq!(answer.json()["content_type"], "image/png");
    assert!(answer.json()["name"].as_str().unwrap().ends_with(".png"));
}

#[tokio::test]
async fn every_format_is_taken() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for photo in [
        &include_bytes!("../../../../shared/imaging/corpus/text_exif_icc.png")[..],
        include_bytes!("../../../../shared/imaging/corpus/exif_xmp_icc.webp"),
        include_bytes!("../../../../shared/imaging/corpus/animated_comment.gif"),
        include_bytes!("../../../../shared/imaging/corpus/cmyk_adobe.jpg"),
        include_bytes!("../../../../shared/imaging/corpus/ultrahdr_motion_photo.jpg"),
    ] {
        let answer = house.send(upload(&alice, &task, Multipart::new().image(photo))).await;
        answer.assert_status(201);
        house.assert_shown(&task, &answer);
    }
}

#[tokio::test]
async fn what_browsers_show_is_taken_however_oddly_it_was_written() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for photo in [
        &include_bytes!("../../../../shared/imaging/corpus/apng_of_no_frames.png")[..],
        include_bytes!("../../../../shared/imaging/corpus/baseline_se_64.jpg"),
        include_bytes!("../../../../shared/imaging/corpus/gamma_1.png"),
        include_bytes!("../../../../shared/imaging/corpus/no_eoi_but_complete.jpg"),
        include_bytes!("../../../../shared/imaging/corpus/no_huffman_tables.jpg"),
        include_bytes!("../../../../shared/imaging/corpus/no_trailer.gif"),
        include_bytes!("../../../../shared/imaging/corpus/orientation_6_as_long.jpg"),
        include_bytes!("../../../../shared/imaging/corpus/profile_of_5000_bytes.jpg"),
        include_bytes!("../../../../shared/imaging/corpus/text_chunk_with_wrong_checksum.png"),
        include_bytes!("../../../../shared/imaging/corpus/two_zero_bytes_before_dqt.jpg"),
    ] {
        let answer = house.send(upload(&alice, &task, Multipart::new().image(photo))).await;
        answer.assert_status(201);
        house.assert_shown(&task, &answer);
    }
}

#[tokio::test]
async fn a_bomb_is_refused_from_its_header() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    for bomb in [
        &include_bytes!("../../../../shared/imaging/corpus/bomb_30000x30000.png")[..],
        include_bytes!("../../../../shared/imaging/corpus/bomb_65500x65500.jpg"),
    ] {
        house.send(upload(&alice, &task, Multipart::new().image(bomb))).await.assert_refused(422, "image_invalid");
    }
    assert!(house.stack.image_rows().is_empty());
}

#[tokio::test]
async fn the_limits_of_the_environment_hold_to_the_byte_and_to_the_pixel() {
    let bytes = PHOTO.len().to_string();
    let house = House::with(&[("MAX_IMAGE_BYTES", &bytes)]).await;
    let (alice, task) = house.somebody().await;
    house.send(upload(&alice, &task, photo())).await.assert_status(201);

    let house = House::with(&[("MAX_IMAGE_BYTES", &(PHOTO.len() - 1).to_string())]).await;
    let (alice, task) = house.somebody().await;
    house.send(upload(&alice, &task, photo())).await.assert_refused(413, "image_too_large");

    let house = House::with(&[("MAX_IMAGE_PIXELS", "1000")]).await;
    let (alice, task) = house.somebody().await;
    house.send(upload(&alice, &task, photo())).await.assert_refused(422, "image_invalid");
}

#[tokio::test]
async fn refusals_come_in_the_contracts_order() {
    let house = House::with(&[("MAX_IMAGE_BYTES", "20000")]).await;
    let (alice, task) = house.somebody().await;
    let nobody = User { session_id: "x".repeat(43), ..alice.clone() };
    let large = || Multipart::new().image(&[0; 20_001]);
    let no_image = Multipart::new;
    let text = || Multipart::new().image(b"no picture at all");

    let refused = async |user: &User, task: &str, form: Multipart| house.send(upload(user, task, form)).await;
    refused(&nobody, "no-such", large()).await.assert_refused(401, "session_invalid");
    refused(&nobody, &task, no_image()).await.assert_refused(401, "session_invalid");
    refused(&alice, "no-such", large()).await.assert_refused(413, "image_too_large");
    refused(&alice, "no-such", no_image()).await.assert_refused(400, "bad_request");
    refused(&alice, "no-such", text()).await.assert_refused(404, "task_not_found");
    refused(&alice, &task, text()).await.assert_refused(415, "image_unsupported");
}

#[tokio::test]
async fn someone_elses_task_and_no_task_are_not_to_be_told_apart() {
    let house = House::new().await;
    let (_alice, task) = house.somebody().await;
    let mallory = house.stack.signed_in().await;

    let foreign = house.send(upload(&mallory, &task, photo())).await;
    let none = house.send(upload(&mallory, "no-such-task", photo())).await;
    let odd = house.send(upload(&mallory, "a b", photo())).await;

    foreign.assert_refused(404, "task_not_found");
    assert_eq!((foreign.redacted(), foreign.redacted()), (none.redacted(), odd.redacted()));
    assert!(house.stack.stored().is_empty() && house.stack.listed(&task).is_empty());
}

#[tokio::test]
async fn a_first_upload_is_four_round_trips() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    house.send(upload(&alice, &task, photo())).await.assert_status(201);

    let operations = house.stack.wire().operations();
    assert_eq!(operations[..2], ["DynamoDB.GetItem", "DynamoDB.GetItem"]);
    assert_eq!(operations[2], "DynamoDB.PutItem");
    let mut side_by_side = operations[3..5].to_vec();
    side_by_side.sort();
    assert_eq!(side_by_side, ["DynamoDB.UpdateItem", "S3.PutObject"]);
    assert_eq!(operations[5..], ["DynamoDB.UpdateItem"]);
    for read in &house.stack.wire().calls()[..2] {
        assert!(read.body.contains(r#""ConsistentRead":true"#), "{}", read.body);
    }
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
async fn a_photo_renews_the_session_that_it_comes_with() {
    let house = House::new().await;
    let alice = house.stack.due_for_renewal().await;
    let task = house.stack.task_of(&alice).await;
    house.send(upload(&alice, &task, photo())).await.assert_status(201);
    assert!(house.stack.is_renewed(&alice));
}

#[tokio::test]
async fn a_malformed_session_costs_no_read() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let malformed = upload(&alice, &task, photo()).header("session_id", "a,b");
    house.send(malformed).await.assert_refused(401, "session_invalid");
    assert!(house.stack.wire().operations().is_empty());
}

#[tokio::test]
async fn the_same_upload_id_gives_the_same_image_once() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    let first = house.send(upload(&alice, &task, photo_as("one"))).await;
    // Made behind the answer. A retry is answered as the first call was.
    house.stack.put_variants(first.json()["name"].as_str().unwrap(), &["thumb", "medium"]);
    let again = house.send(upload(&alice, &task, photo_as("one"))).await;
    let by_header = house.send(upload(&alice, &task, photo()).header("idempotency-key", "one")).await;

    assert_eq!((first.status(), first.json()), (201, again.json()));
    assert_eq!(first.json(), by_header.json());
    assert_eq!((house.stack.listed(&task).len(), house.stack.stored().len()), (1, 1));
}

#[tokio::test]
async fn an_upload_id_is_bound_to_its_user_its_task_and_its_content() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let other_task = house.stack.task_of(&alice).await;
    let (bob, bobs_task) = house.somebody().await;

    let mut names = Vec::new();
    for (user, task) in [(&alice, &task), (&alice, &other_task), (&bob, &bobs_task)] {
        let answer = house.send(upload(user, task, photo_as("same"))).await;
        names.push(answer.assert_status(201).json()["name"].as_str().unwrap().to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3);

    let other = Multipart::new().field("upload_id", "same").image(OTHER_PHOTO);
    house.send(upload(&alice, &task, other)).await.assert_refused(409, "upload_id_reused");
    assert_eq!(house.stack.listed(&task).len(), 1);
}

#[tokio::test]
async fn a_deleted_upload_id_does_not_come_back_whatever_bytes_come() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let answer = house.send(upload(&alice, &task, photo_as("gone"))).await;
    house.set_state(&answer, "removed");

    house.send(upload(&alice, &task, photo_as("gone"))).await.assert_refused(404, "not_found");
    let other = Multipart::new().field("upload_id", "gone").image(OTHER_PHOTO);
    house.send(upload(&alice, &task, other)).await.assert_refused(404, "not_found");
}

#[tokio::test]
async fn without_an_upload_id_a_repeat_is_another_image() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    house.send(upload(&alice, &task, photo())).await.assert_status(201);
    house.send(upload(&alice, &task, photo())).await.assert_status(201);
    assert_eq!(house.stack.listed(&task).len(), 2);
}

#[tokio::test]
async fn extra_fields_and_headers_set_nothing() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let (_bob, bobs_task) = house.somebody().await;
    let form = Multipart::new()
        .field("task_id", &bobs_task)
        .field("owner_id", "someone")
        .field("name", "../../evil.jpg")
        .field("key", "images/evil")
        .image(PHOTO);

    let answer = house.send(upload(&alice, &task, form).header("x-task-id", &bobs_task)).await;

    house.assert_shown(&task, answer.assert_status(201));
    assert!(house.stack.listed(&bobs_task).is_empty());
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let house = House::new().await;
    let alice = house.stack.signed_in().await;
    for path in ["/", "/tasks", "/tasks//images/x", "/task/postImage/", "/tasks/a/b/images"] {
        house.send(Event::of("POST", path).from(&alice).form(photo())).await.assert_refused(404, "not_found");
    }
}

#[tokio::test]
async fn no_secret_and_no_picture_reaches_the_log() {
    let capture = Capture::start(|lines| platform::telemetry::subscriber(move || lines.clone()));
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    house.send(upload(&alice, &task, photo_as("log"))).await.assert_status(201);
    house.send(upload(&alice, &task, Multipart::new().field("upload_id", "log").image(OTHER_PHOTO))).await;
    house.stack.fail_dynamodb(testkit::Fault::Throttled);
    house.send(upload(&alice, &task, photo())).await.assert_refused(503, "busy");

    let log = capture.text();
    assert_eq!(log.lines().filter(|line| line.contains("\"message\":\"request\"")).count(), 3, "{log}");
    assert!(log.contains("upload_id_reused") && log.contains("ThrottlingException"));
    for secret in [&alice.session_id, "tmp_5e7a", "user_seed", "local-stack-secret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

impl House {
    /// Changes a row's state behind the product's back.
    fn set_state(&self, answer: &Answer, state: &str) {
        let name = answer.json()["name"].as_str().unwrap().to_owned();
        self.stack.change_image_row(&name, |row| row["state"]["S"] = state.into());
    }
}

#[tokio::test]
async fn what_becomes_of_an_upload_is_counted() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let log = Capture::start(|lines| platform::telemetry::subscriber(move || lines.clone()));
    let heic = include_bytes!("../../../../shared/imaging/corpus/refuse_heic.heic");

    let first = house.send(upload(&alice, &task, photo_as("counted"))).await;
    house.send(upload(&alice, &task, photo_as("counted"))).await.assert_status(201);
    house.send(upload(&alice, &task, Multipart::new().image(heic))).await.assert_refused(415, "image_unsupported");
    house.send(upload(&alice, "no-task", photo())).await.assert_refused(404, "task_not_found");
    house.stack.wire().fail_every("S3.PutObject", testkit::Fault::ServerError);
    house.send(upload(&alice, &task, photo())).await.assert_refused(503, "busy");

    let bytes = first.assert_status(201).json()["bytes"].to_string();
    insta::assert_snapshot!(log.metrics().replace(&bytes, "[stored]"), @r"
    RequestDuration=[ms] Uploads=1 UploadBytes=[stored]
    RequestDuration=[ms]
    RequestDuration=[ms] Refusals{image_unsupported}=1
    RequestDuration=[ms] Refusals{task_not_found}=1
    RequestDuration=[ms] AwsFailures=1 Refusals{busy}=1
    ");
    let lines = log.requests();
    assert!(lines.iter().all(|line| line["user_id"] == alice.user_id.as_str()), "{lines:?}");
    let calls: Vec<_> = lines.iter().map(|line| line["aws.calls"].as_u64().unwrap()).collect();
    assert_eq!(calls.iter().sum::<u64>(), house.stack.wire().calls().len() as u64, "{calls:?}");
}
