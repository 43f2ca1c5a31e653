use http::{Method, Request};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};
use serde::de::DeserializeOwned;

use crate::{ApiError, ErrorCode};

const MAX_JSON_BYTES: usize = 16 * 1024;

/// The request's method and the route that API Gateway matched: its path with the variables in braces, or `$default`.
///
/// The path that was sent is no good for dispatch. Behind a base path or a named stage it has another beginning, and it
/// arrives percent-decoded, so that one segment can pass for two. The method in the route's key is left out because it is
/// `ANY` in most of them.
pub fn route<B>(request: &Request<B>) -> (Method, String) {
    let key = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.route_key.as_deref(),
        _ => None,
    };
    let path = key.and_then(|key| key.split_once(' ')).map_or("$default", |(_method, path)| path);
    (request.method().clone(), path.to_owned())
}

/// A variable of the route's path, percent-decoded.
///
/// # Errors
/// `internal` where the route has no such variable.
pub fn path_parameter<B>(request: &Request<B>, name: &'static str) -> Result<String, ApiError> {
    let value = request.path_parameters_ref().and_then(|parameters| parameters.first(name));
    value
        .map(str::to_owned)
        .ok_or_else(|| ApiError::from(ErrorCode::Internal).because(format!("the route has no path parameter {name}")))
}

/// A query parameter, decoded. A doubled one gives its first value.
pub fn query<B>(request: &Request<B>, name: &str) -> Option<String> {
    request.query_string_parameters_ref().and_then(|parameters| parameters.first(name)).map(str::to_owned)
}

/// Reads a JSON object of at most 16 KiB and 128 levels. Fields that `T` does not know are ignored.
///
/// # Errors
/// `bad_request` for a larger, malformed, too deep or differently formed one, and for a doubled field.
pub fn json<T: DeserializeOwned>(body: &Body) -> Result<T, ApiError> {
    let bytes: &[u8] = body.as_ref();
    if bytes.len() > MAX_JSON_BYTES {
        return Err(ApiError::from(ErrorCode::BadRequest).because("a JSON body over 16 KiB"));
    }
    // Read as `T` alone, an array would pass for an object, and ignored fields could be of any depth.
    serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(bytes).map_err(refused)?;
    serde_json::from_slice(bytes).map_err(refused)
}

/// The message of `serde_json` repeats parts of the body: only its place may go to the log.
fn refused(error: serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    ApiError::from(ErrorCode::BadRequest).because(format!("JSON refused at line {line}, column {column}"))
}

/// The answer to a method that a known path does not take.
///
/// # Errors
/// Always: 405 with `Allow`.
pub fn method_not_allowed<T>(allowed: &[Method]) -> Result<T, ApiError> {
    Err(ApiError::method_not_allowed(allowed))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Named {
        name: String,
    }

    fn read(text: &str) -> Result<Named, ErrorCode> {
        json(&Body::Text(text.to_owned())).map_err(|error| error.code())
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert_eq!(read(r#"{"name": "a", "owner": 1}"#), Ok(Named { name: "a".to_owned() }));
    }

    #[test]
    fn what_is_no_such_object_is_refused() {
        let deep = format!(r#"{{"name": "a", "x": {}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        let large = format!(r#"{{"name": "a", "x": "{}"}}"#, "x".repeat(17_000));
        for text in [
            "",
            "{",
            "null",
            "[\"a\"]",
            "\"a\"",
            "{}",
            r#"{"name": 1}"#,
            r#"{"name": "a", "name": "b"}"#,
            &deep,
            &large,
        ] {
            assert_eq!(read(text), Err(ErrorCode::BadRequest), "{}", &text[..text.len().min(40)]);
        }
    }
}
