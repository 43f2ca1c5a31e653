use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use http::Method;
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::{ApiError, ErrorCode, Response, respond};

/// The whole time of one request, well within the function's own timeout of 10 s. What is not done by then is dropped
/// where it stands: every write of ours leaves a state that a retry, or the TTL, completes.
pub const REQUEST_DEADLINE: Duration = Duration::from_millis(4500);

/// Runs a handler and answers: its response, or its refusal in the contract's one shape. Writes one log line.
///
/// A panic is one failed request and is answered as `internal`; HEAD is GET without its body.
///
/// # Errors
/// Never: a failed request is an answer.
pub async fn answer<F>(
    mut request: Request,
    now: Timestamp,
    handle: impl FnOnce(Request, Timestamp) -> F,
) -> Result<Response, Infallible>
where
    F: Future<Output = Result<Response, ApiError>>,
{
    let started = Instant::now();
    let line = LogLine::of(&request);
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
    }

    let outcome = within(REQUEST_DEADLINE, async { handle(request, now).await }).await;

    line.write(&outcome, started.elapsed());
    let mut response = outcome.unwrap_or_else(|error| respond::refused(&error, &line.request_id));
    if is_head {
        *response.body_mut() = Body::Empty;
    }
    Ok(response)
}

/// Runs a handler of whatever kind for so long at most. [`answer`] does this itself.
///
/// # Errors
/// The handler's own; `busy` when its time is up, `internal` when it panics.
pub async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    match timeout(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(ApiError::from(ErrorCode::Internal).because("the handler panicked")),
        Err(_elapsed) => Err(ApiError::from(ErrorCode::Busy).because("the request's deadline passed")),
    }
}

/// What a log line says of a request: its route, never its path, its headers or its body.
struct LogLine {
    method: Method,
    route: String,
    request_id: String,
    trace_id: Option<String>,
}

impl LogLine {
    fn of(request: &Request) -> Self {
        let (route, request_id) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => (context.route_key.clone(), context.request_id.clone()),
            _ => (None, None),
        };
        Self {
            method: request.method().clone(),
            route: route.unwrap_or_default(),
            request_id: request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
            trace_id: request.lambda_context_ref().and_then(|context| context.xray_trace_id.clone()),
        }
    }

    fn write(&self, outcome: &Result<Response, ApiError>, duration: Duration) {
        let status = match outcome {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.code.status(),
        };
        let error = outcome.as_ref().err();
        let code = error.map(|error| error.code.name());
        let cause = error.and_then(|error| error.cause.as_deref()).map(ToString::to_string);
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    http.method = %self.method,
                    http.route = self.route,
                    http.status = status,
                    duration_ms,
                    request_id = self.request_id,
                    trace_id = self.trace_id,
                    error.code = code,
                    error.cause = cause,
                    "request"
                )
            };
        }
        match status {
            500.. => line!(error),
            _ => line!(info),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str) -> Request {
        http::Request::builder().method(method).uri("https://x/tasks").body(Body::Empty).unwrap()
    }

    fn body(response: &Response) -> serde_json::Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[tokio::test]
    async fn a_refusal_has_the_contracts_shape_and_never_its_cause() {
        let Ok(response) = answer(request("GET"), Timestamp::UNIX_EPOCH, async |_, _| {
            Err(ApiError::from(ErrorCode::SessionInvalid).because("secret detail"))
        })
        .await;

        let body = body(&response);
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
        assert_eq!(body["errcode"], 40101);
        assert_eq!(body["error"], "session_invalid");
        assert_eq!(body["errmsg"], "没有建立会话或者会话信息出错");
        assert!(body["request_id"].is_string() && body.get("retry_after").is_none());
        assert!(!body.to_string().contains("secret detail"));
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_answered_as_busy_at_the_deadline() {
        assert!(REQUEST_DEADLINE < Duration::from_secs(5));

        let late = within(Duration::from_millis(10), std::future::pending::<Result<Response, _>>()).await.unwrap_err();

        let answer = respond::refused(&late, "request");
        assert_eq!((answer.status().as_u16(), &body(&answer)["error"]), (503, &"busy".into()));
        assert_eq!(answer.headers()["retry-after"], "2");
    }

    #[tokio::test]
    async fn a_panic_is_one_failed_request() {
        let Ok(response) =
            answer(request("GET"), Timestamp::UNIX_EPOCH, async |_, _| panic!("a path, a table, an openid")).await;

        assert_eq!((response.status().as_u16(), &body(&response)["error"]), (500, &"internal".into()));
        assert!(!body(&response).to_string().contains("openid"));
    }

    #[tokio::test]
    async fn head_is_get_without_its_body() {
        let Ok(response) = answer(request("HEAD"), Timestamp::UNIX_EPOCH, async |request, _| {
            assert_eq!(request.method(), Method::GET);
            respond::ok(&"a body")
        })
        .await;

        assert_eq!(response.status(), 200);
        assert!(response.body().is_empty());
    }
}
