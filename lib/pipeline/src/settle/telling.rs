//! Who is told: transitions to what the entry records of alerts, and to notifications.
//!
//! One entry holds notifications of [`NOTIFICATION_BYTES_MAX`]; what is over that waits in the state and goes out with the next,
//! which follows at once.

use super::ToldBy;
use crate::alert_record::{AlertRecord, RecordedAlert};
use crate::control::Silences;
use crate::notifications;
use crate::port::log::Version;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use streamgauge_engine::notification::{Deploy, Notification};
use streamgauge_engine::notify::{self, Clock, Decided, Moment, Notifier, Render, Verdict};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::Decisions;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::{Reason, Transition};

/// How many bytes of notifications an entry holds, and one in any case: beside the points and transitions there is room for twice that.
const NOTIFICATION_BYTES_MAX: usize = 4_000_000;

/// Who was told of what, and what is left to tell.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// Absent until a plan is in force.
    pub(super) notifier: Option<Notifier>,
    /// What is decided and did not fit into an entry yet.
    pub(super) waiting: VecDeque<Notification>,
    /// The silences that people have added. They stand in the control log, and so in no snapshot.
    pub(super) silences: Silences,
    /// By which clock anything is too old to be told. It is set and not stored.
    pub(super) told_by: ToldBy,
}

/// What an entry tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What alerts decided.
    pub(super) record: AlertRecord,
    /// What goes out.
    pub(super) notifications: Vec<Notification>,
}

/// When an entry is made, and by what.
#[derive(Clone, Copy)]
pub(super) struct Occasion<'o> {
    /// The entry's clock.
    pub(super) clock: Timestamp,
    /// What is decided now happened no earlier; absent where nothing was decided before.
    pub(super) since: Option<Timestamp>,
    /// The watermark up to which all transitions of the plan in force have come.
    pub(super) told_to: Option<Timestamp>,
    /// Makes texts.
    pub(super) render: &'o dyn Render,
}

impl Telling {
    /// Something was deployed under a plan, and the version of the control log says so.
    pub(super) fn deployed(&mut self, plan: &Plan, deploy: &Deploy, at: Timestamp, said: Version) {
        self.waiting.extend(notify::deployed(plan, deploy, at, said.0));
    }

    /// A plan is in force.
    pub(super) fn set_plan(&mut self, plan: &Arc<Plan>) {
        match &mut self.notifier {
            Some(notifier) => notifier.set_plan(Arc::clone(plan)),
            None => self.notifier = Some(Notifier::new(Arc::clone(plan))),
        }
    }

    /// Alerts of these plans, which were in force, may fire until they end.
    pub(super) fn set_retiring(&mut self, plans: impl Iterator<Item = Arc<Plan>>) {
        if let Some(notifier) = &mut self.notifier {
            notifier.set_retiring(plans.collect());
        }
    }

    /// Decides who is told of what was decided under plans, the oldest first, of which `current` is in force.
    pub(super) fn decide(
        &mut self,
        current: &Plan,
        decided: &mut [(Arc<Plan>, Decisions)],
        occasion: &Occasion<'_>,
    ) -> Told {
        let Some(notifier) = &mut self.notifier else { return Told::default() };
        let Occasion { clock, since, told_to, render } = *occasion;
        let silences = self.silences.from(since);
        let mut recording = Recording::default();
        let mut tell = |of: &Plan, transitions: Vec<Transition>, evaluated_to| {
            let clock = match self.told_by {
                ToldBy::Clock => Clock::Recorded(clock),
                ToldBy::Events => Clock::Events,
            };
            let moment = Moment { clock, evaluated_to, silences: &silences, render };
            let Decided { verdicts, notifications } = notifier.decide(of, &transitions, &moment);
            self.waiting.extend(notifications);
            recording.push(of, transitions.into_iter().zip(verdicts));
        };
        let mut untold: Vec<_> = decided
            .iter_mut()
            .map(|(plan, decisions)| (plan, std::mem::take(&mut decisions.transitions).into()))
            .collect();
        // Event time passes once for all plans: what alerts of one that retires decided stands among the rest.
        while let Some(Run { place, until }) = next_run(&untold) {
            let Some((plan, transitions)) = untold.get_mut(place) else { break };
            let own = take_before(plan, transitions, until);
            tell(plan, own, told_to.map(|to| until.map_or(to, |until| until.min(to))));
        }
        tell(current, Vec::new(), told_to);
        let record = recording.record;
        Told { record, notifications: self.portion() }
    }

    /// What goes out with this entry.
    fn portion(&mut self) -> Vec<Notification> {
        let mut portion = Vec::new();
        let mut room = NOTIFICATION_BYTES_MAX;
        while let Some(next) = self.waiting.front() {
            let bytes = notifications::encode([next]).len();
            if bytes > room && !portion.is_empty() {
                break;
            }
            room = room.saturating_sub(bytes);
            portion.extend(self.waiting.pop_front());
        }
        portion
    }

    /// Whether an entry at this clock and watermark would tell anything.
    pub(super) fn is_due(&self, clock: Timestamp, watermark: Option<Timestamp>) -> bool {
        let next = self.notifier.as_ref().map(Notifier::next_moment).unwrap_or_default();
        !self.waiting.is_empty()
            || next.clock.is_some_and(|next| next <= clock)
            || next.watermark.is_some_and(|next| Some(next) <= watermark)
    }

    /// The watermark at which there is something to tell though no transition comes.
    pub(super) fn next_watermark(&self) -> Option<Timestamp> {
        self.notifier.as_ref()?.next_moment().watermark
    }

    /// When there is something to tell though no transition comes, by the clock.
    pub(super) fn next_clock(&self) -> Option<Timestamp> {
        self.notifier.as_ref()?.next_moment().clock
    }
}

/// What is left to tell of a plan, in its order.
type Untold<'d> = (&'d mut Arc<Plan>, VecDeque<Transition>);

/// Which plan's transitions come next, and before which moment: then those of another do.
struct Run {
    place: usize,
    until: Option<Timestamp>,
}

fn next_run(untold: &[Untold<'_>]) -> Option<Run> {
    let heads = untold.iter().enumerate().filter_map(|(place, (plan, transitions))| {
        Some((moment_of(plan, transitions.front()?), place))
    });
    let mut heads: Vec<_> = heads.collect();
    heads.sort_unstable();
    let (_, place) = *heads.first()?;
    Some(Run { place, until: heads.get(1).map(|(moment, _)| *moment) })
}

/// Takes the first transition and what follows it before or at a moment.
fn take_before(
    plan: &Plan,
    transitions: &mut VecDeque<Transition>,
    until: Option<Timestamp>,
) -> Vec<Transition> {
    let mut taken: Vec<_> = transitions.pop_front().into_iter().collect();
    while let Some(next) =
        transitions.pop_front_if(|next| until.is_none_or(|until| moment_of(plan, next) <= until))
    {
        taken.push(next);
    }
    taken
}

/// The watermark at which a transition was decided; what was told ahead of that comes first.
fn moment_of(plan: &Plan, transition: &Transition) -> Timestamp {
    if transition.reason == Reason::ConditionCannotFail {
        return Timestamp::EPOCH;
    }
    let alert = plan.alerts.get(transition.alert);
    transition.at.plus(alert.map_or(0, |alert| plan.lag_of(alert)))
}

/// The record of an entry, as it is made.
#[derive(Default)]
struct Recording {
    record: AlertRecord,
    /// The places of alerts in it, by plan and place there.
    places: BTreeMap<(String, usize), usize>,
}

impl Recording {
    /// Adds transitions of a plan, each with whether it is sent.
    fn push(&mut self, plan: &Plan, told: impl Iterator<Item = (Transition, Verdict)>) {
        for (transition, verdict) in told {
            let alert = (plan.hash.clone(), transition.alert);
            let Some(place) = self.places.get(&alert).copied().or_else(|| {
                self.record.alerts.push(RecordedAlert::of(plan, transition.alert)?);
                Some(self.record.alerts.len() - 1)
            }) else {
                continue;
            };
            self.places.insert(alert, place);
            self.record.transitions.push((Transition { alert: place, ..transition }, verdict));
        }
    }
}
