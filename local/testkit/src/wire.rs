use std::sync::{Arc, Mutex};

use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use tokio::sync::Notify;

use crate::recording;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection: nothing was applied.
    Refused,
    /// The service says that it is too busy: nothing was applied.
    Throttled,
    /// 500, nothing applied.
    ServerError,
    /// A refusal that no retry mends: the role lacks a right. Nothing was applied.
    AccessDenied,
    /// Applied, but answered with 500.
    AppliedThenServerError,
    /// Applied, and the connection is reset before the answer comes.
    AppliedThenReset,
    /// The caller has waited in vain for as long as it may: nothing was applied.
    TimedOut,
    /// Applied, and the caller has waited in vain for as long as it may.
    AppliedThenTimedOut,
    /// Nothing is applied and nothing is ever answered: the caller has to give up by itself.
    Silent,
    /// Waits until [`Wire::release`], and ends like [`TimedOut`](Self::TimedOut).
    Held,
    /// Applied; then waits until [`Wire::release`], and ends like [`TimedOut`](Self::TimedOut).
    AppliedThenHeld,
    /// DynamoDB cancels a transaction that meets another one on an item; nothing is applied.
    TransactionConflict,
    /// A batch is answered well, and nothing of it was done: DynamoDB leaves it for another call, S3 names errors.
    Unprocessed,
    /// Applied and answered, and the body of the answer ends in its middle.
    CutBody,
    /// Applied and answered, but the answer does not say how long its body is.
    NoLength,
    /// Somebody else answers, as a proxy or a captive portal does: 200 and a page. Nothing was applied.
    Page,
    /// The function is killed before the call goes out; see [`Wire::killed`].
    KilledBefore,
    /// The function is killed after the call was applied; see [`Wire::killed`].
    KilledAfter,
}

/// One call that went out, tries of the SDK counted one by one.
#[derive(Clone, Debug)]
pub struct Call {
    /// `DynamoDB.GetItem`, `S3.PutObject`, `SecretsManager.GetSecretValue`, `HTTP.GET`.
    pub operation: String,
    /// The address.
    pub uri: String,
    /// The body, where it was in memory.
    pub body: String,
}

#[derive(Clone, Debug)]
struct Rule {
    operation: String,
    nth: Option<usize>,
    fault: Fault,
    seen: usize,
}

#[derive(Debug, Default)]
struct State {
    calls: Mutex<Vec<Call>>,
    rules: Mutex<Vec<Rule>>,
    killed: Notify,
    held: Notify,
    released: Notify,
}

/// The HTTP client of a test: a real one that keeps what goes out and fails where it is told to.
#[derive(Clone, Debug)]
pub struct Wire {
    real: SharedHttpClient,
    state: Arc<State>,
}

impl Default for Wire {
    fn default() -> Self {
        let real =
            aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        Self { real, state: Arc::default() }
    }
}

impl Wire {
    /// The client to give to the SDKs.
    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// Every call of `operation` fails from now on.
    pub fn fail_every(&self, operation: &str, fault: Fault) {
        self.rule(operation, None, fault);
    }

    /// The n-th call of `operation` from now on fails; the first is 1.
    pub fn fail_nth(&self, operation: &str, nth: usize, fault: Fault) {
        self.rule(operation, Some(nth), fault);
    }

    /// The n-th call of any operation from now on fails; the first is 1.
    pub fn fail_call(&self, nth: usize, fault: Fault) {
        self.rule("", Some(nth), fault);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// Ends when a call with one of the two `Killed` faults is reached: the test then drops the function's future.
    pub async fn killed(&self) {
        self.state.killed.notified().await;
    }

    /// Ends when a call with one of the two `Held` faults waits.
    pub async fn held(&self) {
        self.state.held.notified().await;
    }

    /// Lets a call go on that is held, now or soon.
    pub fn release(&self) {
        self.state.released.notify_one();
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().unwrap().clone()
    }

    /// The operations of the calls so far, in the order in which they went out.
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.state.calls.lock().unwrap().clear();
    }

    fn rule(&self, operation: &str, nth: Option<usize>, fault: Fault) {
        let rule = Rule { operation: operation.to_owned(), nth, fault, seen: 0 };
        self.state.rules.lock().unwrap().push(rule);
    }

    fn fault_of(&self, operation: &str) -> Option<Fault> {
        let mut hit = None;
        for rule in self.state.rules.lock().unwrap().iter_mut() {
            if rule.operation.is_empty() || rule.operation == operation {
                rule.seen += 1;
                if rule.nth.is_none_or(|nth| nth == rule.seen) {
                    hit = hit.or(Some(rule.fault));
                }
            }
        }
        hit
    }

    async fn hold(&self) {
        self.state.held.notify_one();
        self.state.released.notified().await;
    }

    async fn send(self, connector: SharedHttpConnector, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = operation_of(&request);
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let uri = request.uri().to_owned();
        let call = Call { operation: operation.clone(), uri, body: body.clone() };
        recording::note_call(&call);
        self.state.calls.lock().unwrap().push(call.clone());

        match self.fault_of(&operation) {
            None => {
                let answer = connector.call(request).await?;
                recording::note_answer(&call, answer.status().as_u16());
                Ok(answer)
            }
            Some(Fault::Refused) => Err(ConnectorError::io("connection refused".into())),
            Some(Fault::Throttled) if operation.starts_with("S3.") => Ok(error(&operation, 503, "SlowDown")),
            Some(Fault::Throttled) => Ok(error(&operation, 400, "ThrottlingException")),
            Some(Fault::ServerError) => Ok(error(&operation, 500, "InternalServerError")),
            Some(Fault::AccessDenied) if operation.starts_with("S3.") => Ok(error(&operation, 403, "AccessDenied")),
            Some(Fault::AccessDenied) => Ok(error(&operation, 400, "AccessDeniedException")),
            Some(Fault::AppliedThenServerError) => {
                connector.call(request).await?;
                Ok(error(&operation, 500, "InternalServerError"))
            }
            Some(Fault::AppliedThenReset) => {
                connector.call(request).await?;
                Err(ConnectorError::io("connection reset".into()))
            }
            Some(Fault::TimedOut) => Err(timed_out()),
            Some(Fault::AppliedThenTimedOut) => {
                connector.call(request).await?;
                Err(timed_out())
            }
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Held) => {
                self.hold().await;
                Err(timed_out())
            }
            Some(Fault::AppliedThenHeld) => {
                connector.call(request).await?;
                self.hold().await;
                Err(timed_out())
            }
            Some(Fault::TransactionConflict) if operation == "DynamoDB.TransactWriteItems" => Ok(cancelled()),
            Some(Fault::TransactionConflict) => Ok(error(&operation, 400, "TransactionConflictException")),
            Some(Fault::Unprocessed) if operation == "S3.DeleteObjects" => Ok(not_deleted()),
            Some(Fault::Unprocessed) => Ok(unprocessed(&body)),
            Some(Fault::CutBody) => Ok(cut(whole(connector.call(request).await?).await?)),
            Some(Fault::NoLength) => {
                let mut answer = whole(connector.call(request).await?).await?;
                answer.headers_mut().remove("content-length");
                Ok(answer)
            }
            Some(Fault::Page) => Ok(page()),
            Some(Fault::KilledBefore) => {
                self.state.killed.notify_one();
                std::future::pending().await
            }
            Some(Fault::KilledAfter) => {
                connector.call(request).await?;
                self.state.killed.notify_one();
                std::future::pending().await
            }
        }
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.real.http_connector(settings, components);
        SharedHttpConnector::new(WireConnector { inner, wire: self.clone() })
    }
}

#[derive(Debug)]
struct WireConnector {
    inner: SharedHttpConnector,
    wire: Wire,
}

impl HttpConnector for WireConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.wire.clone().send(self.inner.clone(), request))
    }
}

pub(crate) fn operation_of(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    if let Some(operation) = target.strip_prefix("DynamoDB_20120810.") {
        return format!("DynamoDB.{operation}");
    }
    if let Some(operation) = target.strip_prefix("secretsmanager.") {
        return format!("SecretsManager.{operation}");
    }
    if let Some(operation) = target.strip_prefix("AWSEvents.") {
        return format!("EventBridge.{operation}");
    }
    let is_signed_for_s3 = request.headers().get("x-amz-content-sha256").is_some();
    match (request.method(), is_signed_for_s3) {
        ("PUT", true) => "S3.PutObject".to_owned(),
        ("GET", true) if request.uri().contains("list-type=2") => "S3.ListObjectsV2".to_owned(),
        ("GET", true) => "S3.GetObject".to_owned(),
        ("POST", true) if request.uri().contains("?delete") => "S3.DeleteObjects".to_owned(),
        ("HEAD", true) => "S3.HeadObject".to_owned(),
        ("DELETE", true) => "S3.DeleteObject".to_owned(),
        (method, _) => format!("HTTP.{method}"),
    }
}

fn timed_out() -> ConnectorError {
    ConnectorError::timeout("no answer in time".into())
}

/// An error as the service writes it.
fn error(operation: &str, status: u16, code: &str) -> HttpResponse {
    let (content_type, body) = if operation.starts_with("S3.") {
        ("application/xml", format!("<Error><Code>{code}</Code><Message>injected</Message></Error>"))
    } else {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
        ("application/x-amz-json-1.0", format!(r#"{{"__type":"{kind}","message":"injected"}}"#))
    };
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", content_type);
    response
}

/// With all of its body in memory.
pub(crate) async fn whole(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = response.take_body().collect().await.map_err(ConnectorError::io)?;
    *response.body_mut() = SdkBody::from(body.to_bytes());
    Ok(response)
}

/// With half of its body, and headers that speak of all of it.
fn cut(mut whole: HttpResponse) -> HttpResponse {
    let body = whole.body().bytes().unwrap_or_default();
    let half = body[..body.len() / 2].to_vec();
    *whole.body_mut() = SdkBody::from(half);
    whole
}

fn page() -> HttpResponse {
    const PAGE: &str = "<html><body>Please wait</body></html>";
    let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(PAGE));
    response.headers_mut().insert("content-type", "text/html");
    response.headers_mut().insert("content-length", PAGE.len().to_string());
    response
}

fn cancelled() -> HttpResponse {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]",
        "CancellationReasons":[{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"},{"Code":"None"}]}"#;
    let mut response = HttpResponse::new(400.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn not_deleted() -> HttpResponse {
    let body = r#"<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Error><Key>a</Key><Code>InternalError</Code>
        <Message>injected</Message></Error></DeleteResult>"#;
    let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/xml");
    response
}

fn unprocessed(batch: &str) -> HttpResponse {
    let batch: serde_json::Value = serde_json::from_str(batch).unwrap();
    let all = &batch["RequestItems"];
    let body = serde_json::json!({ "Responses": {}, "UnprocessedKeys": all, "UnprocessedItems": all });
    let mut response = HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
