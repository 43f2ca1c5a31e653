use emulators::template::Template;
use serde_json::json;

use crate::client::{Request, post};
use crate::start;

const GOOD: &str = include_str!("../../../../events/session-check/good.json");

fn invoke(base: &str, function: &str, event: &str) -> Request {
    post(base, &format!("/2015-03-31/functions/{function}/invocations")).body("application/json", event)
}

#[tokio::test]
async fn an_event_file_is_answered_in_payload_format_2() {
    let stack = start().await;

    let answer = invoke(&stack.addresses().lambda, "session-check", GOOD).send().await;

    let payload = answer.expect(200);
    assert_eq!(answer.headers.get("x-amz-function-error"), None);
    assert_eq!((&payload["statusCode"], &payload["isBase64Encoded"]), (&json!(200), &json!(false)));
    assert!(payload["body"].as_str().expect("a body").contains("5e550000-0000-4000-8000-00000000a11c"));
}

#[tokio::test]
async fn an_authorizer_is_asked_like_any_function() {
    let stack = start().await;
    let ask = |event| invoke(&stack.addresses().lambda, "session-authorizer", event).send();

    let good = ask(include_str!("../../../../events/session-authorizer/good.json")).await.expect(200);
    let unknown = ask(include_str!("../../../../events/session-authorizer/unknown-session.json")).await.expect(200);

    assert_eq!((&good["isAuthorized"], &unknown["isAuthorized"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn every_function_of_the_template_can_be_invoked() {
    let stack = start().await;
    let template = Template::parse(include_str!("../../../../template.yaml")).expect("our own template");

    for function in template.functions {
        let answer = invoke(&stack.addresses().lambda, &function.name, "{}").send().await;
        assert_eq!(answer.expect(200)["errorType"], "InvalidEventDataError", "{}", function.name);
    }
}

#[tokio::test]
async fn an_unknown_function_is_not_found() {
    let stack = start().await;

    let answer = invoke(&stack.addresses().lambda, "nobody", GOOD).send().await;

    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (404, "ResourceNotFoundException"));
}
