use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulators::routing::Routes;
use emulators::template::Template;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::stack::TEMPLATE;
use crate::{Multipart, User};

static ROUTES: LazyLock<Routes> = LazyLock::new(|| Routes::of(&Template::parse(TEMPLATE).unwrap()));

/// An event as in `events/`, most often an HTTP API's (payload 2.0), which a test may change before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(Value);

impl Event {
    /// Reads an event.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// An event that the emulators made.
    pub(crate) fn of_value(event: Value) -> Self {
        Self(event)
    }

    /// A bare event, where no file fits: `path` is as sent, and takes the route that the template has for it.
    pub fn of(method: &str, path: &str) -> Self {
        let route = ROUTES.find(&method.parse().unwrap(), path).unwrap();
        let path = percent_decode_str(path).decode_utf8_lossy();
        let http = json!({"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.10", "userAgent": "test"});
        Self(json!({
            "version": "2.0", "routeKey": route.key, "rawPath": path, "rawQueryString": "",
            "headers": {"host": "api.test"}, "pathParameters": route.variables, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "123456789012", "apiId": "test", "domainName": "api.test", "domainPrefix": "test",
                "http": http, "requestId": "test-request", "routeKey": route.key, "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64
            }
        }))
    }

    /// Sent by this user.
    #[must_use]
    pub fn from(self, user: &User) -> Self {
        self.header("session_id", &user.session_id).header("user_id", &user.user_id)
    }

    /// With this header instead of any of that name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    /// Without this header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.0["headers"].as_object_mut().unwrap().remove(name);
        self
    }

    /// By this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.0["requestContext"]["http"]["method"] = method.into();
        self
    }

    /// With this value of a variable of its path, as HTTP API reports it: decoded.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        let before = self.0["pathParameters"][name].as_str().unwrap();
        let path = self.0["rawPath"].as_str().unwrap().replacen(before, value, 1);
        self.0["pathParameters"][name] = value.into();
        self.0["rawPath"] = path.as_str().into();
        self.0["requestContext"]["http"]["path"] = path.into();
        self
    }

    /// With this query, as sent.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        self.0["rawQueryString"] = query.into();
        self
    }

    /// From this address.
    #[must_use]
    pub fn source_ip(mut self, address: &str) -> Self {
        self.0["requestContext"]["http"]["sourceIp"] = address.into();
        self
    }

    /// With this JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    /// With this text as its body.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self.0["isBase64Encoded"] = false.into();
        self.header("content-type", "application/json")
    }

    /// With this form as its body.
    #[must_use]
    pub fn form(mut self, form: Multipart) -> Self {
        self.0["body"] = STANDARD.encode(form.into_body()).into();
        self.0["isBase64Encoded"] = true.into();
        self.header("content-type", &Multipart::content_type())
    }

    /// With this change, where the event is no request.
    #[must_use]
    pub fn changed(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.0);
        self
    }

    /// What a function gets that is not called over HTTP.
    pub fn parsed<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.0.clone()).unwrap()
    }

    /// The request that a function gets.
    pub fn request(&self) -> lambda_http::Request {
        lambda_http::request::from_str(&self.0.to_string()).unwrap()
    }
}
