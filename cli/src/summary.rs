//! What a run has seen, for people: the counters, each metric's share, and what may have gone wrong.

use crate::style::{self, tell};
use crate::table::{self, Align};
use crate::words::plural;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::OTHER;
use streamgauge_engine::time::{DAY_MS, Timestamp};
use streamgauge_local::replay::Summary;

/// The seconds since 1970 of any time now are a few weeks, if they are read as milliseconds: this is 2096.
const SECONDS_AS_MILLISECONDS_MAX: i64 = 4_000_000_000;

/// Tells what became of the events.
pub(crate) fn tell_counters(summary: &Summary) {
    let counters = &summary.counters;
    tell(format_args!(
        "{} {}: {} counted, {} filtered, {} duplicate, {} late, {} rejected",
        style::bold(counters.received),
        plural(counters.received, "event"),
        counters.counted,
        counters.filtered,
        counters.duplicate,
        counters.late,
        counters.rejected,
    ));
    if let (Some(first), Some(last)) = (summary.first_event, summary.last_event) {
        tell(format_args!("event times from {first} to {last}"));
        if last.as_millis() < SECONDS_AS_MILLISECONDS_MAX {
            tell(format_args!(
                "{}: all events are in the first weeks of 1970, as if seconds were read as milliseconds: check `time_unit`",
                style::warning("warning")
            ));
        }
    }
    warn_of_leap(summary);
}

/// Names the event that moved the clock on by more than a day, where events came late: its time may be wrong.
fn warn_of_leap(summary: &Summary) {
    let Some(found) = summary.leap.as_ref().filter(|found| found.leap.length_ms() > DAY_MS) else {
        return;
    };
    if summary.counters.late > 0 {
        tell(format_args!(
            "{}: {}:{} moved the clock on from {} to {}, and {} later {} too late: is that time right?",
            style::warning("warning"),
            found.input,
            found.line,
            found.leap.from,
            found.leap.to,
            summary.counters.late,
            if summary.counters.late == 1 { "event was" } else { "events were" },
        ));
    }
}

/// A table of what each metric has seen; `further` adds columns to it.
pub(crate) fn metrics(plan: &Plan, summary: &Summary, further: &[(&str, &[u64])]) -> String {
    let mut columns = vec![("metric".to_owned(), Align::Left)];
    let names = ["matched", "no value", "no dimension", "late"]
        .into_iter()
        .chain(further.iter().map(|(name, _)| *name));
    columns.extend(names.map(|name| (name.to_owned(), Align::Right)));
    let rows =
        plan.metrics.iter().zip(&summary.metrics).enumerate().map(|(place, (metric, counters))| {
            let own =
                [counters.matched, counters.no_value, counters.no_dimension, counters.late_dropped];
            let further =
                further.iter().map(|(_, numbers)| numbers.get(place).copied().unwrap_or_default());
            let numbers = own.into_iter().chain(further).map(|number| number.to_string());
            std::iter::once(metric.name.clone()).chain(numbers).collect()
        });
    table::lines(&columns, rows.collect(), 2)
}

/// Warns of metrics that took nothing and of those that had more series than they may; without events there is nothing to warn of.
pub(crate) fn warn_of_metrics(plan: &Plan, summary: &Summary) {
    if summary.counters.received == summary.counters.rejected {
        return;
    }
    for (metric, counters) in plan.metrics.iter().zip(&summary.metrics) {
        let (name, warning) = (&metric.name, style::warning("warning"));
        if counters.matched == 0 && counters.no_value == 0 {
            tell(format_args!("{warning}: metric `{name}` matched no event"));
        } else if counters.matched == 0 {
            let count = counters.no_value;
            tell(format_args!(
                "{warning}: metric `{name}` took no event: in all {count} that it matched, its value or key is missing"
            ));
        }
        if counters.folded > 0 {
            let (count, max) = (counters.folded, metric.max_series);
            tell(format_args!(
                "{warning}: metric `{name}` has more than {max} series on a day: {count} points went into {OTHER}"
            ));
        }
    }
}

/// Says that `--until` did nothing: it is no filter, and the clock does not go back.
pub(crate) fn note_until(until: Option<Timestamp>, summary: &Summary) {
    if let (Some(until), Some(last)) = (until, summary.last_event)
        && until <= last
    {
        tell(format_args!(
            "{}: --until {until} changes nothing, because it is not after the last event; it leaves no events out",
            style::hint("note")
        ));
    }
}
