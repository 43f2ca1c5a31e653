//! SDK clients, made one way: one HTTP client for all of them, explicit timeouts and retries.

use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;

use crate::config::{Variable, Variables};
use crate::{Patience, invocation};

static AWS_REGION: Variable =
    Variable { name: "AWS_REGION", meaning: "Region of tables, bucket and secrets; Lambda sets it.", default: None };
static AWS_ACCESS_KEY_ID: Variable = Variable {
    name: "AWS_ACCESS_KEY_ID",
    meaning: "Credentials; Lambda sets them. Elsewhere: `aws configure export-credentials --format env`.",
    default: None,
};
static AWS_SECRET_ACCESS_KEY: Variable =
    Variable { name: "AWS_SECRET_ACCESS_KEY", meaning: "See `AWS_ACCESS_KEY_ID`.", default: None };
static AWS_SESSION_TOKEN: Variable =
    Variable { name: "AWS_SESSION_TOKEN", meaning: "See `AWS_ACCESS_KEY_ID`.", default: None };
static AWS_CREDENTIAL_EXPIRATION: Variable = Variable {
    name: "AWS_CREDENTIAL_EXPIRATION",
    meaning: "When they end (RFC 3339), where that is known: URLs signed with them end then, too.",
    default: None,
};
static AWS_ENDPOINT_URL_DYNAMODB: Variable = Variable {
    name: "AWS_ENDPOINT_URL_DYNAMODB",
    meaning: "Address of another DynamoDB, such as the local one.",
    default: None,
};
static AWS_ENDPOINT_URL_S3: Variable =
    Variable { name: "AWS_ENDPOINT_URL_S3", meaning: "Address of another S3, such as the local one.", default: None };
static AWS_ENDPOINT_URL_SECRETS_MANAGER: Variable = Variable {
    name: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    meaning: "Address of another Secrets Manager, such as the local one.",
    default: None,
};

/// Where AWS is and who we are there. Each part is read by the functions that need it.
#[derive(Clone, Debug)]
pub struct Config {
    region: String,
    credentials: Credentials,
    dynamodb: Option<String>,
    s3: Option<String>,
    secretsmanager: Option<String>,
}

impl Config {
    /// Region, credentials and the address of DynamoDB: what every function needs.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let region = variables.required(&AWS_REGION);
        let credentials = Credentials::new(
            variables.required(&AWS_ACCESS_KEY_ID),
            variables.required(&AWS_SECRET_ACCESS_KEY),
            variables.optional(&AWS_SESSION_TOKEN),
            variables.time(&AWS_CREDENTIAL_EXPIRATION).and_then(|end| SystemTime::try_from(end).ok()),
            "environment",
        );
        let dynamodb = variables.address(&AWS_ENDPOINT_URL_DYNAMODB);
        Self { region, credentials, dynamodb, s3: None, secretsmanager: None }
    }

    /// The address of S3 as well.
    #[must_use]
    pub fn with_s3(self, variables: &mut Variables<'_>) -> Self {
        Self { s3: variables.address(&AWS_ENDPOINT_URL_S3), ..self }
    }

    /// The address of Secrets Manager as well.
    #[must_use]
    pub fn with_secretsmanager(self, variables: &mut Variables<'_>) -> Self {
        Self { secretsmanager: variables.address(&AWS_ENDPOINT_URL_SECRETS_MANAGER), ..self }
    }
}

/// The one HTTP client of a process: connections, TLS sessions and DNS answers are shared by all SDK clients.
pub fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// Makes the SDK clients of a function.
#[derive(Clone, Debug)]
pub struct Aws {
    sdk: SdkConfig,
    http: SharedHttpClient,
    patience: Patience,
    config: Config,
}

impl Aws {
    /// Prepares clients that send through `http`, and wait and ask again as `patience` says. Opens no connection.
    pub fn new(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(patience.connect)
            .operation_attempt_timeout(patience.attempt)
            .operation_timeout(patience.operation)
            .build();
        let retries =
            RetryConfig::standard().with_max_attempts(patience.attempts).with_initial_backoff(patience.first_backoff);
        let stalls = StalledStreamProtectionConfig::enabled().grace_period(patience.stall_grace).build();
        // Not `aws_config::load`: its provider chain (profiles, IMDS, STS) would be a tenth of every package.
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(config.credentials.clone()))
            .http_client(Counting(http.clone()))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .timeout_config(timeouts)
            .retry_config(retries)
            .stalled_stream_protection(stalls)
            .build();
        Self { sdk, http, patience, config }
    }

    /// A client of DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut builder = aws_sdk_dynamodb::config::Builder::from(&self.sdk);
        if let Some(address) = &self.config.dynamodb {
            builder = builder.endpoint_url(address);
        }
        aws_sdk_dynamodb::Client::from_conf(builder.build())
    }

    /// A client of S3.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        self.s3_at(self.config.s3.as_deref())
    }

    /// A client of S3 under another address: the one that goes into URLs for the outside.
    pub fn s3_at(&self, address: Option<&str>) -> aws_sdk_s3::Client {
        let mut builder = aws_sdk_s3::config::Builder::from(&self.sdk)
            .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
            // A presigned URL would otherwise ask its opener for a checksum header.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(address) = address.or(self.config.s3.as_deref()) {
            // Another S3 has one name: its buckets are part of the path.
            builder = builder.endpoint_url(address).force_path_style(true);
        }
        aws_sdk_s3::Client::from_conf(builder.build())
    }

    /// A client of Secrets Manager.
    pub fn secretsmanager(&self) -> aws_sdk_secretsmanager::Client {
        let mut builder = aws_sdk_secretsmanager::config::Builder::from(&self.sdk);
        if let Some(address) = &self.config.secretsmanager {
            builder = builder.endpoint_url(address);
        }
        aws_sdk_secretsmanager::Client::from_conf(builder.build())
    }

    /// Where S3 is, if it is another one than AWS's.
    pub fn s3_address(&self) -> Option<&str> {
        self.config.s3.as_deref()
    }

    /// The region of tables and bucket.
    pub fn region(&self) -> &str {
        &self.config.region
    }

    /// What requests are signed with.
    pub fn credentials(&self) -> &Credentials {
        &self.config.credentials
    }

    /// When the credentials end, where that is known; those in Lambda's environment do not say.
    pub fn credentials_end(&self) -> Option<Timestamp> {
        Timestamp::try_from(self.config.credentials.expiry()?).ok()
    }

    /// How long they wait.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// The same HTTP client, timeouts and retries as theirs, for a call to AWS that no client here makes.
    pub(crate) fn counting_http(&self) -> SharedHttpClient {
        SharedHttpClient::new(Counting(self.http.clone()))
    }

    pub(crate) fn timeouts(&self) -> TimeoutConfig {
        self.sdk.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled)
    }

    pub(crate) fn retries(&self) -> RetryConfig {
        self.sdk.retry_config().cloned().unwrap_or_else(RetryConfig::disabled)
    }

    /// The HTTP client behind them, for a service that has no SDK.
    pub fn http(&self) -> SharedHttpClient {
        self.http.clone()
    }
}

/// Notes each request to AWS, the SDK's repetitions too: of these the clients above know nothing.
#[derive(Debug)]
struct Counting<T>(T);

impl HttpClient for Counting<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Counting(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Counting<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        invocation::note_aws_call();
        self.0.call(request)
    }
}

/// Runs calls that open connections before the first event comes, while Lambda still gives the full CPU. Failures and
/// slowness are ignored: the first event then pays for the connection itself.
pub async fn warm(calls: impl Future) {
    let _ = tokio::time::timeout(Duration::from_secs(1), calls).await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;
    use crate::{Failure, config};

    const PATIENT: Patience = Patience::ANSWERING.stretched(30);

    /// The address of a DynamoDB that answers nothing on so many connections, and on each later one that there is no item.
    fn dynamodb_silent_for(connections: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                if silent.len() < connections {
                    silent.push(connection);
                } else {
                    answer(connection.unwrap());
                }
            }
        });
        address
    }

    fn answer(mut connection: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"}}") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n";
        write!(connection, "{head}Connection: close\r\n\r\n{{}}").unwrap();
    }

    async fn get_item(address: &str, patience: Patience) -> Result<(), Failure> {
        let lookup = |name: &str| match name {
            "AWS_ENDPOINT_URL_DYNAMODB" => Some(address.to_owned()),
            "AWS_CREDENTIAL_EXPIRATION" => None,
            _ => Some("given".to_owned()),
        };
        let config = config::from_lookup(&lookup, Config::read);
        let dynamodb = Aws::new(config.unwrap(), http_client(), patience).dynamodb();
        let key = aws_sdk_dynamodb::types::AttributeValue::S("a".to_owned());
        let got = dynamodb.get_item().table_name("table").key("key", key).send().await;
        got.map(drop).map_err(|error| Failure::of("DynamoDB.GetItem", &error))
    }

    #[tokio::test]
    async fn silence_is_given_up_when_the_time_of_the_operation_is_over() {
        let address = dynamodb_silent_for(usize::MAX);
        let hurried = Patience { operation: Duration::from_millis(50), ..PATIENT };

        let failure = get_item(&address, hurried).await.unwrap_err();

        assert_eq!(failure.to_string(), "DynamoDB.GetItem: timeout");
    }

    #[tokio::test]
    async fn a_silent_attempt_is_given_up_and_the_next_one_answered() {
        let address = dynamodb_silent_for(1);
        // However busy the machine is, one of the later attempts has its second.
        let hurried = Patience { attempt: Duration::from_secs(1), attempts: 60, ..PATIENT };

        assert_eq!(get_item(&address, hurried).await, Ok(()));
    }
}
