use http::Request;
use serde_json::{Value, json};

use super::*;

fn event(request: http::request::Builder, body: &[u8]) -> Value {
    let (head, ()) = request.body(()).expect("a request").into_parts();
    let variables = BTreeMap::from([("name".to_owned(), "照 片.jpg".to_owned())]);
    let arrived = Arrived {
        head: &head,
        body,
        route: &Match { key: "ANY /images/{name}", function: "image-redirect", variables },
        source: [203, 0, 113, 7].into(),
        request_id: "a-request-id",
        now: "2026-03-12T19:03:58.390Z".parse().expect("a time"),
    };
    serde_json::from_str(&arrived.event().expect("an event")).expect("JSON")
}

fn get(uri: &str) -> http::request::Builder {
    Request::get(uri).header("host", "127.0.0.1:8787")
}

#[test]
fn a_request_is_described_as_http_api_describes_it() {
    let request = get("/images/%E7%85%A7%20%E7%89%87.jpg?variant=thumb").header("User-Agent", "MicroMessenger");

    assert_eq!(
        event(request, b""),
        json!({
            "version": "2.0",
            "routeKey": "ANY /images/{name}",
            "rawPath": "/images/照 片.jpg",
            "rawQueryString": "variant=thumb",
            "headers": {
                "host": "127.0.0.1:8787",
                "user-agent": "MicroMessenger",
                "x-forwarded-for": "203.0.113.7",
                "x-forwarded-proto": "http",
            },
            "queryStringParameters": { "variant": "thumb" },
            "pathParameters": { "name": "照 片.jpg" },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "127.0.0.1:8787",
                "domainPrefix": "local",
                "http": {
                    "method": "GET",
                    "path": "/images/照 片.jpg",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "MicroMessenger",
                },
                "requestId": "a-request-id",
                "routeKey": "ANY /images/{name}",
                "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1_773_342_238_390_i64,
            },
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn lambda_http_reads_the_event_back_as_the_request_that_was_sent() {
    let request = get("/images/a%20b?x=1&x=2").method("POST").header("session_id", "s").header("cookie", "a=1; b=2");
    let json = event(request.header("content-type", "image/jpeg"), b"\xff\xd8").to_string();

    let read = lambda_http::request::from_str(&json).expect("an event of payload format 2.0");

    assert_eq!(read.method(), "POST");
    assert_eq!(read.uri(), "http://127.0.0.1:8787/images/a%20b?x=1&x=2");
    assert_eq!(read.headers()["session_id"], "s");
    assert_eq!(read.headers()["cookie"], "a=1; b=2");
    assert_eq!(read.body().as_ref(), b"\xff\xd8");
}

#[test]
fn doubled_headers_are_joined_and_cookies_stand_apart() {
    let request = get("/").header("User_Id", "one").header("user_id", "two").header("cookie", "a=1; b=2");

    let event = event(request.header("cookie", "c=3"), b"");

    assert_eq!(event["headers"]["user_id"], "one,two");
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
    assert_eq!(event["headers"].get("cookie"), None);
}

#[test]
fn headers_of_the_connection_are_not_handed_over() {
    let request = get("/").header("connection", "keep-alive").header("transfer-encoding", "chunked");

    let event = event(request.header("expect", "100-continue"), b"{}");

    assert_eq!(event["headers"]["content-length"], "2");
    for header in ["connection", "transfer-encoding", "expect"] {
        assert_eq!(event["headers"].get(header), None, "{header}");
    }
}

#[test]
fn a_client_cannot_choose_the_address_that_it_comes_from() {
    let event = event(get("/").header("x-forwarded-for", "198.51.100.1"), b"");

    assert_eq!(event["requestContext"]["http"]["sourceIp"], "203.0.113.7");
    assert_eq!(event["headers"]["x-forwarded-for"], "198.51.100.1, 203.0.113.7");
}

#[test]
fn a_query_is_handed_over_as_sent_and_decoded() {
    let event = event(get("/?scope=all&name=a%26b&name=c+d&flag"), b"");

    assert_eq!(event["rawQueryString"], "scope=all&name=a%26b&name=c+d&flag");
    assert_eq!(event["queryStringParameters"], json!({ "scope": "all", "name": "a&b,c d", "flag": "" }));
}

#[test]
fn bodies_are_text_or_base64_by_their_content_type() {
    let handed_over = |content_type: &str, body: &[u8]| {
        let event = event(get("/").header("content-type", content_type), body);
        (event["body"].as_str().expect("a body").to_owned(), event["isBase64Encoded"] == true)
    };

    assert_eq!(handed_over("application/json; charset=utf-8", b"{}"), ("{}".into(), false));
    assert_eq!(handed_over("Text/Plain", "照".as_bytes()), ("照".into(), false));
    assert_eq!(handed_over("multipart/form-data; boundary=x", b"--x"), ("LS14".into(), true));
    assert_eq!(handed_over("application/x-www-form-urlencoded", b"a=1"), ("YT0x".into(), true));
    assert_eq!(handed_over("", b"a=1"), ("YT0x".into(), true));
    assert_eq!(handed_over("text/plain", b"\xff"), ("/w==".into(), true), "text that is none");
}

#[test]
fn no_body_is_no_member_of_the_event() {
    assert_eq!(event(get("/").header("content-type", "application/json"), b"").get("body"), None);
}
