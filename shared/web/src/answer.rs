use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use http::Method;
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};
use platform::Attention;
use platform::invocation::{self, Invocation, Refusal};
use serde::Serialize;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{ApiError, ErrorCode, Response, respond};

/// Runs a handler, for so long at most, and answers: its response, or its refusal in the contract's one shape. Writes one
/// log line.
///
/// A panic is one failed request and is answered as `internal`; HEAD is GET without its body; OPTIONS is answered for every route.
///
/// # Errors
/// Never: a failed request is an answer.
pub async fn answer<F>(
    mut request: Request,
    now: Timestamp,
    deadline: Duration,
    handle: impl FnOnce(Request, Timestamp) -> F,
) -> Result<Response, Infallible>
where
    F: Future<Output = Result<Response, ApiError>>,
{
    let method = request.method().clone();
    let (route, request_id) = route_and_id(&request);
    let invocation = invocation(&request, &request_id, now);
    if method == Method::HEAD {
        *request.method_mut() = Method::GET;
    }

    // On the heap: each future around it would hold it once more on the stack, which overflows without optimisation.
    let work = Box::pin(async { handle(request, now).await });
    let (outcome, ended) = invocation.run(within(deadline, work)).await;
    let outcome = if method == Method::OPTIONS { outcome.or_else(respond::options) } else { outcome };

    let refusal = outcome.as_ref().err().map(Refusal::from);
    ended.log("request", Fields::of(&method, route, &outcome), refusal.as_ref());
    let mut response = outcome.unwrap_or_else(|error| respond::refused(&error, &request_id));
    if method == Method::HEAD {
        *response.body_mut() = Body::Empty;
    }
    Ok(response)
}

/// Runs a handler of whatever kind for so long at most. [`answer`] does this itself.
///
/// # Errors
/// The handler's own; `busy` when its time is up, `internal` when it panics.
pub async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let outcome = match timeout(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(ApiError::from(ErrorCode::Internal).because("the handler panicked")),
        Err(_elapsed) => Err(ApiError::from(ErrorCode::Busy).because("the deadline passed")),
    };
    if outcome.as_ref().is_err_and(|error| error.code == ErrorCode::Internal) {
        invocation::note_attention(Attention::Internal);
    }
    outcome
}

/// The route that API Gateway chose, and the id that it gave the request: the one that clients are told.
fn route_and_id(request: &Request) -> (String, String) {
    let (route, request_id) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => (context.route_key.clone(), context.request_id.clone()),
        _ => (None, None),
    };
    (route.unwrap_or_default(), request_id.unwrap_or_else(|| Uuid::new_v4().to_string()))
}

/// The names of the function and of the trace come from Lambda, not from the event.
fn invocation(request: &Request, request_id: &str, now: Timestamp) -> Invocation {
    let context = request.lambda_context_ref();
    let function_name = context.map_or("", |context| &context.env_config.function_name);
    let trace = context.and_then(|context| context.xray_trace_id.as_deref());
    Invocation::new(function_name, request_id, trace, now)
}

impl From<&ApiError> for Refusal {
    fn from(error: &ApiError) -> Self {
        Self { code: error.code.name(), cause: error.logged_cause(), is_fault: error.code.status() >= 500 }
    }
}

/// The fields of the log line that only requests have: the route, never the path, a header or the body.
#[derive(Serialize)]
struct Fields {
    #[serde(rename = "http.method")]
    method: String,
    #[serde(rename = "http.route")]
    route: String,
    #[serde(rename = "http.status")]
    status: u16,
}

impl Fields {
    fn of(method: &Method, route: String, outcome: &Result<Response, ApiError>) -> Self {
        let status = match outcome {
            Ok(response) => response.status().as_u16(),
            Err(error) => error.code.status(),
        };
        Self { method: method.to_string(), route, status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    fn request(method: &str) -> Request {
        http::Request::builder().method(method).uri("https://x/tasks").body(Body::Empty).unwrap()
    }

    fn body(response: &Response) -> serde_json::Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[tokio::test]
    async fn a_refusal_has_the_contracts_shape_and_never_its_cause() {
        let Ok(response) = answer(request("GET"), Timestamp::UNIX_EPOCH, DEADLINE, async |_, _| {
            Err(ApiError::from(ErrorCode::SessionInvalid).because("secret detail"))
        })
        .await;

        let body = body(&response);
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
        assert_eq!(body["errcode"], 40101);
        assert_eq!(body["error"], "session_invalid");
        assert_eq!(body["errmsg"], "没有建立会话或者会话信息出错");
        assert!(body["request_id"].is_string() && body.get("retry_after").or(body.get("detail")).is_none());
        assert!(!body.to_string().contains("secret detail"));
    }

    #[tokio::test]
    async fn a_bad_request_says_what_was_expected() {
        let Ok(response) = answer(request("GET"), Timestamp::UNIX_EPOCH, DEADLINE, async |_, _| {
            Err(ApiError::bad_request("The parameter scope can only be all."))
        })
        .await;

        assert_eq!(response.status(), 400);
        assert_eq!(body(&response)["detail"], "The parameter scope can only be all.");
    }

    #[tokio::test]
    async fn a_request_that_never_ends_is_answered_as_busy_at_the_deadline() {
        let late = within(Duration::from_millis(10), std::future::pending::<Result<Response, _>>()).await.unwrap_err();

        let answer = respond::refused(&late, "request");
        assert_eq!((answer.status().as_u16(), &body(&answer)["error"]), (503, &"busy".into()));
        assert_eq!(answer.headers()["retry-after"], "2");
    }

    #[tokio::test]
    async fn a_panic_is_one_failed_request() {
        let Ok(response) =
            answer(request("GET"), Timestamp::UNIX_EPOCH, DEADLINE, async |_, _| panic!("a path, a table, an openid"))
                .await;

        assert_eq!((response.status().as_u16(), &body(&response)["error"]), (500, &"internal".into()));
        assert!(!body(&response).to_string().contains("openid"));
    }

    #[tokio::test]
    async fn a_preflight_is_told_what_the_path_takes_instead_of_being_refused() {
        let answered = async |refusal: ApiError| {
            let Ok(response) =
                answer(request("OPTIONS"), Timestamp::UNIX_EPOCH, DEADLINE, async |_, _| Err(refusal)).await;
            let allow = response.headers().get("allow").map(|allow| allow.to_str().unwrap().to_owned());
            (response.status().as_u16(), response.body().is_empty(), allow)
        };

        let known = answered(ApiError::method_not_allowed(&[Method::GET, Method::POST])).await;
        let unknown = answered(ErrorCode::NotFound.into()).await;
        let failed = answered(ErrorCode::Busy.into()).await;

        assert_eq!(known, (204, true, Some("GET, HEAD, POST".to_owned())));
        assert_eq!(unknown, (204, true, None));
        assert_eq!(failed.0, 503);
    }

    #[tokio::test]
    async fn head_is_get_without_its_body() {
        let Ok(response) = answer(request("HEAD"), Timestamp::UNIX_EPOCH, DEADLINE, async |request, _| {
            assert_eq!(request.method(), Method::GET);
            respond::ok(&"a body")
        })
        .await;

        assert_eq!(response.status(), 200);
        assert!(response.body().is_empty());
    }
}
