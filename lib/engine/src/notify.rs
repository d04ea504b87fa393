//! Who is told of a transition, and when: from transitions, in their order, to finished notifications.
//!
//! A [`Notifier`] is the state of one settle partition. Evaluation has said what is true; here it is decided, per channel, whether
//! anybody hears of it. Each decision has a name ([`Why`]):
//!
//! 1. `routes`: the first that matches names the channels, else the step does (`matching`).
//! 2. A step below one that was sent is never sent ([`Why::Inhibited`]); what is older than `max_age`, silenced or in a maintenance
//!    window waits, and goes out when that has passed, if it still fires (`judge`, `quiet`).
//! 3. What goes out goes at once, or is gathered with what else the channel gets then (`gather`).
//! 4. A resolve goes to the channels that were told of the firing, and to no other.
//! 5. Mails are repeated while an alert fires.
//!
//! There are two times. *Event time* decides what is silenced and when what was silenced goes out: transitions come in its order,
//! and so the answers do not depend on how they are cut into calls. *The clock*, which the settle fold records, decides what is
//! too old, gathered and repeated. In a replay they are one: [`Clock::Events`] passes through every moment.
//!
//! ```
//! use std::sync::Arc;
//! use streamgauge_engine::notify::{Clock, Moment, Notifier, Render, TemplateValue};
//! # use streamgauge_engine::plan::Plan;
//! use streamgauge_engine::time::Timestamp;
//! use streamgauge_engine::transition::Transition;
//!
//! struct NoTemplates;
//!
//! impl Render for NoTemplates {
//!     fn render(&self, _: &str, _: &[(&str, TemplateValue)]) -> Result<String, String> {
//!         Err("there are no templates here".to_owned())
//!     }
//! }
//!
//! /// How many notifications these transitions are.
//! fn notifications(plan: &Arc<Plan>, transitions: &[Transition], until: Timestamp) -> usize {
//!     let mut notifier = Notifier::new(Arc::clone(plan));
//!     let evaluated_to = Some(until);
//!     let moment = Moment { clock: Clock::Events, evaluated_to, silences: &[], render: &NoTemplates };
//!     notifier.decide(plan, transitions, &moment).notifications.len()
//! }
//! ```
//!
//! State is bounded by what fires: an incident takes some 200 bytes, the first 10,000 besides that what they were decided by.

mod deploy;
mod gather;
mod incident;
mod judge;
mod keys;
mod matching;
mod own;
mod quiet;
pub mod rules;
mod run;
mod stored;
mod tell;
mod text;
mod why;

pub use deploy::deployed;
pub use keys::incident as incident_key;
pub use own::{OwnAlerts, Troubles};
pub use text::{Render, TemplateValue};
pub use why::Why;

use crate::hash::stable;
use crate::notification::Notification;
use crate::plan::Plan;
use crate::time::{Millis, Timestamp};
use crate::transition::Transition;
use gather::ChannelState;
use incident::{Incident, IncidentKey, Told};
use judge::Hold;
use rules::{Attribute, Silence};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many incidents keep the long parts of what they were decided by, for what is said of them later. It takes some 30 MB.
const LONG_MAX: usize = 10_000;

/// When something is decided, and by what.
#[derive(Clone, Copy)]
pub struct Moment<'m> {
    /// The clock.
    pub clock: Clock,
    /// The watermark up to which transitions have come: all whose moment is before it.
    pub evaluated_to: Option<Timestamp>,
    /// The silences that were added while the stack runs.
    pub silences: &'m [Silence],
    /// Makes texts of templates.
    pub render: &'m dyn Render,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { clock, evaluated_to, silences, render: _ } = self;
        let mut shown = f.debug_struct("Moment");
        shown.field("clock", clock).field("evaluated_to", evaluated_to);
        shown.field("silences", silences).finish_non_exhaustive()
    }
}

/// Which clock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The one that the settle fold records with each entry.
    Recorded(Timestamp),
    /// That of the events: it passes through every moment, so that nothing is ever too old.
    Events,
}

/// What is decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// Per transition, in their order, whether it is sent.
    pub verdicts: Vec<Verdict>,
    /// What goes out, in this order; also what was kept back before, repeats, and what was gathered.
    pub notifications: Vec<Notification>,
}

/// Whether a transition is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether any channel gets it, also with others.
    pub sent: bool,
    /// Why: of the first channel that gets it, else of the first.
    pub why: Why,
    /// The channels that it is for, and what each gets.
    pub channels: Vec<(Arc<str>, Why)>,
}

impl Verdict {
    fn of(channels: Vec<(Arc<str>, Why)>, otherwise: Why) -> Self {
        let sent = channels.iter().find(|(_, why)| why.is_sent());
        let why = sent.or(channels.first()).map_or(otherwise, |&(_, why)| why);
        Self { sent: sent.is_some(), why, channels }
    }
}

/// When there may be something to decide although no transition comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextMoment {
    /// When the clock gets there: the end of a gathering, a repeat.
    pub clock: Option<Timestamp>,
    /// When the watermark gets there: the end of a quiet time, or that evaluation has caught up.
    pub watermark: Option<Timestamp>,
}

/// Something that is to be done at a time of the clock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// What was gathered for a channel goes out.
    Flush(Arc<str>),
    /// A channel is told again of an incident.
    Alone(Arc<str>, IncidentKey),
    /// A channel is told again of what was gathered under a key.
    Gathered(Arc<str>, Arc<str>),
}

/// Who was told of what, and what is left to tell.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// The plan in force.
    plan: Arc<Plan>,
    /// Its alerts by definition.
    places: BTreeMap<Arc<str>, usize>,
    /// Plans that were in force and whose alerts have not all ended, the oldest first.
    retiring: Vec<Arc<Plan>>,
    clock: Timestamp,
    /// The watermark up to which it was decided.
    passed: Option<Timestamp>,
    /// Names the quiet times that the last decision went by.
    quiet_times: u64,
    incidents: BTreeMap<IncidentKey, Incident>,
    channels: BTreeMap<Arc<str>, ChannelState>,
    /// The incidents that some channel is still to be told of.
    held: BTreeSet<IncidentKey>,
    /// How many incidents have the long parts of their evidence.
    long: usize,
    due: BTreeSet<(Timestamp, Due)>,
}

impl Notifier {
    /// Nothing has fired yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            places: places(&plan),
            retiring: Vec::new(),
            plan,
            clock: Timestamp::EPOCH,
            passed: None,
            quiet_times: 0,
            incidents: BTreeMap::new(),
            channels: BTreeMap::new(),
            held: BTreeSet::new(),
            long: 0,
            due: BTreeSet::new(),
        }
    }

    /// The plan in force.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Another plan is in force. What fires goes on; its alerts are known by their definitions.
    pub fn set_plan(&mut self, plan: Arc<Plan>) {
        self.places = places(&plan);
        self.plan = plan;
    }

    /// These plans were in force, and alerts of theirs may fire until they end; the oldest first. That is no part of the state: whoever
    /// decides says so.
    pub fn set_retiring(&mut self, plans: Vec<Arc<Plan>>) {
        self.retiring = plans;
    }

    /// Decides who is told of transitions of the alerts `of` a plan.
    ///
    /// While plans change there are transitions of several: call for them in the order of their moments, each time with the
    /// watermark up to which all have come.
    pub fn decide(
        &mut self,
        of: &Plan,
        transitions: &[Transition],
        moment: &Moment<'_>,
    ) -> Decided {
        let mut run = run::Run::new(self, moment);
        let verdicts = transitions.iter().map(|transition| run.transition(of, transition));
        let verdicts = verdicts.collect();
        Decided { verdicts, notifications: run.finish() }
    }

    /// When to ask again.
    pub fn next_moment(&self) -> NextMoment {
        let moments = self.held.iter().filter_map(|key| {
            let alert = self.plan.alerts.get(*self.places.get(&key.alert)?)?;
            let told = &self.incidents.get(key)?.told;
            let holds = told.iter().filter_map(|(_, told)| match told {
                Told::Held(hold) => Some(*hold),
                Told::Alone(_) | Told::Gathered(_) => None,
            });
            let lag = self.plan.lag_of(alert);
            holds.map(|hold| self.moment_of(hold, alert.max_age, lag)).min()
        });
        // Something is decided at a moment when the watermark is past it.
        let watermark = moments.min().map(|moment| moment.plus(1));
        NextMoment { clock: self.due.first().map(|(time, _)| *time), watermark }
    }

    /// The watermark at which a firing that is held is judged again.
    fn moment_of(&self, hold: Hold, max_age: Millis, lag: Millis) -> Timestamp {
        match hold {
            Hold::CatchUp => self.clock.minus(max_age),
            Hold::Quiet(quiet) => quiet.until.plus(lag),
        }
    }

    fn insert(&mut self, key: IncidentKey, mut incident: Incident) {
        if self.long >= LONG_MAX {
            incident.shorten();
        }
        self.long += usize::from(incident.is_long());
        if incident.is_held() {
            self.held.insert(key.clone());
        }
        self.incidents.insert(key, incident);
    }

    fn remove(&mut self, key: &IncidentKey) -> Option<Incident> {
        let incident = self.incidents.remove(key)?;
        self.long -= usize::from(incident.is_long());
        self.held.remove(key);
        Some(incident)
    }
}

/// The alerts of a plan by definition.
fn places(plan: &Plan) -> BTreeMap<Arc<str>, usize> {
    plan.alerts.iter().map(|alert| Arc::from(alert.definition.as_str())).zip(0..).collect()
}

/// Names a set of quiet times: another name means that what is held must be judged anew.
fn quiet_times(plan: &Plan, added: &[Silence]) -> u64 {
    let mut bytes = plan.hash.clone().into_bytes();
    let mut text = |text: &str| {
        bytes.extend_from_slice(&crate::place::events(text.len()).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    for silence in added {
        text(&silence.from.as_millis().to_string());
        text(&silence.until.as_millis().to_string());
        for (attribute, values) in &silence.matches.conditions {
            text(match attribute {
                Attribute::Alert => "=alert",
                Attribute::Metric => "=metric",
                Attribute::Step => "=step",
                Attribute::Severity => "=severity",
                Attribute::Channel => "=channel",
                Attribute::Named(name) => name,
            });
            for value in values {
                text(value);
            }
        }
    }
    stable(&bytes)
}

#[cfg(test)]
mod tests;
