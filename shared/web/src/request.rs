use std::net::IpAddr;

use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue, Method, Request};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

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

/// Whether HEAD was sent. Handlers are told GET, whose answer is the same without its body.
pub fn is_head<B>(request: &Request<B>) -> bool {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.method == Method::HEAD,
        _ => false,
    }
}

/// Where the request comes from, as API Gateway saw it: `X-Forwarded-For` is whatever the client likes.
pub fn source_ip<B>(request: &Request<B>) -> Option<IpAddr> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
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

/// A parameter of the query, decoded.
///
/// # Errors
/// `bad_request` where it is there twice, and for the same name in other letters: ignored, `?Scope=all` would end one session
/// and seem to have ended all.
pub fn query<B>(request: &Request<B>, name: &'static str) -> Result<Option<String>, ApiError> {
    let parameters = request.query_string_parameters_ref().into_iter().flat_map(|parameters| parameters.iter());
    let mut found = parameters.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some((key, value)), None) if key == name => Ok(Some(value.to_owned())),
        _ => Err(ApiError::bad_request(format!("The query parameter {name} must be there once and in small letters."))),
    }
}

/// Reads a JSON object of at most 16 KiB and 128 levels. Fields that `T` does not know are ignored.
///
/// # Errors
/// `bad_request` for a larger, malformed, too deep or differently formed one, for a doubled field, and for an encoded body.
pub fn json<T: DeserializeOwned>(request: &Request<Body>) -> Result<T, ApiError> {
    refuse_encoded(request.headers())?;
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > MAX_JSON_BYTES {
        return Err(ApiError::bad_request("The JSON body is longer than 16 KiB."));
    }
    // Read as `T` alone, an array would pass for an object, and ignored fields could be of any depth.
    serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(bytes).map_err(refused)?;
    serde_json::from_slice(bytes).map_err(refused)
}

/// Nothing here decompresses, and bytes that are compressed would be told to be no JSON and no form.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        Ok(())
    } else {
        Err(ApiError::bad_request("The body must be sent without a Content-Encoding."))
    }
}

/// The message of `serde_json` repeats parts of the body: only the place that it names is told.
fn refused(error: serde_json::Error) -> ApiError {
    let what = match error.classify() {
        Category::Data => "The body must be a JSON object with the documented fields",
        Category::Io | Category::Syntax | Category::Eof => "The body is not valid JSON",
    };
    ApiError::bad_request(format!("{what}: see line {}, column {}.", error.line(), error.column()))
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
    use lambda_http::aws_lambda_events::query_map::QueryMap;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Named {
        name: String,
    }

    fn read(text: &str) -> Result<Named, ErrorCode> {
        json(&Request::new(Body::Text(text.to_owned()))).map_err(|error| error.code())
    }

    fn asked(query: &str) -> Result<Option<String>, ErrorCode> {
        let request = Request::new(()).with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        super::query(&request, "scope").map_err(|error| error.code())
    }

    #[test]
    fn a_query_parameter_is_there_once_and_under_its_own_name() {
        assert_eq!(asked("scope=all&other=1&other=2"), Ok(Some("all".to_owned())));
        assert_eq!(asked("scopes=all"), Ok(None));
        for query in ["Scope=all", "SCOPE=all&scope=all", "scope=all&scope=all", "scope&scope=all"] {
            assert_eq!(asked(query), Err(ErrorCode::BadRequest), "{query}");
        }
    }

    #[test]
    fn a_compressed_body_is_refused_and_an_identical_one_is_not() {
        let sent = |encoding: &'static str| {
            let mut request = Request::new(Body::from(r#"{"name": "a"}"#));
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            json::<Named>(&request).map(|named| named.name).map_err(|error| error.code())
        };
        assert_eq!(sent("Identity"), Ok("a".to_owned()));
        for encoding in ["gzip", "br", "identity, gzip", ""] {
            assert_eq!(sent(encoding), Err(ErrorCode::BadRequest), "{encoding}");
        }
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
