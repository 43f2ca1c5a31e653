use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

async fn put_task(stack: &Stack, owner: &User, task_id: &str, created_at_ms: usize) {
    let row = json!({
        "task_id": {"S": task_id},
        "owner_id": {"S": owner.user_id},
        "created_at_ms": {"N": created_at_ms.to_string()},
        "images": {"L": []},
        "version": {"N": "1"}
    });
    stack.put_row("TasksTable", row).await;
}

fn list(user: &User) -> Event {
    event!("tasks/list").from(user)
}

fn list_from(user: &User, cursor: &Value) -> Event {
    list(user).query(&format!("cursor={}", cursor.as_str().unwrap()))
}

#[track_caller]
fn ids(list: &Answer) -> Vec<String> {
    let list = list.assert_status(200).json();
    list["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_has_tasks_without_their_images() {
    let (_stack, app) = start().await;

    let answer = send(&app, event!("tasks/list")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"200 json {"cursor":null,"tasks":[{"created_at":"[time]","owner_id":"[user]","task_id":"seed-task","title":"Launch pad"}]}"#
    );
    assert_eq!(answer.json()["tasks"][0]["created_at"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn somebody_new_has_an_empty_list() {
    let (stack, app) = start().await;
    let answer = send(&app, list(&stack.signed_in().await)).await;
    insta::assert_snapshot!(answer.redacted(), @r#"200 json {"cursor":null,"tasks":[]}"#);
}

#[tokio::test]
async fn the_newest_task_comes_first_and_nobody_elses_at_all() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    for (task_id, owner, created_at_ms) in
        [("second", &alice, 2000), ("bobs", &bob, 2500), ("third", &alice, 3000), ("first", &alice, 1000)]
    {
        put_task(&stack, owner, task_id, created_at_ms).await;
    }
    assert_eq!(ids(&send(&app, list(&alice)).await), ["third", "second", "first"]);
    assert_eq!(ids(&send(&app, list(&bob)).await), ["bobs"]);
}

#[tokio::test]
async fn a_walk_over_120_tasks_meets_each_once_while_others_are_made() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    for at in 0..120 {
        // Three at a time were made in the same millisecond.
        put_task(&stack, &alice, &format!("task-{at}"), 1_000_000 + at / 3).await;
    }

    let first = send(&app, list(&alice)).await;
    put_task(&stack, &alice, "made-meanwhile", 2_000_000).await;
    let second = send(&app, list_from(&alice, &first.json()["cursor"])).await;
    let third = send(&app, list_from(&alice, &second.json()["cursor"])).await;

    let pages = [ids(&first), ids(&second), ids(&third)];
    assert_eq!(pages.each_ref().map(Vec::len), [50, 50, 20]);
    assert_eq!(third.json()["cursor"], Value::Null);
    let mut walked: Vec<usize> =
        pages.iter().flatten().map(|id| id.strip_prefix("task-").unwrap().parse().unwrap()).collect();
    assert!(walked.windows(2).all(|pair| pair[0] / 3 >= pair[1] / 3), "newest first: {walked:?}");
    walked.sort_unstable();
    assert_eq!(walked, (0..120).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_opens_nobody_elses_list() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    for at in 0..51 {
        put_task(&stack, &alice, &format!("alices-{at}"), 1_000_000 + at).await;
    }
    put_task(&stack, &bob, "bobs-old", 1_000_000).await;
    put_task(&stack, &bob, "bobs-new", 2_000_000).await;
    let cursor = &send(&app, list(&alice)).await.json()["cursor"];

    let answer = send(&app, list_from(&bob, cursor)).await;

    assert_eq!(ids(&answer), ["bobs-old"], "his own tasks behind that place, and none of hers");
    let decoded = URL_SAFE_NO_PAD.decode(cursor.as_str().unwrap()).unwrap();
    assert!(!String::from_utf8(decoded).unwrap().contains(&alice.user_id));
}

#[tokio::test]
async fn a_cursor_that_is_none_of_ours_is_refused() {
    let (stack, app) = start().await;
    let good = json!({"created_at_ms": 1, "task_id": "x"});
    let long = "x".repeat(65);
    let encoded = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let mut cursors = vec![
        String::new(),
        "%00".to_owned(),
        "%E4%BB%BB".to_owned(),
        "null".to_owned(),
        format!("{}=", encoded(&good)),
        format!("{}%0A", encoded(&good)),
        format!("{}{}", encoded(&good), encoded(&good)),
        URL_SAFE_NO_PAD.encode("[".repeat(5000)),
        URL_SAFE_NO_PAD.encode([0xff, 0xfe]),
    ];
    for json in [
        json!({}),
        json!([]),
        json!(null),
        json!({"created_at_ms": 1}),
        json!({"task_id": "x"}),
        json!({"created_at_ms": "1", "task_id": "x"}),
        json!({"created_at_ms": 1.5, "task_id": "x"}),
        json!({"created_at_ms": 1e30, "task_id": "x"}),
        json!({"created_at_ms": 1, "task_id": 1}),
        json!({"created_at_ms": 1, "task_id": ""}),
        json!({"created_at_ms": 1, "task_id": "a b"}),
        json!({"created_at_ms": 1, "task_id": long}),
    ] {
        cursors.push(encoded(&json));
    }

    send(&app, event!("tasks/list-bad-cursor")).await.assert_refused(400, "bad_request");
    for cursor in cursors {
        let answer = send(&app, event!("tasks/list").query(&format!("cursor={cursor}"))).await;
        assert_eq!(answer.status(), 400, "{cursor}: {}", answer.text());
        answer.assert_refused(400, "bad_request");
    }
    assert!(!stack.wire().operations().contains(&"DynamoDB.Query".to_owned()));

    for end in [i64::MIN, i64::MAX, 0] {
        let cursor = encoded(&json!({"created_at_ms": end, "task_id": "x"}));
        send(&app, event!("tasks/list").query(&format!("cursor={cursor}"))).await.assert_status(200);
    }
}

#[tokio::test]
async fn a_page_of_the_list_is_two_reads() {
    let (stack, app) = start().await;

    send(&app, event!("tasks/list")).await.assert_status(200);

    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.Query"]);
    let query = &stack.wire().calls()[1].body;
    assert!(query.contains(r#""Limit":50"#) && query.contains(r#""ScanIndexForward":false"#), "{query}");
}
