//! `PutRecords` over the AWS SDK.

use super::record::{PutRecord, RECORD_BYTES_MAX_DEFAULT};
use super::{Fate, Outcome, PutRecords};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::describe_stream_summary::DescribeStreamSummaryError;
use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsOutput};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use std::time::Duration;
use thiserror::Error;

/// How long a call may take: 10 MiB on a line of 10 Mbit/s, and then some. After it the answer counts as lost.
const CALL_TIME_MAX: Duration = Duration::from_secs(20);

/// A stream that exists.
#[derive(Clone, Debug)]
pub struct AwsStream {
    client: Client,
    name: String,
    record_bytes_max: usize,
}

/// A stream that nothing can be put into.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is none of this name.
    #[error("there is no stream `{name}` in this account and region")]
    Missing {
        /// The name.
        name: String,
    },
    /// It could not be asked.
    #[error("could not describe the stream `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Why.
        source: Box<SdkError<DescribeStreamSummaryError>>,
    },
}

impl AwsStream {
    /// Asks what the stream takes, so that a wrong name, address or permission shows before anything is put.
    pub async fn open(client: Client, name: &str) -> Result<Self, OpenError> {
        let described = client.describe_stream_summary().stream_name(name).send().await;
        let described = described.map_err(|error| {
            let name = name.to_owned();
            match error.as_service_error() {
                Some(service) if service.is_resource_not_found_exception() => {
                    OpenError::Missing { name }
                }
                _ => OpenError::Unknown { name, source: Box::new(error) },
            }
        })?;
        let summary = described.stream_description_summary.as_ref();
        let kibibytes = summary.and_then(|summary| summary.max_record_size_in_kib);
        let bytes = kibibytes.and_then(|kibibytes| usize::try_from(kibibytes).ok());
        let record_bytes_max = bytes.map_or(RECORD_BYTES_MAX_DEFAULT, |bytes| bytes << 10);
        Ok(Self { client, name: name.to_owned(), record_bytes_max })
    }

    /// A stream that is known to exist and to take records of the usual size.
    pub fn named(client: Client, name: &str) -> Self {
        let name = name.to_owned();
        Self { client, name, record_bytes_max: RECORD_BYTES_MAX_DEFAULT }
    }

    /// How many bytes a record may have, its key included.
    pub fn record_bytes_max(&self) -> usize {
        self.record_bytes_max
    }
}

impl PutRecords for AwsStream {
    async fn put(&self, records: &[PutRecord]) -> Outcome {
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            let hash_key = record.explicit_hash_key().map(|key| key.to_string());
            let entry = PutRecordsRequestEntry::builder()
                .data(Blob::new(record.data()))
                .partition_key(record.partition_key())
                .set_explicit_hash_key(hash_key)
                .build();
            match entry {
                Ok(entry) => entries.push(entry),
                Err(error) => return Outcome::Refused { reason: error.to_string() },
            }
        }
        // Whatever the client does otherwise: what is sent again, and when, is the planner's to decide.
        let once = Builder::new()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(CALL_TIME_MAX).build());
        let call = self.client.put_records().stream_name(&self.name).set_records(Some(entries));
        match call.customize().config_override(once).send().await {
            Ok(put) => Outcome::Answered(fates(put)),
            Err(error) => failed(&error),
        }
    }
}

fn fates(put: PutRecordsOutput) -> Vec<Fate> {
    let fate = |code: Option<String>| code.map_or(Fate::Taken, |code| Fate::Failed { code });
    put.records.into_iter().map(|record| fate(record.error_code)).collect()
}

fn failed(error: &SdkError<PutRecordsError>) -> Outcome {
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error {
        SdkError::ServiceError(service) => {
            let (code, message) = (service.err().code(), service.err().message());
            let reason = [code, message].into_iter().flatten().collect::<Vec<_>>().join(": ");
            by_code(code, status, reason)
        }
        // Nothing went out.
        SdkError::ConstructionFailure(_) => {
            Outcome::Refused { reason: DisplayErrorContext(error).to_string() }
        }
        _ => Outcome::Unknown { reason: DisplayErrorContext(error).to_string() },
    }
}

/// Codes of calls without an effect that may have one later; the last is of a stream that is being made or changed.
const THROTTLED: [&str; 6] = [
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
    "ThrottlingException",
    "RequestThrottledException",
    "ResourceInUseException",
];

/// Codes: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html#API_PutRecords_Errors>
/// and <https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html>.
fn by_code(code: Option<&str>, status: Option<u16>, reason: String) -> Outcome {
    match (code, status) {
        (Some(code), _) if THROTTLED.contains(&code) => Outcome::Throttled { reason },
        (Some("InternalFailure" | "InternalFailureException" | "ServiceUnavailable"), _)
        | (_, Some(500..)) => Outcome::Unknown { reason },
        _ => Outcome::Refused { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whether_a_call_may_be_made_again() {
        let check = |code: &str, status, expect: fn(String) -> Outcome| {
            let outcome = by_code(Some(code), Some(status), "why".to_owned());
            assert_eq!(outcome, expect("why".to_owned()), "{code}");
        };
        check("ProvisionedThroughputExceededException", 400, |reason| Outcome::Throttled {
            reason,
        });
        check("KMSThrottlingException", 400, |reason| Outcome::Throttled { reason });
        check("ResourceInUseException", 400, |reason| Outcome::Throttled { reason });
        check("InternalFailure", 500, |reason| Outcome::Unknown { reason });
        check("", 503, |reason| Outcome::Unknown { reason });
        check("ResourceNotFoundException", 400, |reason| Outcome::Refused { reason });
        check("AccessDeniedException", 400, |reason| Outcome::Refused { reason });
        check("ExpiredTokenException", 400, |reason| Outcome::Refused { reason });
    }
}
