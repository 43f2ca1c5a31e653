//! A client that sends exactly what it is told to, and follows nothing by itself.

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_types::body::SdkBody;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// One request to be sent.
pub(crate) struct Request {
    method: &'static str,
    address: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A signed-in user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) user_id: String,
    pub(crate) session_id: String,
}

pub(crate) fn get(base: &str, target: &str) -> Request {
    Request::new("GET", base, target)
}

pub(crate) fn post(base: &str, target: &str) -> Request {
    Request::new("POST", base, target)
}

pub(crate) fn delete(base: &str, target: &str) -> Request {
    Request::new("DELETE", base, target)
}

impl Request {
    pub(crate) fn new(method: &'static str, base: &str, target: &str) -> Self {
        Self { method, address: format!("{base}{target}"), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn from(self, user: &User) -> Self {
        self.header("session-id", &user.session_id).header("user-id", &user.user_id)
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// A form with text fields and the photo `image`, as `wx.uploadFile` sends it.
    pub(crate) fn form(self, fields: &[(&str, &str)], photo: &[u8]) -> Self {
        self.form_with(fields, "image", photo)
    }

    /// A form with text fields and the photo under a name of its own.
    pub(crate) fn form_with(self, fields: &[(&str, &str)], name: &str, photo: &[u8]) -> Self {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let disposition = format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"tmp_1.jpg\"");
        body.extend_from_slice(format!("--x\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n").as_bytes());
        body.extend_from_slice(photo);
        body.extend_from_slice(b"\r\n--x--\r\n");
        self.body("multipart/form-data; boundary=x", body)
    }

    /// Sends it over a connection of its own: those of a pool die with the test that opened them.
    pub(crate) async fn send(self) -> Answer {
        let connector = if self.address.starts_with("https://") {
            Connector::builder().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build()
        } else {
            Connector::builder().build_http()
        };
        let mut request = http::Request::builder().method(self.method).uri(self.address);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(SdkBody::from(self.body)).expect("a request");

        let response = connector.call(request.try_into().expect("headers of text")).await.expect("an answer");
        let (head, body) = response.try_into_http1x().expect("an answer of HTTP").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body: body.into() }
    }
}

/// Follows a redirect by hand.
pub(crate) async fn fetch(location: &str) -> Answer {
    get(location, "").send().await
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_str().expect("text")
    }

    /// The JSON of an answer with that status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// Where a 302 leads.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 302, "{}", self.text());
        self.header("location")
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, error: &str) {
        assert_eq!((self.status, &self.json()["error"]), (status, &Value::from(error)));
    }

    #[track_caller]
    pub(crate) fn assert_gateways_own(&self, status: u16, message: &str) {
        assert_eq!((self.status, self.json()), (status, serde_json::json!({ "message": message })));
    }
}

/// Signs in with a code that the fake `WeChat` takes for this user.
pub(crate) async fn sign_in(base: &str, code: &str) -> User {
    let answer = post(base, "/session").json(&serde_json::json!({ "code": code })).send().await.expect(201);
    let text = |name: &str| answer[name].as_str().expect(name).to_owned();
    User { user_id: text("user_id"), session_id: text("session_id") }
}
