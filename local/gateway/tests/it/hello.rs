//! The example of `docs/add-a-function.md` does what the document says.

use jiff::Timestamp;
use lambda_http::Body;
use platform::aws::{self, Aws};
use platform::{Patience, clock, config};
use serde_json::json;
use session::Sessions;

use crate::client::{User, sign_in};
use crate::start;
use crate::workspace::text;

#[expect(dead_code, reason = "its `main` is for Lambda")]
#[path = "../../examples/hello.rs"]
mod example;

const PATIENCE: Patience = Patience::ANSWERING.stretched(testkit::PATIENCE);

#[test]
fn the_document_shows_the_example_as_it_is_compiled() {
    assert!(text("docs/add-a-function.md").contains(&text("local/gateway/examples/hello.rs")));
}

#[tokio::test]
async fn the_example_greets_a_caller_and_refuses_a_stranger() {
    let stack = start().await;
    let env = &stack.addresses().env;
    let (aws, table) = config::from_lookup(&|name| env.get(name).cloned(), |told| {
        (aws::Config::read(told), session::Config::read(told))
    })
    .expect("a configuration");
    let sessions = Sessions::new(&table, Aws::new(aws, aws::http_client(), PATIENCE).dynamodb());
    let alice = sign_in(&stack.addresses().gateway, "dev-alice-1").await;

    let greeted = greet(&sessions, &alice).await;
    let refused = greet(&sessions, &User { session_id: "A".repeat(43), ..alice.clone() }).await;

    assert_eq!(greeted, (200, json!(format!("hello, {}", alice.user_id))));
    assert_eq!((refused.0, &refused.1["error"]), (401, &json!("session_invalid")));
}

async fn greet(sessions: &Sessions, user: &User) -> (u16, serde_json::Value) {
    let request = lambda_http::http::Request::builder()
        .uri("https://api.test/hello")
        .header("session-id", &user.session_id)
        .header("user-id", &user.user_id)
        .body(Body::Empty)
        .expect("a request");
    let handle = |request, now: Timestamp| example::handle(sessions, request, now);
    let Ok(response) = web::answer(request, clock::now(), PATIENCE.deadline, handle).await;
    (response.status().as_u16(), serde_json::from_slice(response.body()).expect("JSON"))
}
