//! Events for a team's own code, put on a bus of EventBridge.
//!
//! One signed call, not the SDK's client: that is sixty operations, compiled by everybody who starts the local stack, of which this is
//! one. What fails is not tried for long, as it comes again with what it is about.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::HttpStatusCodeClassifier;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Failure;
use crate::aws::Aws;
use crate::config::{Variable, Variables};

const OPERATION: &str = "EventBridge.PutEvents";
/// Where events are said to come from.
const SOURCE: &str = "mini-functions";

static EVENT_BUS: Variable = Variable {
    name: "EVENT_BUS",
    meaning: "Name of the bus of EventBridge that is told what happened to images; unset: nobody is told.",
    default: None,
};
static AWS_ENDPOINT_URL_EVENTBRIDGE: Variable = Variable {
    name: "AWS_ENDPOINT_URL_EVENTBRIDGE",
    meaning: "Address of another EventBridge, such as the local one.",
    default: None,
};

/// Whether somebody is told, and where.
#[derive(Clone, Debug)]
pub struct Config {
    bus: Option<String>,
    address: Option<String>,
}

impl Config {
    /// Reads both variables.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self { bus: variables.optional(&EVENT_BUS), address: variables.address(&AWS_ENDPOINT_URL_EVENTBRIDGE) }
    }
}

/// Something that happened.
#[derive(Debug)]
pub struct Event<'a, D> {
    /// Its kind: `image.shown`.
    pub kind: &'static str,
    /// When it happened.
    pub at: Timestamp,
    /// What a rule's target is given as `detail`.
    pub detail: &'a D,
}

/// A bus.
#[derive(Debug)]
pub struct EventBus {
    name: String,
    region: String,
    credentials: Credentials,
    address: String,
    operation: Operation<HttpRequest, Value, Refused>,
}

impl EventBus {
    /// The configured bus, if there is one. Opens no connection.
    pub fn new(config: Config, aws: &Aws) -> Option<Self> {
        let region = aws.region().to_owned();
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let address = config.address.unwrap_or_else(|| format!("https://events.{region}.amazonaws.com{suffix}"));
        let operation = Operation::builder()
            .service_name("EventBridge")
            .operation_name("PutEvents")
            .http_client(aws.counting_http())
            .timeout_config(aws.timeouts())
            .standard_retry(&aws.retries())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .sleep_impl(TokioSleep::new())
            .endpoint_url(&address)
            .no_auth()
            .serializer(Ok)
            .deserializer(answer)
            .build();
        Some(Self { name: config.bus?, region, credentials: aws.credentials().clone(), address, operation })
    }

    /// Puts an event on the bus.
    ///
    /// # Errors
    /// Where it is not certain that the bus has it.
    pub async fn put<D: Serialize>(&self, event: &Event<'_, D>, now: Timestamp) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::unavailable(OPERATION, error.to_string());
        let detail = serde_json::to_string(event.detail).map_err(|error| failed(&error))?;
        let entry = json!({
            "EventBusName": self.name, "Source": SOURCE, "DetailType": event.kind, "Time": event.at.as_second(), "Detail": detail,
        });
        let request = self.signed(json!({ "Entries": [entry] }).to_string(), now).map_err(|error| failed(&error))?;
        let answer =
            self.operation.invoke(request).await.map_err(|error| Failure::unavailable(OPERATION, kind(&error)))?;
        match answer["FailedEntryCount"].as_u64() {
            Some(0) => Ok(()),
            _ => Err(Failure::unavailable(OPERATION, answer["Entries"][0]["ErrorCode"].as_str().unwrap_or("response"))),
        }
    }

    fn signed(&self, body: String, now: Timestamp) -> Result<HttpRequest, BoxError> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AWSEvents.PutEvents")];
        let address = format!("{}/", self.address);
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("events")
            .time(SystemTime::try_from(now)?)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable =
            SignableRequest::new("POST", &*address, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();
        let mut request = http::Request::post("/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(SdkBody::from(body))?;
        signature.apply_to_request_http1x(&mut request);
        Ok(HttpRequest::try_from(request)?)
    }
}

/// Why an answer is none: the name of an error of EventBridge's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<Refused>> {
    let body: Value = response.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    if response.status().is_success() {
        return Ok(body);
    }
    let name = body["__type"].as_str().and_then(|name| name.rsplit('#').next()).unwrap_or("unknown error code");
    Err(OrchestratorError::operation(Refused(name.to_owned())))
}

/// Says what kind of failure it was; the error's own text may hold what was sent.
fn kind(error: &SdkError<Refused, HttpResponse>) -> String {
    match error {
        SdkError::ServiceError(refused) => refused.err().to_string(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "connection".to_owned(),
        _ => "response".to_owned(),
    }
}
