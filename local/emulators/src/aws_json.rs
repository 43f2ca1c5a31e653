//! The services that speak JSON and are told apart by what they are asked: Secrets Manager and EventBridge share a port.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::Secrets;
use crate::eventbridge::{self, Events};
use crate::secretsmanager;

pub(crate) fn router(secrets: Secrets, events: Events) -> Router {
    Router::new().fallback(answer).with_state((secrets, events))
}

async fn answer(State((secrets, events)): State<(Secrets, Events)>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(authorization) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return refusal("MissingAuthenticationTokenException", "Missing Authentication Token");
    };
    match headers.get("x-amz-target").map(HeaderValue::as_bytes) {
        Some(secretsmanager::TARGET) => secrets.answer(&body),
        Some(eventbridge::TARGET) => events.answer(authorization, &body),
        _ => refusal("UnknownOperationException", "Only GetSecretValue and PutEvents are emulated"),
    }
}

pub(crate) fn refusal(kind: &str, message: &str) -> Response {
    json_answer(StatusCode::BAD_REQUEST, &json!({ "__type": kind, "Message": message }))
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}
