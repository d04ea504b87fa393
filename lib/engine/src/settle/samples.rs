//! For tests: a plan with metrics of every kind, live ones and zeros, and runs of deltas and settles through it.

use super::{Decisions, Increment, Progress, Settler};
use crate::aggregate::Aggregator;
use crate::aggregate::samples::{self, Sample, TIMING, batch};
use crate::alert::samples::at_least;
use crate::alert::{Aggregate, Over};
use crate::delta::Delta;
use crate::output::Point;
use crate::plan::{Metric, Plan};
use crate::time::Timestamp;
use crate::transition::Transition;
use proptest::prelude::*;
use std::sync::Arc;

/// The place of the journey.
pub(super) const JOURNEY: usize = 5;

/// A plan whose metrics are named by their place. All are defined alike in every plan that this makes, unless it is changed.
pub(super) fn plan() -> Plan {
    let mut plan = samples::plan(TIMING);
    plan.metrics[0].zero = true;
    plan.metrics[1].live = true;
    plan.metrics[2].live = true;
    plan.metrics[3].max_series = 2;
    let count = || Metric { dimensions: Vec::new(), ..plan.metrics[0].clone() };
    let silent = count();
    let live = Metric { live: true, max_series: 2, ..plan.metrics[0].clone() };
    plan.metrics.extend([silent, live]);
    plan.alerts = samples::watched(TIMING).alerts;
    // One that fires and resolves with nearly every event.
    plan.alerts[1].steps[0].when = at_least(Aggregate::Sum, Over::Sliding(60), "1");
    for (place, alert) in plan.alerts.iter_mut().enumerate() {
        alert.name = place.to_string();
        alert.definition = format!("alert {place}");
        alert.by = if place % 2 > 0 {
            Vec::new()
        } else {
            vec![0; plan.metrics[alert.metric].dimensions.len().min(1)]
        };
    }
    for (place, metric) in plan.metrics.iter_mut().enumerate() {
        metric.name = place.to_string();
        metric.definition = format!("definition {place}");
    }
    plan
}

/// What a run is made of, for [`proptest`]: events, how many a batch has, and after which batches a settle comes.
pub(super) fn runs() -> impl Strategy<Value = (Vec<Sample>, usize, u64)> {
    (samples::samples(), 1..30_usize, any::<u64>())
}

/// The deltas of these events.
pub(super) fn deltas(plan: &Arc<Plan>, samples: &[Sample], length: usize) -> Vec<Delta> {
    let mut shard = Aggregator::new(Arc::clone(plan));
    samples.chunks(length).map(|samples| shard.fold(batch(plan, samples))).collect()
}

/// Whether a settle comes after the batch of this number.
pub(super) const fn settles_after(settles: u64, batch: usize) -> bool {
    settles & (1 << (batch % 64)) != 0
}

/// All that a settler decides up to a watermark.
pub(super) fn settle(settler: &mut Settler, watermark: Option<Timestamp>) -> Decisions {
    let mut decisions = Decisions::default();
    if let Some(watermark) = watermark {
        while settler.settle(watermark, &mut decisions) == Progress::More {}
    }
    decisions
}

/// What was decided, in the order in which it came.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) points: Vec<Point>,
    pub(super) increments: Vec<Increment>,
    pub(super) transitions: Vec<Transition>,
}

impl Told {
    pub(super) fn add(&mut self, decisions: Decisions) {
        self.points.extend(decisions.points);
        self.increments.extend(decisions.increments);
        self.transitions.extend(decisions.transitions);
    }

    /// Takes in the deltas, settles after some of them, and ends with a watermark that is past everything.
    pub(super) fn of(settler: &mut Settler, deltas: &[Delta], settles: u64) -> Self {
        let mut told = Self::default();
        for (number, delta) in deltas.iter().enumerate() {
            settler.take(delta.clone());
            if settles_after(settles, number) {
                told.add(settle(settler, delta.watermark));
            }
        }
        told.add(settle(settler, Some(after(deltas))));
        told
    }

    /// What is told of some metrics.
    pub(super) fn only(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let points = self.points.iter().filter(|point| wanted(point.metric));
        let increments = self.increments.iter().filter(|increment| wanted(increment.metric));
        let plan = plan();
        let of = |told: &Transition| plan.alerts.get(told.alert).map(|alert| alert.metric);
        let told = self.transitions.iter().filter(|told| of(told).is_some_and(&wanted));
        Self {
            points: points.cloned().collect(),
            increments: increments.cloned().collect(),
            transitions: told.cloned().collect(),
        }
    }
}

/// A watermark at which all windows of these deltas are final.
pub(super) fn after(deltas: &[Delta]) -> Timestamp {
    let latest = deltas.iter().filter_map(|delta| delta.watermark).max();
    latest.unwrap_or_default().plus(5_000)
}
