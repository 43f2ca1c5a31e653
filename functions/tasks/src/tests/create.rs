use super::*;

fn create(body: &Value) -> Event {
    event!("tasks/create").json(body)
}

fn with_key(user: &User, key: &str, title: &str) -> Event {
    create(&json!({ "title": title })).from(user).header("idempotency-key", key)
}

/// The tasks that are not the seed set's.
fn made(stack: &Stack) -> Vec<Value> {
    stack.rows("TasksTable").into_iter().filter(|row| row["task_id"]["S"] != "seed-task").collect()
}

#[tokio::test]
async fn a_task_is_made_with_its_title_and_an_empty_list() {
    let (stack, app) = start().await;

    let answer = send(&app, event!("tasks/create")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"201 json {"created_at":"[time]","images":[],"owner_id":"[user]","task_id":"[task]","title":"Shelf 4"}"#
    );
    assert_eq!(answer.json()["owner_id"], stack.seeded_user().user_id.as_str());
    let row = &made(&stack)[0];
    assert_eq!((&row["images"], &row["version"]), (&json!({"L": []}), &json!({"N": "1"})));
    let page = send(&app, page_of(answer.json()["task_id"].as_str().unwrap())).await;
    assert_eq!(page.json(), answer.json());
}

#[tokio::test]
async fn a_task_needs_no_title() {
    let (stack, app) = start().await;
    let no_body = event!("tasks/list").method("POST");
    let empty_body = event!("tasks/create").text("");
    for event in [no_body, empty_body, create(&json!({})), create(&json!({ "title": null }))] {
        let answer = send(&app, event).await;
        assert_eq!(answer.assert_status(201).json()["title"], Value::Null);
    }
    let made = made(&stack);
    assert_eq!((made.len(), made.iter().filter(|row| row.get("title").is_some()).count()), (4, 0));
}

#[tokio::test]
async fn a_title_may_have_100_characters_whatever_their_bytes() {
    let (_stack, app) = start().await;
    for title in ["x".repeat(100), "任".repeat(100), "🚀".repeat(100), String::new(), "<b>\"'\\&".to_owned()] {
        let answer = send(&app, create(&json!({ "title": title }))).await.assert_status(201).json();
        assert_eq!(answer["title"], title);
        let page = send(&app, page_of(answer["task_id"].as_str().unwrap())).await;
        assert_eq!(page.json()["title"], title);
    }
}

#[tokio::test]
async fn any_other_title_or_body_is_refused_and_makes_no_task() {
    let (stack, app) = start().await;
    let titles = [
        json!("任".repeat(101)),
        json!("🚀".repeat(101)),
        json!("line\nfeed"),
        json!("nul\u{0}"),
        json!("delete\u{7f}"),
        json!("next line\u{85}"),
        json!(1),
        json!(true),
        json!(["x"]),
        json!({"title": "x"}),
    ];
    let too_deep = format!(r#"{{"title":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let too_deep_elsewhere = format!(r#"{{"x":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let too_large = json!({ "title": "x", "padding": "x".repeat(16 * 1024) }).to_string();
    let bodies = [
        " ",
        "null",
        "1",
        "[]",
        r#"["Shelf 4"]"#,
        r#""Shelf 4""#,
        "{",
        "{}{}",
        r#"{"title":"a","title":"b"}"#,
        r#"{"title":"\ud800"}"#,
        "title=Shelf",
        &too_deep,
        &too_deep_elsewhere,
        &too_large,
    ];

    let mut events = vec![event!("tasks/create-bad-title")];
    events.extend(titles.map(|title| create(&json!({ "title": title }))));
    events.extend(bodies.map(|body| event!("tasks/create").text(body)));
    for event in events {
        let answer = send(&app, event.clone()).await;
        assert_eq!(answer.status(), 400, "{event:?}");
        answer.assert_refused(400, "bad_request");
    }
    assert!(made(&stack).is_empty());
}

#[tokio::test]
async fn more_than_a_title_changes_nothing() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    let body = json!({
        "title": "mine", "task_id": "mine", "owner_id": bob.user_id, "user_id": bob.user_id, "images": [SEEDED_IMAGE],
        "version": 7, "created_at": "2020-01-01T00:00:00Z", "created_at_ms": 7
    });

    let answer = send(&app, create(&body).from(&alice)).await.assert_status(201).json();

    assert_eq!((&answer["owner_id"], &answer["images"]), (&json!(alice.user_id), &json!([])));
    assert!(answer["task_id"] != "mine" && !answer["created_at"].as_str().unwrap().starts_with("2020"));
    let row = &made(&stack)[0];
    assert_eq!((&row["images"], &row["version"]), (&json!({"L": []}), &json!({"N": "1"})));
    assert_eq!(row.as_object().unwrap().len(), 6, "{row}");
}

#[tokio::test]
async fn the_same_key_gives_the_same_task_as_it_was_first_made() {
    let (stack, app) = start().await;
    let alice = stack.seeded_user();

    let first = send(&app, event!("tasks/create-with-key")).await.assert_status(201).json();
    let task_id = first["task_id"].as_str().unwrap();
    list_names(&stack, task_id, &[SEEDED_IMAGE.to_owned()]);
    let second = send(&app, with_key(&alice, "create-1", "another title")).await;

    assert_eq!(second.assert_status(201).json(), first);
    assert_eq!(stack.listed(task_id), [SEEDED_IMAGE], "the list stays as it is");
    assert_eq!(made(&stack).len(), 1);
}

#[tokio::test]
async fn ten_racing_calls_with_one_key_make_one_task() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;

    let calls = (0..10).map(|at| send(&app, with_key(&alice, "race", &format!("title {at}"))));
    let answers: Vec<_> = join_all(calls).await.iter().map(|answer| answer.assert_status(201).json()).collect();

    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(made(&stack).len(), 1);
}

#[tokio::test]
async fn a_write_that_was_applied_without_an_answer_makes_one_task() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    for fault in [Fault::AppliedThenServerError, Fault::AppliedThenReset, Fault::AppliedThenTimedOut] {
        let before = made(&stack).len();
        stack.wire().fail_nth("DynamoDB.PutItem", 1, fault);

        let answer = send(&app, create(&json!({ "title": "once" })).from(&alice)).await;

        assert_eq!(answer.assert_status(201).json()["title"], "once");
        assert_eq!(made(&stack).len(), before + 1, "{fault:?}");
        stack.wire().heal();
    }
}

#[tokio::test]
async fn a_task_whose_making_was_answered_as_busy_is_found_under_its_key() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    stack.wire().fail_every("DynamoDB.PutItem", Fault::AppliedThenServerError);
    send(&app, with_key(&alice, "doubt", "first")).await.assert_refused(503, "busy");
    stack.wire().heal();

    let answer = send(&app, with_key(&alice, "doubt", "second")).await;

    assert_eq!(answer.assert_status(201).json()["title"], "first");
    assert_eq!(made(&stack).len(), 1);
}

#[tokio::test]
async fn one_key_of_two_users_is_two_tasks_and_no_key_is_always_a_new_one() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);

    let events = [
        with_key(&alice, "shared", "a"),
        with_key(&bob, "shared", "b"),
        with_key(&alice, "Shared", "c"),
        create(&json!({ "title": "d" })).from(&alice),
        create(&json!({ "title": "d" })).from(&alice),
    ];
    for event in events {
        send(&app, event).await.assert_status(201);
    }

    let made = made(&stack);
    assert_eq!(made.len(), 5);
    assert!(made.iter().all(|row| row["task_id"]["S"].as_str().unwrap().len() == 32), "{made:?}");
}

#[tokio::test]
async fn a_key_has_1_to_64_characters_of_its_alphabet() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    send(&app, with_key(&alice, &"k".repeat(64), "x")).await.assert_status(201);
    send(&app, with_key(&alice, "A-z_9", "x")).await.assert_status(201);

    for key in ["", " ", "a b", "a,a", "a.b", "a/b", "é", "任务", "a\tb", &"k".repeat(65), &"k".repeat(60_000)] {
        send(&app, with_key(&alice, key, "x")).await.assert_refused(400, "bad_request");
    }
    assert_eq!(made(&stack).len(), 2);
}

#[tokio::test]
async fn making_a_task_is_one_read_and_one_guarded_write() {
    let (stack, app) = start().await;

    send(&app, event!("tasks/create-with-key")).await.assert_status(201);

    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.PutItem"]);
    assert!(stack.wire().calls()[1].body.contains("attribute_not_exists(task_id)"));
}
