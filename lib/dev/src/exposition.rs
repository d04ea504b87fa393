//! What was decided, in the text formats of Prometheus 0.0.4 and `OpenMetrics` 1.0.
//!
//! A scrape sees the present: one value a series. Points are of windows of the events' own time, which may have ended minutes
//! ago, and two of them may become final between two scrapes, or none. So what adds up is shown as its running total, of which
//! no scrape can miss or repeat anything, and only what does not add up as the newest final window has it:
//!
//! | metric `M` | type | series |
//! | --- | --- | --- |
//! | count, sum | counter | `M_total` |
//! | ratio | counters | `M_part_total`, `M_whole_total`: their quotient is the rate, over any time |
//! | distribution | summary | `M_sum`, `M_count`; `M{quantile="0.5"}` to `0.999` of the newest final window |
//! | unique | gauge | `M`, of the newest final window |
//! | journey | counters | `M_started_total`, `M_finished_total`, `M_abandoned_total` |
//! | | gauge | `M_open`, of all series together, now, where it is known |
//! | | summary | `M_time_seconds`, the time to finish |
//!
//! - **Totals** begin with the store. A new store begins at 0, which is the reset that `rate` and `increase` know. Corrections
//!   are in them. Where a sum or distribution has had a value below 0 its total can fall, so it is no counter: the type becomes
//!   `unknown` (`untyped`), and the names stay.
//! - **No timestamps**, and no `_created`. With a timestamp a series is not marked as gone when it is gone, a correction would be
//!   a second value for the same moment, and a window of an hour would be too old for most servers. How far the windows are is
//!   a series of its own: `streamgauge_window_end_timestamp_seconds{metric="M"}`.
//! - **Of the newest window** means: until the next one of the metric is final. A series without events in that one has no
//!   quantiles and no unique count then, so nothing old stands there as if it were new. The totals stay.
//! - **Names** are the rules' own with `_` for what is not allowed (`name`); what the rules call a metric is in its `HELP`.
//! - A metric without dimensions is there from the beginning, with 0.
//! - At most [`SERIES_MAX`] series of a metric, those with the newest windows; how many are left out is a series too.
//!
//! Beside these are the pipeline's own (`own`). The order is that of the rules, then that of the dimension values, whatever came first.
//!
//! ADR 0019 says what else was looked at.

mod accept;
mod family;
mod name;
mod own;
mod series;
mod text;

#[cfg(test)]
mod tests;

pub use accept::Format;
pub use streamgauge_pipeline::kept::Total;

use crate::outbox::Waits;
use name::Names;
use std::sync::Arc;
use streamgauge_engine::output::{Counters, Values};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::kept::ValueKind;

/// The most series of a metric that are shown: ten days of the default `max_series`, all different, and a few megabytes.
pub const SERIES_MAX: usize = 10_000;

/// All that a scrape shows.
#[derive(Clone, Debug, Default)]
pub struct Exposition<'e> {
    /// The metrics, in the order of the rules.
    pub metrics: Vec<Metric<'e>>,
    /// The pipeline itself.
    pub pipeline: Pipeline<'e>,
}

/// One metric.
#[derive(Clone, Debug)]
pub struct Metric<'e> {
    /// Its name in the rules.
    pub name: &'e str,
    /// What it computes.
    pub kind: ValueKind,
    /// Its unit, in `CloudWatch`'s words.
    pub unit: Option<&'e str>,
    /// What it means, for people.
    pub help: Option<&'e str>,
    /// The names of its dimensions, in the order of the series' values.
    pub dimensions: Vec<&'e str>,
    /// The event time up to which its windows are final: the watermark, less what the metric waits for.
    pub final_until: Option<Timestamp>,
    /// How many journeys are open, where that is known.
    pub open: Option<u64>,
    /// Its series, in any order.
    pub series: Vec<Series>,
}

/// One series of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values of the dimensions.
    pub key: Arc<SeriesKey>,
    /// What all of its points come to.
    pub total: Total,
    /// Its newest final point.
    pub newest: Option<Newest>,
}

/// The values of a final window.
#[derive(Clone, Debug, PartialEq)]
pub struct Newest {
    /// The window's first instant.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// The values.
    pub values: Values,
}

impl Newest {
    /// Whether the window after it is not final yet; windows of days that differ by an hour are taken as alike.
    fn is_current(&self, final_until: Option<Timestamp>) -> bool {
        let length = self.window_end.as_millis() - self.window_start.as_millis();
        final_until.is_none_or(|until| self.window_end.plus(length) > until)
    }
}

/// The pipeline's own figures.
#[derive(Clone, Debug, Default)]
pub struct Pipeline<'e> {
    /// What became of all records since the process began.
    pub counters: Counters,
    /// How far the watermark is behind the clock, in milliseconds; absent before there is one.
    pub watermark_lag_ms: Option<Millis>,
    /// Whether the rules files as they are now cannot be used.
    pub are_rules_rejected: bool,
    /// Each step of each alert, in the order of the rules.
    pub alerts: Vec<Firing<'e>>,
    /// How telling each channel goes; none where nobody is told.
    pub channels: Vec<(String, Waits)>,
}

/// A step of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing<'e> {
    /// The alert.
    pub alert: &'e str,
    /// The step, if it has a name.
    pub step: Option<&'e str>,
    /// Its severity.
    pub severity: &'e str,
    /// For how many groups it fires.
    pub groups: u64,
}

impl Exposition<'_> {
    /// The text of a scrape.
    pub fn render(&self, format: Format) -> Vec<u8> {
        let mut names = Names::default();
        own::claim(&mut names);
        let bases = names.of_metrics(&self.metrics);
        let mut left_out = Vec::new();
        let mut families = Vec::new();
        for (metric, base) in self.metrics.iter().zip(&bases) {
            let shown = series::shown(metric);
            left_out.push((metric.name, metric.series.len().saturating_sub(shown.len())));
            families.extend(series::families(metric, base, &shown));
        }
        families.extend(own::families(self, &left_out));
        text::render(&families, format)
    }
}
