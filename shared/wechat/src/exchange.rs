//! The exchange on the wire: one GET, at most once.

use std::convert::Infallible;
use std::mem;
use std::time::Duration;

use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::ser_de::DeserializeResponse;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::error::Fault;

const MAX_BODY_BYTES: usize = 64 * 1024;

/// Speaks to WeChat through the HTTP client that the SDK clients share.
pub(crate) struct Exchange {
    operation: Operation<HttpRequest, HttpResponse, Infallible>,
    deadline: Duration,
}

impl Exchange {
    pub(crate) fn new(http: SharedHttpClient, api_base: &str, deadline: Duration) -> Self {
        let operation = Operation::builder()
            .service_name("wechat")
            .operation_name("code2Session")
            .http_client(http)
            .endpoint_url(api_base)
            .no_auth()
            .no_retry()
            .timeout_config(TimeoutConfig::builder().connect_timeout(deadline).build())
            .serializer(Ok)
            .deserializer_impl(UnreadResponse)
            .build();
        Self { operation, deadline }
    }

    /// The body of a 200 to `target`, a path with its query. The request is never sent a second time.
    pub(crate) async fn get(&self, target: &str) -> Result<Bytes, Fault> {
        let connection = CaptureSmithyConnection::new();
        let body = timeout(self.deadline, self.send(target, &connection)).await.unwrap_or(Err(Fault::Slow));
        // One connection for one code: a kept one may have died while Lambda slept, and the next code with it.
        if let Some(connection) = connection.get() {
            connection.poison();
        }
        body
    }

    async fn send(&self, target: &str, connection: &CaptureSmithyConnection) -> Result<Bytes, Fault> {
        let mut request = HttpRequest::get(target).map_err(|_| Fault::Connection)?;
        request.add_extension(connection.clone());
        let response = self.operation.invoke(request).await.map_err(|error| fault(&error))?;
        match response.status().as_u16() {
            200 => read_body(response.into_body()).await,
            status @ 300..400 => Err(Fault::Redirect(status)),
            status => Err(Fault::Status(status)),
        }
    }
}

async fn read_body(body: SdkBody) -> Result<Bytes, Fault> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Fault::TooLarge),
        Err(_cut) => Err(Fault::Connection),
    }
}

/// Says what kind of failure it was and drops the rest: the error's own text may hold the URL.
fn fault(error: &SdkError<Infallible, HttpResponse>) -> Fault {
    match error {
        SdkError::TimeoutError(_) => Fault::Slow,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Fault::Slow,
        _ => Fault::Connection,
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
        let body = mem::replace(response.body_mut(), SdkBody::taken());
        Some(Ok(Output::erase(HttpResponse::new(response.status(), body))))
    }

    fn deserialize_nonstreaming_with_config(
        &self,
        _response: &HttpResponse,
        _config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        Err(OrchestratorError::other("the body is read elsewhere"))
    }
}
