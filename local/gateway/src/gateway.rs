//! The front door: HTTP in, an event for a function, its answer out; with the limits of HTTP API and its own answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use emulators::routing::Routes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::event::Arrived;
use crate::function::{Functions, Invocation, InvokeError};
use crate::{answer, new_request_id};

#[cfg(test)]
mod tests;

/// What HTTP API allows a request ([quotas](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html)).
#[derive(Debug, Clone)]
pub struct Limits {
    /// Request line and the values of all headers together (bytes).
    pub head_bytes: usize,
    /// The body (bytes).
    pub body_bytes: usize,
    /// How long the body may take to arrive.
    pub body_time: Duration,
    /// How long a function may take to answer.
    pub integration_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 10_240,
            body_bytes: 10 * 1024 * 1024,
            body_time: Duration::from_secs(30),
            integration_time: Duration::from_secs(30),
        }
    }
}

/// Everything the front door needs.
#[derive(Clone)]
pub struct Gateway {
    /// Which function each path leads to.
    pub routes: Routes,
    /// The functions.
    pub functions: Functions,
    /// The limits of a request.
    pub limits: Limits,
}

/// An answer of the gateway itself.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(StatusCode, &'static str);

const BAD_REQUEST: Refusal = Refusal(StatusCode::BAD_REQUEST, "Bad Request");
const NOT_FOUND: Refusal = Refusal(StatusCode::NOT_FOUND, "Not Found");
const BODY_TOO_SLOW: Refusal = Refusal(StatusCode::REQUEST_TIMEOUT, "Request Timeout");
const TOO_LARGE: Refusal = Refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
// The manual names the quota, not the answer to whoever exceeds it; this is the status that RFC 6585 has for it.
const HEAD_TOO_LARGE: Refusal = Refusal(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
const FUNCTION_FAILED: Refusal = Refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
const FUNCTION_TOO_SLOW: Refusal = Refusal(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");

/// A client that sends too much is read to its end, up to here (bytes), so that it sees the answer instead of a broken
/// connection. Nothing of it is kept.
const READ_PAST_THE_LIMIT: usize = 64 * 1024 * 1024;

impl Gateway {
    /// The gateway as a service. It has to be served with the clients' addresses.
    pub fn router(self) -> Router {
        Router::new().fallback(serve).with_state(Arc::new(self))
    }

    async fn answer(&self, source: SocketAddr, request: Request, request_id: &str) -> Result<Response, Refused> {
        let (head, body) = request.into_parts();
        let route = self.routes.find(&head.method, head.uri.path());
        let refused =
            |refusal| Refused { refusal, route: route.as_ref().map(|route| route.key.to_owned()), cause: None };

        if head_bytes(&head) > self.limits.head_bytes {
            return Err(refused(HEAD_TOO_LARGE));
        }
        if !names_a_host(&head.headers) {
            return Err(refused(BAD_REQUEST));
        }
        let body = self.read(&head.headers, body).await.map_err(refused)?;
        let route = route.as_ref().ok_or_else(|| refused(NOT_FOUND))?;

        let now = platform::clock::now();
        let arrived = Arrived { head: &head, body: &body, route, source: source.ip(), request_id, now };
        let event = arrived.event().map_err(|error| refused(FUNCTION_FAILED).because(error.to_string()))?;
        drop(body);

        let invocation = Invocation { event, request_id: request_id.to_owned() };
        let invoked = self.functions.invoke(route.function, invocation);
        let answered = timeout(self.limits.integration_time, invoked).await.map_err(|_| refused(FUNCTION_TOO_SLOW))?;
        let payload = answered.map_err(|error| match error {
            InvokeError::TooLarge => refused(TOO_LARGE),
            InvokeError::Unknown => refused(FUNCTION_FAILED).because(format!("no function {}", route.function)),
            InvokeError::Function(error) => refused(FUNCTION_FAILED).because(error.error_message),
        })?;
        answer::response(&payload).map_err(|error| refused(FUNCTION_FAILED).because(error.to_string()))
    }

    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
        let announced = announced_bytes(headers);
        // A client that asks first (`Expect`) is refused before it sends anything, and a huge body is not waited for.
        if announced > READ_PAST_THE_LIMIT || (headers.contains_key(EXPECT) && announced > self.limits.body_bytes) {
            return Err(TOO_LARGE);
        }
        timeout(self.limits.body_time, collect(body, self.limits.body_bytes)).await.map_err(|_| BODY_TOO_SLOW)?
    }
}

/// Reads a body of at most `limit` bytes. Memory is taken only for bytes that arrived and are within the limit.
async fn collect(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let mut kept = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BAD_REQUEST)?.into_data() else { continue };
        seen += data.len();
        match seen {
            _ if seen <= limit => kept.extend_from_slice(&data),
            _ if seen <= READ_PAST_THE_LIMIT => kept = Vec::new(),
            _ => break,
        }
    }
    if seen <= limit { Ok(kept.into()) } else { Err(TOO_LARGE) }
}

fn announced_bytes(headers: &HeaderMap) -> usize {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

fn head_bytes(head: &Parts) -> usize {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = head.method.as_str().len() + target + "  HTTP/1.1\r\n".len();
    line + head.headers.values().map(HeaderValue::len).sum::<usize>()
}

/// Whether there is exactly one host, and a well-formed one: events carry it as the name of the domain.
fn names_a_host(headers: &HeaderMap) -> bool {
    let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
    matches!(hosts[..], [host] if Authority::try_from(host.as_bytes()).is_ok())
}

/// A refusal, and what is logged of it.
struct Refused {
    refusal: Refusal,
    route: Option<String>,
    cause: Option<String>,
}

impl Refused {
    fn because(self, cause: String) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// A function logs the requests that it answers; every other request is logged here.
    fn log(&self, method: &Method, started: Instant, request_id: &str) {
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            http.method = %method,
            http.route = self.route,
            http.status = self.refusal.0.as_u16(),
            duration_ms,
            request_id,
            error.cause = self.cause,
            "the gateway answered by itself"
        );
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "message": self.1 }).to_string();
        (self.0, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}

async fn serve(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (started, request_id, method) = (Instant::now(), new_request_id(), request.method().clone());
    let mut response = match gateway.answer(source, request, &request_id).await {
        Ok(response) => response,
        Err(refused) => {
            refused.log(&method, started, &request_id);
            refused.refusal.into_response()
        }
    };
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
    }
    response
}
