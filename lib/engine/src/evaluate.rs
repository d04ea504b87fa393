//! Which steps of which alerts fire, for whom and why: decided by the exact times of events.
//!
//! As an event meets it:
//!
//! 1. [`take`]: what a delta holds for alerts becomes an [`entry`] that waits ([`waiting`]) at its moment: the event's time, or for
//!    one that came behind the watermark its place. What became of a journey, and final windows, are told by the settle fold.
//! 2. [`rule`]: an alert, compiled: what a group keeps for it, and how its conditions look at that. All conditions of an alert
//!    are decided together; where one must wait for the allowed lateness (journeys) or for points (`over window`), all wait.
//! 3. [`groups`]: once the watermark is past a moment, what waits at it enters the groups of each alert of the metric, all of it
//!    before anything is decided. Many of them are looked for at a time ([`fetch`]), since they are in no cache.
//! 4. [`group`], with its [`part`]s: the [`times`] of events for small counts, 60 [`slices`] for everything else, the last final
//!    point, the open journeys. What leaves them does so by the moment itself.
//! 5. [`value`]: a condition compares the exact value.
//! 6. [`early`]: steps that asked for it are tested with what waits, before its moment has come.
//! 7. [`ladder`]: which conditions hold becomes which steps change, and why.
//! 8. [`evidence`]: what the condition of such a step saw.
//!
//! A group is looked at when something enters it, and at the next moment at which a condition could turn by itself: when so many
//! events have left that the comparison turns, when a slice begins to count or leaves, when no event came for long enough, when
//! `for` is over. Nothing else is touched, so groups in which nothing changes cost nothing; of those that may be forgotten, the
//! agenda holds one per alert.
//!
//! **Bounds.** An alert has as many groups as its metric's `max_series` (one without `by`). A group holds, for each kind of
//! happening its conditions count exactly, 10,000 times of 8 bytes and 20 ids, and as many times of late events and of
//! copies; 60 slices of each length, each an accumulator and 20 ids; one final point; and an id per open journey. What waits is what
//! came since the watermark.

mod change;
mod early;
mod entry;
mod evidence;
mod fetch;
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
mod waiting;

use crate::plan::{Metric, Plan};
use crate::time::Timestamp;
use crate::transition::{Reason, Transition};
pub(crate) use entry::WindowEntry;
use group::{Group, KNOWN_MS};
use groups::{Entered, Groups};
use ladder::{Change, Truth};
use rule::Rule;
use std::collections::BTreeSet;
use std::sync::Arc;
pub(crate) use stored::{read_transition, write_transition};
use waiting::{Waiting, Waits};

/// The alerts of a settle partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evaluator {
    /// By their place in the plan; none for those of another partition, and those that were handed over or have ended.
    alerts: Vec<Option<AlertState>>,
    /// Alerts of one metric that wait equally long share what waits.
    tracks: Vec<Track>,
    /// The alerts that have a step which is tested ahead of the watermark.
    early: Vec<usize>,
    /// The tracks of each metric of the plan.
    of_metric: Vec<Vec<usize>>,
    /// What waits.
    waiting: Waiting,
    /// Which group of which alert is looked at when.
    agenda: BTreeSet<(Timestamp, usize, u32)>,
    /// When a group of an alert may be forgotten: one entry of each alert with groups.
    forgetting: BTreeSet<(Timestamp, usize)>,
    /// When alerts end.
    endings: BTreeSet<(Timestamp, usize)>,
    /// Since when alerts without groups count: the first event of any kind, or what was said.
    origin: Option<Timestamp>,
    /// It was said; events do not move it.
    is_origin_said: bool,
    /// The groups that are looked at, while a moment is decided.
    touched: Vec<(usize, u32)>,
    /// The groups that are fetched.
    found: Vec<(usize, u32)>,
    /// What holds for the one that is looked at.
    truth: Truth,
}

/// An alert with its groups.
#[derive(Clone, Debug)]
struct AlertState {
    rule: Rule,
    groups: Groups,
    /// The steps that are tested ahead of the watermark.
    early: Vec<usize>,
    /// The watermark after which a group may be forgotten.
    forgets: Option<Timestamp>,
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
                AlertState {
                    rule,
                    groups: Groups::default(),
                    early,
                    forgets: None,
                    begins: None,
                    ends: None,
                }
            });
            if let Some(state) = &state {
                evaluator.early.extend((!state.early.is_empty()).then_some(place));
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
        self.waiting.first().into_iter().chain(self.next_of_itself()).min()
    }

    /// The earliest moment at which something is decided though nothing enters.
    fn next_of_itself(&self) -> Option<Timestamp> {
        let agenda = self.agenda.first().map(|&(moment, ..)| moment);
        let forgetting = self.forgetting.first().map(|&(moment, _)| moment);
        let ending = self.endings.first().map(|&(moment, _)| moment);
        agenda.into_iter().chain(forgetting).chain(ending).min()
    }

    /// Decides what is left up to `end`, moment by moment. Once the input has ended, nothing is decided that is about a time after
    /// `stop`.
    pub(crate) fn decide_until(
        &mut self,
        plan: &Plan,
        end: Timestamp,
        stop: Option<Timestamp>,
        told: &mut Vec<Transition>,
    ) {
        let ready = self.waiting.take_until(end);
        let (mut entered, mut fetched) = (0, 0);
        loop {
            let rest = ready.get(entered..).unwrap_or_default();
            let next = rest.first().map(|waits| waits.moment);
            let next = next.into_iter().chain(self.next_of_itself()).min();
            let Some(moment) = next.filter(|&moment| moment <= end) else { break };
            let now = rest.iter().take_while(|waits| waits.moment <= moment).count();
            if entered + now > fetched {
                let until = ready.len().min(entered + now.max(fetch::TOGETHER));
                self.fetch(ready.get(fetched..until).unwrap_or_default());
                fetched = until;
            }
            self.decide(plan, moment, rest.get(..now).unwrap_or_default(), stop, told);
            entered += now;
        }
    }

    /// The longest that any alert waits behind the watermark.
    pub(crate) fn lag_ms(&self) -> i64 {
        self.tracks.iter().map(|track| track.lag_ms).max().unwrap_or_default()
    }

    fn decide(
        &mut self,
        plan: &Plan,
        moment: Timestamp,
        entering: &[Waits],
        stop: Option<Timestamp>,
        told: &mut Vec<Transition>,
    ) {
        let begin = told.len();
        let is_over = |at: Timestamp| stop.is_some_and(|stop| at > stop);
        let mut touched = std::mem::take(&mut self.touched);
        for of_track in entering.chunk_by(|one, next| one.track == next.track) {
            let Some(track) = of_track.first().and_then(|first| self.tracks.get(first.track))
            else {
                continue;
            };
            if !is_over(moment.minus(track.lag_ms)) {
                self.enter(of_track, moment, &mut touched);
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
        while let Some(&(_, alert)) = self.forgetting.first().filter(|first| first.0 == moment) {
            self.forgetting.pop_first();
            let Some(state) = self.alerts.get_mut(alert).and_then(Option::as_mut) else { continue };
            state.forgets = None;
            let at = moment.minus(state.rule.lag_ms);
            state.groups.forgotten(at, |slot| touched.push((alert, slot)));
            state.forget_later(alert, &mut self.forgetting);
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
        for (alert, slot) in touched.drain(..) {
            let lag_ms = self.alert(alert).map_or(0, |state| state.rule.lag_ms);
            let at = moment.minus(lag_ms);
            if !is_over(at) {
                self.look(plan, (alert, slot), at, told);
            }
        }
        self.touched = touched;
        if let Some(new) = told.get_mut(begin..).filter(|new| new.len() > 1) {
            new.sort_by(|one, other| {
                one.alert.cmp(&other.alert).then_with(|| one.group.cmp(&other.group))
            });
        }
    }

    fn alert(&self, alert: usize) -> Option<&AlertState> {
        self.alerts.get(alert)?.as_ref()
    }

    /// Lets what waited on one track enter the groups of each alert of its metric.
    fn enter(&mut self, of_track: &[Waits], moment: Timestamp, touched: &mut Vec<(usize, u32)>) {
        let track = of_track.first().and_then(|first| self.tracks.get(first.track));
        let Some(Track { lag_ms, alerts, .. }) = track else { return };
        let at = moment.minus(*lag_ms);
        for &alert in alerts {
            let Some(state) = self.alerts.get_mut(alert).and_then(Option::as_mut) else { continue };
            for Waits { entry, .. } in of_track {
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
            state.forget_later(alert, &mut self.forgetting);
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
            group.end(Reason::GroupForgotten, &mut changes);
            tell(plan, rule, (alert, group), at, &changes, told);
            if let Some(wake) = group.wake {
                self.agenda.remove(&(wake.plus(rule.lag_ms), alert, slot));
            }
            state.groups.remove(slot);
            return;
        }
        let truth = &mut self.truth;
        group.truth(rule, &metric.kind, at, truth);
        group.advance(definition, at, truth, &mut changes);
        tell(plan, rule, (alert, group), at, &changes, told);
        let change = group.next_change(rule, truth, at);
        let timer = group.ladder().timer(definition, truth);
        let next = change.into_iter().chain(timer).min();
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
        self.forgetting.retain(|&(_, number)| number != alert);
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
            group.end(reason, &mut changes);
            tell(plan, &state.rule, (alert, group), at, &changes, told);
        }
    }
}

impl AlertState {
    /// Puts on the agenda when the group that was seen longest ago may be forgotten, unless it is there for an earlier moment.
    fn forget_later(&mut self, alert: usize, forgetting: &mut BTreeSet<(Timestamp, usize)>) {
        let Some(seen) = self.groups.oldest_seen().filter(|_| !self.rule.is_single) else { return };
        let next = seen.plus(KNOWN_MS).plus(self.rule.lag_ms);
        if self.forgets.is_some_and(|forgets| forgets <= next) {
            return;
        }
        if let Some(forgets) = self.forgets.replace(next) {
            forgetting.remove(&(forgets, alert));
        }
        forgetting.insert((next, alert));
    }
}

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
