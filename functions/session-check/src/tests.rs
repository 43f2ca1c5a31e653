use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use lambda_http::{Context, RequestExt};
use platform::{clock, config, telemetry};
use testkit::{Answer, Capture, Event, Fault, Stack, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

async fn start_with(changes: &[(&str, &str)]) -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("session-check", changes), Config::read).unwrap();
    let app = App::new(config, stack.http(), PATIENCE);
    (stack, app)
}

async fn start() -> (Stack, App) {
    start_with(&[]).await
}

async fn send(app: &App, event: Event) -> Answer {
    send_at(app, event, clock::now()).await
}

async fn send_at(app: &App, event: Event, now: Timestamp) -> Answer {
    Answer::of(web::answer(event.request(), now, PATIENCE.deadline, |request, now| handle(app, request, now)).await)
}

const SESSION: &str = r#"200 json {"created_at":"[time]","expires_at":"[time]","user_id":"[user]"}"#;

#[tokio::test]
async fn a_living_session_is_shown_to_its_user() {
    let (_stack, app) = start().await;

    let answer = send(&app, event!("session-check/good")).await;

    assert_eq!(answer.redacted(), SESSION);
    assert_eq!(answer.json()["user_id"], "5e550000-0000-4000-8000-00000000a11c");
}

#[tokio::test]
async fn every_spelling_of_the_headers_is_accepted() {
    let (_stack, app) = start().await;
    for event in [event!("session-check/hyphen-headers"), event!("session-check/x-headers")] {
        assert_eq!(send(&app, event).await.redacted(), SESSION);
    }
}

#[tokio::test]
async fn everything_that_is_no_living_session_gets_one_and_the_same_answer() {
    let (stack, app) = start().await;
    let (alice, mallory) = (stack.signed_in().await, stack.signed_in().await);
    let revoked = stack.signed_in().await;
    stack.remove_session(&revoked);
    let long_ago = clock::now().as_millisecond() - 8 * 24 * 3600 * 1000;
    let expired = stack.signed_in().await;
    stack.put_session(&expired, long_ago, long_ago).await;
    let good = || event!("session-check/good").from(&alice);

    for (what, event) in [
        ("missing", event!("session-check/missing-headers")),
        ("doubled", event!("session-check/doubled-header")),
        ("differing", event!("session-check/two-spellings-differ")),
        ("unknown", event!("session-check/unknown-session")),
        ("malformed", event!("session-check/malformed-session")),
        ("only one", good().without_header("user_id")),
        ("another user's", good().header("session_id", &mallory.session_id)),
        ("revoked", good().from(&revoked)),
        ("expired", good().from(&expired)),
        ("in another case", good().header("session_id", &alice.session_id.to_uppercase())),
        ("cut", good().header("session_id", &alice.session_id[..42])),
        ("in the query", event!("session-check/missing-headers").query(&format!("session_id={}", alice.session_id))),
    ] {
        let answer = send(&app, event).await;
        answer.assert_refused(401, "session_invalid");
        let refusal = r#"401 json {"errcode":40101,"errmsg":"没有建立会话或者会话信息出错","error":"session_invalid","request_id":"[request]"}"#;
        assert_eq!(answer.redacted(), refusal, "{what}");
    }
}

#[tokio::test]
async fn a_check_is_one_strongly_consistent_read_and_a_malformed_one_none() {
    let (stack, app) = start().await;

    send(&app, event!("session-check/good")).await.assert_status(200);
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
    assert!(stack.wire().calls()[0].body.contains(r#""ConsistentRead":true"#));

    stack.wire().forget();
    send(&app, event!("session-check/malformed-session")).await.assert_status(401);
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn the_table_holds_no_session_id() {
    let (stack, _app) = start().await;
    let alice = stack.signed_in().await;
    let rows = format!("{:?}", stack.rows("SessionsTable"));
    assert!(rows.contains(&alice.user_id) && !rows.contains(&alice.session_id));
}

#[tokio::test]
async fn expiry_is_compared_by_us_and_not_left_to_the_ttl() {
    let (stack, app) = start_with(&[("SESSION_IDLE_SECONDS", "1"), ("SESSION_RENEW_SECONDS", "1")]).await;
    let alice = stack.signed_in().await;
    let now = clock::now();
    stack.put_session(&alice, now.as_millisecond(), now.as_millisecond()).await;
    let sent = |later| send_at(&app, event!("session-check/good").from(&alice), now + later);

    sent(SignedDuration::from_millis(400)).await.assert_status(200);
    sent(SignedDuration::from_millis(1100)).await.assert_refused(401, "session_invalid");

    assert_eq!(stack.rows("SessionsTable").len(), 2, "the row is still there");
}

#[tokio::test]
async fn use_moves_the_idle_end_but_never_the_absolute_one() {
    let day = 24 * 3600 * 1000;
    let (stack, app) = start().await;
    let now = clock::now().as_millisecond();

    let idle = stack.signed_in().await;
    stack.put_session(&idle, now - 6 * day, now - 6 * day).await;
    let answer = send(&app, event!("session-check/good").from(&idle)).await;
    assert_eq!(days_left(&answer), 7);
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem", "DynamoDB.UpdateItem"]);

    let old = stack.signed_in().await;
    stack.put_session(&old, now - 29 * day, now - day).await;
    let answer = send(&app, event!("session-check/good").from(&old)).await;
    assert_eq!(days_left(&answer), 1);
}

fn days_left(answer: &Answer) -> i64 {
    let end: Timestamp = answer.json()["expires_at"].as_str().unwrap().parse().unwrap();
    (end.as_second() - clock::now().as_second() + 60) / (24 * 3600)
}

#[tokio::test]
async fn a_failed_renewal_is_ignored_and_never_brings_a_revoked_session_back() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let two_hours_ago = clock::now().as_millisecond() - 2 * 3600 * 1000;
    stack.put_session(&alice, two_hours_ago, two_hours_ago).await;
    stack.wire().fail_every("DynamoDB.UpdateItem", Fault::Throttled);
    send(&app, event!("session-check/good").from(&alice)).await.assert_status(200);
    stack.wire().heal();

    // Revoked between the read and the renewal.
    stack.wire().fail_nth("DynamoDB.UpdateItem", 1, Fault::KilledBefore);
    stack.killed(send(&app, event!("session-check/good").from(&alice))).await;
    stack.remove_session(&alice);
    let call = stack.wire().calls().pop().unwrap();
    assert!(call.body.contains("attribute_exists(session_hash)"), "{}", call.body);
    send(&app, event!("session-check/good").from(&alice)).await.assert_refused(401, "session_invalid");
}

#[tokio::test]
async fn a_table_that_fails_is_busy_and_never_a_refusal() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied, Fault::TimedOut] {
        stack.wire().fail_every("DynamoDB.GetItem", fault);
        send(&app, event!("session-check/good")).await.assert_refused(503, "busy");
        stack.wire().heal();
        send(&app, event!("session-check/good")).await.assert_status(200);
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        stack.wire().fail_nth("DynamoDB.GetItem", 1, fault);
        send(&app, event!("session-check/good")).await.assert_status(200);
        stack.wire().heal();
    }
}

#[tokio::test]
async fn another_method_is_told_what_the_path_takes() {
    let (_stack, app) = start().await;
    let answer = send(&app, event!("session-check/patch-method")).await;
    answer.assert_refused(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, POST");
}

#[tokio::test]
async fn init_opens_the_connection_with_one_read_and_survives_a_table_that_fails() {
    let (stack, app) = start().await;
    app.warm().await;
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);

    stack.wire().fail_every("DynamoDB.GetItem", Fault::Refused);
    app.warm().await;
    stack.wire().heal();
    send(&app, event!("session-check/good")).await.assert_status(200);
}

fn capture() -> Capture {
    Capture::start(|lines| telemetry::subscriber(move || lines.clone()))
}

#[tokio::test]
async fn a_line_names_function_request_trace_and_caller() {
    let (stack, app) = start().await;
    let log = capture();
    let mut context = Context::default();
    context.xray_trace_id =
        Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned());
    Arc::make_mut(&mut context.env_config).function_name = "stack-SessionCheckFunction-1".to_owned();
    let request = event!("session-check/good").request().with_lambda_context(context);

    let answer = web::answer(request, clock::now(), PATIENCE.deadline, |request, now| handle(&app, request, now)).await;

    Answer::of(answer).assert_status(200);
    let [line] = &log.requests()[..] else { panic!("{}", log.text()) };
    assert_eq!(line["FunctionName"], "stack-SessionCheckFunction-1");
    assert_eq!(line["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
    assert_eq!(line["user_id"], stack.seeded_user().user_id.as_str());
    let names: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "FunctionName",
            "aws.calls",
            "duration_ms",
            "http.method",
            "http.route",
            "http.status",
            "level",
            "message",
            "request_id",
            "timestamp",
            "trace_id",
            "user_id",
        ]
    );
}

#[tokio::test]
async fn a_line_has_the_request_id_that_a_refused_caller_is_told_and_no_user() {
    let (_stack, app) = start().await;
    let log = capture();

    let answer = send(&app, event!("session-check/unknown-session")).await;

    let [line] = &log.requests()[..] else { panic!("{}", log.text()) };
    assert_eq!(line["request_id"], answer.assert_refused(401, "session_invalid").json()["request_id"]);
    assert_eq!((&line["level"], &line["error.code"]), (&"INFO".into(), &"session_invalid".into()));
    assert_eq!((line.get("user_id"), &line["aws.calls"]), (None, &1.into()));
    assert_eq!(log.metrics(), "RequestDuration=[ms] Refusals{session_invalid}=1");
}

#[tokio::test]
async fn requests_side_by_side_keep_their_callers_and_their_calls_apart() {
    let (stack, app) = start().await;
    let (alice, bob) = (stack.signed_in().await, stack.signed_in().await);
    let two_hours_ago = clock::now().as_millisecond() - 2 * 3600 * 1000;
    stack.put_session(&bob, two_hours_ago, two_hours_ago).await;
    let log = capture();

    tokio::join!(
        send(&app, event!("session-check/good").from(&alice)),
        send(&app, event!("session-check/malformed-session")),
        send(&app, event!("session-check/good").from(&bob)),
    );

    let lines = log.requests();
    let calls: BTreeMap<_, _> = lines.iter().map(|line| (line["user_id"].as_str(), &line["aws.calls"])).collect();
    // Bob's session is renewed besides.
    let expected = [(None, &0.into()), (Some(&*alice.user_id), &1.into()), (Some(&*bob.user_id), &2.into())];
    assert_eq!(calls, BTreeMap::from(expected));
}

#[tokio::test]
async fn a_call_that_is_repeated_is_counted_twice_and_is_no_failure() {
    let (stack, app) = start().await;
    stack.wire().fail_nth("DynamoDB.GetItem", 1, Fault::Throttled);
    let log = capture();

    send(&app, event!("session-check/good")).await.assert_status(200);

    assert_eq!(log.requests()[0]["aws.calls"], 2);
    assert_eq!(log.metrics(), "RequestDuration=[ms]");
}

#[tokio::test]
async fn an_outage_is_one_failure_and_one_refusal_after_all_tries() {
    let (stack, app) = start().await;
    stack.fail_dynamodb(Fault::ServerError);
    let log = capture();

    send(&app, event!("session-check/good")).await.assert_refused(503, "busy");

    let line = &log.requests()[0];
    assert_eq!((&line["level"], &line["aws.calls"]), (&"ERROR".into(), &3.into()));
    assert_eq!(log.metrics(), "RequestDuration=[ms] AwsFailures=1 Refusals{busy}=1");
}

#[tokio::test]
async fn a_failed_renewal_is_counted_though_nobody_is_refused() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let two_hours_ago = clock::now().as_millisecond() - 2 * 3600 * 1000;
    stack.put_session(&alice, two_hours_ago, two_hours_ago).await;
    stack.wire().fail_every("DynamoDB.UpdateItem", Fault::ServerError);
    let log = capture();

    send(&app, event!("session-check/good").from(&alice)).await.assert_status(200);

    assert_eq!(log.metrics(), "RequestDuration=[ms] AwsFailures=1");
}
