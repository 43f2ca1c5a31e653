use serde_json::{Value, json};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn event(path: &str) -> Invocation {
    let http = json!({ "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t" });
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": { "stage": "$default", "http": http },
        "isBase64Encoded": false,
    });
    Invocation { event: event.to_string(), request_id: "a-request-id".to_owned() }
}

fn functions() -> Functions {
    let echo = |request: Request| async move { Response::new(Body::from(request.uri().path())) };
    let photo = |_| async {
        let response = Response::builder().status(201).header("content-type", "image/jpeg").header("set-cookie", "a=1");
        response.header("set-cookie", "b=2").body(Body::from(b"\xff\xd8".to_vec())).expect("a response")
    };
    let panic = |request: Request| async move { panic!("no {}", request.uri().path()) };
    let large = |_| async { Response::new(Body::from("x".repeat(PAYLOAD_LIMIT))) };
    let id = |request: Request| async move { Response::new(Body::from(request.lambda_context().request_id)) };
    let mut functions = Functions::default();
    functions.insert("echo", Function::http(SECOND, echo));
    functions.insert("photo", Function::http(SECOND, photo));
    functions.insert("panic", Function::http(SECOND, panic));
    functions.insert("large", Function::http(SECOND, large));
    functions.insert("id", Function::http(SECOND, id));
    functions.insert("forever", Function::http(SECOND, |_| std::future::pending()));
    functions
}

async fn answer(name: &str) -> Value {
    let answer = functions().invoke(name, event("/here")).await.expect("an answer");
    serde_json::from_str(&answer).expect("JSON")
}

async fn failure(name: &str, invocation: Invocation) -> InvokeError {
    functions().invoke(name, invocation).await.expect_err("no answer")
}

fn function_error(error: InvokeError) -> (String, String) {
    match error {
        InvokeError::Function(error) => (error.error_type, error.error_message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_becomes_a_request_and_its_response_an_answer() {
    let answer = answer("echo").await;

    assert_eq!(answer["statusCode"], 200);
    assert_eq!(answer["body"], "/here");
    assert_eq!(answer["isBase64Encoded"], false);
}

#[tokio::test]
async fn bytes_are_answered_in_base64_and_cookies_apart() {
    let answer = answer("photo").await;

    assert_eq!(answer["statusCode"], 201);
    assert_eq!(answer["headers"], json!({ "content-type": "image/jpeg" }));
    assert_eq!(answer["body"], "/9g=");
    assert_eq!(answer["isBase64Encoded"], true);
    assert_eq!(answer["cookies"], json!(["a=1", "b=2"]));
}

#[tokio::test]
async fn a_function_knows_the_id_of_its_invocation() {
    assert_eq!(answer("id").await["body"], "a-request-id");
}

#[tokio::test]
async fn a_function_that_is_not_called_over_http_gets_its_event_and_answers_as_it_likes() {
    let mut functions = Functions::default();
    let count = |event: LambdaEvent<Vec<String>>| async move {
        let words = event.payload.len();
        if words == 0 { Err("there is nothing to count") } else { Ok(json!({ "words": words })) }
    };
    functions.insert("count", Function::event(SECOND, count));
    let invoke = async |event: &str| {
        functions.invoke("count", Invocation { event: event.to_owned(), request_id: String::new() }).await
    };

    assert_eq!(invoke(r#"["a", "b"]"#).await, Ok(r#"{"words":2}"#.to_owned()));
    let (_, message) = function_error(invoke("[]").await.expect_err("no answer"));
    assert_eq!(message, "there is nothing to count");
    let (error_type, _) = function_error(invoke("{}").await.expect_err("no answer"));
    assert_eq!(error_type, "InvalidEventDataError");
}

#[tokio::test]
async fn an_unknown_function_and_a_large_event_are_refused() {
    let large = Invocation { event: " ".repeat(PAYLOAD_LIMIT + 1), request_id: String::new() };

    assert_eq!(failure("nobody", event("/")).await, InvokeError::Unknown);
    assert_eq!(failure("echo", large).await, InvokeError::TooLarge);
}

#[tokio::test]
async fn an_event_of_the_largest_size_is_still_taken() {
    let mut invocation = event("/here");
    invocation.event.push_str(&" ".repeat(PAYLOAD_LIMIT - invocation.event.len()));

    assert!(functions().invoke("echo", invocation).await.is_ok());
}

#[tokio::test]
async fn an_event_of_another_kind_is_a_function_error() {
    let invocation = Invocation { event: "[1]".to_owned(), request_id: String::new() };

    let (error_type, message) = function_error(failure("echo", invocation).await);

    assert_eq!(error_type, "InvalidEventDataError");
    assert!(message.starts_with("failed to deserialize"), "{message}");
}

#[tokio::test]
async fn a_panic_is_a_function_error_and_the_function_lives_on() {
    let error = function_error(failure("panic", event("/here")).await);

    assert_eq!(error, ("panic".into(), "Lambda panicked: no /here".into()));
}

#[tokio::test]
async fn a_function_that_never_ends_is_stopped() {
    let (error_type, message) = function_error(failure("forever", event("/")).await);

    assert_eq!(error_type, "Sandbox.Timedout");
    assert_eq!(message, "RequestId: a-request-id Error: Task timed out after 1.00 seconds");
}

#[tokio::test]
async fn too_large_an_answer_is_a_function_error() {
    let (error_type, _) = function_error(failure("large", event("/")).await);

    assert_eq!(error_type, "Function.ResponseSizeTooLarge");
}
