//! What alerts need to hear of a metric, so that deltas hold that and no more.

use super::{Aggregate, Alert, Condition, Over};
use crate::decimal::Decimal;
use crate::plan::{Metric, MetricKind};
use crate::time::Millis;

/// Counts up to this threshold are exact to the millisecond: each event is a part of the delta.
pub const EXACT_THRESHOLD_MAX: u64 = 1_000;
/// Into how many slices other rollups are cut.
pub const SLICES: Millis = 60;

/// What alerts hear of one metric. Journeys need nothing of it: their steps are parts of the delta anyway, with their ids if
/// [`is_watched`](Self::is_watched).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// An alert looks at the metric.
    pub is_watched: bool,
    /// Each event by itself.
    pub samples: bool,
    /// Partial aggregates of slices of these lengths, rising.
    pub slices: Vec<Millis>,
    /// The newest events of each window.
    pub windows: bool,
}

impl Feed {
    /// What these alerts hear of the metric at a place of the plan.
    pub fn of(place: usize, metric: &Metric, alerts: &[Alert]) -> Self {
        let mut feed = Self::default();
        let is_journey = matches!(metric.kind, MetricKind::Journey { .. });
        for condition in
            alerts.iter().filter(|alert| alert.metric == place).flat_map(Alert::conditions)
        {
            feed.is_watched = true;
            match condition {
                _ if is_journey => {}
                Condition::Absent { .. } => feed.samples = true,
                Condition::Threshold { over: Over::Window, .. } => feed.windows = true,
                Condition::Threshold { over: Over::Moment, .. } => {}
                Condition::Threshold {
                    over: Over::Sliding(length), aggregate, threshold, ..
                } => {
                    if is_exact(&metric.kind, *aggregate, *threshold) {
                        feed.samples = true;
                    } else {
                        feed.slices.push(length / SLICES);
                    }
                }
            }
        }
        feed.slices.sort_unstable();
        feed.slices.dedup();
        feed
    }
}

impl Alert {
    /// All conditions: those of the steps, then what ends an episode.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.steps.iter().map(|step| &step.when).chain(&self.resolve)
    }
}

/// Whether a rollup over a sliding time is exact to the millisecond, rather than in slices.
pub fn is_exact(kind: &MetricKind, aggregate: Aggregate, threshold: Decimal) -> bool {
    let counts = matches!(kind, MetricKind::Count(_))
        && matches!(aggregate, Aggregate::Sum | Aggregate::Count);
    counts && Decimal::from_u64(EXACT_THRESHOLD_MAX).is_ok_and(|most| threshold <= most)
}
