//! What the platform says about an invocation: the error documents that callers get, and the lines around a function's own in
//! its log (`START`, `END`, `REPORT`, `INIT_REPORT`).
//!
//! The formats are those that CloudWatch Logs shows:
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html>, and for failures
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>. AWS does not document the error document
//! of a process that took too much memory; its log says `Runtime.OutOfMemory`, and so does the document here.

use super::variables::LATEST;
use crate::invoke::{FunctionError, RESPONSE_BYTES_MAX, Report};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use std::fmt::Write;
use std::time::Duration;

/// Why a function failed without having told so itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It took longer than it may.
    TimedOut(Duration),
    /// Its process ended: `exit status 1`, `signal: killed`, or empty for the exit status 0.
    Exited(String),
    /// Its process took too much memory.
    OutOfMemory,
    /// Its process could not be started.
    NotStarted(String),
    /// Its answer was too large.
    ResponseTooLarge,
    /// It named a response mode that there is not.
    ResponseMode,
}

impl Failure {
    /// `errorType`.
    pub(super) fn error_type(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "Sandbox.Timedout",
            Self::Exited(_) => "Runtime.ExitError",
            Self::OutOfMemory => "Runtime.OutOfMemory",
            Self::NotStarted(_) => "Runtime.InvalidEntrypoint",
            Self::ResponseTooLarge => "Function.ResponseSizeTooLarge",
            Self::ResponseMode => "Runtime.InvalidResponseModeHeader",
        }
    }

    /// `errorMessage`.
    pub(super) fn message(&self, request_id: &str) -> String {
        let what = match self {
            Self::TimedOut(limit) => task_timed_out(*limit),
            Self::Exited(how) if how.is_empty() => {
                "Runtime exited without providing a reason".to_owned()
            }
            Self::Exited(how) => format!("Runtime exited with error: {how}"),
            Self::OutOfMemory => "Runtime exited with error: signal: killed".to_owned(),
            Self::NotStarted(why) => why.clone(),
            Self::ResponseMode => "Invalid function response mode".to_owned(),
            Self::ResponseTooLarge => {
                return format!(
                    "Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
                );
            }
        };
        format!("RequestId: {request_id} Error: {what}")
    }

    /// The error as a caller gets it.
    pub(super) fn error(&self, request_id: &str) -> FunctionError {
        let (error_type, message) = (self.error_type(), self.message(request_id));
        let payload = format!(
            "{{\"errorType\":\"{error_type}\",\"errorMessage\":{}}}",
            serde_json::Value::from(message.as_str())
        );
        FunctionError {
            handled: false,
            error_type: error_type.to_owned(),
            message,
            payload: payload.into(),
        }
    }

    /// What the log says where the function stopped; nothing if it goes on.
    pub(super) fn line(&self, request_id: &str, now: Timestamp) -> Option<String> {
        match self {
            Self::TimedOut(limit) => {
                Some(format!("{now:.3} {request_id} {}", task_timed_out(*limit)))
            }
            Self::Exited(_) | Self::OutOfMemory | Self::NotStarted(_) => {
                Some(format!("{} {}", self.message(request_id), self.error_type()))
            }
            Self::ResponseTooLarge | Self::ResponseMode => None,
        }
    }
}

fn task_timed_out(limit: Duration) -> String {
    format!("Task timed out after {:.2} seconds", limit.as_secs_f64())
}

/// The error that a function told itself: the document as it came, and what can be read out of it. The header stands in where
/// the document names no type. AWS calls what custom runtimes tell unhandled, always.
pub(super) fn told(body: Bytes, header: Option<&str>) -> FunctionError {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        error_type: Option<String>,
        error_message: Option<String>,
    }
    let document: Document = serde_json::from_slice(&body).unwrap_or_default();
    let error_type = document.error_type.or_else(|| header.map(str::to_owned));
    FunctionError {
        handled: false,
        error_type: error_type.unwrap_or_else(|| "Runtime.Unknown".to_owned()),
        message: document.error_message.unwrap_or_default(),
        payload: body,
    }
}

/// What AWS bills: rounded up to a millisecond.
pub(super) fn billed(init: Option<Duration>, duration: Duration) -> Duration {
    let time = init.unwrap_or_default() + duration;
    let milliseconds = time.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

/// The line before a function's own.
pub(super) fn start(request_id: &str) -> String {
    format!("START RequestId: {request_id} Version: {LATEST}")
}

/// The line behind a function's own.
pub(super) fn end(request_id: &str) -> String {
    format!("END RequestId: {request_id}")
}

/// The line with what it took. `failed` is the type of the error, if it is one.
pub(super) fn report(request_id: &str, report: &Report, failed: Option<&str>) -> String {
    let mut line = format!(
        "REPORT RequestId: {request_id}\tDuration: {} ms\tBilled Duration: {} ms\tMemory Size: {} MB",
        milliseconds(report.duration),
        report.billed.as_millis(),
        report.memory_mb,
    );
    if let Some(used) = report.memory_used_mb {
        let _infallible = write!(line, "\tMax Memory Used: {used} MB");
    }
    if let Some(init) = report.init {
        let _infallible = write!(line, "\tInit Duration: {} ms", milliseconds(init));
    }
    match failed {
        None => {}
        Some("Sandbox.Timedout") => line.push_str("\tStatus: timeout"),
        Some(error_type) => {
            let _infallible = write!(line, "\tStatus: error\tError Type: {error_type}");
        }
    }
    line
}

/// The line about a start that failed. Phase `init` is the first attempt, `invoke` the second one.
pub(super) fn init_report(took: Duration, phase: &str, error_type: Option<&str>) -> String {
    let status = match error_type {
        None => "timeout".to_owned(),
        Some(error_type) => format!("error\tError Type: {error_type}"),
    };
    format!(
        "INIT_REPORT Init Duration: {} ms\tPhase: {phase}\tStatus: {status}",
        milliseconds(took)
    )
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: &Failure, error_type: &str, message: &str) {
        let error = failure.error("r");
        assert_eq!((error.error_type.as_str(), error.message.as_str()), (error_type, message));
        let document: serde_json::Value = serde_json::from_slice(&error.payload).unwrap();
        assert_eq!(document, serde_json::json!({"errorType": error_type, "errorMessage": message}));
    }

    #[test]
    fn failures_are_told_as_aws_tells_them() {
        check(
            &Failure::TimedOut(Duration::from_secs(3)),
            "Sandbox.Timedout",
            "RequestId: r Error: Task timed out after 3.00 seconds",
        );
        check(
            &Failure::Exited("exit status 1".to_owned()),
            "Runtime.ExitError",
            "RequestId: r Error: Runtime exited with error: exit status 1",
        );
        check(
            &Failure::Exited(String::new()),
            "Runtime.ExitError",
            "RequestId: r Error: Runtime exited without providing a reason",
        );
        check(
            &Failure::OutOfMemory,
            "Runtime.OutOfMemory",
            "RequestId: r Error: Runtime exited with error: signal: killed",
        );
        check(
            &Failure::ResponseTooLarge,
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        );
    }

    #[test]
    fn the_report_line_is_that_of_the_log() {
        let mut taken = Report {
            duration: Duration::from_micros(12_345),
            billed: Duration::from_millis(36),
            init: Some(Duration::from_micros(23_100)),
            memory_mb: 128,
            memory_used_mb: Some(18),
            environment: 1,
        };
        assert_eq!(
            report("r", &taken, None),
            "REPORT RequestId: r\tDuration: 12.35 ms\tBilled Duration: 36 ms\tMemory Size: 128 MB\tMax Memory Used: 18 MB\tInit Duration: 23.10 ms"
        );
        taken.init = None;
        taken.memory_used_mb = None;
        assert_eq!(
            report("r", &taken, Some("Runtime.ExitError")),
            "REPORT RequestId: r\tDuration: 12.35 ms\tBilled Duration: 36 ms\tMemory Size: 128 MB\tStatus: error\tError Type: Runtime.ExitError"
        );
        assert!(report("r", &taken, Some("Sandbox.Timedout")).ends_with("\tStatus: timeout"));
    }

    #[test]
    fn bills_are_rounded_up() {
        let micros = Duration::from_micros;
        assert_eq!(billed(None, micros(1)), Duration::from_millis(1));
        assert_eq!(billed(Some(micros(1_500)), micros(500)), Duration::from_millis(2));
        assert_eq!(billed(Some(micros(1_500)), micros(501)), Duration::from_millis(3));
    }

    #[test]
    fn a_failed_start_has_its_line() {
        let took = Duration::from_secs(10);
        assert_eq!(
            init_report(took, "init", None),
            "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout"
        );
        assert_eq!(
            init_report(took, "invoke", Some("Runtime.ExitError")),
            "INIT_REPORT Init Duration: 10000.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError"
        );
    }

    #[test]
    fn a_told_error_is_kept_as_it_came() {
        let error = told(r#"{"errorMessage":"m","errorType":"T","x":1}"#.into(), Some("H"));
        assert_eq!((error.error_type.as_str(), error.message.as_str()), ("T", "m"));
        assert_eq!(error.payload, r#"{"errorMessage":"m","errorType":"T","x":1}"#);
        assert_eq!(told("oops".into(), Some("Function.H")).error_type, "Function.H");
        assert_eq!(told("oops".into(), None).error_type, "Runtime.Unknown");
    }
}
