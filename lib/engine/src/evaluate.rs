//! Which steps of which alerts fire, for whom and why: decided by the exact times of events.
//!
//! As an event meets it:
//!
//! 1. [`take`]: what a delta holds for alerts becomes an [`entry`] that waits at its moment: the event's time, or for one that
//!    came behind the watermark its place. What became of a journey, and final windows, are told by the settle fold.
//! 2. [`rule`]: an alert, compiled: what a group keeps for it, and how its conditions look at that. All conditions of an alert
//!    are decided together; where one must wait for the allowed lateness (journeys) or for points (`over window`), all wait.
//! 3. [`groups`]: once the watermark is past a moment, what waits at it enters the groups of each alert of the metric, all of it
//!    before anything is decided.
//! 4. [`group`], with its [`part`]s: the [`times`] of events for small counts, 60 [`slices`] for everything else, the last final
//!    point, the open journeys. What leaves them does so by the moment itself.
//! 5. [`value`]: a condition compares the exact value.
//! 6. [`early`]: steps that asked for it are tested with what waits, before its moment has come.
//! 7. [`ladder`]: which conditions hold becomes which steps change, and why.
//! 8. [`evidence`]: what the condition of such a step saw.
//!
//! A group is looked at when something enters it, and at the next moment at which a condition could turn by itself: when so many
//! events have left that the comparison turns, when a slice begins to count or leaves, when no event came for long enough, when
//! `for` is over. Nothing else is touched, so groups in which nothing changes cost nothing.
//!
//! **Bounds.** An alert has as many groups as its metric's `max_series` (one without `by`). A group holds, for each kind of
//! happening its conditions count exactly, 10,000 times of 8 bytes and 20 ids, and as many times of late events and of
//! copies; 60 slices of each length, each an accumulator and 20 ids; one final point; and an id per open journey. What waits is what
//! came since the watermark.

mod change;
mod early;
mod entry;
mod evidence;
mod group;
mod groups;
mod ladder;
mod part;
mod rule;
mod slices;
mod stored;
mod take;
mod times;
mod value;

use crate::plan::{Metric, Plan};
use crate::time::Timestamp;
use crate::transition::{Reason, Transition};
use entry::Entry;
pub(crate) use entry::WindowEntry;
use group::Group;
use groups::{Entered, Groups};
use ladder::Change;
use rule::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
pub(crate) use stored::{read_transition, write_transition};

/// The alerts of a settle partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evaluator {
    /// By their place in the plan; none for those of another partition, and those that were handed over or have ended.
    alerts: Vec<Option<AlertState>>,
    /// Alerts of one metric that wait equally long share what waits.
    tracks: Vec<Track>,
    /// The tracks of each metric of the plan.
    of_metric: Vec<Vec<usize>>,
    /// What waits, by the watermark that it waits for and its track.
    waiting: BTreeMap<(Timestamp, usize), Vec<Entry>>,
    /// Which group of which alert is looked at when.
    agenda: BTreeSet<(Timestamp, usize, u32)>,
    /// When alerts end.
    endings: BTreeSet<(Timestamp, usize)>,
    /// The first event of any kind.
    origin: Option<Timestamp>,
}

/// An alert with its groups.
#[derive(Clone, Debug)]
struct AlertState {
    rule: Rule,
    groups: Groups,
    /// The steps that are tested ahead of the watermark.
    early: Vec<usize>,
    /// It hears of nothing before.
    begins: Option<Timestamp>,
    /// It ends then, and why.
    ends: Option<(Timestamp, Reason)>,
}

/// The alerts of one metric that wait equally long.
#[derive(Clone, Debug)]
struct Track {
    metric: usize,
    /// They wait for final points.
    waits_for_points: bool,
    lag_ms: i64,
    alerts: Vec<usize>,
}

impl Evaluator {
    /// The alerts on the metrics that a partition owns.
    pub(crate) fn of(plan: &Plan, owns: impl Fn(&Metric) -> bool) -> Self {
        let mut evaluator =
            Self { of_metric: vec![Vec::new(); plan.metrics.len()], ..Self::default() };
        for (place, alert) in plan.alerts.iter().enumerate() {
            let metric = plan.metrics.get(alert.metric).filter(|metric| owns(metric));
            let state = metric.map(|metric| {
                let rule = Rule::of(alert, metric, plan);
                let early = rule.early_steps(alert);
                AlertState { rule, groups: Groups::default(), early, begins: None, ends: None }
            });
            if let Some(state) = &state {
                evaluator.put_on_track(place, &state.rule);
            }
            evaluator.alerts.push(state);
        }
        evaluator
    }

    fn put_on_track(&mut self, alert: usize, rule: &Rule) {
        let Some(tracks) = self.of_metric.get_mut(rule.metric) else { return };
        let same = |&&track: &&usize| {
            let track: Option<&Track> = self.tracks.get(track);
            track.is_some_and(|track| track.waits_for_points == rule.waits_for_points)
        };
        let known = tracks.iter().find(same).copied();
        let place = known.unwrap_or_else(|| {
            tracks.push(self.tracks.len());
            let &Rule { metric, waits_for_points, lag_ms, .. } = rule;
            self.tracks.push(Track { metric, waits_for_points, lag_ms, alerts: Vec::new() });
            self.tracks.len() - 1
        });
        if let Some(track) = self.tracks.get_mut(place) {
            track.alerts.push(alert);
        }
    }

    /// Whether any alert looks at a metric.
    pub(crate) fn watches(&self, metric: usize) -> bool {
        let mut tracks = self.of_metric.get(metric).into_iter().flatten();
        tracks.any(|&track| self.tracks.get(track).is_some_and(|track| !track.alerts.is_empty()))
    }

    /// The earliest moment that is left to decide: it is once the watermark is past it.
    pub(crate) fn next_moment(&self) -> Option<Timestamp> {
        let waiting = self.waiting.first_key_value().map(|(&(moment, _), _)| moment);
        let agenda = self.agenda.first().map(|&(moment, ..)| moment);
        let ending = self.endings.first().map(|&(moment, _)| moment);
        waiting.into_iter().chain(agenda).chain(ending).min()
    }

    /// Decides the next moment up to `end`, if there is one. Once the input has ended, nothing is decided that is about a time
    /// after `stop`.
    pub(crate) fn decide_next(
        &mut self,
        plan: &Plan,
        end: Timestamp,
        stop: Option<Timestamp>,
        told: &mut Vec<Transition>,
    ) -> bool {
        let next = self.next_moment().filter(|&moment| moment <= end);
        if let Some(moment) = next {
            self.decide(plan, moment, stop, told);
        }
        next.is_some()
    }

    /// The longest that any alert waits behind the watermark.
    pub(crate) fn lag_ms(&self) -> i64 {
        self.tracks.iter().map(|track| track.lag_ms).max().unwrap_or_default()
    }

    fn decide(
        &mut self,
        plan: &Plan,
        moment: Timestamp,
        stop: Option<Timestamp>,
        told: &mut Vec<Transition>,
    ) {
        let begin = told.len();
        let is_over = |at: Timestamp| stop.is_some_and(|stop| at > stop);
        let mut touched = Vec::new();
        while let Some(entries) = self.waiting.first_entry().filter(|first| first.key().0 == moment)
        {
            let ((_, track), mut entries) = entries.remove_entry();
            if entries.len() > 1 {
                // New groups are taken in this order, whichever came first.
                entries.sort_by(|one, other| {
                    let hashes = one.series.stable_hash().cmp(&other.series.stable_hash());
                    hashes.then_with(|| one.series.cmp(&other.series))
                });
            }
            let lag_ms = self.tracks.get(track).map_or(0, |track| track.lag_ms);
            if !is_over(moment.minus(lag_ms)) {
                self.enter(track, moment, &entries, &mut touched);
            }
        }
        while let Some(&(_, alert, slot)) = self.agenda.first().filter(|first| first.0 == moment) {
            self.agenda.pop_first();
            let state = self.alerts.get_mut(alert).and_then(Option::as_mut);
            if let Some(state) = state
                && let Some(group) = state.groups.get_mut(slot)
            {
                group.wake = None;
                touched.push((alert, slot));
            }
        }
        while let Some(&(_, alert)) = self.endings.first().filter(|first| first.0 == moment) {
            self.endings.pop_first();
            let ends = self.alert(alert).and_then(|state| state.ends);
            if ends.is_some_and(|(at, _)| !is_over(at)) {
                self.end(plan, alert, told);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        for (alert, slot) in touched {
            let lag_ms = self.alert(alert).map_or(0, |state| state.rule.lag_ms);
            let at = moment.minus(lag_ms);
            if !is_over(at) {
                self.look(plan, (alert, slot), at, told);
            }
        }
        if let Some(new) = told.get_mut(begin..).filter(|new| new.len() > 1) {
            new.sort_by(|one, other| {
                one.alert.cmp(&other.alert).then_with(|| one.group.cmp(&other.group))
            });
        }
    }

    fn alert(&self, alert: usize) -> Option<&AlertState> {
        self.alerts.get(alert)?.as_ref()
    }

    /// Lets what waited enter the groups of each alert of its metric.
    fn enter(
        &mut self,
        track: usize,
        moment: Timestamp,
        entries: &[Entry],
        touched: &mut Vec<(usize, u32)>,
    ) {
        let Some(Track { lag_ms, alerts, .. }) = self.tracks.get(track) else { return };
        let at = moment.minus(*lag_ms);
        for &alert in alerts {
            let Some(state) = self.alerts.get_mut(alert).and_then(Option::as_mut) else { continue };
            for entry in entries {
                let hears = state.begins.is_none_or(|begins| entry.begins_at(at) >= begins)
                    && state.rule.hears(&entry.what);
                if !hears {
                    continue;
                }
                if let Entered::Group { slot, replaced } =
                    state.groups.enter(&state.rule, entry, at)
                {
                    if let Some(wake) = replaced {
                        self.agenda.remove(&(wake.plus(state.rule.lag_ms), alert, slot));
                    }
                    touched.push((alert, slot));
                }
            }
        }
    }

    /// Decides one alert for one group at an event time.
    fn look(
        &mut self,
        plan: &Plan,
        (alert, slot): (usize, u32),
        at: Timestamp,
        told: &mut Vec<Transition>,
    ) {
        let Some(state) = self.alerts.get_mut(alert).and_then(Option::as_mut) else { return };
        let Some(definition) = plan.alerts.get(alert) else { return };
        let Some(metric) = plan.metrics.get(definition.metric) else { return };
        let Some(group) = state.groups.get_mut(slot) else { return };
        let rule = &state.rule;
        let mut changes = Vec::new();
        if group.forgotten_at(rule).is_some_and(|moment| moment <= at) {
            group.ladder.end(Reason::GroupForgotten, &mut changes);
            tell(plan, rule, (alert, group), at, &changes, told);
            if let Some(wake) = group.wake {
                self.agenda.remove(&(wake.plus(rule.lag_ms), alert, slot));
            }
            state.groups.remove(slot);
            return;
        }
        let truth = group.truth(rule, definition.steps.len(), &metric.kind, at);
        group.ladder.advance(definition, at, &truth, &mut changes);
        tell(plan, rule, (alert, group), at, &changes, told);
        let change = group.next_change(rule, &truth, at);
        let timer = group.ladder.timer(definition, &truth);
        let next = change.into_iter().chain(timer).chain(group.forgotten_at(rule)).min();
        if let Some(next) = next.filter(|&next| next > at) {
            schedule(&mut self.agenda, rule, (alert, slot), group, next);
        }
    }

    /// Takes an alert off, with its groups.
    fn take_off(&mut self, alert: usize) -> Option<AlertState> {
        let state = self.alerts.get_mut(alert)?.take()?;
        for track in &mut self.tracks {
            track.alerts.retain(|&number| number != alert);
        }
        self.agenda.retain(|&(_, number, _)| number != alert);
        self.endings.retain(|&(_, number)| number != alert);
        Some(state)
    }

    /// Ends an alert: what fires resolves.
    fn end(&mut self, plan: &Plan, alert: usize, told: &mut Vec<Transition>) {
        let Some(mut state) = self.take_off(alert) else { return };
        let Some((at, reason)) = state.ends else { return };
        let slots: Vec<u32> = state.groups.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            let Some(group) = state.groups.get_mut(slot) else { continue };
            let mut changes = Vec::new();
            group.ladder.end(reason, &mut changes);
            tell(plan, &state.rule, (alert, group), at, &changes, told);
        }
    }
}

/// All reasons, in the order of their numbers in stored forms.
const REASONS: [Reason; 11] = [
    Reason::ConditionBegan,
    Reason::ConditionHolds,
    Reason::ConditionHeld,
    Reason::ConditionCannotFail,
    Reason::NoEvent,
    Reason::ResolveHolds,
    Reason::NothingHolds,
    Reason::GroupForgotten,
    Reason::GroupReplaced,
    Reason::AlertChanged,
    Reason::AlertRemoved,
];

/// Puts a group on the agenda, unless it is there for an earlier moment.
fn schedule(
    agenda: &mut BTreeSet<(Timestamp, usize, u32)>,
    rule: &Rule,
    (alert, slot): (usize, u32),
    group: &mut Group,
    next: Timestamp,
) {
    if group.wake.is_some_and(|wake| wake <= next) {
        return;
    }
    if let Some(wake) = group.wake.replace(next) {
        agenda.remove(&(wake.plus(rule.lag_ms), alert, slot));
    }
    agenda.insert((next.plus(rule.lag_ms), alert, slot));
}

/// Tells what changed, with the evidence of each step's condition, or of what ended the episode.
fn tell(
    plan: &Plan,
    rule: &Rule,
    (alert, group): (usize, &mut Group),
    at: Timestamp,
    changes: &[Change],
    told: &mut Vec<Transition>,
) {
    let Some(metric) = plan.metrics.get(rule.metric) else { return };
    for &Change { step, kind, reason, episode } in changes {
        let look = match reason {
            Reason::ResolveHolds => rule.looks.last(),
            _ => rule.looks.get(step),
        };
        let Some(look) = look else { continue };
        let evidence = group.evidence(rule, look, &metric.kind, at);
        let group = Arc::clone(&group.key);
        told.push(Transition { alert, step, group, kind, at, episode, reason, evidence });
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
