use std::convert::Infallible;
use std::fmt::Write;

use lambda_http::{Body, Response};
use serde_json::Value;

use crate::recording;

/// What a function answered.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The answer in a response.
    pub fn of(response: Result<Response<Body>, Infallible>) -> Self {
        let Ok(response) = response;
        let (parts, body) = response.into_parts();
        let answer = Self { status: parts.status.as_u16(), headers: parts.headers, body: body.to_vec() };
        recording::note_signatures(answer.header("location"), &answer.body);
        answer
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON body: {self:?}"))
    }

    /// Where a redirect leads, without its query.
    pub fn location_path(&self) -> &str {
        let location = self.header("location");
        let path = location.splitn(4, '/').nth(3).unwrap_or_default();
        path.split('?').next().unwrap_or_default()
    }

    /// A success with this status.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// A refusal with this status and name, in the contract's one shape.
    #[track_caller]
    pub fn assert_refused(&self, status: u16, error: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["error"], error);
        assert_eq!(body["errcode"].as_u64().unwrap() / 100, u64::from(status));
        assert!(!body["errmsg"].as_str().unwrap().is_empty());
        assert!(!body["request_id"].as_str().unwrap().is_empty());
        assert_eq!(status == 400, body["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{body}");
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(self.header("cache-control"), "no-store");
        if status == 503 || status == 429 {
            assert_eq!(body["retry_after"].to_string(), self.header("retry-after"));
        }
        self
    }

    /// Status, content type and body in one line, with what differs from run to run replaced after its form was checked.
    pub fn redacted(&self) -> String {
        let mut line = self.status.to_string();
        for name in ["content-type", "location", "cache-control", "allow", "retry-after"] {
            let value = self.header(name);
            match (name, value) {
                (_, "") | ("cache-control", "no-store") => {}
                ("content-type", "application/json; charset=utf-8") => line.push_str(" json"),
                ("location", url) => write!(line, " location={}", redact_url(url)).unwrap(),
                ("cache-control", value) if value.starts_with("max-age=") => line.push_str(" max-age=[n]"),
                (name, value) => write!(line, " {name}={value}").unwrap(),
            }
        }
        if !self.body.is_empty() {
            let mut body: Value = serde_json::from_slice(&self.body).unwrap();
            redact("", &mut body);
            write!(line, " {body}").unwrap();
        }
        line
    }
}

fn redact(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| redact(key, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(key, item)),
        Value::String(text) => {
            if let Some(shape) = shape_of(key, text) {
                *text = shape;
            }
        }
        _ => {}
    }
}

fn shape_of(key: &str, text: &str) -> Option<String> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let is_uuid = |text: &str| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok();
    let shape = match key {
        "user_id" | "owner_id" if is_uuid(text) => "[user]".to_owned(),
        "session_id" if text.len() == 43 => "[session]".to_owned(),
        "request_id" if !text.is_empty() => "[request]".to_owned(),
        "created_at" | "expires_at" | "url_expires_at" | "avatar_url_expires_at" | "done_by"
            if text.ends_with('Z') && text.contains('T') =>
        {
            "[time]".to_owned()
        }
        "url" | "avatar_url" => redact_url(text),
        "name" => match text.split_once('.') {
            Some((stem, extension)) if stem.len() == 32 && is_hex(stem) => format!("[image].{extension}"),
            _ => return None,
        },
        "task_id" if text.len() == 32 && is_hex(text) => "[task]".to_owned(),
        _ => return None,
    };
    Some(shape)
}

/// Keeps what a URL leads to: the kind of object. Keys of images lose their ids, signatures go.
fn redact_url(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    let signed = if url.contains("X-Amz-Signature=") { "?signed" } else { "" };
    let key = path.splitn(5, '/').nth(4).unwrap_or_default();
    match key.split('/').collect::<Vec<_>>()[..] {
        ["images", _, _, file] => format!("[bucket]/images/[stem]/[attempt]/{file}{signed}"),
        _ => format!("[bucket]/{key}{signed}"),
    }
}
