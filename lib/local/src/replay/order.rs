//! What was decided, on its way to the observer: each transition with whether anybody is told of it, all in the order of the output.
//!
//! A line stands at the event time at which it is decided, a transition at its `at`. Alerts on journeys and on final points are
//! evaluated some time after their `at`, so lines wait until nothing can come before them any more: for the allowed lateness, and
//! for `over window` on a journey its time to finish as well. Rules without such alerts wait for nothing.

use super::Observer;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use streamgauge_engine::notify::{Clock, Moment, Notifier, Render, TemplateValue, Verdict};
use streamgauge_engine::output::Point;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::settle::Decisions;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_engine::transition::Transition;

/// Lines that wait for their turn.
pub(super) struct Order {
    plan: Arc<Plan>,
    notifier: Notifier,
    /// The longest that an alert is evaluated after the time that its transitions are at.
    pub(super) lag_max: Millis,
    /// Transitions that nobody was asked about yet, by the moments at which they are evaluated: early ones come before theirs.
    undecided: BTreeMap<(Timestamp, Rank), Transition>,
    lines: BTreeMap<(Timestamp, Rank), Line>,
    /// How many lines there were.
    sequence: u64,
    /// How many of those told were points, and how many transitions.
    pub(super) points: u64,
    pub(super) alerts: u64,
}

/// The place of a line among those of one moment: points first, as they came; then transitions by alert, group and step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Point(u64),
    Transition(usize, Arc<SeriesKey>, usize, u64),
}

enum Line {
    Point(Point),
    Transition(Box<(Transition, Verdict)>),
}

impl Order {
    pub(super) fn new(plan: Arc<Plan>) -> Self {
        Self {
            lag_max: plan.alerts.iter().map(|alert| plan.lag_of(alert)).max().unwrap_or_default(),
            notifier: Notifier::new(Arc::clone(&plan)),
            undecided: BTreeMap::new(),
            lines: BTreeMap::new(),
            sequence: 0,
            points: 0,
            alerts: 0,
            plan,
        }
    }

    /// Takes what was decided, and tells what has its turn: all to come is decided at `until` or later.
    pub(super) fn pass(
        &mut self,
        decisions: &mut Decisions,
        until: Timestamp,
        observer: &mut dyn Observer,
    ) -> io::Result<()> {
        // Increments are for sinks that add up; here the final point says it all.
        decisions.increments.clear();
        if self.plan.alerts.is_empty() {
            return decisions
                .points
                .drain(..)
                .try_for_each(|point| self.tell(Line::Point(point), observer));
        }
        self.take(decisions);
        self.decide(until);
        let until = until.minus(self.lag_max);
        while let Some(line) = self.lines.first_entry().filter(|line| line.key().0 < until) {
            let line = line.remove();
            self.tell(line, observer)?;
        }
        Ok(())
    }

    fn take(&mut self, decisions: &mut Decisions) {
        for point in decisions.points.drain(..) {
            let place = (point.decided_at, Rank::Point(self.sequence));
            self.sequence += 1;
            self.lines.insert(place, Line::Point(point));
        }
        for transition in decisions.transitions.drain(..) {
            let alert = self.plan.alerts.get(transition.alert);
            let moment = transition.at.plus(alert.map_or(0, |alert| self.plan.lag_of(alert)));
            self.undecided.insert((moment, self.rank(&transition)), transition);
            self.sequence += 1;
        }
    }

    fn rank(&self, transition: &Transition) -> Rank {
        let group = Arc::clone(&transition.group);
        Rank::Transition(transition.alert, group, transition.step, self.sequence)
    }

    /// Asks who is told of what was evaluated before a moment.
    fn decide(&mut self, until: Timestamp) {
        let mut transitions = Vec::new();
        let mut ranks = Vec::new();
        while let Some(first) = self.undecided.first_entry().filter(|first| first.key().0 < until) {
            let ((_, rank), transition) = first.remove_entry();
            ranks.push(rank);
            transitions.push(transition);
        }
        if transitions.is_empty() {
            return;
        }
        let moment = Moment {
            clock: Clock::Events,
            evaluated_to: Some(until),
            silences: &[],
            render: &NoTexts,
        };
        let decided = self.notifier.decide(&self.plan, &transitions, &moment);
        for ((transition, verdict), rank) in
            transitions.into_iter().zip(decided.verdicts).zip(ranks)
        {
            let place = (transition.at, rank);
            self.lines.insert(place, Line::Transition(Box::new((transition, verdict))));
        }
    }

    fn tell(&mut self, line: Line, observer: &mut dyn Observer) -> io::Result<()> {
        match line {
            Line::Point(point) => {
                self.points += 1;
                observer.point(&point)
            }
            Line::Transition(told) => {
                self.alerts += 1;
                observer.transition(&told.0, &told.1)
            }
        }
    }
}

/// Nobody reads the notifications here, so their texts are the standard ones.
struct NoTexts;

impl Render for NoTexts {
    fn render(&self, _: &str, _: &[(&str, TemplateValue)]) -> Result<String, String> {
        Err("texts are not written here".to_owned())
    }
}
