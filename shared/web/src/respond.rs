//! The answers. JSON is never stored by anybody on the way; a redirect says itself how long it may be kept.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderValue, Response as HttpResponse, StatusCode};
use lambda_http::Body;
use serde::Serialize;

use crate::{ApiError, ErrorCode, Response};

/// 200 with a JSON body.
///
/// # Errors
/// `internal` when the body cannot be written as JSON.
pub fn ok(body: &impl Serialize) -> Result<Response, ApiError> {
    json(StatusCode::OK, body)
}

/// 201 with a JSON body.
///
/// # Errors
/// `internal` when the body cannot be written as JSON.
pub fn created(body: &impl Serialize) -> Result<Response, ApiError> {
    json(StatusCode::CREATED, body)
}

/// 202 with a JSON body.
///
/// # Errors
/// `internal` when the body cannot be written as JSON.
pub fn accepted(body: &impl Serialize) -> Result<Response, ApiError> {
    json(StatusCode::ACCEPTED, body)
}

/// 204.
pub fn no_content() -> Response {
    plain(StatusCode::NO_CONTENT, Body::Empty)
}

/// 204 to OPTIONS, with the methods of the path where it is known. A browser asks before it calls a path of another origin,
/// and takes anything else for a no; the headers that allow the origin are API Gateway's.
///
/// # Errors
/// Where the handler failed for another reason than the method or the path.
pub(crate) fn options(refusal: ApiError) -> Result<Response, ApiError> {
    match refusal.code {
        ErrorCode::MethodNotAllowed | ErrorCode::NotFound => Ok(with_allow(no_content(), &refusal)),
        _ => Err(refusal),
    }
}

/// 302 to `url`, to be kept for `max_age` seconds.
///
/// # Errors
/// `internal` when the address is none that a header can carry.
pub fn redirect(url: &str, max_age: u32) -> Result<Response, ApiError> {
    let location = HeaderValue::try_from(url).map_err(|error| ApiError::from(ErrorCode::Internal).because(error))?;
    let keep = HeaderValue::try_from(format!("max-age={max_age}"))
        .map_err(|error| ApiError::from(ErrorCode::Internal).because(error))?;
    let mut response = plain(StatusCode::FOUND, Body::Empty);
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, keep);
    Ok(response)
}

/// The contract's one shape of refusals.
pub(crate) fn refused(error: &ApiError, request_id: &str) -> Response {
    #[derive(Serialize)]
    struct Refusal<'a> {
        errcode: u32,
        errmsg: &'a str,
        error: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
        request_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    }

    let code = error.code;
    let refusal = Refusal {
        errcode: code.errcode(),
        errmsg: error.text,
        error: code.name(),
        detail: error.detail.as_deref(),
        request_id,
        retry_after: error.retry_after,
    };
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &refusal).unwrap_or_else(|_| plain(status, Body::Empty));
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    with_allow(response, error)
}

fn with_allow(mut response: Response, error: &ApiError) -> Response {
    if let Some(allow) = error.allow.as_deref().and_then(|allow| HeaderValue::try_from(allow).ok()) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, ApiError> {
    let text = serde_json::to_string(body).map_err(|error| ApiError::from(ErrorCode::Internal).because(error))?;
    let mut response = plain(status, Body::Text(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    Ok(response)
}

fn plain(status: StatusCode, body: Body) -> Response {
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
