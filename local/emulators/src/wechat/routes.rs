use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Behaviour, CODE_LIFETIME, Exchange, Outcome, WeChat};
use crate::{clock, random};

const HUGE_BYTES: usize = 8 * 1024 * 1024;

pub(crate) fn router(wechat: WeChat) -> Router {
    Router::new()
        .route("/sns/jscode2session", get(code2session))
        .route("/_redirected", get(redirected))
        .route("/_control", post(control))
        .with_state(wechat)
}

async fn code2session(State(wechat): State<WeChat>, Query(call): Query<Exchange>) -> Response {
    let (behaviour, outcome) = wechat.take_call(&call);
    let mut answer = outcome.body();
    match behaviour {
        None => text(answer.to_string()),
        Some(Behaviour::Errcode(errcode)) => text(Outcome::Errcode(errcode).body().to_string()),
        Some(Behaviour::Status(status)) => html(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)),
        Some(Behaviour::Slow(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            text(answer.to_string())
        }
        Some(Behaviour::Cut) => cut(&answer.to_string()),
        Some(Behaviour::Silent) => std::future::pending().await,
        Some(Behaviour::Empty) => text(""),
        Some(Behaviour::Html) => html(StatusCode::OK),
        Some(Behaviour::Redirect) => redirect(),
        Some(Behaviour::NoOpenid) => text(without(&mut answer, "openid")),
        Some(Behaviour::NoSessionKey) => text(without(&mut answer, "session_key")),
        Some(Behaviour::Huge) => {
            answer["padding"] = "x".repeat(HUGE_BYTES).into();
            text(answer.to_string())
        }
    }
}

impl Outcome {
    fn body(&self) -> Value {
        match self {
            Self::Untouched => json!({}),
            Self::Session { openid, session_key } => json!({ "openid": openid, "session_key": session_key }),
            Self::Errcode(errcode) => {
                json!({ "errcode": errcode, "errmsg": format!("{}, rid: {}", errmsg(*errcode), rid()) })
            }
        }
    }
}

fn errmsg(errcode: i64) -> &'static str {
    match errcode {
        -1 => "system error",
        40002 => "invalid grant_type",
        40013 => "invalid appid",
        40029 => "invalid code",
        40125 => "invalid appsecret",
        40163 => "code been used",
        40226 => "code blocked",
        41002 => "appid missing",
        41004 => "appsecret missing",
        41008 => "missing code",
        45011 => "api minute-quota reach limit, must slower, retry next minute",
        _ => "unspecified error",
    }
}

/// What WeChat's support asks for: the time and two random numbers, each in eight hexadecimal digits.
fn rid() -> String {
    format!("{:08x}-{}-{}", clock::unix_seconds(), random::hex8(), random::hex8())
}

/// WeChat labels its JSON `text/plain`, and answers errors with 200.
fn text(body: impl Into<Body>) -> Response {
    answer(StatusCode::OK, "text/plain", body)
}

fn html(status: StatusCode) -> Response {
    answer(status, "text/html", "<html><head><title>Gateway</title></head><body>Please try again.</body></html>")
}

fn redirect() -> Response {
    let mut response = answer(StatusCode::FOUND, "text/plain", "");
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/_redirected"));
    response
}

/// Announces the whole answer, sends half of it and ends the connection.
fn cut(whole: &str) -> Response {
    let half = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
    let end = async {
        // Without a pause the end would overtake the half, which the server still holds back then.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    let chunks = stream::iter([Ok(half)]).chain(stream::once(end));
    let mut response = text(Body::from_stream(chunks));
    response.headers_mut().insert(CONTENT_LENGTH, whole.len().into());
    response
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn without(answer: &mut Value, field: &str) -> String {
    if let Value::Object(fields) = answer {
        fields.remove(field);
    }
    answer.to_string()
}

/// A client that comes here has followed a redirect; the session tempts it to show that it did.
async fn redirected(State(wechat): State<WeChat>) -> Response {
    wechat.lock().redirects_followed += 1;
    let outcome = Outcome::Session { openid: wechat.openid("redirected"), session_key: random::session_key() };
    text(outcome.body().to_string())
}

/// One call of the control route: any of these, in this order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    next: Vec<Behaviour>,
    #[serde(default, deserialize_with = "present")]
    always: Option<Option<Behaviour>>,
    secret: Option<String>,
    issue: Option<Issue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    user: String,
    lifetime_seconds: Option<u64>,
}

/// Tells `"always": null` from no `always` at all.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<Behaviour>>, D::Error> {
    Option::deserialize(value).map(Some)
}

async fn control(State(wechat): State<WeChat>, body: Bytes) -> Response {
    let control: Control = match serde_json::from_slice(&body) {
        Ok(control) => control,
        Err(error) => return answer(StatusCode::BAD_REQUEST, "text/plain", error.to_string()),
    };
    if control.reset {
        wechat.reset();
    }
    control.next.into_iter().for_each(|behaviour| wechat.next(behaviour));
    if let Some(always) = control.always {
        wechat.always(always);
    }
    if let Some(secret) = control.secret {
        wechat.set_secret(secret);
    }
    let code = control.issue.map(|issue| {
        let lifetime = issue.lifetime_seconds.map_or(CODE_LIFETIME, Duration::from_secs);
        wechat.issue_code_for(&issue.user, lifetime)
    });
    let state = json!({
        "calls": wechat.calls(),
        "codes": wechat.codes(),
        "redirects_followed": wechat.redirects_followed(),
        "code": code,
    });
    answer(StatusCode::OK, "application/json", state.to_string())
}
