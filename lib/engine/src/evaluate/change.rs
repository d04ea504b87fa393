//! A change of the rules: what becomes of alerts.
//!
//! | alert | what becomes of it |
//! | --- | --- |
//! | same definition in both plans, on a metric that moves | it moves with all its state |
//! | changed, or gone | it ends at the event time of the change: what fires resolves |
//! | changed, in the new plan; or new | it begins at that time, with no events from before |
//!
//! Both settlers were fed for a while. What an alert that moves has waiting is from before the change as its old settler heard it,
//! and from then on as the new one did.

use super::rule::Rule;
use super::waiting::Waits;
use super::{AlertState, Evaluator};
use crate::plan::Plan;
use crate::time::Timestamp;
use crate::transition::Reason;

impl Evaluator {
    /// Hands over to the alerts of the next plan, which is in force from an event time on. `moved` tells of each metric where it
    /// went.
    pub(crate) fn hand_over(
        &mut self,
        (old, new): (&Plan, &Plan),
        successor: &mut Self,
        from: Timestamp,
        moved: &[Option<usize>],
    ) {
        let mut goes_on = vec![false; new.alerts.len()];
        for (place, alert) in old.alerts.iter().enumerate() {
            let next = new.alerts.iter().position(|known| known.name == alert.name);
            let metric = moved.get(alert.metric).copied().flatten();
            let is_same = |&place_there: &usize| {
                let known = new.alerts.get(place_there);
                known.is_some_and(|known| {
                    known.definition == alert.definition && Some(known.metric) == metric
                })
            };
            let same = next.filter(is_same);
            match same {
                Some(place_there) if self.move_alert(place, successor, place_there) => {
                    if let Some(went_on) = goes_on.get_mut(place_there) {
                        *went_on = true;
                    }
                }
                _ => {
                    let is_gone = next.is_none();
                    let reason = if is_gone { Reason::AlertRemoved } else { Reason::AlertChanged };
                    self.end_at(place, from, reason);
                }
            }
        }
        self.move_waiting(successor, from, moved);
        successor.origin = successor.origin.into_iter().chain(self.origin).min();
        successor.is_origin_said = self.is_origin_said;
        for (place, went_on) in goes_on.into_iter().enumerate() {
            if !went_on {
                successor.begin_at(place, from);
            }
        }
    }

    /// Whether nothing of an old plan's alerts is left.
    pub(crate) fn is_finished(&self) -> bool {
        self.alerts.iter().all(Option::is_none)
    }

    /// An alert that goes on under the next plan takes its groups along; false if not both hold it.
    fn move_alert(&mut self, place: usize, successor: &mut Self, next: usize) -> bool {
        if successor.alerts.get(next).is_none_or(Option::is_none) {
            return false;
        }
        let Some(own) = self.take_off(place) else { return false };
        successor.agenda.retain(|&(_, number, _)| number != next);
        let Some(Some(state)) = successor.alerts.get_mut(next) else { return false };
        // The next plan may allow for other lateness; what groups hold is the same.
        let rule: Rule = state.rule.clone();
        let lag_ms = rule.lag_ms;
        *state = AlertState { rule, ..own };
        let wakes = state.groups.iter().filter_map(|(slot, group)| Some((group.wake?, slot)));
        successor.agenda.extend(wakes.map(|(wake, slot)| (wake.plus(lag_ms), next, slot)));
        successor.forgetting.retain(|&(_, number)| number != next);
        state.forgets = None;
        state.forget_later(next, &mut successor.forgetting);
        true
    }

    fn end_at(&mut self, place: usize, from: Timestamp, reason: Reason) {
        let Some(state) = self.alerts.get_mut(place).and_then(Option::as_mut) else { return };
        let at = state.ends.map_or(from, |(at, _)| at.min(from));
        if state.ends.is_none_or(|(ends, _)| at < ends) {
            state.ends = Some((at, reason));
            self.endings.insert((at.plus(state.rule.lag_ms), place));
        }
    }

    /// Begins an alert that is new.
    fn begin_at(&mut self, place: usize, from: Timestamp) {
        let Some(state) = self.alerts.get_mut(place).and_then(Option::as_mut) else { return };
        state.begins = Some(from);
        // Nothing was decided, but an alert without groups may have begun with the first event.
        state.groups = super::groups::Groups::default();
        state.forgets = None;
        self.agenda.retain(|&(_, number, _)| number != place);
        self.forgetting.retain(|&(_, number)| number != place);
        self.begin_single(place, None, from);
    }

    /// What waits for the metrics that move: from before the change as it waits here, after it as it waits there.
    fn move_waiting(&mut self, successor: &mut Self, from: Timestamp, moved: &[Option<usize>]) {
        let place_of = |metric: usize| moved.get(metric).copied().flatten();
        let moved_there: Vec<usize> = moved.iter().copied().flatten().collect();
        let tracks = &successor.tracks;
        successor.waiting.retain(|waits| {
            let track = tracks.get(waits.track);
            track.filter(|track| moved_there.contains(&track.metric)).is_none_or(|track| {
                let at = waits.moment.minus(track.lag_ms);
                waits.entry.is_fed() && waits.entry.begins_at(at) >= from
            })
        });
        for Waits { moment, track, entry } in self.waiting.iter() {
            let Some(own) = self.tracks.get(*track) else { continue };
            let Some(metric) = place_of(own.metric) else { continue };
            let same = successor.of_metric.get(metric).into_iter().flatten().find_map(|&next| {
                let there = successor.tracks.get(next)?;
                (there.waits_for_points == own.waits_for_points).then_some((next, there.lag_ms))
            });
            let at = moment.minus(own.lag_ms);
            if let Some((next, lag_ms)) = same
                && (!entry.is_fed() || entry.begins_at(at) < from)
            {
                let (after, entry) = (at.plus(lag_ms), entry.clone());
                successor.waiting.push(Waits { moment: after, track: next, entry });
            }
        }
        let own_tracks = &self.tracks;
        let is_left =
            |track: usize| own_tracks.get(track).is_some_and(|own| !own.alerts.is_empty());
        self.waiting.retain(|waits| is_left(waits.track));
    }
}
