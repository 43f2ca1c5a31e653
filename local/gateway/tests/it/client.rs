//! A client that sends exactly what it is told to, and follows nothing by itself.

use http::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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

    /// A form with text fields and a photo, as `wx.uploadFile` sends it.
    pub(crate) fn form(self, fields: &[(&str, &str)], photo: &[u8]) -> Self {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let disposition = "Content-Disposition: form-data; name=\"image\"; filename=\"tmp_1.jpg\"";
        body.extend_from_slice(format!("--x\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n").as_bytes());
        body.extend_from_slice(photo);
        body.extend_from_slice(b"\r\n--x--\r\n");
        self.body("multipart/form-data; boundary=x", body)
    }

    pub(crate) async fn send(self) -> Answer {
        let (server, target) = split(&self.address);
        let mut head = format!("{} {target} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n", self.method);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));

        let mut connection = TcpStream::connect(server).await.expect("a connection");
        connection.write_all(&[head.as_bytes(), &self.body].concat()).await.expect("a request that is taken");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.expect("an answer");
        Answer::parse(&answer)
    }
}

/// Follows a redirect by hand.
pub(crate) async fn fetch(location: &str) -> Answer {
    get(location, "").send().await
}

fn split(address: &str) -> (&str, &str) {
    let rest = address.strip_prefix("http://").expect("an http address");
    rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash))
}

impl Answer {
    fn parse(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&answer[..end]).expect("a head of text");
        let (status, lines) = head.split_once("\r\n").expect("headers");
        let headers = lines.split("\r\n").map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.parse().expect("a name"), value.parse().expect("a value"))
        });
        Self {
            status: status.split(' ').nth(1).expect("a status").parse().expect("a number"),
            headers: headers.collect::<Vec<(http::HeaderName, _)>>().into_iter().collect(),
            body: answer[end + 4..].to_vec(),
        }
    }

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
