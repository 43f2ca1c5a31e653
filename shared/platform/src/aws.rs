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
use crate::invocation;

/// How long a function waits for AWS, and how often it asks.
#[derive(Clone, Copy, Debug)]
struct Patience {
    connect: Duration,
    attempt: Duration,
    operation: Duration,
    attempts: u32,
    first_backoff: Duration,
    stall_grace: Duration,
}

/// Somebody waits for the answer, 5 s at most.
const ANSWERING: Patience = Patience {
    connect: Duration::from_millis(500),
    attempt: Duration::from_millis(800),
    operation: Duration::from_millis(2500),
    attempts: 3,
    first_backoff: Duration::from_millis(50),
    stall_grace: Duration::from_secs(2),
};

/// Nobody waits, and what fails comes again: rather slow than once more. An attempt has time for 20 MB.
const BACKGROUND: Patience = Patience {
    connect: Duration::from_secs(2),
    attempt: Duration::from_secs(8),
    operation: Duration::from_secs(20),
    attempts: 5,
    first_backoff: Duration::from_millis(100),
    stall_grace: Duration::from_secs(5),
};

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
    config: Config,
}

impl Aws {
    /// Prepares clients that send through `http`, for a function whose answer somebody waits for. Opens no connection.
    pub fn new(config: Config, http: SharedHttpClient) -> Self {
        Self::with_patience(config, http, ANSWERING)
    }

    /// The same for a function that works on events in the background.
    pub fn in_background(config: Config, http: SharedHttpClient) -> Self {
        Self::with_patience(config, http, BACKGROUND)
    }

    fn with_patience(config: Config, http: SharedHttpClient, patience: Patience) -> Self {
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
        Self { sdk, http, config }
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
