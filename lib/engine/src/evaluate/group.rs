//! One group of one alert: what it keeps, and which conditions hold for it at a moment.

mod enter;

use super::entry::Entry;
use super::ladder::{Change, Ladder, Truth};
use super::part::{Part, Parts};
use super::rule::{Look, Of, PartKind, Rule};
use super::slices::last_end;
use super::value::{Value, volume};
use crate::accumulate::Accumulator;
use crate::alert::{Alert, Comparison, slice_end};
use crate::plan::MetricKind;
use crate::series::SeriesKey;
use crate::time::{DAY_MS, Millis, Timestamp};
use crate::transition::Reason;
use std::sync::Arc;

/// How long a group is known without being seen.
pub(super) const KNOWN_MS: Millis = 7 * DAY_MS;

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub(super) key: Arc<SeriesKey>,
    pub(super) known_since: Timestamp,
    /// The time of its last event.
    pub(super) latest: Timestamp,
    /// When it was last seen: its last event, or the end of a journey's time.
    pub(super) seen: Timestamp,
    /// When it is looked at next though nothing of it comes.
    pub(super) wake: Option<Timestamp>,
    pub(super) parts: Parts,
    /// Only while anything is to be said of a step: most groups are at rest.
    pub(super) ladder: Option<Box<Ladder>>,
}

static AT_REST: Ladder = Ladder::at_rest();

impl Group {
    /// A group that is known from a moment on, by something that was seen.
    pub(super) fn new(rule: &Rule, key: Arc<SeriesKey>, at: Timestamp, seen: Timestamp) -> Self {
        Self {
            key,
            known_since: at,
            latest: seen,
            seen,
            wake: None,
            parts: rule.parts.iter().map(|&kind| Part::new(kind)).collect(),
            ladder: None,
        }
    }

    /// The moment from which on it is not known any more.
    pub(super) fn forgotten_at(&self, rule: &Rule) -> Option<Timestamp> {
        (!rule.is_single).then(|| self.seen.plus(KNOWN_MS))
    }

    /// Takes in what enters at a moment.
    pub(super) fn enter(&mut self, rule: &Rule, entry: &Entry, at: Timestamp) {
        // One that was told of ahead of the watermark is known since its first event.
        self.known_since = self.known_since.min(at);
        self.latest = self.latest.max(entry.event_at(at).unwrap_or(self.latest));
        self.seen = self.seen.max(entry.seen_at(at).unwrap_or(self.seen));
        for (part, &kind) in self.parts.iter_mut().zip(&rule.parts) {
            part.enter(kind, &entry.what, at);
        }
    }

    /// How far its steps are.
    pub(super) fn ladder(&self) -> &Ladder {
        self.ladder.as_deref().unwrap_or(&AT_REST)
    }

    pub(super) fn set_ladder(&mut self, ladder: Ladder) {
        self.ladder = (ladder != AT_REST).then(|| Box::new(ladder));
    }

    /// Its steps go on to a moment at which these conditions hold.
    pub(super) fn advance(
        &mut self,
        alert: &Alert,
        at: Timestamp,
        truth: &Truth,
        changes: &mut Vec<Change>,
    ) {
        if self.ladder.is_some() || truth.steps.contains(&true) {
            self.ladder.get_or_insert_default().advance(alert, at, truth, changes);
            self.ladder.take_if(|ladder| **ladder == AT_REST);
        }
    }

    /// Ends its episode, if one runs.
    pub(super) fn end(&mut self, reason: Reason, changes: &mut Vec<Change>) {
        if let Some(ladder) = &mut self.ladder {
            ladder.end(reason, changes);
        }
    }

    /// Which conditions hold at a moment.
    pub(super) fn truth(
        &mut self,
        rule: &Rule,
        kind: &MetricKind,
        at: Timestamp,
        truth: &mut Truth,
    ) {
        truth.steps.clear();
        truth.events.clear();
        for look in &rule.looks {
            let (holds, events) = self.holds(rule, look, kind, at);
            truth.steps.push(holds);
            truth.events.push(events);
        }
        truth.resolve = truth.steps.get(rule.steps).copied();
        truth.steps.truncate(rule.steps);
    }

    /// Whether a condition holds, and how many events it has seen.
    fn holds(
        &mut self,
        rule: &Rule,
        look: &Look,
        kind: &MetricKind,
        at: Timestamp,
    ) -> (bool, Option<u64>) {
        let Some((comparison, threshold)) = look.test else {
            return (self.latest.plus(look.length_ms) <= at, None);
        };
        if self.decided_from(rule, look).is_some_and(|from| from > at) {
            return (false, None);
        }
        let Reading { value, volume, events } = self.reading(rule, look, kind, at);
        let is_enough =
            look.volume_min.is_none_or(|least| volume.is_none_or(|volume| volume >= least));
        let holds = is_enough && value.is_some_and(|value| value.compares(comparison, threshold));
        (holds, Some(events))
    }

    /// The first moment at which a condition is decided, where it must wait.
    fn decided_from(&self, rule: &Rule, look: &Look) -> Option<Timestamp> {
        let from = look.decided_from(self.known_since)?;
        let part = look.part.and_then(|part| Some((self.parts.get(part)?, rule.parts.get(part)?)));
        Some(match part {
            Some((_, &PartKind::Slices { slice_ms, .. })) => slice_end(from, slice_ms),
            Some((Part::Window(Some(point)), _)) => {
                // A window is whole only if the group was known when it began; another one must come then.
                let is_whole = self.known_since <= point.span.start;
                if is_whole { from } else { Timestamp::from_millis(Millis::MAX) }
            }
            _ => from,
        })
    }

    /// What a condition looks at.
    pub(super) fn reading(
        &mut self,
        rule: &Rule,
        look: &Look,
        kind: &MetricKind,
        at: Timestamp,
    ) -> Reading {
        let from = at.minus(look.length_ms);
        let volume_of = |parts: &[Part]| match look.volume.and_then(|place| parts.get(place)) {
            Some(Part::Exact(exact)) => Some(exact.times.count(from, at)),
            _ => None,
        };
        let other_volume = volume_of(&self.parts);
        let Some(place) = look.part else { return Reading::default() };
        match (self.parts.get_mut(place), rule.parts.get(place)) {
            (Some(Part::Exact(exact)), _) => {
                let events = exact.times.count(from, at);
                Reading { value: Some(Value::count(events)), volume: other_volume, events }
            }
            (Some(Part::Slices(slices)), Some(&PartKind::Slices { of, slice_ms })) => {
                let until = last_end(at, slice_ms);
                let empty = empty_of(of, kind);
                let sum = slices.sum(until, slice_ms).unwrap_or(&empty);
                let (value, volume) = (Value::of(sum, look.aggregate), volume(sum));
                let events = slices.covered(until).map(|slice| slice.events).sum();
                Reading { value, volume, events }
            }
            (Some(Part::Window(Some(point))), _) => Reading {
                value: Value::of(&point.accumulator, look.aggregate),
                volume: volume(&point.accumulator),
                events: point.events,
            },
            (Some(Part::Open(open)), _) => {
                let events = crate::place::events(open.len());
                Reading { value: Some(Value::count(events)), volume: None, events }
            }
            _ => Reading::default(),
        }
    }

    /// The next moment after this one at which a condition may be another though nothing enters.
    pub(super) fn next_change(
        &self,
        rule: &Rule,
        truth: &Truth,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let steps = truth.steps.len();
        // Nobody asks for what ends an episode, or holds a step back, while no step holds.
        let is_quiet = self.ladder().is_at_rest();
        let looks =
            rule.looks.iter().enumerate().filter(|&(number, _)| number < steps || !is_quiet);
        looks
            .filter_map(|(number, look)| {
                let holds = truth.steps.get(number).copied().or(truth.resolve).unwrap_or(false);
                let events = truth.events.get(number).copied().flatten();
                let changes = self.look_changes(rule, look, (holds, events), at);
                let decided = self.decided_from(rule, look).filter(|&from| from > at);
                changes.into_iter().chain(decided.filter(|_| look.length_ms > 0)).min()
            })
            .min()
    }

    fn look_changes(
        &self,
        rule: &Rule,
        look: &Look,
        (holds, events): (bool, Option<u64>),
        at: Timestamp,
    ) -> Option<Timestamp> {
        let Some((comparison, threshold)) = look.test else {
            return Some(self.latest.plus(look.length_ms)).filter(|&moment| moment > at);
        };
        let place = look.part?;
        match (self.parts.get(place)?, rule.parts.get(place)?) {
            (Part::Exact(exact), _) => {
                let count = || exact.times.count(at.minus(look.length_ms), at);
                let fewer = turns_at(events.unwrap_or_else(count), holds, comparison, threshold);
                let leaves = fewer.and_then(|fewer| exact.times.nth_newest(fewer));
                let by_count = leaves.map(|time| time.plus(look.length_ms));
                let volume = self.volume_changes(look, at);
                by_count.into_iter().chain(volume).min()
            }
            (Part::Slices(slices), &PartKind::Slices { slice_ms, .. }) => {
                slices.next_change(at, slice_ms)
            }
            _ => None,
        }
    }

    /// When the volume that a condition asks for shrinks next.
    fn volume_changes(&self, look: &Look, at: Timestamp) -> Option<Timestamp> {
        let Some(Part::Exact(exact)) = look.volume.and_then(|place| self.parts.get(place)) else {
            return None;
        };
        let now = exact.times.count(at.minus(look.length_ms), at);
        let newer = usize::try_from(now).ok()?.checked_sub(1)?;
        Some(exact.times.nth_newest(newer)?.plus(look.length_ms))
    }
}

/// A count falls as events leave: so many are left when the comparison turns from what it says now; none if it never does.
fn turns_at(
    now: u64,
    holds: bool,
    comparison: Comparison,
    threshold: crate::decimal::Decimal,
) -> Option<usize> {
    let says = |count: u64| Value::count(count).compares(comparison, threshold);
    // It is not decided yet, or held down by its volume: then every change counts.
    if says(now) != holds {
        return usize::try_from(now).ok()?.checked_sub(1);
    }
    let (mut low, mut high) = (0, now);
    match comparison {
        // It may turn and turn back.
        Comparison::Equal | Comparison::NotEqual => {
            return usize::try_from(now).ok()?.checked_sub(1);
        }
        _ if says(0) == holds => return None,
        _ => {}
    }
    // The largest count below that says otherwise.
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if says(middle) == holds { high = middle } else { low = middle }
    }
    usize::try_from(low).ok()
}

/// What a condition sees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) value: Option<Value>,
    pub(super) volume: Option<u64>,
    pub(super) events: u64,
}

/// What no slices add up to.
fn empty_of(of: Of, kind: &MetricKind) -> Accumulator {
    match of {
        Of::Events => Accumulator::new(kind),
        Of::Decided => Accumulator::Ratio { part: 0, whole: 0 },
        Of::Started | Of::Finished | Of::Abandoned => Accumulator::Count(0),
    }
}
