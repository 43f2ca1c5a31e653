use lambda_http::Context;
use lambda_http::lambda_runtime::Diagnostic;
use platform::{clock, config, telemetry};
use serde_json::{Value, json};
use testkit::{Capture, Event, Fault, Stack, User, event};

use super::*;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

/// The user of the seed set.
const USER: &str = "5e550000-0000-4000-8000-00000000a11c";

async fn start() -> (Stack, App) {
    let stack = Stack::start().await;
    let config = config::from_lookup(&stack.lookup("session-authorizer", &[]), Config::read).unwrap();
    let app = App::new(config, stack.http(), PATIENCE);
    (stack, app)
}

/// What the gateway gets: an answer, or a function error in Lambda's form.
async fn ask(app: &App, event: Event) -> Result<Value, Diagnostic> {
    let event = LambdaEvent::new(event.parsed(), Context::default());
    let answer = handle(app, event, clock::now()).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn answer(app: &App, event: Event) -> Value {
    ask(app, event).await.unwrap()
}

/// The answer of the simple form to everything that is no living session.
fn refusal() -> Value {
    json!({ "isAuthorized": false, "context": {} })
}

/// The verdict of a policy; whatever else is wrong with it fails the test.
#[track_caller]
fn effect_of(answer: &Value, method_arn: &str) -> String {
    let policy = &answer["policyDocument"];
    let [statement] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!(policy["Version"], "2012-10-17");
    assert_eq!(statement["Action"], json!(["execute-api:Invoke"]));
    assert_eq!(statement["Resource"], json!([method_arn]));
    statement["Effect"].as_str().unwrap().to_owned()
}

fn rest(answer: &Value) -> String {
    effect_of(answer, "arn:aws:execute-api:ap-east-1:123456789012:abcdef1234/prod/GET/orders")
}

fn format_1(answer: &Value) -> String {
    effect_of(answer, "arn:aws:execute-api:ap-east-1:123456789012:abcdef1234/$default/GET/orders")
}

#[track_caller]
fn assert_tells_of_the_caller(answer: &Value) {
    let context = answer["context"].as_object().unwrap();
    assert_eq!(context.keys().collect::<Vec<_>>(), ["expires_at", "user_id"]);
    assert_eq!(context["user_id"], USER);
    assert_eq!(days_left(answer), 7);
}

fn days_left(answer: &Value) -> i64 {
    let end: Timestamp = answer["context"]["expires_at"].as_str().unwrap().parse().unwrap();
    (end.as_second() - clock::now().as_second() + 60) / (24 * 3600)
}

#[tokio::test]
async fn a_living_session_is_authorized_and_the_back_end_is_told_whose_it_is() {
    let (_stack, app) = start().await;

    let answer = answer(&app, event!("session-authorizer/good")).await;

    assert_eq!(answer["isAuthorized"], true);
    assert_eq!(answer.as_object().unwrap().len(), 2);
    assert_tells_of_the_caller(&answer);
}

#[tokio::test]
async fn every_spelling_of_the_headers_is_accepted() {
    let (_stack, app) = start().await;
    for event in [event!("session-authorizer/hyphen-headers"), event!("session-authorizer/x-headers")] {
        assert_eq!(answer(&app, event).await["isAuthorized"], true);
    }
}

#[tokio::test]
async fn format_1_is_answered_by_a_policy_on_the_one_method_that_is_called() {
    let (_stack, app) = start().await;

    let of_rest_api = answer(&app, event!("session-authorizer/rest-good")).await;
    let of_http_api = answer(&app, event!("session-authorizer/format-1-good")).await;

    assert_eq!((rest(&of_rest_api), format_1(&of_http_api)), ("Allow".to_owned(), "Allow".to_owned()));
    for answer in [of_rest_api, of_http_api] {
        assert_eq!(answer["principalId"], USER);
        assert_eq!(answer.as_object().unwrap().len(), 3);
        assert_tells_of_the_caller(&answer);
    }
}

#[tokio::test]
async fn everything_that_is_no_living_session_gets_one_and_the_same_answer() {
    let (stack, app) = start().await;
    let (alice, mallory) = (stack.signed_in().await, stack.signed_in().await);
    let (revoked, expired) = (stack.signed_in().await, expired(&stack).await);
    stack.remove_session(&revoked);
    let good = || event!("session-authorizer/good").from(&alice);
    assert_eq!(answer(&app, good()).await["isAuthorized"], true);

    for (what, event) in [
        ("missing", event!("session-authorizer/missing-headers")),
        ("doubled", event!("session-authorizer/doubled-header")),
        ("differing", event!("session-authorizer/two-spellings-differ")),
        ("unknown", event!("session-authorizer/unknown-session")),
        ("malformed", event!("session-authorizer/malformed-session")),
        ("only one", good().without_header("user_id")),
        ("another user's", good().header("session_id", &mallory.session_id)),
        ("revoked", good().from(&revoked)),
        ("expired", good().from(&expired)),
        (
            "in the query",
            event!("session-authorizer/missing-headers").query(&format!("session_id={}", alice.session_id)),
        ),
    ] {
        assert_eq!(answer(&app, event).await, refusal(), "{what}");
    }
}

async fn expired(stack: &Stack) -> User {
    let user = stack.signed_in().await;
    let long_ago = clock::now().as_millisecond() - 8 * 24 * 3600 * 1000;
    stack.put_session(&user, long_ago, long_ago).await;
    user
}

#[tokio::test]
async fn in_format_1_that_answer_is_an_explicit_denial_and_tells_of_nobody() {
    let (stack, app) = start().await;

    let mut answers = Vec::new();
    for event in [
        event!("session-authorizer/rest-missing-headers"),
        event!("session-authorizer/rest-unknown-session"),
        event!("session-authorizer/rest-doubled-header"),
    ] {
        answers.push(answer(&app, event).await);
    }
    stack.remove_session(&stack.seeded_user());
    answers.push(answer(&app, event!("session-authorizer/rest-good")).await);

    for answer in &answers {
        assert_eq!(rest(answer), "Deny");
        assert_eq!((&answer["principalId"], &answer["context"]), (&json!("nobody"), &json!({})));
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(format_1(&answer(&app, event!("session-authorizer/format-1-missing-headers")).await), "Deny");
}

#[tokio::test]
async fn a_check_is_one_strongly_consistent_read_and_a_malformed_one_none() {
    let (stack, app) = start().await;

    answer(&app, event!("session-authorizer/good")).await;
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
    assert!(stack.wire().calls()[0].body.contains(r#""ConsistentRead":true"#));

    stack.wire().forget();
    assert_eq!(answer(&app, event!("session-authorizer/malformed-session")).await, refusal());
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn a_session_that_is_used_behind_another_gateway_lives_on() {
    let day = 24 * 3600 * 1000;
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let six_days_ago = clock::now().as_millisecond() - 6 * day;
    stack.put_session(&alice, six_days_ago, six_days_ago).await;

    stack.wire().fail_every("DynamoDB.UpdateItem", Fault::Throttled);
    assert_eq!(days_left(&answer(&app, event!("session-authorizer/good").from(&alice)).await), 1);
    stack.wire().heal();
    assert_eq!(days_left(&answer(&app, event!("session-authorizer/good").from(&alice)).await), 7);
}

#[tokio::test]
async fn a_table_that_fails_is_a_failed_check_and_never_a_refusal() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::AccessDenied, Fault::TimedOut] {
        stack.wire().fail_every("DynamoDB.GetItem", fault);
        for event in [event!("session-authorizer/good"), event!("session-authorizer/rest-good")] {
            let failure = ask(&app, event).await.unwrap_err();
            let told = (failure.error_type.as_str(), failure.error_message.as_str());
            assert_eq!(told, ("busy", "系统繁忙，请稍后再试"), "the cause is the log's");
        }
        stack.wire().heal();
        assert_eq!(answer(&app, event!("session-authorizer/good")).await["isAuthorized"], true);
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed() {
    let (stack, app) = start().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::TimedOut] {
        stack.wire().fail_nth("DynamoDB.GetItem", 1, fault);
        assert_eq!(answer(&app, event!("session-authorizer/good")).await["isAuthorized"], true);
        stack.wire().heal();
    }
}

#[tokio::test]
async fn each_check_is_one_log_line_and_no_session_id_is_in_lines_or_answers() {
    let (stack, app) = start().await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    let allowed = answer(&app, event!("session-authorizer/good")).await;
    let refused = answer(&app, event!("session-authorizer/unknown-session")).await;
    stack.wire().fail_every("DynamoDB.GetItem", Fault::AccessDenied);
    let failed = ask(&app, event!("session-authorizer/rest-good")).await.unwrap_err();

    let log = log.text();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [one, two, three] = lines.as_slice() else { panic!("{log}") };
    assert_eq!((&one["authorized"], &one["user_id"], &one["aws.calls"]), (&json!(true), &json!(USER), &json!(1)));
    assert_eq!(
        (&one["request_id"], &three["request_id"]),
        (&json!("JKJaXmPLvHcESHA="), &json!("7f1d0c5e-2c1b-4a55-9f0a-3f6d2a9c1e42"))
    );
    assert_eq!((&two["error.code"], &two["error.cause"]), (&json!("session_invalid"), &json!("no such session")));
    assert_eq!((&three["level"], &three["authorized"]), (&json!("ERROR"), &json!(false)));
    assert_eq!(three["error.cause"], "DynamoDB.GetItem: AccessDeniedException");
    assert_eq!((&three["AwsFailures"], &three["Refusals"]), (&json!(1), &json!(1)));
    for secret in [stack.seeded_user().session_id, "YW4gdW5rbm93biBzZXNzaW9u".to_owned()] {
        for text in [&log, &allowed.to_string(), &refused.to_string(), &format!("{failed:?}")] {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

#[test]
fn what_is_no_question_of_a_request_authorizer_is_no_event() {
    let token = json!({ "type": "TOKEN", "authorizationToken": "a token", "methodArn": "arn:…" });
    let mut nameless: Value = event!("session-authorizer/rest-good").parsed();
    nameless.as_object_mut().unwrap().remove("methodArn");

    for event in [json!({}), json!([]), json!(1), json!({ "version": "2.0" }), token, nameless] {
        assert!(serde_json::from_value::<super::Event>(event.clone()).is_err(), "{event}");
    }
}

#[tokio::test]
async fn init_opens_the_connection_with_one_read() {
    let (stack, app) = start().await;
    app.warm().await;
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
}
