//! What a function is handed: the
//! [event of payload format 2.0](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulators::routing::Match;
use http::header::{self, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, USER_AGENT};
use http::request::Parts;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;

#[cfg(test)]
mod tests;

const ACCOUNT: &str = "000000000000";
const API_ID: &str = "local";
const STAGE: &str = "$default";

/// Headers that speak of one connection and end at the gateway.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Bodies of these types are handed over as text, all others in base64.
const TEXT_TYPES: [&str; 4] = ["text/", "application/json", "application/javascript", "application/xml"];

/// A request that has found its route.
#[derive(Debug)]
pub struct Arrived<'a> {
    /// Its head.
    pub head: &'a Parts,
    /// Its whole body.
    pub body: &'a [u8],
    /// Its route.
    pub route: &'a Match<'a>,
    /// The address it came from.
    pub source: IpAddr,
    /// The gateway's id for it.
    pub request_id: &'a str,
    /// When it came.
    pub now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: String,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'a BTreeMap<String, String>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: String,
    domain_prefix: &'static str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: String,
    protocol: String,
    source_ip: IpAddr,
    user_agent: String,
}

impl Arrived<'_> {
    /// The event as JSON text.
    ///
    /// # Errors
    /// Never in practice: every part of an event can be written as JSON.
    pub fn event(&self) -> serde_json::Result<String> {
        let path = decoded(self.head.uri.path());
        let query = self.head.uri.query().unwrap_or_default();
        let (body, is_base64_encoded) = self.body();
        serde_json::to_string(&Event {
            version: "2.0",
            route_key: self.route.key,
            raw_path: path.clone(),
            raw_query_string: query,
            cookies: self.cookies(),
            headers: self.headers(),
            query_string_parameters: query_parameters(query),
            path_parameters: &self.route.variables,
            request_context: Context {
                account_id: ACCOUNT,
                api_id: API_ID,
                domain_name: self.joined(&HOST),
                domain_prefix: API_ID,
                http: Http {
                    method: self.head.method.as_str(),
                    path,
                    protocol: format!("{:?}", self.head.version),
                    source_ip: self.source,
                    user_agent: self.joined(&USER_AGENT),
                },
                request_id: self.request_id,
                route_key: self.route.key,
                stage: STAGE,
                time: self.now.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
                time_epoch: self.now.as_millisecond(),
            },
            body,
            is_base64_encoded,
        })
    }

    fn headers(&self) -> BTreeMap<&str, String> {
        let own = self.head.headers.keys().filter(|name| **name != COOKIE && !HOP_BY_HOP.contains(name));
        let mut headers: BTreeMap<_, _> = own.map(|name| (name.as_str(), self.joined(name))).collect();
        // The whole body is here, so its length is known however it was sent.
        if !self.body.is_empty() {
            headers.insert(CONTENT_LENGTH.as_str(), self.body.len().to_string());
        }
        let forwarded_for = headers.get("x-forwarded-for").map(|before| format!("{before}, {}", self.source));
        headers.insert("x-forwarded-for", forwarded_for.unwrap_or_else(|| self.source.to_string()));
        headers.insert("x-forwarded-proto", "http".to_owned());
        headers
    }

    /// A header that came several times is one value, joined by commas, as HTTP API hands it over.
    fn joined(&self, name: &HeaderName) -> String {
        let values = self.head.headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",")
    }

    fn cookies(&self) -> Vec<String> {
        let lines = self.head.headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        lines.flat_map(|line| line.split("; ").map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    fn body(&self) -> (Option<String>, bool) {
        if self.body.is_empty() {
            return (None, false);
        }
        match std::str::from_utf8(self.body) {
            Ok(text) if is_text(&self.head.headers) => (Some(text.to_owned()), false),
            _ => (Some(STANDARD.encode(self.body)), true),
        }
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_ascii_lowercase();
    TEXT_TYPES.iter().any(|text| content_type.starts_with(text))
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(&value.replace('+', " "));
        let joined = parameters.entry(decoded(&name.replace('+', " ")));
        joined.and_modify(|before| *before = format!("{before},{value}")).or_insert(value);
    }
    parameters
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
