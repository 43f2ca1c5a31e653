use std::time::Duration;

use super::*;

/// One good call of each route.
fn every_route() -> [(&'static str, Event); 5] {
    [
        ("create", event!("tasks/create")),
        ("create with a key", event!("tasks/create-with-key")),
        ("list", event!("tasks/list")),
        ("page", event!("tasks/page")),
        ("remove", event!("tasks/delete-image")),
    ]
}

#[tokio::test]
async fn a_path_that_is_nobodys_is_not_found() {
    let (stack, app) = start().await;

    let answer = send(&app, event!("tasks/unknown-route")).await;

    insta::assert_snapshot!(
        answer.redacted(),
        @r#"404 json {"errcode":40402,"errmsg":"资源不存在","error":"not_found","request_id":"[request]"}"#
    );
    for path in
        ["", "/", "/task", "/TASKS", "//tasks", "/tasks/a/b", "/tasks/a/images", "/tasks/a/images/b/c", "/../tasks"]
    {
        for method in ["GET", "POST", "DELETE", "PUT", "HEAD"] {
            let answer = send(&app, Event::of(method, path).from(&stack.seeded_user())).await;
            assert_eq!(answer.status(), 404, "{method} {path}");
        }
    }
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn the_default_route_never_does_the_work_of_another_route() {
    let (stack, app) = start().await;
    for (method, path) in [
        ("DELETE", format!("/tasks/seed-task/images%2F{SEEDED_IMAGE}")),
        ("GET", "/tasks%2Fseed-task".to_owned()),
        ("GET", "/tasks/seed-task/".to_owned()),
        ("POST", "/%2Ftasks".to_owned()),
    ] {
        let event = Event::of(method, &path).from(&stack.seeded_user());
        send(&app, event).await.assert_refused(404, "not_found");
    }
    assert_eq!(stack.listed("seed-task"), [SEEDED_IMAGE]);
    assert!(stack.wire().operations().is_empty(), "{:?}", stack.wire().operations());
}

#[tokio::test]
async fn another_method_is_told_what_the_path_takes() {
    let (stack, app) = start().await;
    let answer = send(&app, event!("tasks/put-method")).await;
    insta::assert_snapshot!(
        answer.redacted(),
        @r#"405 json allow=GET, HEAD, POST {"errcode":40501,"errmsg":"请求方法不支持","error":"method_not_allowed","request_id":"[request]"}"#
    );

    let image = event!("tasks/delete-image");
    for (event, methods, allow) in [
        (event!("tasks/list"), &["PUT", "DELETE", "PATCH", "TRACE"][..], "GET, HEAD, POST"),
        (event!("tasks/page"), &["PUT", "DELETE", "PATCH", "TRACE", "POST"], "GET, HEAD"),
        (image, &["PUT", "GET", "PATCH", "TRACE", "POST"], "DELETE"),
    ] {
        for method in methods {
            let answer = send(&app, event.clone().method(method).without_header("session_id")).await;
            answer.assert_refused(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), allow);
        }
        let preflight = send(&app, event.method("OPTIONS").without_header("session_id")).await;
        assert_eq!((preflight.status(), preflight.text(), preflight.header("allow")), (204, "", allow));
    }
    let head = send(&app, event!("tasks/delete-image").method("HEAD")).await;
    assert_eq!((head.status(), head.text(), head.header("allow")), (405, "", "DELETE"));
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn without_a_living_session_nothing_else_is_judged() {
    let (stack, app) = start().await;
    let (alice, bob, revoked) = (stack.signed_in().await, stack.signed_in().await, stack.signed_in().await);
    stack.remove_session(&revoked);
    let routes = every_route().map(|(_, event)| event).into_iter().chain([
        event!("tasks/create-bad-title"),
        event!("tasks/create-with-key").header("idempotency-key", "a b"),
        event!("tasks/list-bad-cursor"),
        event!("tasks/page-foreign"),
        event!("tasks/delete-unknown-image"),
        page_of("a b"),
        removal_of("a b", "no name"),
    ]);

    for route in routes {
        for event in [
            route.clone().from(&revoked),
            route.clone().from(&alice).header("user_id", &bob.user_id),
            route.clone().from(&alice).header("session-id", &bob.session_id),
            route.clone().from(&alice).header("session_id", &format!("{0},{0}", alice.session_id)),
            route.clone().without_header("session_id"),
            route.clone().without_header("session_id").query(&format!("session_id={}", alice.session_id)),
            route.clone().without_header("user_id"),
        ] {
            send(&app, event).await.assert_refused(401, "session_invalid");
        }
    }
    let seeded = [SEEDED_IMAGE];
    assert_eq!(
        (stack.rows("TasksTable").len(), stack.listed("seed-task").as_slice()),
        (1, &seeded.map(str::to_owned)[..])
    );
}

#[tokio::test]
async fn a_malformed_session_costs_no_read() {
    let (stack, app) = start().await;
    for (_, route) in every_route() {
        send(&app, route.header("session_id", "malformed")).await.assert_refused(401, "session_invalid");
    }
    assert!(stack.wire().operations().is_empty(), "{:?}", stack.wire().operations());
}

#[tokio::test]
async fn while_dynamodb_fails_every_route_is_busy_and_works_again_behind_it() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied] {
        stack.fail_dynamodb(fault);
        for (_, route) in every_route() {
            send(&app, route).await.assert_refused(503, "busy");
        }
        stack.wire().heal();
    }
    assert_eq!(stack.rows("TasksTable").len(), 1);
    for (what, route) in every_route() {
        assert!(send(&app, route).await.status() < 300, "{what}");
    }
}

#[tokio::test]
async fn while_one_operation_fails_its_routes_are_busy_and_the_others_work() {
    let (stack, app) = start().await;
    for (operation, busy) in [
        ("PutItem", &["create", "create with a key"][..]),
        ("Query", &["list"]),
        ("BatchGetItem", &["page"]),
        ("UpdateItem", &["remove"]),
    ] {
        stack.wire().fail_every(&format!("DynamoDB.{operation}"), Fault::ServerError);
        for (what, route) in every_route().into_iter().filter(|(what, _)| *what != "remove" || busy.contains(what)) {
            let answer = send(&app, route).await;
            assert_eq!(answer.status() == 503, busy.contains(&what), "{what} without {operation}");
        }
        stack.wire().heal();
    }
}

#[tokio::test]
async fn a_silent_table_is_answered_as_busy() {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("tasks", &[]), Config::read).unwrap();
    let app = App::new(config, stack.http(), Patience { operation: Duration::from_millis(50), ..PATIENCE });
    stack.fail_dynamodb(Fault::Silent);
    let answers = join_all(every_route().map(|(_, route)| send(&app, route))).await;
    for answer in answers {
        answer.assert_refused(503, "busy");
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed_on_every_route() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError] {
        for (what, route) in every_route() {
            for nth in 1..=3 {
                stack.wire().fail_call(nth, fault);
                assert!(send(&app, route.clone()).await.status() < 300, "{what}, call {nth}, {fault:?}");
                stack.wire().heal();
            }
        }
    }
}

#[tokio::test]
async fn an_operation_is_tried_three_times_and_no_more() {
    let (stack, app) = start().await;
    stack.wire().fail_every("DynamoDB.Query", Fault::Throttled);

    send(&app, event!("tasks/list")).await.assert_refused(503, "busy");

    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.Query", "DynamoDB.Query", "DynamoDB.Query"]);
}

#[tokio::test]
async fn neither_logs_nor_answers_hold_what_is_secret() {
    let (stack, app) = start().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    let bad_title = event!("tasks/create").json(&json!({ "title": "Shelf 4\n" }));
    let routes = || every_route().map(|(_, event)| event).into_iter().chain([bad_title.clone()]);
    let mut answers = join_all(routes().map(|route| send(&app, route))).await;
    stack.fail_dynamodb(Fault::ServerError);
    answers.extend(join_all(routes().map(|route| send(&app, route))).await);

    let log = log.text();
    assert_eq!(log.lines().filter(|line| line.contains(r#""http.status""#)).count(), 12, "{log}");
    let user = stack.seeded_user();
    for secret in [&user.session_id, "5eed0000000040008000000000000001", "Shelf 4", "create-1", "X-Amz-", "user_seed"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for answer in answers.iter().map(Answer::text) {
        assert!(!answer.contains(&user.session_id) && !answer.contains("Table"), "{answer}");
    }
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let Err(problems) = config::from_lookup(&|_| None, Config::read) else {
        panic!("an empty environment was accepted")
    };
    let names: Vec<_> = problems.0.iter().filter_map(|problem| problem.split(' ').next()).collect();
    assert_eq!(
        names,
        [
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "SESSIONS_TABLE",
            "TASKS_TABLE",
            "IMAGES_TABLE",
            "IMAGES_BUCKET"
        ]
    );
}
