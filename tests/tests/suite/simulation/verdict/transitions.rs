//! The transitions in the settle logs against those that `replay` tells of the same events.
//!
//! They are the same to the last id of their evidence, with what the design lets differ:
//!
//! - *Overdue*: an event behind the watermark enters at its place, and that depends on when settles came. Where clocks that differ can make
//!   events overdue by less than the allowed lateness, alerts that wait for that are compared and others are not; where shards are not
//!   waited for, none is.
//! - `early`: the time of a firing depends on arrival. Its episode still holds the moment at which `replay` says that the condition holds.
//! - *At once or gathered* is the clock's to decide, and so is what waits for `max_age`.
//! - *Copies*: one that comes after its moment was decided is no part of that evidence.
//! - *A change of the rules*: what an alert sees that is changed or new are the events from the change on, so that its `replay` is one of these.
//!
//! And whatever the faults are: of each step and group, firing and resolved take turns, and what has begun has ended.

use super::super::driver::Run;
use super::super::told::ToldTransition;
use super::super::workload::{Shape, Workload};
use super::Replayed;
use std::collections::BTreeMap;
use streamgauge_engine::alert::{Alert, Condition, Over, SLICES, is_exact, slice_end};
use streamgauge_engine::notify::{Verdict, Why};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_engine::transition::{Evidence, Reason, Transition, TransitionKind};

/// How long after the input transitions are compared: all that alerts look at has left them by then.
const COMPARED_MS: i64 = 10 * MINUTE_MS;

/// A transition as both sides have it.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    at: Timestamp,
    group: Vec<String>,
    step: usize,
    kind: TransitionKind,
    episode: Timestamp,
    reason: Reason,
    /// Per channel, what it gets.
    channels: Vec<(String, &'static str)>,
    evidence: Evidence,
}

impl Line {
    fn of(transition: &Transition, verdict: &Verdict, is_aged: bool) -> Self {
        let Transition { step, kind, at, episode, reason, .. } = *transition;
        let is_cut = matches!(reason, Reason::AlertChanged | Reason::AlertRemoved);
        let channels = verdict.channels.iter().map(|(name, why)| (name.to_string(), gets(*why)));
        let evidence = if is_cut {
            Evidence::default()
        } else {
            Evidence { duplicates: 0, ..transition.evidence.clone() }
        };
        Self {
            at,
            group: transition.group.values().map(str::to_owned).collect(),
            step,
            kind,
            episode,
            reason,
            channels: if is_cut || is_aged { Vec::new() } else { channels.collect() },
            evidence,
        }
    }
}

/// What a channel gets, whatever the clock made of it.
const fn gets(why: Why) -> &'static str {
    match why {
        Why::AtOnce | Why::Gathered => "it fires",
        other => other.as_str(),
    }
}

/// A part of a run in which an alert has one definition.
struct Life<'w> {
    name: &'w str,
    /// The rules that define it.
    rules: usize,
    begins: Option<Timestamp>,
    ends: Option<(Timestamp, Reason)>,
}

/// Where transitions differ, if they do.
pub(super) fn compare(
    workload: &Workload,
    run: &Run,
    replayed: [&Replayed; 2],
) -> Result<(), String> {
    for told in of_steps(run).values() {
        take_turns(told)?;
    }
    if workload.shape == Shape::Held {
        return Ok(());
    }
    let until = workload.end.plus(COMPARED_MS);
    let mut expected: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for life in lives(workload, run) {
        expected.entry(life.name).or_default().extend(life.lines(workload, replayed));
    }
    let mut seen: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for ToldTransition { alert, transition, verdict, .. } in &run.told.transitions {
        let is_aged = is_aged(find(workload, &alert.name).1);
        let line = Line::of(transition, verdict, is_aged);
        seen.entry(&alert.name).or_default().push(line);
    }
    let names: std::collections::BTreeSet<&str> =
        expected.keys().chain(seen.keys()).copied().collect();
    for name in names {
        let (plan, alert) = find(workload, name);
        if workload.may_be_overdue && plan.lag_of(alert) == 0 {
            continue;
        }
        let of = |lines: &BTreeMap<&str, Vec<Line>>| {
            let mut lines = lines.get(name).cloned().unwrap_or_default();
            lines.retain(|line| line.at <= until);
            lines.sort_by(|one, other| {
                let place = |line: &Line| (line.at, line.step, line.kind);
                place(one).cmp(&place(other)).then_with(|| one.group.cmp(&other.group))
            });
            lines
        };
        let (seen, expected) = (of(&seen), of(&expected));
        if alert.steps.iter().any(|step| step.early) {
            hold_what_holds(name, &seen, &expected)?;
        } else {
            same_lines(name, &seen, &expected)
                .map_err(|text| format!("{:?}\n{text}", run.in_force))?;
        }
    }
    Ok(())
}

/// Which lines are on one side only.
fn same_lines(name: &str, seen: &[Line], expected: &[Line]) -> Result<(), String> {
    let only = |sign: char, lines: &[Line], others: &[Line]| {
        let only = lines.iter().filter(|line| !others.contains(line));
        only.fold(String::new(), |all, line| all + &format!("{sign} {line:?}\n"))
    };
    if seen == expected {
        return Ok(());
    }
    let (more, less) = (only('+', seen, expected), only('-', expected, seen));
    Err(format!("the transitions of {name}, {} for {}\n{more}{less}", seen.len(), expected.len()))
}

/// An alert of this name, with its plan.
fn find<'w>(workload: &'w Workload, name: &str) -> (&'w Plan, &'w Alert) {
    let of = |plan: &'w std::sync::Arc<Plan>| {
        let alert = plan.alerts.iter().find(|alert| alert.name == name)?;
        Some((&**plan, alert))
    };
    workload.plans.iter().find_map(of).unwrap()
}

/// Whether it may wait for evaluation to catch up.
fn is_aged(alert: &Alert) -> bool {
    alert.max_age < MINUTE_MS
}

/// The lives of all alerts, each one's in their order.
fn lives<'w>(workload: &'w Workload, run: &Run) -> Vec<Life<'w>> {
    let rules_of = |hash: &str| usize::from(hash == workload.plans[1].hash);
    let mut lives: Vec<Life<'w>> = Vec::new();
    let mut open: Vec<Life<'w>> = Vec::new();
    for (number, (hash, from)) in run.in_force.iter().enumerate() {
        let rules = rules_of(hash);
        let alerts = &workload.plans[rules].alerts;
        for mut life in std::mem::take(&mut open) {
            let definition = &find_in(&workload.plans[life.rules], life.name).unwrap().definition;
            match alerts.iter().find(|alert| alert.name == life.name) {
                Some(alert) if alert.definition == *definition => open.push(life),
                next => {
                    let reason =
                        if next.is_some() { Reason::AlertChanged } else { Reason::AlertRemoved };
                    life.ends = Some((*from, reason));
                    lives.push(life);
                }
            }
        }
        for alert in alerts {
            if open.iter().all(|life| life.name != alert.name) {
                let begins = (number > 0).then_some(*from);
                open.push(Life { name: &alert.name, rules, begins, ends: None });
            }
        }
    }
    lives.extend(open);
    lives
}

fn find_in<'p>(plan: &'p Plan, name: &str) -> Option<&'p Alert> {
    plan.alerts.iter().find(|alert| alert.name == name)
}

impl Life<'_> {
    /// What `replay` says of it.
    fn lines(&self, workload: &Workload, replayed: [&Replayed; 2]) -> Vec<Line> {
        let plan = &workload.plans[self.rules];
        let alert = find_in(plan, self.name).unwrap();
        let since;
        let transitions = match self.begins {
            None => &replayed[self.rules].transitions,
            Some(from) => {
                since = Replayed::from(workload, self.rules, (from, hears_from(plan, alert, from)));
                &since.transitions
            }
        };
        let place = plan.alerts.iter().position(|one| one.name == self.name);
        let own = transitions.iter().filter(|(transition, _)| Some(transition.alert) == place);
        let own = own.filter(|(told, _)| self.ends.is_none_or(|(ends, _)| told.at < ends));
        let mut firing: BTreeMap<_, Transition> = BTreeMap::new();
        let mut lines = Vec::new();
        for (transition, verdict) in own {
            let key =
                (transition.group.values().map(str::to_owned).collect::<Vec<_>>(), transition.step);
            match transition.kind {
                TransitionKind::Pending => {}
                TransitionKind::Firing => drop(firing.insert(key, transition.clone())),
                TransitionKind::Resolved => drop(firing.remove(&key)),
            }
            lines.push(Line::of(transition, verdict, is_aged(alert)));
        }
        if let Some((at, reason)) = self.ends {
            let nobody = Verdict { sent: false, why: Why::NoChannel, channels: Vec::new() };
            lines.extend(firing.into_values().map(|fired| {
                let kind = TransitionKind::Resolved;
                Line::of(&Transition { at, kind, reason, ..fired }, &nobody, false)
            }));
        }
        lines
    }
}

/// The time from which on an alert hears of events if it begins at a time: a slice or a window that holds it is none of its own.
fn hears_from(plan: &Plan, alert: &Alert, from: Timestamp) -> Timestamp {
    let metric = &plan.metrics[alert.metric];
    let first = |condition: &Condition| match *condition {
        Condition::Threshold { over: Over::Window, .. } => {
            let span = plan.calendar.window(metric.window, from);
            if span.start == from { from } else { span.end }
        }
        Condition::Threshold { over: Over::Sliding(length), aggregate, threshold, .. }
            if !is_exact(&metric.kind, aggregate, threshold) =>
        {
            // A slice is without its first moment, and with its last.
            slice_end(from, length / SLICES).plus(1)
        }
        _ => from,
    };
    alert.conditions().map(first).max().unwrap()
}

/// What was told of each step and group under each plan that defines it, in its order.
fn of_steps(run: &Run) -> BTreeMap<(u8, String, Vec<String>, usize), Vec<&ToldTransition>> {
    let mut steps: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for told in &run.told.transitions {
        let group = told.transition.group.values().map(str::to_owned).collect();
        let key = (told.partition, told.alert.name.clone(), group, told.transition.step);
        steps.entry(key).or_default().push(told);
    }
    steps
}

/// Firing and resolved take turns, each resolve with the episode of its firing.
fn take_turns(told: &[&ToldTransition]) -> Result<(), String> {
    let mut firing: Option<&Transition> = None;
    for one in told {
        let transition = &one.transition;
        let is_right = match transition.kind {
            TransitionKind::Pending => firing.is_none(),
            TransitionKind::Firing => firing.replace(transition).is_none(),
            TransitionKind::Resolved => firing.take().is_some_and(|fired| {
                fired.episode == transition.episode && fired.at <= transition.at
            }),
        };
        if !is_right {
            let told: Vec<_> =
                told.iter().map(|it| Line::of(&it.transition, &it.verdict, false)).collect();
            return Err(format!("{} does not take turns:\n{told:#?}", one.alert.name));
        }
    }
    Ok(())
}

/// Each episode of an early step ends with one of `replay`, and began while that ran; one that has none of its own ended between the watermark
/// and the moment that was told ahead of it.
fn hold_what_holds(name: &str, seen: &[Line], expected: &[Line]) -> Result<(), String> {
    let (seen_episodes, mut expected_episodes) = (episodes(seen), episodes(expected));
    for (group, at, end, reason) in &seen_episodes {
        let place = expected_episodes.iter().position(|(other, from, until, _)| {
            other == group && until == end && from <= at && until.is_none_or(|until| *at < until)
        });
        let is_right = place.is_some_and(|place| {
            let (_, from, ..) = expected_episodes.remove(place);
            from == *at || *reason == Reason::ConditionCannotFail
        });
        if !is_right {
            let text = format!("the episodes of {name}: {group:?} {at} to {end:?} is none");
            return Err(format!("{text}; seen\n{seen_episodes:#?}\nexpected\n{expected:#?}"));
        }
    }
    // What is left was passed over by one that was told ahead.
    for (group, from, until, _) in &expected_episodes {
        let is_part = seen_episodes.iter().any(|(other, at, _, reason)| {
            other == group
                && *reason == Reason::ConditionCannotFail
                && until.is_some_and(|until| until < *at)
        });
        if !is_part {
            let text = format!("no episode of {name} for {group:?} {from} to {until:?}");
            return Err(format!("{text}; seen\n{seen_episodes:#?}"));
        }
    }
    Ok(())
}

/// Group, firing, end, and why it fired.
type Episode = (Vec<String>, Timestamp, Option<Timestamp>, Reason);

fn episodes(lines: &[Line]) -> Vec<Episode> {
    let mut episodes: Vec<Episode> = Vec::new();
    for line in lines {
        let open =
            episodes.iter_mut().find(|(group, _, end, _)| *group == line.group && end.is_none());
        match (line.kind, open) {
            (TransitionKind::Firing, _) => {
                episodes.push((line.group.clone(), line.at, None, line.reason));
            }
            (TransitionKind::Resolved, Some(open)) => open.2 = Some(line.at),
            (TransitionKind::Resolved, None) | (TransitionKind::Pending, _) => {}
        }
    }
    episodes
}
