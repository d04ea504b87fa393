//! The SDK's errors as those of the ports. Services tell errors by codes, and one code means the same in all calls.

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use streamgauge_lambda::queue::QueueError;
use streamgauge_lambda::stream::StreamError;

/// What went wrong: the service's code and message if it has answered, else every cause.
pub fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => causes(error),
    }
}

/// An error and its causes, in one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// The error of a call of Kinesis about a stream or shard.
pub(crate) fn stream_error<E, R>(what: &str, error: &SdkError<E, R>) -> StreamError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    stream_error_of(what, error.code().unwrap_or_default(), || reason(error))
}

/// The codes: <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html#API_GetRecords_Errors>.
fn stream_error_of(what: &str, code: &str, reason: impl FnOnce() -> String) -> StreamError {
    match code {
        "ExpiredIteratorException" => StreamError::ExpiredIterator,
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "KMSThrottlingException"
        | "ThrottlingException" => StreamError::Throttled,
        "ResourceNotFoundException" => StreamError::NotFound(what.to_owned()),
        _ => StreamError::Other(reason()),
    }
}

/// The error of a call of SQS about a queue.
pub(crate) fn queue_error<E, R>(queue: &str, error: &SdkError<E, R>) -> QueueError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    queue_error_of(queue, error.code().unwrap_or_default(), || reason(error))
}

/// The code of a queue that is missing has a long form, which is older than SQS's present protocol.
fn queue_error_of(queue: &str, code: &str, reason: impl FnOnce() -> String) -> QueueError {
    match code {
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => {
            QueueError::NotFound(queue.to_owned())
        }
        _ => QueueError::Other(reason()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows it a code of Kinesis: the error.
    #[track_caller]
    fn check(code: &str, expect: &StreamError) {
        assert_eq!(stream_error_of("orders", code, || format!("{code}: why")), *expect);
    }

    #[test]
    fn errors_of_kinesis_keep_their_kind() {
        check("ExpiredIteratorException", &StreamError::ExpiredIterator);
        check("ProvisionedThroughputExceededException", &StreamError::Throttled);
        check("LimitExceededException", &StreamError::Throttled);
        check("ResourceNotFoundException", &StreamError::NotFound("orders".to_owned()));
    }

    #[test]
    fn other_errors_keep_their_reason() {
        check("InvalidArgument", &StreamError::Other("InvalidArgument: why".to_owned()));
        check("", &StreamError::Other(": why".to_owned()));
    }

    #[test]
    fn both_codes_of_a_missing_queue_are_known() {
        for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
            let error = queue_error_of("late", code, String::new);
            assert_eq!(error, QueueError::NotFound("late".to_owned()));
        }
        let other = queue_error_of("late", "RequestThrottled", || "slow down".to_owned());
        assert_eq!(other, QueueError::Other("slow down".to_owned()));
    }
}
