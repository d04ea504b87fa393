//! What an on-failure destination gets about an asynchronous invocation:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>.
//!
//! AWS does not say what stands for the response of an event whose function never ran; here it is null.

use super::Event;
use crate::invoke::{Invoked, Outcome};
use crate::runtime::LATEST;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    version: &'a str,
    timestamp: String,
    request_context: RequestContext<'a>,
    request_payload: Box<RawValue>,
    response_context: Option<ResponseContext<'a>>,
    response_payload: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: String,
    condition: &'a str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: u16,
    executed_version: &'a str,
    function_error: &'a str,
}

/// The document. `id` stands for the request where the function never ran.
pub(super) fn document(
    event: &Event,
    condition: &str,
    last: Option<&Invoked>,
    id: &Arc<str>,
    now: Timestamp,
) -> String {
    let error = last.and_then(|invoked| match &invoked.outcome {
        Outcome::Failed(error) => Some(error),
        Outcome::Answered(_) | Outcome::Throttled | Outcome::Unreachable(_) => None,
    });
    let document = Document {
        version: "1.0",
        timestamp: format!("{now:.3}"),
        request_context: RequestContext {
            request_id: last.map_or(id, |invoked| &invoked.request_id),
            function_arn: format!("{}:{LATEST}", event.function.arn),
            condition,
            approximate_invoke_count: event.standing.attempts,
        },
        request_payload: raw(&event.payload),
        response_context: error.map(|error| ResponseContext {
            status_code: 200,
            executed_version: LATEST,
            function_error: if error.handled { "Handled" } else { "Unhandled" },
        }),
        response_payload: error.map(|error| raw(&error.payload)),
    };
    serde_json::to_string(&document).unwrap_or_default()
}

/// JSON as it came; what is no JSON becomes a string, and nothing becomes null.
fn raw(json: &Bytes) -> Box<RawValue> {
    let as_string = || to_raw_value(&String::from_utf8_lossy(json)).unwrap_or_default();
    match serde_json::from_slice::<Box<RawValue>>(json) {
        Ok(raw) => raw,
        Err(_) if json.is_empty() => Box::default(),
        Err(_) => as_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;
    use crate::invoke::{FunctionError, Report};
    use crate::runtime::tests::function;

    const NOW: &str = "2026-11-22T10:00:00.5Z";

    fn written(last: Option<&Invoked>, attempts: u32, condition: &str) -> String {
        let now: Timestamp = NOW.parse().unwrap();
        let event = Event {
            function: function("settle"),
            payload: r#"{"b":1, "a":2}"#.into(),
            schedule: None,
            standing: Standing { accepted: now, attempts, throttles: 0 },
        };
        document(&event, condition, last, &"id".into(), now)
    }

    #[test]
    fn the_document_is_awss_and_keeps_the_event_as_it_came() {
        let invoked = Invoked {
            request_id: "r".into(),
            outcome: Outcome::Failed(FunctionError {
                handled: false,
                error_type: "T".to_owned(),
                message: "m".to_owned(),
                payload: r#"{"errorType":"T","errorMessage":"m"}"#.into(),
            }),
            report: Report::default(),
        };
        assert_eq!(
            written(Some(&invoked), 3, "RetriesExhausted"),
            concat!(
                r#"{"version":"1.0","timestamp":"2026-11-22T10:00:00.500Z","requestContext":{"requestId":"r","#,
                r#""functionArn":"arn:aws:lambda:eu-west-1:000000000000:function:settle:$LATEST","#,
                r#""condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"b":1, "a":2},"#,
                r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#,
                r#""responsePayload":{"errorType":"T","errorMessage":"m"}}"#
            )
        );
    }

    #[test]
    fn an_event_whose_function_never_ran_has_no_response() {
        let document = written(None, 0, "EventAgeExceeded");
        assert!(document.contains(r#""requestId":"id""#), "{document}");
        assert!(
            document.ends_with(r#""responseContext":null,"responsePayload":null}"#),
            "{document}"
        );
    }

    #[test]
    fn what_is_no_json_becomes_a_string() {
        assert_eq!(raw(&"oops".into()).get(), "\"oops\"");
        assert_eq!(raw(&Bytes::new()).get(), "null");
        assert_eq!(raw(&"[1, 2]".into()).get(), "[1, 2]");
    }
}
