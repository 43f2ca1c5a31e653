use std::convert::Infallible;
use std::future::{pending, ready};

use serde_json::{Map, Value, json};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// Nothing that ends takes so long.
const LONG: Duration = testkit::LONG;

fn event(text: &str) -> Invocation {
    Invocation { event: json!({ "text": text }).to_string(), request_id: "a-request-id".to_owned() }
}

/// A function that answers with what `answer` makes of its event.
fn answering(answer: impl Fn(LambdaEvent<Map<String, Value>>) -> Value + Clone + Send + Sync + 'static) -> Function {
    Function::new(LONG, move |event| ready(Ok::<_, Infallible>(answer(event))))
}

fn functions() -> Functions {
    let mut functions = Functions::default();
    functions.insert("echo", answering(|event| event.payload["text"].clone()));
    functions.insert("panic", answering(|event| panic!("no {}", event.payload["text"])));
    functions.insert("large", answering(|_| json!("x".repeat(PAYLOAD_LIMIT))));
    functions.insert("id", answering(|event| json!(event.context.request_id)));
    functions.insert("forever", Function::new(SECOND, |_: LambdaEvent<Value>| pending::<Result<Value, Infallible>>()));
    functions
}

async fn answer(name: &str) -> Value {
    let answer = functions().invoke(name, event("here")).await.expect("an answer");
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
async fn an_event_goes_in_and_an_answer_comes_out() {
    assert_eq!(answer("echo").await, "here");
}

#[tokio::test]
async fn a_function_knows_the_id_of_its_invocation() {
    assert_eq!(answer("id").await, "a-request-id");
}

#[tokio::test]
async fn a_function_answers_as_it_likes_or_fails() {
    let mut functions = Functions::default();
    let count = |event: LambdaEvent<Vec<String>>| async move {
        let words = event.payload.len();
        if words == 0 { Err("there is nothing to count") } else { Ok(json!({ "words": words })) }
    };
    functions.insert("count", Function::new(LONG, count));
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

    assert_eq!(failure("nobody", event("here")).await, InvokeError::Unknown);
    assert_eq!(failure("echo", large).await, InvokeError::TooLarge);
}

#[tokio::test]
async fn an_event_of_the_largest_size_is_still_taken() {
    let mut invocation = event("here");
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
    let error = function_error(failure("panic", event("here")).await);

    assert_eq!(error, ("panic".into(), "Lambda panicked: no \"here\"".into()));
}

#[tokio::test]
async fn a_function_that_never_ends_is_stopped() {
    let (error_type, message) = function_error(failure("forever", event("here")).await);

    assert_eq!(error_type, "Sandbox.Timedout");
    assert_eq!(message, "RequestId: a-request-id Error: Task timed out after 1.00 seconds");
}

#[tokio::test]
async fn too_large_an_answer_is_a_function_error() {
    let (error_type, _) = function_error(failure("large", event("here")).await);

    assert_eq!(error_type, "Function.ResponseSizeTooLarge");
}
