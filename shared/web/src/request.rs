use http::{Method, Request};
use lambda_http::{Body, RequestExt};
use serde::de::DeserializeOwned;

use crate::{ApiError, ErrorCode};

const MAX_JSON_BYTES: usize = 16 * 1024;

/// The path as API Gateway reports it: percent-decoded once, not normalised.
///
/// The request's own URI is no good for routing: it was put together from this path and loses `..` on the way.
pub fn path<B>(request: &Request<B>) -> String {
    match request.raw_http_path() {
        "" => request.uri().path().to_owned(),
        raw => raw.to_owned(),
    }
}

/// A query parameter, decoded. A doubled one gives its first value.
pub fn query<B>(request: &Request<B>, name: &str) -> Option<String> {
    request.query_string_parameters_ref().and_then(|parameters| parameters.first(name)).map(str::to_owned)
}

/// Reads a JSON body of at most 16 KiB.
///
/// # Errors
/// `bad_request` for a larger, malformed, too deep or differently formed one.
pub fn json<T: DeserializeOwned>(body: &Body) -> Result<T, ApiError> {
    let bytes: &[u8] = body.as_ref();
    if bytes.len() > MAX_JSON_BYTES {
        return Err(ApiError::from(ErrorCode::BadRequest).because("a JSON body over 16 KiB"));
    }
    // serde_json's message repeats parts of the body: only its place may go to the log.
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::from(ErrorCode::BadRequest).because(format!("JSON refused at line {line}, column {column}"))
    })
}

/// The answer to a method that a known path does not take.
///
/// # Errors
/// Always: 405 with `Allow`.
pub fn method_not_allowed<T>(allowed: &[Method]) -> Result<T, ApiError> {
    Err(ApiError::method_not_allowed(allowed))
}
