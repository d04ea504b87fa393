//! A transition with all that is known of it, wherever it comes from.

use std::sync::Arc;
use streamgauge_engine::notification::Action;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::{Reason, Transition, TransitionKind};
use streamgauge_pipeline::alert_record::RecordedAlert;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::render::{Number, alert_condition, alert_value};
use streamgauge_pipeline::settle::again::Missing;

/// A transition, explained.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) alert: Arc<RecordedAlert>,
    pub(super) transition: Transition,
    pub(super) verdict: Verdict,
    /// The key of its incident.
    pub(super) key: String,
    /// What decided, in the words of the rules; absent if the plan is needed to tell and is not there.
    pub(super) condition: Option<String>,
    pub(super) severity: Option<&'static str>,
    pub(super) value: Option<Number>,
    pub(super) origin: Origin,
}

/// Where a transition comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// It was computed from files: where the events stand that its evidence names, as far as they are known.
    Files(Vec<Option<Place>>),
    /// It stands in a log.
    Log(Recorded),
}

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) time: Timestamp,
    pub(super) input: Arc<str>,
    pub(super) line: u64,
}

/// An entry of a settle log, as far as it speaks of a transition.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) partition: Partition,
    pub(super) version: Version,
    /// The clock of the settle.
    pub(super) clock: Timestamp,
    /// What went out about it, also with later entries.
    pub(super) messages: Vec<Message>,
    pub(super) recomputed: Recomputed,
}

/// A notification that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) channel: String,
    pub(super) action: Action,
    pub(super) id: String,
    /// The clock of the settle that sent it.
    pub(super) clock: Timestamp,
    /// It tells of others, too.
    pub(super) gathered: bool,
}

/// What folding an entry again gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recomputed {
    /// It was not tried.
    No,
    /// The same, beginning with this snapshot; absent: with the beginning of the log.
    Same(Option<Version>),
    /// Something else.
    Differs(Vec<String>),
    /// The logs do not reach back far enough.
    OutOfReach(Missing),
    /// It could not be done.
    Failed(String),
}

impl Recorded {
    /// An entry of which nothing else is known yet.
    pub(super) fn new(partition: Partition, version: Version, clock: Timestamp) -> Self {
        let (messages, recomputed) = (Vec::new(), Recomputed::No);
        Self { partition, version, clock, messages, recomputed }
    }
}

impl Told {
    /// A transition of an alert, with the plan that decided if it is there.
    pub(super) fn new(
        alert: Arc<RecordedAlert>,
        (transition, verdict): (Transition, Verdict),
        plan: Option<&Plan>,
        origin: Origin,
    ) -> Self {
        let mut told = Self {
            key: alert.key(&transition),
            condition: alert.step(&transition).map(|step| step.condition.clone()),
            severity: None,
            value: transition.evidence.value.map(Number::Decimal),
            alert,
            transition,
            verdict,
            origin,
        };
        if told.transition.reason == Reason::ResolveHolds {
            told.condition = None;
        }
        if let Some(plan) = plan {
            told.complete(plan);
        }
        told
    }

    /// Adds what only the plan knows.
    pub(super) fn complete(&mut self, plan: &Plan) {
        let Some(alert) = plan.alerts.iter().find(|alert| alert.name == self.alert.name) else {
            return;
        };
        self.condition = alert_condition(alert, &self.transition).map(ToString::to_string);
        self.severity = alert.steps.get(self.transition.step).map(|step| step.severity.as_str());
        self.value = alert_value(alert, &self.transition);
    }

    /// `rejections/reactive  aggregator=noon`
    pub(super) fn title(alert: &RecordedAlert, transition: &Transition) -> String {
        let mut title = alert.name.clone();
        if let Some(step) = alert.step(transition).and_then(|step| step.name.as_deref()) {
            title.push('/');
            title.push_str(step);
        }
        let group = pairs(alert.group(transition));
        if !group.is_empty() {
            title.push_str("  ");
            title.push_str(&group);
        }
        title
    }

    /// What the log says of it, if it comes from there.
    pub(super) fn recorded(&self) -> Option<&Recorded> {
        match &self.origin {
            Origin::Log(recorded) => Some(recorded),
            Origin::Files(_) => None,
        }
    }

    /// The same, to be completed.
    pub(super) fn recorded_mut(&mut self) -> Option<&mut Recorded> {
        match &mut self.origin {
            Origin::Log(recorded) => Some(recorded),
            Origin::Files(_) => None,
        }
    }

    /// The events that its evidence names, each with its place if that is known.
    pub(super) fn events(&self) -> impl Iterator<Item = (&str, Option<&Place>)> {
        let places: &[Option<Place>] = match &self.origin {
            Origin::Files(places) => places,
            Origin::Log(_) => &[],
        };
        let places = places.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        self.transition.evidence.ids.iter().map(AsRef::as_ref).zip(places)
    }
}

/// `aggregator=noon, country=AE`
pub(super) fn pairs<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// The transitions that a notification like this tells of, if any.
pub(super) const fn kind_of(action: Action) -> Option<TransitionKind> {
    match action {
        Action::Trigger | Action::Repeat => Some(TransitionKind::Firing),
        Action::Resolve => Some(TransitionKind::Resolved),
        Action::Change => None,
    }
}

/// What a notification does, as people and programs read it.
pub(super) const fn action(action: Action) -> &'static str {
    match action {
        Action::Trigger => "trigger",
        Action::Repeat => "repeat",
        Action::Resolve => "resolve",
        Action::Change => "change",
    }
}
