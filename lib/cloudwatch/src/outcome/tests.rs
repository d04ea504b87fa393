//! Each answer there is, and what it says of the call. What the SDK makes of errors is tested with [`crate::sink`].

use super::*;

/// What an answer means, in one word and its milliseconds.
fn shown(outcome: &Delivery) -> String {
    match outcome {
        Delivery::Delivered => "delivered".to_owned(),
        Delivery::Retry { after_ms } => format!("retry {after_ms}"),
        Delivery::Rejected { .. } => "rejected".to_owned(),
        Delivery::Unknown => "unknown".to_owned(),
    }
}

#[track_caller]
fn check(statuses: impl IntoIterator<Item = u16>, codes: &[&str], expect: &str) {
    for status in statuses {
        for code in codes {
            assert_eq!(shown(&of_answer(status, code, "why")), expect, "{status} {code}");
        }
    }
}

#[test]
fn throttling_is_retried_whatever_the_status() {
    let codes =
        ["Throttling", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException"];
    check([400, 429, 500, 503], &codes, "retry 1000");
    check([429], &["", "Other"], "retry 1000");
}

#[test]
fn what_is_about_the_data_is_rejected() {
    let codes = [
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "InvalidParameterCombination",
        "MissingRequiredParameterException",
        "ValidationError",
        "SerializationException",
        "SomethingNew",
    ];
    check([400], &codes, "rejected");
    check([413], &["", "RequestEntityTooLarge"], "rejected");
}

#[test]
fn what_is_about_the_caller_is_retried_later() {
    let codes =
        ["AccessDeniedException", "UnrecognizedClientException", "ExpiredToken", "RequestExpired"];
    check([400, 403], &codes, "retry 60000");
    check([400], &[""], "retry 60000");
    check((401..=407).chain([301, 302, 307, 409, 410, 451, 499]), &["", "Other"], "retry 60000");
}

#[test]
fn what_does_not_say_is_unknown() {
    let codes = ["", "InternalServiceFault", "InternalFailure", "ServiceUnavailable"];
    check(500..=599, &codes, "unknown");
    check([100, 200, 204, 408], &codes, "unknown");
}

#[test]
fn reasons_are_in_the_words_of_cloudwatch() {
    let check = |code, message, expect: &str| {
        let reason = expect.to_owned();
        assert_eq!(of_answer(413, code, message), Delivery::Rejected { reason });
    };
    check("", "", "CloudWatch finds the call too large");
    check("TooLarge", "", "CloudWatch refuses it: TooLarge");
    check("TooLarge", "1 MB is the most", "CloudWatch refuses it: TooLarge: 1 MB is the most");
}
