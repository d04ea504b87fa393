//! What an error says of the call.
//!
//! `PutMetricData` adds, so the one question is whether the call was taken:
//!
//! | seen | outcome |
//! | --- | --- |
//! | nothing was handed to the network (no credentials, no endpoint), or no connection came about | [`Retry`](Delivery::Retry) |
//! | throttled, whatever the status | [`Retry`](Delivery::Retry) |
//! | 400 or 413 about what stands in the call | [`Rejected`](Delivery::Rejected) |
//! | other 3xx and 4xx: who calls, or where | [`Retry`](Delivery::Retry), after a minute: a person must act, and no point is lost meanwhile |
//! | other 5xx, 408, a time-out, a connection that broke, an answer that makes no sense | [`Unknown`](Delivery::Unknown) |
//!
//! A 5xx that does not say otherwise may be the answer of something in front of a server that has taken the call.

use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use streamgauge_aws::Reached;
use streamgauge_engine::time::{MINUTE_MS, Millis, SECOND_MS};
use streamgauge_pipeline::port::sink::Delivery;

/// After what time a call that was throttled or not connected is made again, in milliseconds; lanes double it.
pub const SOON_MS: Millis = SECOND_MS;
/// After what time a call is made again that only a person can help, in milliseconds.
pub const LATER_MS: Millis = MINUTE_MS;

/// Codes of throttling, without `Exception` at their end:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html> and what the SDK takes for such.
const THROTTLING: [&str; 11] = [
    "BandwidthLimitExceeded",
    "LimitExceeded",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttled",
    "Throttling",
    "TooManyRequests",
    "TransactionInProgress",
];

/// Codes of a 400 that are about who calls, or how, and not about the data, without `Exception` at their end:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html>.
const NOT_ABOUT_DATA: [&str; 16] = [
    "AccessDenied",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidAction",
    "InvalidClientTokenId",
    "InvalidSignature",
    "MalformedHttpRequest",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestAborted",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnknownOperation",
    "UnrecognizedClient",
    "",
];

/// What became of a call that ended in an error, having come so far.
pub fn of_error(error: &impl ProvideErrorMetadata, reached: Reached) -> Delivery {
    match reached {
        Reached::Answer(status) => {
            let (code, message) = (error.code(), error.message());
            of_answer(status, code.unwrap_or_default(), message.unwrap_or_default())
        }
        Reached::Nothing => Delivery::Retry { after_ms: LATER_MS },
        Reached::NoConnection => Delivery::Retry { after_ms: SOON_MS },
        Reached::NoAnswer => Delivery::Unknown,
    }
}

/// What an answer says that is no success.
fn of_answer(status: u16, code: &str, message: &str) -> Delivery {
    let kind = code.strip_suffix("Exception").unwrap_or(code);
    if status == 429 || THROTTLING.contains(&kind) {
        return Delivery::Retry { after_ms: SOON_MS };
    }
    match status {
        413 => Delivery::Rejected { reason: reason(code, message) },
        400 if !NOT_ABOUT_DATA.contains(&kind) => {
            Delivery::Rejected { reason: reason(code, message) }
        }
        300..=407 | 409..=499 => Delivery::Retry { after_ms: LATER_MS },
        _ => Delivery::Unknown,
    }
}

fn reason(code: &str, message: &str) -> String {
    match (code, message) {
        ("", _) => "CloudWatch finds the call too large".to_owned(),
        (_, "") => format!("CloudWatch refuses it: {code}"),
        _ => format!("CloudWatch refuses it: {code}: {message}"),
    }
}

#[cfg(test)]
mod tests;
