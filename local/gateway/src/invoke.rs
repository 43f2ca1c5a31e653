//! The [Invoke API of Lambda](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), for events that come
//! neither from a browser nor from a mini-program: by `make invoke`, the AWS CLI, or a test.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use crate::function::{Functions, Invocation, InvokeError, PAYLOAD_LIMIT};
use crate::new_request_id;

#[cfg(test)]
mod tests;

const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The Invoke API over `functions`. Signatures are not asked for; only whoever is on this machine can call.
pub fn router(functions: Functions) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .fallback(|| async {
            refusal(StatusCode::NOT_FOUND, "UnknownOperationException", "Only Invoke is served here")
        })
        .layer(DefaultBodyLimit::max(PAYLOAD_LIMIT))
        .with_state(functions)
}

async fn invoke(
    State(functions): State<Functions>,
    Path(function): Path<String>,
    headers: HeaderMap,
    event: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let kind = headers.get("x-amz-invocation-type").map_or("RequestResponse".as_bytes(), HeaderValue::as_bytes);
    if kind != b"RequestResponse" {
        let message = "Only the invocation type RequestResponse is served here";
        return refusal(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message);
    }
    let Ok(event) = event else { return too_large() };
    let event = match as_json_text(&event) {
        Ok(event) => event,
        Err(fault) => {
            let message = format!("Could not parse request body into json: {fault}");
            return refusal(StatusCode::BAD_REQUEST, "InvalidRequestContentException", &message);
        }
    };

    let request_id = new_request_id();
    let invocation = Invocation { event, request_id: request_id.clone() };
    let mut response = match functions.invoke(&function, invocation).await {
        Ok(answer) => ([(CONTENT_TYPE, JSON)], answer).into_response(),
        Err(InvokeError::Function(error)) => {
            let unhandled = HeaderValue::from_static("Unhandled");
            ([(CONTENT_TYPE, JSON), (FUNCTION_ERROR, unhandled)], json!(error).to_string()).into_response()
        }
        Err(InvokeError::Unknown) => {
            let message = format!("Function not found: {function}");
            refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message)
        }
        Err(InvokeError::TooLarge) => too_large(),
    };
    response.headers_mut().insert(EXECUTED_VERSION, HeaderValue::from_static("$LATEST"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn as_json_text(event: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(event).map_err(|error| error.to_string())?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn too_large() -> Response {
    let message = format!("Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation");
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &message)
}

fn refusal(status: StatusCode, kind: &'static str, message: &str) -> Response {
    let body = json!({ "Type": "User", "Message": message }).to_string();
    (status, [(CONTENT_TYPE, JSON), (ERROR_TYPE, HeaderValue::from_static(kind))], body).into_response()
}
