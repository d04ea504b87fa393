//! Where the services are and as whom they are called: what is given, and for all else the environment, as every AWS tool
//! reads it (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_KINESIS`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, profiles and so on).

use crate::{AwsServices, kinesis, s3, sqs};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use std::time::Duration;
use thiserror::Error;

/// How long one call may take. A receive from SQS waits up to 20 s for a message.
const CALL_TIME_MAX: Duration = Duration::from_mins(1);

/// Endpoints that are given; what is not is as the environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Of every service that has none of its own: `http://127.0.0.1:4566`.
    pub default: Option<String>,
    /// Of Kinesis.
    pub kinesis: Option<String>,
    /// Of SQS.
    pub sqs: Option<String>,
    /// Of S3.
    pub s3: Option<String>,
}

/// A key to an account.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AWS_ACCESS_KEY_ID`. Stand-ins read twelve digits as the number of an account.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`; it is not printed.
    pub secret_access_key: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = &self.access_key_id;
        formatter.debug_struct("Credentials").field("access_key_id", id).finish_non_exhaustive()
    }
}

/// How to connect; by default all is as the environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where the services are.
    pub endpoints: Endpoints,
    /// `eu-west-1`.
    pub region: Option<String>,
    /// As whom.
    pub credentials: Option<Credentials>,
}

/// The services cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// No region.
    #[error("no region is known; set AWS_REGION")]
    NoRegion,
}

impl AwsServices {
    /// Makes the clients, once. Nothing is called yet: an endpoint that does not answer shows at the first call.
    pub async fn connect(settings: &Settings) -> Result<Self, ConnectError> {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(CALL_TIME_MAX).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(credentials) = &settings.credentials {
            let Credentials { access_key_id, secret_access_key } = credentials;
            loader = loader.credentials_provider(kinesis::config::Credentials::new(
                access_key_id,
                secret_access_key,
                None,
                None,
                "given",
            ));
        }
        let shared = loader.load().await;
        let region = shared.region().ok_or(ConnectError::NoRegion)?.as_ref().into();
        let mut kinesis = kinesis::config::Builder::from(&shared);
        kinesis.set_retry_config(Some(RetryConfig::disabled()));
        let mut sqs = sqs::config::Builder::from(&shared);
        let mut s3 = s3::config::Builder::from(&shared).force_path_style(true);
        // Set only where something is given: an endpoint that is set outdoes those of the environment.
        let Endpoints { default, kinesis: of_kinesis, sqs: of_sqs, s3: of_s3 } =
            &settings.endpoints;
        if let Some(endpoint) = of_kinesis.as_ref().or(default.as_ref()) {
            kinesis = kinesis.endpoint_url(endpoint);
        }
        if let Some(endpoint) = of_sqs.as_ref().or(default.as_ref()) {
            sqs = sqs.endpoint_url(endpoint);
        }
        if let Some(endpoint) = of_s3.as_ref().or(default.as_ref()) {
            s3 = s3.endpoint_url(endpoint);
        }
        Ok(Self {
            kinesis: kinesis::Client::from_conf(kinesis.build()),
            sqs: sqs::Client::from_conf(sqs.build()),
            s3: s3::Client::from_conf(s3.build()),
            region,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is read when aws-lc is built, from the workspace's `.cargo/config.toml`.
    #[test]
    fn aws_lc_is_built_without_its_slow_source_of_entropy() {
        assert_eq!(option_env!("AWS_LC_SYS_NO_JITTER_ENTROPY"), Some("1"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let credentials = Credentials {
            access_key_id: "000000000000".to_owned(),
            secret_access_key: "hidden".to_owned(),
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("000000000000") && !shown.contains("hidden"), "{shown}");
    }
}
