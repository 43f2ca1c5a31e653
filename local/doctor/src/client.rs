//! One request, sent once, as it is; redirects are not followed and every status is an answer.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::mem;
use std::time::Duration;

use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::ser_de::DeserializeResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;
use tokio::time::timeout;

use crate::address::Address;

const CONNECT: Duration = Duration::from_secs(5);
/// Longer than API Gateway lets a function take, so that its own answer to a slow one is seen.
const DEADLINE: Duration = Duration::from_secs(35);
/// Default images and refusals are far smaller.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The HTTP client of the functions, without retries.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: SharedHttpClient,
}

/// One request to be sent.
#[derive(Debug)]
pub(crate) struct Request {
    method: Method,
    address: Address,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why nothing came back.
#[derive(Debug)]
pub(crate) struct Unreachable {
    host: String,
    cause: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} gives no answer: {}", self.host, self.cause)
    }
}

impl Request {
    pub(crate) fn new(method: Method, address: Address) -> Self {
        Self { method, address, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(address: Address) -> Self {
        Self::new(Method::GET, address)
    }

    pub(crate) fn post(address: Address, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let request = Self { body: body.into(), ..Self::new(Method::POST, address) };
        request.header("content-type", content_type)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Client {
    pub(crate) fn new(http: SharedHttpClient) -> Self {
        Self { http }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// Where there was no whole answer within 35 s.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Unreachable> {
        let host = request.address.authority().to_owned();
        let answer = timeout(DEADLINE, self.exchange(request)).await;
        let seconds = DEADLINE.as_secs();
        answer
            .unwrap_or_else(|_| Err(format!("nothing within {seconds} s")))
            .map_err(|cause| Unreachable { host, cause })
    }

    async fn exchange(&self, request: Request) -> Result<Answer, String> {
        let operation: Operation<HttpRequest, HttpResponse, Infallible> = Operation::builder()
            .service_name("doctor")
            .operation_name("look")
            .http_client(self.http.clone())
            .endpoint_url(&request.address.origin())
            .no_auth()
            .no_retry()
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
            .serializer(Ok)
            .deserializer_impl(UnreadResponse)
            .build();

        let mut builder = http::Request::builder().method(request.method).uri(request.address.target());
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let request = builder.body(SdkBody::from(request.body)).map_err(|error| error.to_string())?;
        let request = HttpRequest::try_from(request).map_err(|error| error.to_string())?;
        let response = operation.invoke(request).await.map_err(|error| root_cause(&error))?;
        let (head, body) = response.try_into_http1x().map_err(|error| error.to_string())?.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| error.to_string())?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }
}

/// The innermost cause: the outer ones say "dispatch failure" and the like.
fn root_cause(error: &SdkError<Infallible, HttpResponse>) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the body says under `name`, where it is JSON and says it as text.
    pub(crate) fn text_field(&self, name: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get(name)?.as_str()?.to_owned())
    }

    /// When the other side says that it answered.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        DateTimeParser::new().parse_timestamp(self.header("date")?).ok()
    }

    /// Seconds for which it may be kept.
    pub(crate) fn max_age(&self) -> Option<i64> {
        let directives = self.header("cache-control")?.split(',');
        directives.map(str::trim).find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok())
    }

    /// Status and the beginning of the body, for a report.
    pub(crate) fn summary(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let line: String = body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect();
        format!("{} {line}", self.status).trim_end().to_owned()
    }
}

/// Hands the response over as soon as its head is there, so that the body can be read with a limit.
#[derive(Debug)]
struct UnreadResponse;

impl DeserializeResponse for UnreadResponse {
    fn deserialize_streaming_with_config(
        &self,
        response: &mut HttpResponse,
        _config: &ConfigBag,
    ) -> Option<Result<Output, OrchestratorError<Error>>> {
        let unread = HttpResponse::new(response.status(), SdkBody::taken());
        Some(Ok(Output::erase(mem::replace(response, unread))))
    }

    fn deserialize_nonstreaming_with_config(
        &self,
        _response: &HttpResponse,
        _config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        Err(OrchestratorError::other("the body is read elsewhere"))
    }
}
