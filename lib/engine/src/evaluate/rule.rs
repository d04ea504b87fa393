//! An alert as the evaluation wants it: what each group keeps, and which part of that a condition looks at.

use super::value::looks_down;
use crate::alert::{
    Aggregate, Alert, Comparison, Condition, EXACT_THRESHOLD_MAX, Over, SLICES, is_exact,
};
use crate::decimal::Decimal;
use crate::hash;
use crate::plan::{Metric, MetricKind, Plan};
use crate::series::{SeriesKey, push_value};
use crate::time::{Millis, Timestamp};
use std::sync::Arc;

/// An alert, compiled.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Its metric's place in the plan.
    pub(super) metric: usize,
    /// By how much its moments are decided behind the watermark: a moment T is decided once the watermark is past T and this.
    pub(super) lag_ms: Millis,
    /// A condition is `over window`.
    pub(super) waits_for_points: bool,
    /// What each group keeps.
    pub(super) parts: Vec<PartKind>,
    /// The conditions of the steps, then `resolve`.
    pub(super) looks: Vec<Look>,
    /// How many of them are those of steps.
    pub(super) steps: usize,
    /// Single events make its groups known.
    pub(super) hears_events: bool,
    /// There is one group, without dimensions, and it is always known.
    pub(super) is_single: bool,
    /// How many groups it has at most.
    pub(super) groups_max: usize,
    by: By,
}

/// How a series becomes a group.
#[derive(Clone, Debug)]
enum By {
    /// They are the same.
    Series,
    /// The group is these of its values.
    Places(Vec<usize>),
}

/// What a part of a group is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// The times of events, for as long as the longest condition covers.
    Exact { of: Of, length_ms: Millis },
    /// Slices of a length, 60 of them.
    Slices { of: Of, slice_ms: Millis },
    /// The metric's last final point.
    Window,
    /// The journeys that are open.
    Open,
}

/// Which happenings of a metric a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The metric's events.
    Events,
    /// Starts of journeys.
    Started,
    /// Finishes of journeys.
    Finished,
    /// Journeys that ran out of time, at that time.
    Abandoned,
    /// Journeys whose time is over, whether they finished or not.
    Decided,
}

/// A condition.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The part that it looks at; none for `absent for`.
    pub(super) part: Option<usize>,
    /// The part that says the volume, where that is another.
    pub(super) volume: Option<usize>,
    /// How much time it covers; 0 of `open`, and of `over window`, whose length is the window's.
    pub(super) length_ms: Millis,
    pub(super) aggregate: Aggregate,
    /// None for `absent for`.
    pub(super) test: Option<(Comparison, Decimal)>,
    pub(super) volume_min: Option<u64>,
    /// It is not decided until the group has been known for as long as it covers.
    pub(super) waits: bool,
    /// By how much the starts that it covers are behind: the time that a journey may take.
    pub(super) behind_ms: Millis,
}

impl Rule {
    /// Compiles an alert of a metric.
    pub(super) fn of(alert: &Alert, metric: &Metric, plan: &Plan) -> Self {
        let is_journey = matches!(metric.kind, MetricKind::Journey { .. });
        let (waits_for_points, lag_ms) = (alert.waits_for_points(), plan.lag_of(alert));
        let all = (0..metric.dimensions.len()).eq(alert.by.iter().copied());
        let mut rule = Self {
            metric: alert.metric,
            lag_ms,
            waits_for_points,
            parts: Vec::new(),
            looks: Vec::new(),
            steps: alert.steps.len(),
            hears_events: is_journey,
            is_single: alert.by.is_empty(),
            groups_max: if alert.by.is_empty() { 1 } else { metric.max_series.max(1) },
            by: if all { By::Series } else { By::Places(alert.by.clone()) },
        };
        for (number, condition) in alert.conditions().enumerate() {
            let look = rule.look(condition, alert, metric, number < rule.steps);
            rule.looks.push(look);
        }
        rule
    }

    fn look(
        &mut self,
        condition: &Condition,
        alert: &Alert,
        metric: &Metric,
        is_step: bool,
    ) -> Look {
        let (aggregate, over, comparison, threshold) = match *condition {
            Condition::Absent { length } => {
                self.hears_events = true;
                return Look::absent(length);
            }
            Condition::Threshold { aggregate, over, comparison, threshold } => {
                (aggregate, over, comparison, threshold)
            }
        };
        let (part, length_ms) = match over {
            Over::Window => (PartKind::Window, 0),
            Over::Moment => (PartKind::Open, 0),
            Over::Sliding(length) => (sliding(metric, aggregate, threshold, length), length),
        };
        let abandons = matches!(part, PartKind::Exact { of: Of::Abandoned, .. });
        self.hears_events |= matches!(part, PartKind::Exact { of: Of::Events, .. });
        let is_cohort = abandons || matches!(part, PartKind::Slices { of: Of::Decided, .. });
        let volume = PartKind::Exact { of: Of::Decided, length_ms };
        Look {
            part: Some(self.part(part)),
            volume: (abandons && alert.min_volume.is_some()).then(|| self.part(volume)),
            length_ms,
            aggregate,
            test: Some((comparison, threshold)),
            volume_min: alert.min_volume,
            waits: is_step && looks_down(comparison),
            behind_ms: if is_cohort { metric.within() } else { 0 },
        }
    }

    /// The place of a part: one that holds the same serves all conditions.
    fn part(&mut self, wanted: PartKind) -> usize {
        let same = |part: &mut PartKind| match (part, wanted) {
            (PartKind::Exact { of, length_ms }, PartKind::Exact { of: other, length_ms: more }) => {
                let is_same = *of == other;
                *length_ms = if is_same { more.max(*length_ms) } else { *length_ms };
                is_same
            }
            (part, _) => *part == wanted,
        };
        if let Some(place) = self.parts.iter_mut().position(same) {
            return place;
        }
        self.parts.push(wanted);
        self.parts.len() - 1
    }

    /// The packed key of a series' group in `packed`, and its hash; none if the series is no group's.
    pub(super) fn group_hash(&self, series: &SeriesKey, packed: &mut Vec<u8>) -> u64 {
        let By::Places(places) = &self.by else { return series.stable_hash() };
        packed.clear();
        for &place in places {
            push_value(packed, series.values().nth(place).unwrap_or_default());
        }
        hash::stable(packed)
    }

    /// Whether a group that was found by its hash is that of a series.
    pub(super) fn is_group(&self, group: &SeriesKey, series: &SeriesKey, packed: &[u8]) -> bool {
        match self.by {
            By::Series => std::ptr::eq(group, series) || group == series,
            By::Places(_) => group.packed() == packed,
        }
    }

    /// The key of a series' group; none for what is over the cap of its metric.
    pub(super) fn group_key(
        &self,
        series: &Arc<SeriesKey>,
        packed: &[u8],
    ) -> Option<Arc<SeriesKey>> {
        let (key, dimensions) = match &self.by {
            By::Series => (Arc::clone(series), series.values().count()),
            By::Places(places) => (Arc::new(SeriesKey::from_packed(packed)), places.len()),
        };
        (dimensions == 0 || *key != SeriesKey::other(dimensions)).then_some(key)
    }
}

impl Look {
    const fn absent(length_ms: Millis) -> Self {
        Self {
            part: None,
            volume: None,
            length_ms,
            aggregate: Aggregate::Count,
            test: None,
            volume_min: None,
            waits: false,
            behind_ms: 0,
        }
    }

    /// The first moment at which it is decided for a group that is known since then.
    pub(super) fn decided_from(&self, known_since: Timestamp) -> Option<Timestamp> {
        self.waits.then(|| known_since.plus(self.length_ms))
    }
}

/// The part that a rollup over a sliding time looks at.
fn sliding(metric: &Metric, aggregate: Aggregate, threshold: Decimal, length: Millis) -> PartKind {
    let of = match aggregate {
        Aggregate::Started => Of::Started,
        Aggregate::Finished => Of::Finished,
        Aggregate::Abandoned => Of::Abandoned,
        _ if matches!(metric.kind, MetricKind::Journey { .. }) => Of::Decided,
        _ => Of::Events,
    };
    let small = Decimal::from_u64(EXACT_THRESHOLD_MAX).is_ok_and(|most| threshold <= most);
    let exact = match of {
        Of::Events => is_exact(&metric.kind, aggregate, threshold),
        Of::Started | Of::Finished | Of::Abandoned => small,
        Of::Decided => false,
    };
    if exact {
        return PartKind::Exact { of, length_ms: length };
    }
    // What became of journeys is one accumulator, whichever of it is asked for.
    let of = if of == Of::Abandoned { Of::Decided } else { of };
    PartKind::Slices { of, slice_ms: (length / SLICES).max(1) }
}
