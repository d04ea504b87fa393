//! The clients of AWS's services, made once per process and cheaply.
//!
//! A function that asks the SDK for its defaults pays before its first event: profiles and instance metadata are looked for
//! that Lambda does not have, and each client reads all certificates of the system. Here region and credentials are what
//! Lambda put into the environment, and certificates are read once, at the first call over TLS.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{
    Credentials, HttpClient, RuntimeComponents, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use std::sync::OnceLock;
use std::time::Duration;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one attempt of a call may take; a large `Query` of DynamoDB takes a fraction of a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take with its retries.
const CALL_TIMEOUT: Duration = Duration::from_secs(12);
/// How often a call is tried.
const ATTEMPTS_MAX: u32 = 3;

/// What all clients share.
#[derive(Clone, Debug)]
pub struct Clients {
    shared: SdkConfig,
    endpoint: Option<String>,
}

impl Clients {
    /// As the environment of this process says.
    pub fn of_process() -> Self {
        Self::new(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn new(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let region = environment("AWS_REGION").or_else(|| environment("AWS_DEFAULT_REGION"));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let mut shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.map(Region::new))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .http_client(LazyHttps::default());
        let key = environment("AWS_ACCESS_KEY_ID").zip(environment("AWS_SECRET_ACCESS_KEY"));
        if let Some((id, secret)) = key {
            let token = environment("AWS_SESSION_TOKEN");
            let credentials = Credentials::new(id, secret, token, None, "environment");
            shared = shared.credentials_provider(SharedCredentialsProvider::new(credentials));
        }
        Self { shared: shared.build(), endpoint: environment("AWS_ENDPOINT_URL") }
    }

    /// What the client of a service is made with; `service` as in `AWS_ENDPOINT_URL_DYNAMODB`.
    fn config(&self, service: &str) -> SdkConfig {
        let own = std::env::var(format!("AWS_ENDPOINT_URL_{service}")).ok();
        let mut config = self.shared.to_builder();
        config
            .set_endpoint_url(own.filter(|url| !url.is_empty()).or_else(|| self.endpoint.clone()));
        config.build()
    }

    /// A client of DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config("DYNAMODB"))
    }

    /// A client of Kinesis.
    pub fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.config("KINESIS"))
    }

    /// A client of SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config("SQS"))
    }

    /// A client of S3.
    #[cfg(feature = "s3")]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config("S3"))
    }

    /// What the client of another service is made with, one that only a single function links; `service` as in
    /// `AWS_ENDPOINT_URL_CLOUDWATCH`.
    pub fn other(&self, service: &str) -> SdkConfig {
        self.config(service)
    }
}

/// The SDK's HTTPS client, made at the first call.
///
/// The SDK would make one when a client is made, to have the certificates then, and throw it away: that is most of what
/// a naive function's start costs.
#[derive(Debug, Default)]
struct LazyHttps {
    made: OnceLock<SharedHttpClient>,
}

impl HttpClient for LazyHttps {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let make =
            || Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
        self.made.get_or_init(make).http_connector(settings, components)
    }
}
