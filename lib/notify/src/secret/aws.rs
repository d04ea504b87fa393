//! The secrets of Secrets Manager and of Parameter Store, and those of the environment.
//!
//! What these services answer is the secret itself, so an answer is never shown, not even one that makes no sense: of an error
//! there are its code, its message and what became of the connection.

use super::{Environment, Reference, Secret, SecretError, Secrets};
use crate::aws::{Configure, Lazy, lazy};
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use std::env;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use streamgauge_pipeline::port::Retryable;

/// The longest that reading a secret takes, with its retries.
pub const READ_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest that one attempt takes.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(2);
/// What the services call a secret that is not there.
const ABSENT: [&str; 3] =
    ["ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"];

/// The stores of AWS, and the environment of this process.
pub struct AwsSecrets {
    manager: Lazy<aws_sdk_secretsmanager::Client>,
    parameters: Lazy<aws_sdk_ssm::Client>,
}

impl fmt::Debug for AwsSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AwsSecrets")
    }
}

impl AwsSecrets {
    /// By the SDK as it is configured, except for how long it may take.
    pub fn new(configure: &Configure) -> Self {
        let manager = lazy(configure, "SECRETS_MANAGER", |config| {
            let config = aws_sdk_secretsmanager::config::Builder::from(config);
            aws_sdk_secretsmanager::Client::from_conf(config.timeout_config(times()).build())
        });
        let parameters = lazy(configure, "SSM", |config| {
            let config = aws_sdk_ssm::config::Builder::from(config);
            aws_sdk_ssm::Client::from_conf(config.timeout_config(times()).build())
        });
        Self { manager, parameters }
    }

    async fn of_manager(&self, name: &str) -> Result<Option<String>, Unread> {
        let call = self.manager.get_secret_value().secret_id(name);
        let answered = Box::pin(call.send()).await;
        answered.map(|answer| answer.secret_string).map_err(|error| unread(&error))
    }

    async fn of_parameters(&self, name: &str) -> Result<Option<String>, Unread> {
        let call = self.parameters.get_parameter().name(name).with_decryption(true);
        let answered = Box::pin(call.send()).await;
        let value = answered.map(|answer| answer.parameter.and_then(|parameter| parameter.value));
        value.map_err(|error| unread(&error))
    }
}

impl Secrets for AwsSecrets {
    async fn resolve(&self, reference: &Reference) -> Result<Secret, SecretError> {
        let read = match reference {
            Reference::SecretsManager(name) => self.of_manager(name).await,
            Reference::ParameterStore(name) => self.of_parameters(name).await,
            Reference::Environment(_) => {
                return Environment::new(|name: &str| env::var(name).ok()).get(reference);
            }
        };
        let reference = reference.clone();
        match read {
            Ok(value) => {
                let value = value.filter(|value| !value.trim().is_empty()).map(Secret::new);
                value.ok_or(SecretError::Absent { reference })
            }
            Err(Unread::Absent) => Err(SecretError::Absent { reference }),
            Err(Unread::Failed(why)) => {
                Err(SecretError::Retryable { reference, source: Retryable::new(why) })
            }
        }
    }
}

/// Why nothing was read.
enum Unread {
    Absent,
    Failed(String),
}

fn times() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(ATTEMPT_TIME_MAX)
        .operation_attempt_timeout(ATTEMPT_TIME_MAX)
        .operation_timeout(READ_TIME_MAX)
        .build()
}

fn unread<E>(error: &SdkError<E, HttpResponse>) -> Unread
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if error.code().is_some_and(|code| ABSENT.contains(&code)) {
        return Unread::Absent;
    }
    let said = [error.code(), error.message()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    Unread::Failed(match error {
        SdkError::ServiceError(_) => format!("the store refused it ({said})"),
        SdkError::TimeoutError(_) => "the store did not answer in time".to_owned(),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(ToString::to_string);
            format!("the store was not reached ({})", cause.unwrap_or_default())
        }
        SdkError::ConstructionFailure(_) => "the call could not be made".to_owned(),
        // It holds the answer, and in that may be the secret.
        _ => "the store's answer makes no sense".to_owned(),
    })
}

#[cfg(test)]
mod tests;
