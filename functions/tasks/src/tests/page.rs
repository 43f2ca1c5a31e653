use super::*;

#[tokio::test]
async fn a_page_shows_a_task_with_its_images() {
    let (_stack, app) = start().await;

    let answer = send(&app, event!("tasks/page")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"200 json {"created_at":"[time]","images":[{"bytes":9773,"content_type":"image/jpeg","height":240,"name":"[image].jpg","placeholder":null,"state":"ready","url":"[bucket]/images/[stem]/[attempt]/original.jpg?signed","url_expires_at":"[time]","variants":{},"width":320}],"owner_id":"[user]","task_id":"seed-task","title":"Launch pad"}"#
    );
}

#[tokio::test]
async fn the_url_of_an_image_opens_and_gives_its_bytes() {
    let (_stack, app) = start().await;

    let image = send(&app, event!("tasks/page")).await.json()["images"][0].clone();
    let photo = fetch("GET", image["url"].as_str().unwrap()).await;

    assert_eq!((photo.status, photo.content_type.as_str()), (200, "image/jpeg"));
    assert!(photo.bytes == include_bytes!("../../../../events/photos/seed-task.jpg"));
    assert_eq!(image["bytes"], photo.bytes.len());
    let end: Timestamp = image["url_expires_at"].as_str().unwrap().parse().unwrap();
    let left = end.as_second() - clock::now().as_second();
    assert!((1..=3600).contains(&left), "{left}");
}

#[tokio::test]
async fn where_cloudfront_delivers_a_page_without_the_key_to_sign_with_is_busy() {
    let (stack, app) =
        start_with(&[("IMAGE_DELIVERY", "cloudfront"), ("IMAGE_BASE_URL", "https://img.example.com")]).await;
    stack.wire().fail_every("SecretsManager.GetSecretValue", Fault::ServerError);
    send(&app, event!("tasks/page")).await.assert_refused(503, "busy");

    stack.wire().heal();
    let url = send(&app, event!("tasks/page")).await.json()["images"][0]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://img.example.com/images/") && url.contains("&Signature="), "{url}");
}

#[tokio::test]
async fn a_page_renews_the_session_that_asks_for_it() {
    let (stack, app) = start().await;
    let alice = stack.due_for_renewal().await;
    let task = stack.task_of(&alice).await;
    send(&app, page_of(&task).from(&alice)).await.assert_status(200);
    assert!(stack.is_renewed(&alice));
}

#[tokio::test]
async fn only_ready_images_are_shown_and_in_the_order_of_the_list() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let task = stack.task_of(&alice).await;
    for (n, state) in [(1, "ready"), (2, "pending"), (3, "ready"), (4, "removed"), (5, "removed"), (6, "ready")] {
        put_image(&stack, &alice, &task, &name(n), state).await;
    }
    let of_another_extension = name(6).replace("jpg", "png");
    let no_row = name(7);
    let listed =
        [name(3), name(2), no_row, name(6), "no name".to_owned(), name(4), of_another_extension, name(5), name(1)];
    list_names(&stack, &task, &listed);

    let page = send(&app, page_of(&task).from(&alice)).await;

    assert_eq!(shown(&page), [name(3), name(6), name(1)]);
    assert_eq!(stack.listed(&task), listed, "a read changes nothing");
}

#[tokio::test]
async fn the_owner_sees_what_is_to_come_by_a_ticket_and_what_was_rejected() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let task = task_with(&stack, &alice, &[name(1)]).await;
    for (n, state) in [(2, "pending"), (3, "rejected")] {
        put_image(&stack, &alice, &task, &name(n), state).await;
        stack.make_ticket(&name(n));
    }
    stack.change_image_row(&name(3), |row| row["reason"] = json!({"S": "image_invalid"}));
    list_names(&stack, &task, &[name(2), name(3), name(1)]);

    let images = send(&app, page_of(&task).from(&alice)).await.assert_status(200).json()["images"].clone();

    for (at, state, kind) in [(0, "pending", "in-preparation"), (1, "rejected", "not-available")] {
        let image = &images[at];
        assert_eq!((&image["name"], &image["state"]), (&json!(name(at + 2)), &json!(state)));
        assert!(image["url"].as_str().unwrap().contains(&format!("/defaults/{kind}?")), "{image}");
        for unknown in ["bytes", "width", "height", "placeholder"] {
            assert_eq!(image[unknown], Value::Null, "{unknown}");
        }
        assert_eq!(image["variants"], json!({}));
    }
    assert_eq!((images[0].get("reason"), &images[1]["reason"]), (None, &json!("image_invalid")));
    assert_eq!(images[2]["state"], "ready");
}

#[tokio::test]
async fn an_image_has_its_variants_and_its_placeholder_once_they_were_made() {
    let (stack, app) = start().await;
    let variants = async || {
        let image = send(&app, event!("tasks/page")).await.assert_status(200).json()["images"][0].clone();
        assert_eq!(image["placeholder"], "AQI=");
        let sizes = image["variants"].as_object().unwrap();
        assert_eq!(sizes.keys().collect::<Vec<_>>(), ["medium", "thumb"]);
        let told = |variant: &Value| {
            let path = variant["url"].as_str().unwrap().split('?').next().unwrap();
            (path.rsplit('/').next().unwrap().to_owned(), variant["width"].clone(), variant["height"].clone())
        };
        [told(&sizes["thumb"]), told(&sizes["medium"])]
    };

    stack.put_variants(SEEDED_IMAGE, &["thumb", "medium"]);
    assert_eq!(variants().await, ["thumb.jpg", "medium.jpg"].map(|file| (file.to_owned(), json!(32), json!(24))));

    // It is no larger than a medium one, so it stands for that itself.
    stack.put_variants(SEEDED_IMAGE, &["thumb"]);
    let original = ("original.jpg".to_owned(), json!(320), json!(240));
    assert_eq!(variants().await, [("thumb.jpg".to_owned(), json!(32), json!(24)), original.clone()]);

    stack.put_variants(SEEDED_IMAGE, &[]);
    assert_eq!(variants().await, [original.clone(), original]);
}

#[tokio::test]
async fn a_page_of_100_images_is_one_batch() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let names: Vec<_> = (0..100).rev().map(name).collect();
    let task = task_with(&stack, &alice, &names).await;

    let page = send(&app, page_of(&task).from(&alice)).await;

    assert_eq!(shown(&page), names);
    assert_eq!(stack.wire().operations().iter().filter(|operation| *operation == "DynamoDB.BatchGetItem").count(), 1);
}

#[tokio::test]
async fn a_doubled_name_is_no_doubled_key() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let task = task_with(&stack, &alice, &[name(1)]).await;
    list_names(&stack, &task, &[name(1), name(1)]);

    // DynamoDB refuses a batch with a doubled key.
    assert_eq!(shown(&send(&app, page_of(&task).from(&alice)).await), [name(1), name(1)]);
}

#[tokio::test]
async fn keys_that_dynamodb_left_are_asked_for_again_and_half_of_a_page_is_none() {
    let (stack, app) = start().await;
    for left in 1..=3 {
        for nth in 1..=left {
            stack.wire().fail_nth("DynamoDB.BatchGetItem", nth, Fault::Unprocessed);
        }
        assert_eq!(shown(&send(&app, event!("tasks/page")).await), [SEEDED_IMAGE], "left {left} times");
        stack.wire().heal();
    }

    stack.wire().fail_every("DynamoDB.BatchGetItem", Fault::Unprocessed);
    stack.wire().forget();
    send(&app, event!("tasks/page")).await.assert_refused(503, "busy");
    assert_eq!(stack.wire().operations().iter().filter(|operation| *operation == "DynamoDB.BatchGetItem").count(), 4);
}

#[tokio::test]
async fn a_missing_a_malformed_and_somebody_elses_task_are_not_to_be_told_apart() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    let bobs = task_with(&stack, &bob, &[name(1)]).await;
    let long = "x".repeat(65);

    let mut answers = vec![send(&app, event!("tasks/page-foreign")).await];
    let ids =
        [&bobs, "seed-task", "none", "", ".", "..", "a b", "a.b", "%2e%2e", "a\u{0}", "a\r\n", "任务", "null", &long];
    for id in ids {
        answers.push(send(&app, page_of(id).from(&alice)).await);
        answers.push(send(&app, removal_of(id, &name(1)).from(&alice)).await);
    }

    for answer in answers {
        answer.assert_refused(404, "task_not_found");
        let refusal = r#"404 json {"errcode":40401,"errmsg":"任务id错误，无该任务","error":"task_not_found","request_id":"[request]"}"#;
        assert_eq!(answer.redacted(), refusal);
    }
    assert_eq!(shown(&send(&app, page_of(&bobs).from(&bob)).await), [name(1)], "and nothing happened to it");
}

#[tokio::test]
async fn a_page_is_two_round_trips_of_strongly_consistent_reads() {
    let (stack, app) = start().await;

    send(&app, event!("tasks/page")).await.assert_status(200);

    let operations = ["DynamoDB.GetItem", "DynamoDB.GetItem", "DynamoDB.BatchGetItem"];
    assert_eq!(stack.wire().operations(), operations);
    assert!(stack.wire().calls().iter().all(|call| call.body.contains(r#""ConsistentRead":true"#)));
}

#[tokio::test]
async fn session_and_task_are_read_side_by_side() {
    let (stack, app) = start().await;
    stack.wire().fail_nth("DynamoDB.GetItem", 1, Fault::Silent);
    stack.wire().fail_nth("DynamoDB.GetItem", 2, Fault::KilledBefore);

    stack.killed(send(&app, event!("tasks/page"))).await;

    // The second went out while the first had no answer: had it been the first one's retry, it would name its table.
    let bodies: Vec<_> = stack.wire().calls().into_iter().map(|call| call.body).collect();
    assert!(bodies[0].contains("SessionsTable") && bodies[1].contains("TasksTable"), "{bodies:?}");
}

#[tokio::test]
async fn a_task_without_images_has_no_batch_and_a_malformed_id_no_read_of_its_own() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let task = stack.task_of(&alice).await;

    assert!(shown(&send(&app, page_of(&task).from(&alice)).await).is_empty());
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.GetItem"]);

    stack.wire().forget();
    send(&app, page_of("a b").from(&alice)).await.assert_status(404);
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
}

#[tokio::test]
async fn head_is_a_page_without_its_body() {
    let (stack, app) = start().await;

    let head = send(&app, event!("tasks/page").method("HEAD")).await;
    assert_eq!((head.status(), head.text()), (200, ""));
    assert_eq!(head.header("content-type"), "application/json; charset=utf-8");

    let foreign = send(&app, event!("tasks/page").method("HEAD").from(&stack.signed_in().await)).await;
    assert_eq!((foreign.status(), foreign.text()), (404, ""));
}
