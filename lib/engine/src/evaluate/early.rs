//! Steps with `early: true`: tested ahead of the watermark, as soon as their events are taken.
//!
//! A count of events that is reached stays reached, whatever comes later. So what waits enters a copy of its group, moment by
//! moment, and where a step holds there, its firing is certain and is told at once. Its time may depend on arrival: with the next
//! delta an earlier moment might have been found.
//!
//! An episode that was begun early does not end before that time: what fires and ends between the watermark and it is a part of it.
//! Only that which begins an episode is told early, and only if nothing but a count that is too small could hold it back.

use super::entry::{Entry, What};
use super::group::Group;
use super::ladder::{StepState, Truth};
use super::rule::{Look, Of, PartKind, Rule};
use super::waiting::Waits;
use super::{AlertState, Evaluator};
use crate::alert::{Alert, Comparison};
use crate::delta::Delta;
use crate::hash::Set;
use crate::place::at as place_at;
use crate::plan::{MetricKind, Plan};
use crate::series::SeriesKey;
use crate::time::Timestamp;
use crate::transition::{Reason, Transition, TransitionKind};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What waits for one group, by its moments.
type Waiting<'w> = BTreeMap<Timestamp, Vec<&'w Entry>>;

impl Rule {
    /// The steps of an alert that can be told early.
    pub(super) fn early_steps(&self, alert: &Alert) -> Vec<usize> {
        let counts = |look: &Look| {
            let part = look.part.and_then(|part| self.parts.get(part));
            matches!(part, Some(PartKind::Exact { of: Of::Events, .. }))
        };
        let compares = |look: &Look, wanted: [Comparison; 2]| {
            counts(look) && look.test.is_some_and(|(comparison, _)| wanted.contains(&comparison))
        };
        let resolve = alert.resolve.as_ref().and_then(|_| self.looks.last());
        let only_too_few = [Comparison::Below, Comparison::AtMost];
        if self.waits_for_points || resolve.is_some_and(|look| !compares(look, only_too_few)) {
            return Vec::new();
        }
        let steps = alert.steps.iter().zip(&self.looks).enumerate();
        let enough = [Comparison::AtLeast, Comparison::Above];
        let early = steps
            .filter(|(_, (step, look))| step.early && step.hold == 0 && compares(look, enough));
        early.map(|(number, _)| number).collect()
    }
}

impl Evaluator {
    /// Tells what the events of a delta, which was taken, make certain.
    pub(crate) fn look_ahead(
        &mut self,
        plan: &Plan,
        delta: &Delta,
        watermark: Option<Timestamp>,
        told: &mut VecDeque<Transition>,
    ) {
        let Self { alerts, early, of_metric, tracks, waiting, .. } = self;
        for &place in &*early {
            let Some(state) = alerts.get_mut(place).and_then(Option::as_mut) else { continue };
            let (Some(alert), Some(metric)) =
                (plan.alerts.get(place), plan.metrics.get(state.rule.metric))
            else {
                continue;
            };
            let touched = touched(&state.rule, delta);
            if touched.is_empty() {
                continue;
            }
            let mut of_groups: BTreeMap<Arc<SeriesKey>, Waiting<'_>> = BTreeMap::new();
            let own = of_metric.get(state.rule.metric).into_iter().flatten();
            let mut own = own.filter(|&&track| {
                tracks.get(track).is_some_and(|track| track.alerts.contains(&place))
            });
            let Some(&track) = own.next() else { continue };
            for Waits { moment: at, entry, .. } in waiting.iter().filter(|one| one.track == track) {
                let Some(key) = key_of(&state.rule, &entry.series) else { continue };
                if state.hears_early(entry, *at) && touched.contains(&key) {
                    of_groups.entry(key).or_default().entry(*at).or_default().push(entry);
                }
            }
            for (key, of_group) in of_groups {
                state.look_ahead((place, alert), (key, &of_group), &metric.kind, |mut one| {
                    one.evidence.watermark = watermark;
                    told.push_back(one);
                });
            }
        }
    }
}

impl AlertState {
    fn hears_early(&self, entry: &Entry, at: Timestamp) -> bool {
        matches!(entry.what, What::Event { .. })
            && self.begins.is_none_or(|begins| entry.begins_at(at) >= begins)
    }

    /// Lets what waits for a group enter a copy of it, and tells which steps will fire.
    fn look_ahead(
        &mut self,
        (place, alert): (usize, &Alert),
        (key, of_group): (Arc<SeriesKey>, &Waiting<'_>),
        kind: &MetricKind,
        mut tell: impl FnMut(Transition),
    ) {
        let Self { rule, groups, early, .. } = self;
        let slot = groups.find(&key);
        let known = slot.and_then(|slot| groups.get(slot)).cloned();
        let Some((&first, _)) = of_group.first_key_value() else { return };
        if known.is_none() && groups.is_full(rule) {
            return;
        }
        let mut copy = known.unwrap_or_else(|| Group::new(rule, Arc::clone(&key), first, first));
        if copy.ladder().is_firing() && copy.ladder().ahead.is_none() {
            return;
        }
        let begun = copy.clone();
        let mut ladder = copy.ladder().clone();
        let mut truth = Truth::default();
        ladder.steps.resize_with(alert.steps.len(), StepState::default);
        let mut is_certain = false;
        for (&at, entries) in of_group {
            for entry in entries {
                copy.enter(rule, entry, at);
            }
            copy.truth(rule, kind, at, &mut truth);
            for &step in early.iter() {
                let Some(state) = ladder.steps.get_mut(step).filter(|state| !state.fires) else {
                    continue;
                };
                if truth.resolve == Some(true) || truth.steps.get(step) != Some(&true) {
                    continue;
                }
                let Some(look) = rule.looks.get(step) else { continue };
                state.fires = true;
                is_certain = true;
                let episode = *ladder.episode.get_or_insert(at);
                ladder.ahead = ladder.ahead.max(Some(at));
                tell(Transition {
                    alert: place,
                    step,
                    group: Arc::clone(&key),
                    kind: TransitionKind::Firing,
                    at,
                    episode,
                    reason: Reason::ConditionCannotFail,
                    evidence: copy.evidence(rule, look, kind, at),
                });
            }
        }
        if !is_certain {
            return;
        }
        let slot = slot.unwrap_or_else(|| groups.insert(begun));
        if let Some(group) = groups.get_mut(slot) {
            group.set_ladder(ladder);
        }
    }
}

/// The groups of an alert that the samples of a delta belong to.
fn touched(rule: &Rule, delta: &Delta) -> Set<Arc<SeriesKey>> {
    let series =
        delta.samples.iter().filter_map(|sample| place_at(&delta.names.series, sample.series));
    let own = series.filter(|series| series.metric == rule.metric);
    own.filter_map(|one| key_of(rule, &one.key)).collect()
}

fn key_of(rule: &Rule, series: &Arc<SeriesKey>) -> Option<Arc<SeriesKey>> {
    let mut packed = Vec::new();
    rule.group_hash(series, &mut packed);
    rule.group_key(series, &packed)
}
