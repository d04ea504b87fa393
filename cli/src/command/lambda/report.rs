//! Tables for people: what would run, and what a run has seen.

use crate::table::{self, Align};
use crate::words::{counted, widen};
use std::time::Duration;
use streamgauge_lambda::stack::{Destination, Stack};
use streamgauge_lambda::summary::Summary;
use streamgauge_meter::bill::{Bill, Row};
use streamgauge_meter::prices::{PRICED_ON, REGION};

/// A text column, then numbers.
fn columns(first: &str, numbers: &[&str]) -> Vec<(String, Align)> {
    let numbers = numbers.iter().map(|name| ((*name).to_owned(), Align::Right));
    std::iter::once((first.to_owned(), Align::Left)).chain(numbers).collect()
}

fn words(names: &[&str]) -> Vec<(String, Align)> {
    names.iter().map(|name| ((*name).to_owned(), Align::Left)).collect()
}

/// The tables at the end of a run; none for what was not there.
pub(super) fn summary(summary: &Summary, bill: &Bill) -> String {
    let mut text = String::new();
    if !summary.functions.is_empty() {
        let columns = columns(
            "function",
            &[
                "invocations",
                "errors",
                "time-outs",
                "throttles",
                "cold starts",
                "p50 ms",
                "max ms",
                "billed ms",
                "max MB",
            ],
        );
        let rows = summary.functions.iter().map(|(name, numbers)| {
            vec![
                name.to_string(),
                numbers.invocations.to_string(),
                numbers.errors.to_string(),
                numbers.timeouts.to_string(),
                numbers.throttles.to_string(),
                numbers.cold_starts.to_string(),
                milliseconds(numbers.durations.median()),
                milliseconds(numbers.durations.longest()),
                numbers.billed_ms.to_string(),
                numbers.memory_used_mb.map_or_else(|| "-".to_owned(), |used| used.to_string()),
            ]
        });
        text.push_str(&table::lines(&columns, rows.collect(), 2));
    }
    if !summary.mappings.is_empty() {
        let columns = columns(
            "mapping",
            &[
                "invocations",
                "records",
                "errors",
                "partial",
                "retries",
                "bisects",
                "discarded",
                "on failure",
            ],
        );
        let rows = summary.mappings.iter().map(|(name, numbers)| {
            let numbers = [
                numbers.invocations,
                numbers.records,
                numbers.errors,
                numbers.partial,
                numbers.retries,
                numbers.bisects,
                numbers.discarded,
                numbers.on_failure,
            ];
            let numbers = numbers.iter().map(ToString::to_string);
            std::iter::once(name.to_string()).chain(numbers).collect()
        });
        text.push_str(&table::lines(&columns, rows.collect(), 2));
    }
    if !bill.rows.is_empty() {
        text.push_str(&billed(bill));
    }
    text
}

/// What AWS would bill; what is only counted stands without a price.
fn billed(bill: &Bill) -> String {
    let mut columns = words(&["billed", "operation", "unit"]);
    columns.extend(["amount", "dollars"].map(|name| (name.to_owned(), Align::Right)));
    let row = |row: &Row| {
        let dollars = row.cost.map_or_else(String::new, |(_, dollars)| dollars.to_string());
        vec![
            row.service.name().to_owned(),
            row.operation.to_string(),
            row.unit.name().to_owned(),
            row.amount.to_string(),
            dollars,
        ]
    };
    let total = ["total", "", "", "", &bill.total().to_string()].map(str::to_owned).to_vec();
    let rows = bill.rows.iter().map(row).chain([total]);
    let rows = table::lines(&columns, rows.collect(), 2);
    format!("{rows}  prices of {PRICED_ON}, {REGION}, without free tiers\n")
}

/// Milliseconds with one digit behind the point.
fn milliseconds(duration: Option<Duration>) -> String {
    duration.map_or_else(
        || "-".to_owned(),
        |duration| {
            let tenths = (duration.as_micros() + 50) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        },
    )
}

/// What a template would run.
pub(super) fn stack(stack: &Stack) -> String {
    let mut text = String::new();
    let mut add = |columns: &[&str], rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            text.push_str(&table::lines(&words(columns), rows, 2));
        }
    };
    let functions = stack.functions.iter().map(|function| {
        vec![
            function.name.to_string(),
            format!("{} MB", function.memory_mb),
            format!("{} s", function.timeout.as_secs()),
            counted(widen(function.environment.len()), "variable"),
            function.bootstrap.display().to_string(),
        ]
    });
    add(&["function", "memory", "time-out", "environment", "executable"], functions.collect());
    let streams = stack.kinesis.iter().map(|mapping| {
        vec![
            mapping.name.to_string(),
            format!("stream {}", mapping.stream.name()),
            batch(mapping.batch_records_max, "record", mapping.batching_window),
            on_failure(mapping.on_failure.as_ref()),
        ]
    });
    let queues = stack.sqs.iter().map(|mapping| {
        vec![
            mapping.name.to_string(),
            format!("queue {}", mapping.queue.name()),
            batch(mapping.batch_messages_max, "message", mapping.batching_window),
            on_failure(None),
        ]
    });
    add(&["mapping", "from", "batches of", "on failure"], streams.chain(queues).collect());
    let schedules = stack
        .schedules
        .iter()
        .map(|schedule| vec![schedule.name.to_string(), schedule.expression.clone()]);
    add(&["schedule", "when"], schedules.collect());
    text
}

fn batch(most: usize, noun: &str, window: Duration) -> String {
    let most = counted(widen(most), noun);
    if window.is_zero() { most } else { format!("{most} or {} s", window.as_secs()) }
}

fn on_failure(destination: Option<&Destination>) -> String {
    match destination {
        None => "-".to_owned(),
        Some(Destination::Queue(queue)) => format!("queue {}", queue.name()),
        Some(Destination::Bucket(bucket)) => format!("bucket {bucket}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streamgauge_lambda::happening::{Ending, Happening};
    use streamgauge_lambda::invoke::{Cause, Report};

    #[test]
    fn a_summary_is_a_table_of_functions_and_one_of_mappings() {
        let mut seen = Summary::default();
        let free = Bill { rows: Vec::new() };
        assert_eq!(summary(&seen, &free), "");
        seen.see(&Happening::Invoked {
            function: "count".into(),
            request_id: "r".into(),
            cause: Cause::Sqs {
                mapping: "count/Wake".into(),
                first: "m".into(),
                messages: 3,
                attempt: 1,
            },
            ending: Ending::Partial { failed: 1 },
            report: Report {
                duration: Duration::from_micros(1_260),
                billed: Duration::from_millis(2),
                init: None,
                memory_mb: 128,
                memory_used_mb: None,
                environment: 1,
            },
        });
        let expect = "  function  invocations  errors  time-outs  throttles  cold starts  p50 ms  max ms  billed ms  max MB
  count               1       0          0          0            0     1.3     1.3          2       -
  mapping     invocations  records  errors  partial  retries  bisects  discarded  on failure
  count/Wake            1        2       0        1        0        0          0           0
";
        assert_eq!(summary(&seen, &free), expect);
    }
}
