//! Who is told: transitions to what the entry records of alerts, and to notifications.
//!
//! One entry holds notifications of [`NOTIFICATION_BYTES_MAX`]; what is over that waits in the state and goes out with the next,
//! which follows at once.

use crate::alert_record::{AlertRecord, RecordedAlert};
use crate::notifications;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::notify::{Clock, Decided, Moment, Notifier, Render, Verdict};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::settle::Decisions;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Transition;

/// How many bytes of notifications an entry holds, and one in any case: beside the points and transitions there is room for twice that.
const NOTIFICATION_BYTES_MAX: usize = 4_000_000;

/// Who was told of what, and what is left to tell.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// Absent until a plan is in force.
    pub(super) notifier: Option<Notifier>,
    /// What is decided and did not fit into an entry yet.
    pub(super) waiting: VecDeque<Notification>,
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
    /// The watermark up to which all transitions of the plan in force have come.
    pub(super) told_to: Option<Timestamp>,
    /// Makes texts.
    pub(super) render: &'o dyn Render,
}

impl Telling {
    /// A plan is in force.
    pub(super) fn set_plan(&mut self, plan: &Arc<Plan>) {
        match &mut self.notifier {
            Some(notifier) => notifier.set_plan(Arc::clone(plan)),
            None => self.notifier = Some(Notifier::new(Arc::clone(plan))),
        }
    }

    /// Decides who is told of what was decided under plans, the oldest first, of which `current` is in force.
    pub(super) fn decide(
        &mut self,
        current: &Plan,
        decided: &mut [(Arc<Plan>, Decisions)],
        is_current_last: bool,
        occasion: &Occasion<'_>,
    ) -> Told {
        let Some(notifier) = &mut self.notifier else { return Told::default() };
        let Occasion { clock, told_to, render } = *occasion;
        let last = decided.len().saturating_sub(usize::from(is_current_last));
        let (retiring, in_force) = decided.split_at_mut_checked(last).unwrap_or_default();
        let mut record = AlertRecord::default();
        let mut tell = |of: &Plan, transitions: Vec<Transition>, evaluated_to| {
            // Event time passes with the plan in force, once those before it have been heard.
            let clock = Clock::Recorded(clock);
            let moment = Moment { clock, evaluated_to, silences: &[], render };
            let Decided { verdicts, notifications } = notifier.decide(of, &transitions, &moment);
            self.waiting.extend(notifications);
            push(&mut record, of, transitions.into_iter().zip(verdicts));
        };
        for (plan, decisions) in retiring {
            tell(plan, std::mem::take(&mut decisions.transitions), None);
        }
        let transitions = in_force.first_mut().map(|(_, decisions)| &mut decisions.transitions);
        tell(current, transitions.map(std::mem::take).unwrap_or_default(), told_to);
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

/// Adds transitions of a plan to the record, each with whether it is sent.
fn push(record: &mut AlertRecord, plan: &Plan, told: impl Iterator<Item = (Transition, Verdict)>) {
    let mut places = BTreeMap::new();
    for (transition, verdict) in told {
        let Some(place) = places.get(&transition.alert).copied().or_else(|| {
            record.alerts.push(RecordedAlert::of(plan, transition.alert)?);
            places.insert(transition.alert, record.alerts.len() - 1);
            Some(record.alerts.len() - 1)
        }) else {
            continue;
        };
        record.transitions.push((Transition { alert: place, ..transition }, verdict));
    }
}
