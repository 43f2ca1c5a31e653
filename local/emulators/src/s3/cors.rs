//! What browsers are told about pages of other origins.
//!
//! The template's bucket names the origins that whoever deploys has listed, which are none at first. On the laptop a page
//! comes from whatever port served it, so all origins are let in here; methods, headers and age are the template's.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
const METHODS_HEADER: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY_BY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method");

/// Answers preflights, and marks the answers to pages, refusals included.
pub(super) async fn allow(request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight(request.headers());
    }
    let from_a_page = request.headers().contains_key(ORIGIN) && METHODS.contains(request.method());
    let mut response = next.run(request).await;
    if from_a_page {
        permit(response.headers_mut());
    }
    response
}

fn preflight(asked: &HeaderMap) -> Response {
    let method = asked.get(ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
    let known = method.is_some_and(|method| METHODS.iter().any(|known| known.as_str().as_bytes() == method));
    if !known || !asked.contains_key(ORIGIN) {
        return (StatusCode::FORBIDDEN, "CORSResponse: This CORS request is not allowed.").into_response();
    }
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    permit(headers);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}

fn permit(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS_HEADER);
    headers.insert(VARY, VARY_BY);
}
