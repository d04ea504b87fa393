//! Alert rules as the plan holds them. The settle fold decides them.

mod feed;
mod text;

pub use feed::{EXACT_THRESHOLD_MAX, Feed, SLICES, is_exact, slice_end};

use crate::decimal::Decimal;
use crate::time::Millis;

/// An alert: a ladder of steps over one metric, per group of dimension values.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The name in the rules file.
    pub name: String,
    /// The hash of what decides (not of texts and channels): state is kept per definition.
    pub definition: String,
    /// The metric's place in the plan.
    pub metric: usize,
    /// The dimensions that make a group, as places in the metric's dimensions.
    pub by: Vec<usize>,
    /// The steps, highest first: by severity, then by their order in the file.
    pub steps: Vec<Step>,
    /// What ends an episode; without one, that no step's condition holds.
    pub resolve: Option<Condition>,
    /// The smallest whole of a ratio for which a condition can hold.
    pub min_volume: Option<u64>,
    /// How long what ends the episode must hold without a break.
    pub keep_firing_for: Millis,
    /// Firings on older events are recorded and not sent until evaluation has caught up.
    pub max_age: Millis,
    /// The texts and fixed labels; they do not decide anything.
    pub texts: Texts,
}

/// What an alert says to people.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Texts {
    /// The template of the one-line summary.
    pub summary: Option<String>,
    /// The template of the description.
    pub description: Option<String>,
    /// The link to the runbook.
    pub runbook: Option<String>,
    /// Fixed names and values for routing.
    pub labels: Vec<(String, String)>,
}

/// One step of an alert's ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The name, absent for the one step that stands directly on the alert.
    pub name: Option<String>,
    /// When it fires.
    pub when: Condition,
    /// How long the condition must have held without a break.
    pub hold: Millis,
    /// How bad it is.
    pub severity: Severity,
    /// The channels to tell, by name.
    pub notify: Vec<String>,
    /// Whether it is also tested ahead of the watermark.
    pub early: bool,
}

/// PagerDuty's severities, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `critical`
    Critical,
    /// `error`
    Error,
    /// `warning`
    Warning,
    /// `info`
    Info,
}

impl Severity {
    /// All of them, in the order of their numbers in stored forms.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Error, Self::Warning, Self::Info];
}

/// A condition on a rollup of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `sum over 10m >= 3`
    Threshold {
        /// What is looked at.
        aggregate: Aggregate,
        /// Over which time.
        over: Over,
        /// How it is compared.
        comparison: Comparison,
        /// With what.
        threshold: Decimal,
    },
    /// `absent for 15m`
    Absent {
        /// For how long no event came.
        length: Millis,
    },
}

/// The time that a rollup covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// A sliding time: `over 10m`.
    Sliding(Millis),
    /// The metric's own final point: `over window`.
    Window,
    /// This very moment: only `open`.
    Moment,
}

/// What a rollup computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// `sum`
    Sum,
    /// `count`
    Count,
    /// `avg`
    Average,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `p50` to `p99.9`, in tenths of a percent
    Percentile(u32),
    /// `unique`
    Unique,
    /// `rate`
    Rate,
    /// `abandoned`
    Abandoned,
    /// `started`
    Started,
    /// `finished`
    Finished,
    /// `open`
    Open,
}

/// How an aggregate is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

#[cfg(test)]
pub(crate) mod samples;
