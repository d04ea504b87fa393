//! What alerts need to hear of a metric, so that deltas hold that and no more.

use super::{Aggregate, Alert, Condition, Over};
use crate::decimal::Decimal;
use crate::plan::{Metric, MetricKind, Plan};
use crate::time::{Millis, Timestamp};

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
        for condition in
            alerts.iter().filter(|alert| alert.metric == place).flat_map(Alert::conditions)
        {
            feed.add(&metric.kind, condition);
        }
        feed
    }

    /// Adds what one condition needs.
    fn add(&mut self, kind: &MetricKind, condition: &Condition) {
        self.is_watched = true;
        match condition {
            _ if matches!(kind, MetricKind::Journey { .. }) => {}
            Condition::Absent { .. } => self.samples = true,
            Condition::Threshold { over: Over::Window, .. } => self.windows = true,
            Condition::Threshold { over: Over::Moment, .. } => {}
            Condition::Threshold { over: Over::Sliding(length), aggregate, threshold, .. } => {
                if is_exact(kind, *aggregate, *threshold) {
                    self.samples = true;
                } else if let Err(place) = self.slices.binary_search(&(length / SLICES)) {
                    self.slices.insert(place, length / SLICES);
                }
            }
        }
    }
}

impl Plan {
    /// What alerts hear of each metric, by its place; empty if there are no alerts.
    pub fn feeds(&self) -> Vec<Feed> {
        if self.alerts.is_empty() {
            return Vec::new();
        }
        let mut feeds = vec![Feed::default(); self.metrics.len()];
        for alert in &self.alerts {
            let (Some(metric), Some(feed)) =
                (self.metrics.get(alert.metric), feeds.get_mut(alert.metric))
            else {
                continue;
            };
            alert.conditions().for_each(|condition| feed.add(&metric.kind, condition));
        }
        feeds
    }
}

/// The end of the slice `(a, b]` of this length that holds a moment: slices end at multiples of their length.
#[inline]
pub fn slice_end(time: Timestamp, length_ms: Millis) -> Timestamp {
    let length_ms = length_ms.max(1);
    let number = time.as_millis().saturating_sub(1).div_euclid(length_ms) + 1;
    Timestamp::from_millis(number.saturating_mul(length_ms))
}

impl Alert {
    /// All conditions: those of the steps, then what ends an episode.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.steps.iter().map(|step| &step.when).chain(&self.resolve)
    }

    /// Whether it looks at points, which are there when they are final.
    pub fn waits_for_points(&self) -> bool {
        self.conditions()
            .any(|condition| matches!(condition, Condition::Threshold { over: Over::Window, .. }))
    }
}

/// Whether a rollup over a sliding time is exact to the millisecond, rather than in slices.
pub fn is_exact(kind: &MetricKind, aggregate: Aggregate, threshold: Decimal) -> bool {
    let counts = matches!(kind, MetricKind::Count(_))
        && matches!(aggregate, Aggregate::Sum | Aggregate::Count);
    counts && Decimal::from_u64(EXACT_THRESHOLD_MAX).is_ok_and(|most| threshold <= most)
}

#[cfg(test)]
mod tests;
