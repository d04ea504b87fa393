//! Logs: structured lines on standard output, which Lambda hands to `CloudWatch` Logs.
//!
//! [`init`] once per process. The runtime opens a span for each invocation with its request id and X-Ray trace id, so every
//! line carries both, and a subscriber for OpenTelemetry finds them there. Each invocation says in one line what it did, in counts;
//! per event nothing is logged. `error` means that somebody must act.
//!
//! `AWS_LAMBDA_LOG_FORMAT=JSON` and `AWS_LAMBDA_LOG_LEVEL` are obeyed: the template sets both by the function's `LoggingConfig`.

use lambda_runtime::tracing::init_default_subscriber;
use serde::Serialize;
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};

/// Sets up logs, and a panic's last line.
///
/// The release profile aborts on a panic: the environment starts afresh and the batch comes again. What is left of the
/// old one is this line, in the form of all others.
pub fn init() {
    init_default_subscriber();
    panic::set_hook(Box::new(|panic| {
        // Where even standard output fails, there is nobody to tell.
        let _told = writeln!(io::stdout().lock(), "{}", line(panic));
    }));
}

#[derive(Serialize)]
struct Line<'a> {
    level: &'static str,
    fields: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    message: &'static str,
    panic: &'a str,
    location: String,
}

fn line(panic: &PanicHookInfo<'_>) -> String {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let panic = panic.payload_as_str().unwrap_or("of an unnamed kind");
    let message = "panicked; this is a bug, and the batch comes again";
    let line = Line { level: "ERROR", fields: Fields { message, panic, location } };
    serde_json::to_string(&line).unwrap_or_default()
}
