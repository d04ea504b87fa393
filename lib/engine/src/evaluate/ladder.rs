//! The ladder of one alert for one group: a state machine that knows nothing of events.
//!
//! It is told, moment after moment, which conditions hold, and says which steps change. Between two moments nothing changes, so
//! it is told again only when a condition may be another, or at the moment that it [asked for](Ladder::timer) itself.
//!
//! | at a moment | what becomes of it |
//! | --- | --- |
//! | an episode runs, and what ends it has held for `keep_firing_for` | every step that fired resolves, the highest first; all starts afresh |
//! | `resolve` holds | no step fires or becomes pending |
//! | a step's condition has held for `for` | it fires; the first one begins the episode |
//! | a step's condition begins to hold and `for` is not over | it is pending |

use crate::alert::Alert;
use crate::time::{Millis, Timestamp};
use crate::transition::{Reason, TransitionKind};

/// Which conditions hold at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    /// Of each step, the highest first.
    pub(super) steps: Vec<bool>,
    /// Of `resolve`, if the alert has one.
    pub(super) resolve: Option<bool>,
    /// How many events each of them has seen, that of `resolve` last; none where nothing was decided.
    pub(super) events: Vec<Option<u64>>,
}

/// What changes for one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) step: usize,
    pub(super) kind: TransitionKind,
    pub(super) reason: Reason,
    /// When the episode began.
    pub(super) episode: Timestamp,
}

/// The state of one alert for one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ladder {
    /// When the episode began, if one runs.
    pub(super) episode: Option<Timestamp>,
    /// Since when what ends the episode holds.
    pub(super) ends_since: Option<Timestamp>,
    /// The last moment at which a step was told to fire ahead of the watermark, until that has come: no episode ends before it.
    pub(super) ahead: Option<Timestamp>,
    /// Of each step, as long as anything is to be said of one.
    pub(super) steps: Vec<StepState>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StepState {
    /// Since when its condition has held without a break.
    pub(super) since: Option<Timestamp>,
    /// It was told as pending since then.
    pub(super) is_pending: bool,
    /// It fires.
    pub(super) fires: bool,
}

impl Ladder {
    /// With nothing to remember.
    pub(super) const fn at_rest() -> Self {
        Self { episode: None, ends_since: None, ahead: None, steps: Vec::new() }
    }

    /// Whether an episode runs.
    pub(super) const fn is_firing(&self) -> bool {
        self.episode.is_some()
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_at_rest(&self) -> bool {
        self.steps.is_empty()
    }

    /// Goes on to a moment at which these conditions hold.
    pub(super) fn advance(
        &mut self,
        alert: &Alert,
        at: Timestamp,
        truth: &Truth,
        changes: &mut Vec<Change>,
    ) {
        let any_holds = truth.steps.contains(&true);
        if self.is_at_rest() && !any_holds {
            return;
        }
        self.steps.resize_with(alert.steps.len(), StepState::default);
        for (state, &holds) in self.steps.iter_mut().zip(&truth.steps) {
            state.since = if holds { state.since.or(Some(at)) } else { None };
            state.is_pending &= holds;
        }
        let ends = truth.resolve.unwrap_or(!any_holds);
        self.ahead = self.ahead.filter(|&ahead| at < ahead);
        let may_end = self.is_firing() && self.ahead.is_none();
        self.ends_since = (may_end && ends).then(|| self.ends_since.unwrap_or(at));
        if self.ends_since.is_some_and(|since| since.plus(alert.keep_firing_for) <= at) {
            let reason =
                if truth.resolve.is_some() { Reason::ResolveHolds } else { Reason::NothingHolds };
            self.end(reason, changes);
            // What still holds does so for the next episode from now on.
            for (state, &holds) in self.steps.iter_mut().zip(&truth.steps) {
                state.since = holds.then_some(at);
            }
        }
        if truth.resolve != Some(true) {
            self.climb(alert, at, changes);
        }
        if !self.is_firing() && !any_holds {
            self.steps.clear();
        }
    }

    /// Lets the steps fire or become pending whose conditions hold.
    fn climb(&mut self, alert: &Alert, at: Timestamp, changes: &mut Vec<Change>) {
        for (number, (state, step)) in self.steps.iter_mut().zip(&alert.steps).enumerate() {
            let Some(since) = state.since.filter(|_| !state.fires) else { continue };
            if since.plus(step.hold) <= at {
                state.fires = true;
                state.is_pending = false;
                let episode = *self.episode.get_or_insert(at);
                let reason = firing_reason(step.hold, &step.when);
                let kind = TransitionKind::Firing;
                changes.push(Change { step: number, kind, reason, episode });
            } else if !state.is_pending {
                state.is_pending = true;
                let (kind, reason) = (TransitionKind::Pending, Reason::ConditionBegan);
                changes.push(Change { step: number, kind, reason, episode: at });
            }
        }
    }

    /// Ends the episode, if one runs: all that fired resolves, and everything starts afresh.
    pub(super) fn end(&mut self, reason: Reason, changes: &mut Vec<Change>) {
        let steps = std::mem::take(&mut self.steps);
        self.ends_since = None;
        self.ahead = None;
        let Some(episode) = self.episode.take() else { return };
        let fired = steps.iter().enumerate().filter(|(_, state)| state.fires);
        let kind = TransitionKind::Resolved;
        changes.extend(fired.map(|(step, _)| Change { step, kind, reason, episode }));
        self.steps.resize_with(steps.len(), StepState::default);
    }

    /// The next moment at which something changes though no condition does.
    pub(super) fn timer(&self, alert: &Alert, truth: &Truth) -> Option<Timestamp> {
        let due = |since: Timestamp, length: Millis| since.plus(length);
        let end = self.ends_since.map(|since| due(since, alert.keep_firing_for));
        let blocked = truth.resolve == Some(true);
        let waiting = self.steps.iter().zip(&alert.steps).filter(|(state, _)| !state.fires);
        let holds = waiting.filter_map(|(state, step)| Some(due(state.since?, step.hold)));
        holds.filter(|_| !blocked).chain(end).min()
    }
}

fn firing_reason(hold: Millis, when: &crate::alert::Condition) -> Reason {
    match when {
        _ if hold > 0 => Reason::ConditionHeld,
        crate::alert::Condition::Absent { .. } => Reason::NoEvent,
        crate::alert::Condition::Threshold { .. } => Reason::ConditionHolds,
    }
}

#[cfg(test)]
mod tests;
