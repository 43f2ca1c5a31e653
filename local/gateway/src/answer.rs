//! What a function answers, as HTTP: the
//! [response of payload format 2.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Why an answer cannot be sent on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MalformedAnswer {
    #[error("the function's answer is not one of payload format 2.0: {0}")]
    Payload(#[from] serde_json::Error),
    #[error("the body of the function's answer is not base64: {0}")]
    Body(#[from] base64::DecodeError),
    #[error("the function's answer is not HTTP: {0}")]
    Head(#[from] http::Error),
}

/// Turns the JSON text of an answer into a response.
pub(crate) fn response(payload: &str) -> Result<Response, MalformedAnswer> {
    let answer: Answer = serde_json::from_str(payload)?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { STANDARD.decode(body)? } else { body.into_bytes() };

    let mut response = http::Response::builder().status(answer.status_code).body(Body::from(body))?;
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).map_err(http::Error::from)?;
        response.headers_mut().append(name, HeaderValue::try_from(value).map_err(http::Error::from)?);
    }
    for cookie in answer.cookies {
        response.headers_mut().append(SET_COOKIE, HeaderValue::try_from(cookie).map_err(http::Error::from)?);
    }
    // HTTP API calls a body text where the function does not say what it is.
    response.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    Ok(response)
}
