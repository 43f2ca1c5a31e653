use std::convert::Infallible;

use emulators::template::Template;
use http::header::{LOCATION, SET_COOKIE};
use lambda_http::LambdaEvent;
use lambda_http::tower::ServiceExt;
use serde_json::Value;

use super::*;
use crate::function::Function;

const TEMPLATE: &str = "
Resources:
  Bucket: { Type: AWS::S3::Bucket }
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/echo
      Events:
        Echo: { Type: HttpApi, Properties: { Method: ANY, Path: /echo } }
        Gone: { Type: HttpApi, Properties: { Method: GET, Path: /gone } }
        Panic: { Type: HttpApi, Properties: { Method: GET, Path: /panic } }
        Forever: { Type: HttpApi, Properties: { Method: GET, Path: /forever } }
  Absent:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/absent
      Events: { Absent: { Type: HttpApi, Properties: { Method: GET, Path: /absent } } }
";

async fn fake(event: LambdaEvent<Value>) -> Result<Value, Infallible> {
    let event = event.payload;
    Ok(match event["rawPath"].as_str() {
        Some("/echo") => json!({
            "statusCode": 201,
            "headers": { "content-type": "image/jpeg" },
            "body": event["body"],
            "isBase64Encoded": event["isBase64Encoded"],
        }),
        Some("/gone") => json!({ "statusCode": 302, "headers": { "location": "https://x/" }, "cookies": ["a=1"] }),
        Some("/panic") => panic!("boom"),
        _ => std::future::pending().await,
    })
}

fn gateway(limits: Limits) -> Router {
    let routes = Routes::of(&Template::parse(TEMPLATE).expect("a good template"));
    let mut functions = Functions::default();
    functions.insert("echo", Function::new(Duration::from_secs(60), fake));
    Gateway { routes, functions, limits }.router()
}

fn small() -> Limits {
    Limits { head_bytes: 200, body_bytes: 20, ..Limits::default() }
}

fn hurried() -> Limits {
    Limits { body_time: Duration::from_millis(20), integration_time: Duration::from_millis(20), ..Limits::default() }
}

async fn send(limits: Limits, mut request: Request) -> (u16, HeaderMap, Bytes) {
    request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("127.0.0.1:8787"));
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
    let (head, body) = gateway(limits).oneshot(request).await.expect("an answer").into_parts();
    (head.status.as_u16(), head.headers, body.collect().await.expect("a body").to_bytes())
}

fn post(path: &str, body: impl Into<Body>) -> Request {
    Request::post(path).body(body.into()).expect("a request")
}

fn get(path: &str) -> Request {
    Request::get(path).body(Body::empty()).expect("a request")
}

#[track_caller]
fn assert_own_answer((status, headers, body): (u16, HeaderMap, Bytes), expected: u16, message: &str) {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, body), (expected, json!({ "message": message })));
    assert_eq!(headers[CONTENT_TYPE], "application/json");
    assert!(headers.contains_key("apigw-requestid"));
}

#[tokio::test]
async fn bytes_go_through_a_function_and_come_back_the_same() {
    let bytes: Vec<u8> = (0..=255).collect();
    let request = Request::post("/echo").header(CONTENT_TYPE, "image/jpeg").body(bytes.clone().into());

    let (status, headers, body) = send(Limits::default(), request.expect("a request")).await;

    assert_eq!((status, &body[..]), (201, &bytes[..]));
    assert!(headers.contains_key("apigw-requestid"));
}

#[tokio::test]
async fn status_headers_and_cookies_are_the_functions() {
    let (status, headers, body) = send(Limits::default(), get("/gone")).await;

    assert_eq!((status, body.len()), (302, 0));
    assert_eq!((&headers[LOCATION], &headers[SET_COOKIE]), (&"https://x/".parse().unwrap(), &"a=1".parse().unwrap()));
}

#[tokio::test]
async fn an_unmatched_path_or_method_is_the_gateways_own_404() {
    assert_own_answer(send(Limits::default(), get("/nowhere")).await, 404, "Not Found");
    assert_own_answer(send(Limits::default(), post("/gone", "")).await, 404, "Not Found");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_it_is_not() {
    assert_eq!(send(small(), post("/echo", "x".repeat(20))).await.0, 201);
    assert_own_answer(send(small(), post("/echo", "x".repeat(21))).await, 413, "Request Entity Too Large");
}

#[tokio::test]
async fn whoever_asks_before_sending_is_refused_before_sending() {
    let request = Request::post("/echo").header(EXPECT, "100-continue").header(CONTENT_LENGTH, "21");
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());

    let answer = send(small(), request.body(never).expect("a request")).await;

    assert_own_answer(answer, 413, "Request Entity Too Large");
}

#[tokio::test]
async fn a_body_whose_event_is_over_lambdas_limit_is_refused() {
    let answer = send(Limits::default(), post("/echo", "x".repeat(5 * 1024 * 1024))).await;

    assert_own_answer(answer, 413, "Request Entity Too Large");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let with_header = |bytes: usize| {
        let request = Request::post("/echo").header("x-long", "x".repeat(bytes)).body(Body::empty());
        send(small(), request.expect("a request"))
    };

    assert_eq!(with_header(100).await.0, 201);
    assert_own_answer(with_header(200).await, 431, "Request Header Fields Too Large");
    assert_own_answer(
        send(small(), get(&format!("/echo?{}", "x".repeat(200)))).await,
        431,
        "Request Header Fields Too Large",
    );
}

#[tokio::test]
async fn a_host_that_is_none_is_refused() {
    for host in ["", "a b", "a/b", "a?b"] {
        let request = Request::get("/echo").header(HOST, host).body(Body::empty()).expect("a request");
        assert_own_answer(send(Limits::default(), request).await, 400, "Bad Request");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());

    assert_own_answer(send(hurried(), post("/echo", never)).await, 408, "Request Timeout");
}

#[tokio::test]
async fn a_body_that_breaks_off_reaches_no_function() {
    let cut = futures_util::stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("cut"))]);

    assert_own_answer(send(Limits::default(), post("/echo", Body::from_stream(cut))).await, 400, "Bad Request");
}

#[tokio::test]
async fn a_failing_function_is_an_internal_server_error_without_its_cause() {
    assert_own_answer(send(Limits::default(), get("/panic")).await, 500, "Internal Server Error");
    assert_own_answer(send(Limits::default(), get("/absent")).await, 500, "Internal Server Error");
}

#[tokio::test]
async fn a_function_that_does_not_answer_is_unavailable() {
    assert_own_answer(send(hurried(), get("/forever")).await, 503, "Service Unavailable");
}

#[test]
fn an_answer_that_is_not_one_of_payload_format_2_is_refused() {
    for payload in [
        "[]",
        "{}",
        r#"{"statusCode": 99}"#,
        r#"{"statusCode": 200, "headers": {"a b": "c"}}"#,
        r#"{"statusCode": 200, "headers": {"a": "c\n"}}"#,
        r#"{"statusCode": 200, "body": "!", "isBase64Encoded": true}"#,
    ] {
        assert!(answer::response(payload).is_err(), "{payload}");
    }
}
