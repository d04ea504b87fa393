//! A naive model for tests: it keeps all events and asks, at every millisecond, what each condition says by its definition.

use super::value::{Value, volume};
use crate::accumulate::{Accumulator, Contribution};
use crate::aggregate::samples::{Sample, contribution, id_of, spread, value_of};
use crate::alert::{Aggregate, Alert, Comparison, Condition, Over, SLICES, is_exact};
use crate::decimal::Decimal;
use crate::newest::{NamedEvent, Newest};
use crate::plan::{MetricKind, Plan};
use crate::time::{Millis, Timestamp};
use crate::transition::{Reason, Transition, TransitionKind};
use std::collections::{BTreeMap, BTreeSet};

/// What is compared: alert, group, time, step, what and why, episode, value, events, ids.
pub(crate) type Line =
    (usize, String, i64, usize, TransitionKind, Reason, i64, Option<Decimal>, u64, Vec<String>);

pub(crate) fn line(plan: &Plan, told: &Transition) -> Line {
    let alert = &plan.alerts[told.alert];
    assert_eq!(told.group.values().count(), alert.by.len());
    let group: Vec<_> = told.group.values().collect();
    let evidence = &told.evidence;
    let ids = evidence.ids.iter().map(|id| String::from(&**id)).collect();
    (
        told.alert,
        group.join(","),
        told.at.as_millis(),
        told.step,
        told.kind,
        told.reason,
        told.episode.as_millis(),
        evidence.value,
        evidence.events,
        ids,
    )
}

/// Something that a metric counts at a time.
#[derive(Clone)]
struct Thing {
    at: i64,
    group: String,
    event: NamedEvent,
    contribution: Contribution,
}

/// Everything that one alert can look at.
struct World<'p> {
    plan: &'p Plan,
    alert: &'p Alert,
    kind: &'p MetricKind,
    events: Vec<Thing>,
    started: Vec<Thing>,
    finished: Vec<Thing>,
    /// Journeys at the end of their time; the contribution's part says whether they were abandoned.
    decided: Vec<Thing>,
    /// Starts of journeys, each with its end.
    open: Vec<(Thing, i64)>,
    origin: i64,
    /// Where the input ends.
    stop: i64,
}

/// All transitions up to `stop`, by alert, group and time.
pub(crate) fn transitions(plan: &Plan, samples: &[Sample], stop: i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for (place, alert) in plan.alerts.iter().enumerate() {
        let world = World::new(plan, alert, samples, stop);
        let of_events = world.events.iter().chain(&world.decided).map(|thing| thing.group.clone());
        let mut groups: BTreeSet<String> = of_events.collect();
        if alert.by.is_empty() {
            groups.insert(String::new());
        }
        for group in groups {
            world.climb(place, &group, stop, &mut lines);
        }
    }
    lines.sort();
    lines
}

impl<'p> World<'p> {
    fn new(plan: &'p Plan, alert: &'p Alert, samples: &[Sample], stop: i64) -> Self {
        let metric = &plan.metrics[alert.metric];
        let mut sorted: Vec<_> = samples.iter().collect();
        sorted.sort_by_key(|sample| sample.time);
        let origin = sorted.first().map_or(0, |sample| sample.time);
        let mut world = Self {
            plan,
            alert,
            kind: &metric.kind,
            origin,
            stop,
            events: Vec::new(),
            started: Vec::new(),
            finished: Vec::new(),
            decided: Vec::new(),
            open: Vec::new(),
        };
        let takes = sorted.iter().filter(|sample| sample.metrics & (1 << alert.metric) != 0);
        for sample in takes {
            let Some(contribution) = contribution(&metric.kind, sample) else { continue };
            let group: Vec<_> =
                alert.by.iter().map(|&place| value_of(&metric.dimensions[place], sample)).collect();
            let identity = spread(sample.identity);
            let time = Timestamp::from_millis(sample.time);
            let event = NamedEvent { time, identity, id: id_of(identity).into() };
            world.events.push(Thing {
                at: sample.time,
                group: group.join(","),
                event,
                contribution,
            });
        }
        if let MetricKind::Journey { within, .. } = metric.kind {
            world.travel(within);
        }
        world
    }

    /// What becomes of journeys: steps in their order, each looked up in a list of what is open.
    fn travel(&mut self, within: Millis) {
        let rank = |thing: &Thing| match thing.contribution {
            Contribution::Step { start, finish, .. } => u8::from(finish) + u8::from(!start),
            _ => unreachable!("a journey has steps only"),
        };
        let mut steps = self.events.clone();
        steps.sort_by_key(|thing| (thing.at, rank(thing), thing.event.identity));
        let mut open: BTreeMap<u64, Thing> = BTreeMap::new();
        for step in steps {
            let Contribution::Step { key, start, finish } = step.contribution else { continue };
            if let Some(late) = open.get(&key)
                && late.at + within < step.at
            {
                let begun = open.remove(&key).unwrap();
                self.decide(begun, None, within);
            }
            match open.remove(&key) {
                Some(begun) if finish => self.decide(begun, Some(step), within),
                Some(begun) => {
                    open.insert(key, begun);
                }
                None if start => {
                    self.started.push(step.clone());
                    open.insert(key, step);
                }
                None => {}
            }
        }
        for begun in open.into_values() {
            self.decide(begun, None, within);
        }
        // A finish has no dimensions: it is an event of the alert that asks for none.
        let is_single = self.alert.by.is_empty();
        self.events.retain(|thing| {
            is_single || matches!(thing.contribution, Contribution::Step { start: true, .. })
        });
        self.events.extend(self.finished.iter().cloned());
    }

    fn decide(&mut self, begun: Thing, finish: Option<Thing>, within: Millis) {
        let over = begun.at + within;
        let contribution = Contribution::Share { part: finish.is_none(), whole: true };
        let ends = finish.as_ref().map_or(over, |finish| finish.at);
        if let Some(finish) = finish {
            self.finished.push(Thing { group: begun.group.clone(), ..finish });
        }
        self.open.push((begun.clone(), ends));
        self.decided.push(Thing { at: over, contribution, ..begun });
    }

    fn known_since(&self, group: &str) -> Option<i64> {
        if self.alert.by.is_empty() {
            return Some(self.origin);
        }
        let first = |things: &[Thing]| {
            things.iter().filter(|thing| thing.group == group).map(|thing| thing.at).min()
        };
        if matches!(self.kind, MetricKind::Journey { .. }) {
            return first(&self.events).into_iter().chain(first(&self.decided)).min();
        }
        // What is heard in slices or by points is known when these are.
        let first = first(&self.events)?;
        self.alert
            .conditions()
            .map(|condition| match condition {
                Condition::Threshold { over: Over::Window, .. } => self.window(first).1,
                Condition::Absent { .. } | Condition::Threshold { over: Over::Moment, .. } => first,
                Condition::Threshold {
                    over: Over::Sliding(length), aggregate, threshold, ..
                } => {
                    if is_exact(self.kind, *aggregate, *threshold) {
                        first
                    } else {
                        up(first, length / SLICES)
                    }
                }
            })
            .min()
    }

    fn window(&self, at: i64) -> (i64, i64) {
        let metric = &self.plan.metrics[self.alert.metric];
        let span = self.plan.calendar.window(metric.window, Timestamp::from_millis(at));
        (span.start.as_millis(), span.end.as_millis())
    }

    /// Whether a condition holds at a moment, and its value, events and ids.
    fn look(
        &self,
        condition: &Condition,
        is_step: bool,
        group: &str,
        at: i64,
    ) -> (bool, Option<Decimal>, u64, Vec<String>) {
        let nothing = (false, None, 0, Vec::new());
        let Some(known_since) = self.known_since(group).filter(|&since| since <= at) else {
            return nothing;
        };
        let (aggregate, over, comparison, threshold) = match *condition {
            Condition::Absent { length } => {
                let mut events = self.events.iter().filter(|thing| thing.group == group);
                let quiet = events.all(|thing| thing.at <= at - length || thing.at > at);
                return (quiet && at - length >= known_since, None, 0, Vec::new());
            }
            Condition::Threshold { aggregate, over, comparison, threshold } => {
                (aggregate, over, comparison, threshold)
            }
        };
        let Some((covered, from)) = self.covered(aggregate, over, threshold, (group, at)) else {
            return nothing;
        };
        let is_counted = |thing: &&Thing| {
            aggregate != Aggregate::Abandoned
                || over == Over::Window
                || matches!(thing.contribution, Contribution::Share { part: true, .. })
        };
        let counts: Vec<_> = covered.iter().filter(is_counted).collect();
        let sum = self.add_up(aggregate, over, &covered);
        let value = Value::of(&sum, aggregate);
        // All journeys of a final window are decided, whichever of them are asked for.
        let whole = match (over, self.kind) {
            (Over::Window, MetricKind::Journey { .. }) => covered.len().try_into().ok(),
            _ => volume(&sum),
        };
        let least = self.alert.min_volume;
        let enough = least.is_none_or(|least| whole.is_none_or(|whole: u64| whole >= least));
        let waits = is_step && !matches!(comparison, Comparison::AtLeast | Comparison::Above);
        let decided = match over {
            Over::Window => from + 1 >= known_since,
            Over::Moment => true,
            Over::Sliding(_) => from >= known_since,
        };
        let holds = enough
            && (!waits || decided)
            && value.is_some_and(|value| value.compares(comparison, threshold));
        let mut newest = Newest::default();
        for thing in &counts {
            newest
                .add(NamedEvent { time: Timestamp::from_millis(thing.at), ..thing.event.clone() });
        }
        let ids = newest.events().iter().map(|event| event.id.to_string()).collect();
        (holds, value.map(Value::rounded), counts.len().try_into().unwrap(), ids)
    }

    /// What a rollup covers of a group at a moment, and after which time that begins.
    fn covered(
        &self,
        aggregate: Aggregate,
        over: Over,
        threshold: Decimal,
        (group, at): (&str, i64),
    ) -> Option<(Vec<Thing>, i64)> {
        let of_group = |things: &[Thing]| {
            things.iter().filter(|thing| thing.group == group).cloned().collect::<Vec<_>>()
        };
        let (things, from, until) = match over {
            Over::Moment => {
                let open = self.open.iter().filter(|(begun, ends)| begun.at <= at && at < *ends);
                let things = open
                    .map(|(begun, _)| begun.clone())
                    .filter(|thing| thing.group == group)
                    .collect();
                (things, i64::MIN, at)
            }
            Over::Window => {
                let things = match self.kind {
                    MetricKind::Journey { .. } => {
                        let starts = of_group(&self.decided).into_iter();
                        starts
                            .map(|thing| Thing { at: thing.event.time.as_millis(), ..thing })
                            .collect()
                    }
                    _ => of_group(&self.events),
                };
                let within = self.plan.metrics[self.alert.metric].within();
                let is_final = |&(_, end): &(i64, i64)| end <= at && end + within <= self.stop;
                let ended = things.iter().map(|thing| self.window(thing.at)).filter(is_final);
                let (start, end) = ended.max()?;
                (things, start - 1, end - 1)
            }
            Over::Sliding(length) => {
                let things = match aggregate {
                    Aggregate::Started => of_group(&self.started),
                    Aggregate::Finished => of_group(&self.finished),
                    _ if matches!(self.kind, MetricKind::Journey { .. }) => of_group(&self.decided),
                    _ => of_group(&self.events),
                };
                let is_journey_count = matches!(
                    aggregate,
                    Aggregate::Started | Aggregate::Finished | Aggregate::Abandoned
                );
                let exact = is_exact(self.kind, aggregate, threshold)
                    || is_journey_count && threshold <= Decimal::from_u64(1_000).unwrap();
                let until = if exact { at } else { down(at, length / SLICES) };
                (things, until - length, until)
            }
        };
        let is_covered = |thing: &Thing| from < thing.at && thing.at <= until;
        Some((things.into_iter().filter(is_covered).collect(), from))
    }

    fn add_up(&self, aggregate: Aggregate, over: Over, things: &[Thing]) -> Accumulator {
        if over == Over::Moment {
            return Accumulator::Count(things.len().try_into().unwrap());
        }
        let is_journey = matches!(self.kind, MetricKind::Journey { .. });
        let mut sum = match aggregate {
            Aggregate::Started | Aggregate::Finished if over != Over::Window => {
                return Accumulator::Count(things.len().try_into().unwrap());
            }
            _ if is_journey => Accumulator::Ratio { part: 0, whole: 0 },
            _ => Accumulator::new(self.kind),
        };
        for thing in things {
            sum.add(thing.contribution);
        }
        match (sum, aggregate) {
            (Accumulator::Ratio { whole, .. }, Aggregate::Started) if is_journey => {
                Accumulator::Count(whole)
            }
            (Accumulator::Ratio { part, whole }, Aggregate::Finished) if is_journey => {
                Accumulator::Count(whole - part)
            }
            (sum, _) => sum,
        }
    }

    /// Walks through every millisecond.
    fn climb(&self, place: usize, group: &str, stop: i64, lines: &mut Vec<Line>) {
        let steps = &self.alert.steps;
        let mut truths: Vec<Vec<bool>> = Vec::new();
        let mut ends = Vec::new();
        // Since when everything is as if nothing had been.
        let mut afresh = self.origin;
        let (mut episode, mut fired, mut pending) =
            (None, vec![false; steps.len()], vec![false; steps.len()]);
        let index = |at: i64| usize::try_from(at - self.origin).unwrap();
        for at in self.origin..=stop {
            let look = |condition: &Condition, is_step| self.look(condition, is_step, group, at);
            let holds: Vec<bool> = steps.iter().map(|step| look(&step.when, true).0).collect();
            let resolve = self.alert.resolve.as_ref().map(|condition| look(condition, false).0);
            ends.push(resolve.unwrap_or(!holds.contains(&true)));
            truths.push(holds.clone());
            let mut tell = |step: usize, kind, reason, began| {
                let condition = if reason == Reason::ResolveHolds {
                    self.alert.resolve.as_ref().unwrap()
                } else {
                    &steps[step].when
                };
                let (_, value, events, ids) = look(condition, true);
                lines.push((
                    place,
                    group.to_owned(),
                    at,
                    step,
                    kind,
                    reason,
                    began,
                    value,
                    events,
                    ids,
                ));
            };
            if let Some(began) = episode {
                let keep_from = at - self.alert.keep_firing_for;
                if keep_from > began && ends[index(keep_from)..].iter().all(|&ended| ended) {
                    let reason =
                        if resolve.is_some() { Reason::ResolveHolds } else { Reason::NothingHolds };
                    for step in (0..steps.len()).filter(|&step| fired[step]) {
                        tell(step, TransitionKind::Resolved, reason, began);
                    }
                    (episode, afresh) = (None, at);
                    fired.fill(false);
                    pending.fill(false);
                }
            }
            for step in 0..steps.len() {
                pending[step] &= holds[step];
                if !holds[step] || fired[step] || resolve == Some(true) {
                    continue;
                }
                let hold = steps[step].hold;
                let since = at - hold;
                let held =
                    since >= afresh && truths[index(since)..].iter().all(|truth| truth[step]);
                if held {
                    let began = *episode.get_or_insert(at);
                    let reason = firing_reason(hold, &steps[step].when);
                    fired[step] = true;
                    tell(step, TransitionKind::Firing, reason, began);
                } else if !pending[step] {
                    pending[step] = true;
                    tell(step, TransitionKind::Pending, Reason::ConditionBegan, at);
                }
            }
        }
    }
}

fn firing_reason(hold: Millis, when: &Condition) -> Reason {
    match when {
        _ if hold > 0 => Reason::ConditionHeld,
        Condition::Absent { .. } => Reason::NoEvent,
        Condition::Threshold { .. } => Reason::ConditionHolds,
    }
}

fn up(at: i64, length: i64) -> i64 {
    (at + length - 1).div_euclid(length) * length
}

fn down(at: i64, length: i64) -> i64 {
    at.div_euclid(length) * length
}
