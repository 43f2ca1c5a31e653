use std::convert::Infallible;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::SET_COOKIE;
use jiff::Timestamp;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::request::RequestContext;
use lambda_http::{Body, LambdaEvent, Request, RequestExt};

use crate::{ApiError, Response, answer};

/// Answers one event of an HTTP API (payload format 2.0), on Lambda and in the local stack alike.
///
/// `lambda_http::run` is not used because it makes a URI of the event's path, which no code of ours reads, and panics
/// where that or the body cannot be read.
///
/// # Errors
/// Never: a failed request is an answer.
pub async fn serve<F>(
    event: LambdaEvent<ApiGatewayV2httpRequest>,
    now: Timestamp,
    deadline: Duration,
    handle: impl FnOnce(Request, Timestamp) -> F,
) -> Result<ApiGatewayV2httpResponse, Infallible>
where
    F: Future<Output = Result<Response, ApiError>>,
{
    let LambdaEvent { mut payload, context } = event;
    let (body, fault) = match body_of(&mut payload) {
        Ok(body) => (body, None),
        Err(fault) => (Body::Empty, Some(fault)),
    };
    let request = request_of(payload, body).with_lambda_context(context);
    let handle = |request, now| async move {
        match fault {
            None => handle(request, now).await,
            Some(fault) => Err(fault),
        }
    };
    let Ok(response) = answer(request, now, deadline, handle).await;
    Ok(payload_of(response))
}

/// Takes the body out of the event, whose memory is not needed twice while an image is worked on.
fn body_of(event: &mut ApiGatewayV2httpRequest) -> Result<Body, ApiError> {
    match event.body.take() {
        None => Ok(Body::Empty),
        Some(text) if !event.is_base64_encoded => Ok(Body::Text(text)),
        Some(base64) => match STANDARD.decode(base64) {
            Ok(bytes) => Ok(Body::Binary(bytes)),
            Err(_) => Err(ApiError::bad_request("The event's body is not base64.")),
        },
    }
}

fn request_of(event: ApiGatewayV2httpRequest, body: Body) -> Request {
    let query: QueryMap = event.raw_query_string.unwrap_or_default().parse().unwrap_or_default();
    let mut request = Request::new(body);
    *request.method_mut() = event.request_context.http.method.clone();
    *request.headers_mut() = event.headers;
    let request = request.with_path_parameters(event.path_parameters).with_query_string_parameters(query);
    request.with_request_context(RequestContext::ApiGatewayV2(event.request_context))
}

fn payload_of(response: Response) -> ApiGatewayV2httpResponse {
    let (mut head, body) = response.into_parts();
    let mut payload = ApiGatewayV2httpResponse::default();
    payload.status_code = head.status.as_u16().into();
    payload.cookies = cookies(&head.headers);
    head.headers.remove(SET_COOKIE);
    payload.headers = head.headers;
    payload.is_base64_encoded = matches!(body, Body::Binary(_));
    payload.body = Some(body).filter(|body| !matches!(body, Body::Empty));
    payload
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers.get_all(SET_COOKIE).iter().map(|cookie| String::from_utf8_lossy(cookie.as_bytes()).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use lambda_http::Context;
    use serde_json::{Value, json};

    use super::*;
    use crate::respond;

    fn event(changes: Value) -> LambdaEvent<ApiGatewayV2httpRequest> {
        let mut event = json!({
            "version": "2.0", "routeKey": "GET /images/{name}", "rawPath": "/images/a.jpg", "rawQueryString": "",
            "headers": {"host": "api.test"}, "isBase64Encoded": false, "pathParameters": {"name": "a.jpg"},
            "requestContext": {
                "routeKey": "GET /images/{name}", "stage": "$default",
                "http": {"method": "GET", "path": "/images/a.jpg", "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t"}
            },
        });
        event.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default())
    }

    async fn serve_with<F>(changes: Value, handle: impl FnOnce(Request, Timestamp) -> F) -> Value
    where
        F: Future<Output = Result<Response, ApiError>>,
    {
        let Ok(payload) = serve(event(changes), Timestamp::UNIX_EPOCH, Duration::from_secs(60), handle).await;
        serde_json::to_value(payload).unwrap()
    }

    #[tokio::test]
    async fn an_event_becomes_a_request_and_its_response_an_answer() {
        let changes = json!({"rawQueryString": "variant=a%20b", "body": "text", "headers": {"user-id": "u"}});

        let answer = serve_with(changes, async |request, _| {
            assert_eq!(crate::route(&request), (http::Method::GET, "/images/{name}".to_owned()));
            assert_eq!(crate::path_parameter(&request, "name").unwrap(), "a.jpg");
            assert_eq!(crate::query(&request, "variant").unwrap().as_deref(), Some("a b"));
            assert_eq!(request.headers()["user-id"], "u");
            assert_eq!(request.body().as_ref(), b"text");
            respond::created(&"answer")
        })
        .await;

        assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(201), &json!("\"answer\"")));
        assert_eq!((&answer["isBase64Encoded"], &answer["cookies"]), (&json!(false), &json!([])));
        assert_eq!(answer["headers"]["content-type"], "application/json; charset=utf-8");
    }

    #[tokio::test]
    async fn bytes_are_answered_in_base64_and_cookies_apart() {
        let answer = serve_with(json!({}), async |_, _| {
            let response = http::Response::builder().header("set-cookie", "a=1").header("set-cookie", "b=2");
            Ok(response.body(Body::from(b"\xff\xd8".to_vec())).unwrap())
        })
        .await;

        assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("/9g="), &json!(true)));
        assert_eq!((&answer["cookies"], &answer["headers"]), (&json!(["a=1", "b=2"]), &json!({})));
    }

    #[tokio::test]
    async fn odd_paths_and_queries_are_no_panic() {
        for (path, query) in [("*", ""), ("", ""), ("//", ""), ("@evil.example", ""), ("/ \u{0}", "a b\u{7f}&=&%zz")] {
            let answer =
                serve_with(json!({"rawPath": path, "rawQueryString": query}), async |_, _| respond::ok(&1)).await;
            assert_eq!(answer["statusCode"], 200, "{path:?} {query:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_base64_is_refused_before_the_handler_runs() {
        let changes = json!({"body": "no base64!", "isBase64Encoded": true});

        let answer = serve_with(changes, async |_, _| panic!("the handler ran")).await;

        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&answer["statusCode"], &body["error"]), (&json!(400), &json!("bad_request")));
        assert_eq!(body["detail"], "The event's body is not base64.");
    }
}
