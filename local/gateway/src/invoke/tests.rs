use std::convert::Infallible;
use std::future::{Ready, ready};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use lambda_http::LambdaEvent;
use lambda_http::tower::ServiceExt;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::function::Function;

const EVENT: &str = r#"{
    "version": "2.0", "routeKey": "$default", "rawPath": "/here", "rawQueryString": "", "headers": {},
    "requestContext": { "stage": "$default", "http": { "method": "GET", "path": "/here", "sourceIp": "::1" } },
    "isBase64Encoded": false
}"#;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: String,
}

fn functions() -> Functions {
    let echo = |event: LambdaEvent<Event>| ready(Ok::<_, Infallible>(event.payload.raw_path));
    let panic = |_: LambdaEvent<Value>| -> Ready<Result<Value, Infallible>> { panic!("boom") };
    let mut functions = Functions::default();
    functions.insert("echo", Function::new(testkit::LONG, echo));
    functions.insert("panic", Function::new(testkit::LONG, panic));
    functions
}

fn invocation(function: &str) -> http::request::Builder {
    Request::post(format!("/2015-03-31/functions/{function}/invocations"))
}

async fn send(request: Request<Body>) -> (u16, HeaderMap, Value) {
    let response = router(functions()).oneshot(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (head.status.as_u16(), head.headers, serde_json::from_slice(&body).expect("JSON"))
}

async fn post(function: &str, event: impl Into<Body>) -> (u16, HeaderMap, Value) {
    send(invocation(function).body(event.into()).expect("a request")).await
}

#[tokio::test]
async fn an_invocation_is_answered_with_the_functions_own_json() {
    let (status, headers, answer) = post("echo", EVENT).await;

    assert_eq!(status, 200);
    assert_eq!(headers.get("x-amz-function-error"), None);
    assert_eq!(headers["x-amz-executed-version"], "$LATEST");
    assert!(headers.contains_key("x-amzn-requestid"));
    assert_eq!(answer, "/here");
}

#[tokio::test]
async fn a_failed_function_is_200_with_its_error() {
    let (status, headers, error) = post("panic", EVENT).await;

    assert_eq!((status, &headers["x-amz-function-error"]), (200, &HeaderValue::from_static("Unhandled")));
    assert_eq!(error, json!({ "errorType": "panic", "errorMessage": "Lambda panicked: boom" }));
}

#[tokio::test]
async fn an_event_that_the_function_cannot_read_is_its_error_too() {
    let (status, headers, error) = post("echo", r#"{"Records": []}"#).await;

    assert_eq!((status, &headers["x-amz-function-error"]), (200, &HeaderValue::from_static("Unhandled")));
    assert_eq!(error["errorType"], "InvalidEventDataError");
}

#[track_caller]
fn assert_refused((status, headers, body): (u16, HeaderMap, Value), expected: u16, kind: &str) {
    assert_eq!((status, headers["x-amzn-errortype"].to_str().expect("text")), (expected, kind));
    assert_eq!(body["Type"], "User");
}

#[tokio::test]
async fn an_unknown_function_is_not_found() {
    assert_refused(post("nobody", EVENT).await, 404, "ResourceNotFoundException");
}

#[tokio::test]
async fn an_event_that_is_not_json_is_refused() {
    assert_refused(post("echo", "{").await, 400, "InvalidRequestContentException");
    assert_refused(post("echo", "").await, 400, "InvalidRequestContentException");
    assert_refused(post("echo", &b"\"\xff\""[..]).await, 400, "InvalidRequestContentException");
}

#[tokio::test]
async fn too_large_an_event_is_refused() {
    assert_refused(post("echo", " ".repeat(PAYLOAD_LIMIT + 1)).await, 413, "RequestTooLargeException");
}

#[tokio::test]
async fn other_operations_and_invocation_types_are_refused() {
    let later = invocation("echo").header("x-amz-invocation-type", "Event").body(EVENT.into()).expect("a request");
    let list = Request::get("/2015-03-31/functions").body(Body::empty()).expect("a request");

    assert_refused(send(later).await, 400, "InvalidParameterValueException");
    assert_refused(send(list).await, 404, "UnknownOperationException");
}
