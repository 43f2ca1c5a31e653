//! A deployment in one small server, API and bucket alike, that can be ill in one way.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use jiff::SignedDuration;
use platform::clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The one thing that is wrong with a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Illness {
    None,
    DropsUnderscores,
    TakesAnyHeaders,
    WeChatUnavailable,
    TakesAnyCode,
    NoRequestId,
    NoDefaultRoute,
    AnswersBytes,
    WrongContentType,
    CloudFrontWithoutNosniff,
    NoMaxAge,
    ShortAddress,
    Listable,
    Readable,
    TakesUnsignedForms,
    TakesForgedForms,
    AnotherRegion,
    FastClock,
    WithoutIcpRecord,
    ClosedEndpoint,
}

/// HTTP API's quota on header values.
const MAX_HEADER_BYTES: usize = 10_240;
const PNG: &[u8] = include_bytes!("../../../../shared/images/defaults/missing.png");

/// A running patient; it goes with this.
pub(crate) struct Patient {
    url: String,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Ward {
    illness: Illness,
    url: String,
}

impl Patient {
    #[expect(clippy::disallowed_methods, reason = "a server of a test runs beside it")]
    pub(crate) async fn with(illness: Illness) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let router = Router::new().fallback(answer).with_state(Ward { illness, url: url.clone() });
        let server = tokio::spawn(async { axum::serve(listener, router).await.expect("a server") });
        Self { url, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(ward): State<Ward>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    let query = head.uri.query().unwrap_or_default();
    let mut answer = match (&head.method, head.uri.path()) {
        _ if ward.illness == Illness::WithoutIcpRecord => plain_json(403, &json!({ "Message": null })),
        _ if ward.illness == Illness::ClosedEndpoint => plain_json(404, &json!({ "message": "Not Found" })),
        (_, path) if path.starts_with("/bucket") => ward.bucket(&head.method, path, query, &body),
        (&Method::POST, "/session") => ward.login(),
        (&Method::GET, "/session") => ward.session(head.headers),
        (_, path) if path.starts_with("/images/") => ward.image(),
        _ if ward.illness == Illness::NoDefaultRoute => plain_json(404, &json!({"message": "Not Found"})),
        _ => refusal(404, 40402, "not_found"),
    };
    if ward.illness == Illness::FastClock {
        let date = clock::now() + SignedDuration::from_mins(10);
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers_mut().insert("date", date.parse().expect("a header"));
    }
    answer
}

impl Ward {
    fn login(&self) -> Response {
        match self.illness {
            Illness::WeChatUnavailable => refusal(503, 50301, "wechat_unavailable"),
            // A session that opens nothing: with it the doctor stays a stranger.
            Illness::TakesAnyCode => plain_json(201, &json!({"session": "for everybody"})),
            _ => refusal(401, 40102, "code_invalid"),
        }
    }

    fn session(&self, mut headers: HeaderMap) -> Response {
        if self.illness == Illness::DropsUnderscores {
            for name in ["session_id", "user_id"] {
                headers.remove(name);
            }
        }
        let bytes: usize = headers.values().map(http::HeaderValue::len).sum();
        if bytes > MAX_HEADER_BYTES && self.illness != Illness::TakesAnyHeaders {
            return plain_json(431, &json!({"message": "Request Header Fields Too Large"}));
        }
        let presented = headers.get("session_id").or(headers.get("session-id"));
        match presented {
            Some(session_id) if session_id == "the-session" => plain_json(200, &json!({"user_id": "the-user"})),
            None if self.illness == Illness::NoRequestId => {
                plain_json(401, &json!({"errcode": 40101, "errmsg": "!", "error": "session_invalid"}))
            }
            _ => refusal(401, 40101, "session_invalid"),
        }
    }

    fn image(&self) -> Response {
        if self.illness == Illness::AnswersBytes {
            return picture("image/png");
        }
        let life = if self.illness == Illness::ShortAddress { 90 } else { 3600 };
        let date = clock::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let credential = "AKIDLOCALSTACK%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
        let query = format!("X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires={life}&X-Amz-Signature=5");
        let location = format!("{}/bucket/defaults/missing?{query}", self.url);
        let cache_control = if self.illness == Illness::NoMaxAge { "no-cache" } else { "max-age=60" };
        let answer = Response::builder().status(302).header("location", location);
        answer.header("cache-control", cache_control).body("".into()).expect("an answer")
    }

    fn bucket(&self, method: &Method, path: &str, query: &str, body: &[u8]) -> Response {
        let is_signed = query.contains("X-Amz-Signature=");
        let is_forged = body.windows(15).any(|part| part == b"x-amz-signature");
        match (method, self.illness) {
            (&Method::POST, Illness::TakesUnsignedForms) if !is_forged => status(204),
            (&Method::POST, Illness::TakesForgedForms) if is_forged => status(204),
            (&Method::POST, Illness::AnotherRegion) => {
                let answer = Response::builder().status(307).header("location", "http://elsewhere.example");
                answer.body("".into()).expect("an answer")
            }
            (&Method::GET, Illness::Listable) if path.trim_end_matches('/') == "/bucket" => status(200),
            (&Method::GET, Illness::CloudFrontWithoutNosniff) if is_signed => {
                let mut answer = picture("image/png");
                answer.headers_mut().insert("x-amz-cf-id", "1".parse().expect("a header"));
                answer
            }
            (&Method::GET, Illness::WrongContentType) if is_signed => picture("binary/octet-stream"),
            (&Method::GET, illness) if path.ends_with("/missing") && (is_signed || illness == Illness::Readable) => {
                picture("image/png")
            }
            _ => status(403),
        }
    }
}

fn picture(content_type: &str) -> Response {
    let answer = Response::builder().header("content-type", content_type).header("cache-control", "max-age=86400");
    answer.body(PNG.into()).expect("an answer")
}

fn refusal(status: u16, errcode: u32, error: &str) -> Response {
    plain_json(status, &json!({"errcode": errcode, "errmsg": "!", "error": error, "request_id": "1"}))
}

fn plain_json(status: u16, body: &Value) -> Response {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body.to_string().into()).expect("an answer")
}

fn status(status: u16) -> Response {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    answer
}
