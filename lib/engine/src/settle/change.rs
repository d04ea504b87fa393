//! A change of the rules: one settler hands over to the next.
//!
//! Both are fed for a while, each with the deltas of its own plan, before it is known from which event time the new plan is
//! in force. Then the old one hands over, metric by metric:
//!
//! | metric | what becomes of it |
//! | --- | --- |
//! | same definition in both plans | it moves with all its state; what the successor made of the same events is dropped |
//! | changed, or gone | it stays, up to its *last window*: the one that holds the event time of the change |
//! | changed, in the new plan | it takes windows from the end of the old one's last on |
//! | new | it takes windows that begin at or after the event time of the change |
//!
//! What becomes of alerts the evaluation says in its own part of this.
//!
//! So no window mixes two definitions, and none is lost. A start of a journey belongs to the definition of its window. A finish
//! is heard by both: each joins it to its own starts.

use super::range::Range;
use super::windows::Closing;
use super::{AgendaEntry, Increment, MetricState, Settler, held};
use crate::hash::Map;
use crate::output::{MetricCounters, Point};
use crate::plan::Metric;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

impl Settler {
    /// Hands over to the settler of the next plan, which is in force from an event time on and has been fed and not settled.
    ///
    /// The event time is later than every one that the successor was not fed. If this settler's watermark is past it, that one
    /// counts: what is decided stays decided. The increments of a live metric are out before the event time is known, so its
    /// last window is the last one that has any. The counters of what is changed or new begin here: until then the
    /// predecessor has counted the same events.
    pub fn hand_over(&mut self, successor: &mut Self, from: Timestamp) {
        let from = self.watermark.map_or(from, |watermark| watermark.max(from));
        successor.watermark = successor.watermark.max(self.watermark);
        successor.has_begun |= self.has_begun;
        let (old_plan, new_plan) = (Arc::clone(&self.plan), Arc::clone(&successor.plan));
        let new = new_plan.metrics.iter().enumerate();
        let new_places: Map<_, _> =
            new.clone().map(|(place, metric)| (metric.name.as_str(), (place, metric))).collect();
        // From when on each metric of the next plan takes windows; none if it goes on as it was.
        let mut begins = vec![Some(from); new_plan.metrics.len()];
        let mut moved = vec![None; old_plan.metrics.len()];
        for (place, metric) in old_plan.metrics.iter().enumerate() {
            let next = new_places.get(metric.name.as_str());
            let begin = match next {
                Some(&(new_place, new_metric))
                    if new_metric.definition == metric.definition
                        && self.move_metric(place, successor, new_place) =>
                {
                    if let Some(moved) = moved.get_mut(place) {
                        *moved = Some(new_place);
                    }
                    None
                }
                _ => Some(self.retire(place, metric, from)),
            };
            if let Some(slot) = next.and_then(|&(new_place, _)| begins.get_mut(new_place)) {
                *slot = begin;
            }
        }
        let plans = (&*old_plan, &*new_plan);
        // What the successor told ahead of the watermark its predecessor has told too, or it was about a time before its own.
        successor.untold.clear();
        self.evaluator.hand_over(plans, &mut successor.evaluator, from, &moved);
        for ((place, metric), begin) in new.zip(begins) {
            if let Some(begin) = begin {
                successor.begin_at(place, metric, begin);
            }
        }
    }

    /// Whether nothing of a plan that was handed over is left: all windows of its metrics are final and handed out. It would
    /// still take corrections.
    pub fn is_finished(&self) -> bool {
        let has_ended = |(metric, state): (&Metric, &Option<MetricState>)| {
            let Some(state) = state else { return true };
            let last_end = state.range.until;
            let final_at = last_end.map(|end| end.plus(self.plan.final_after(metric)));
            final_at.is_some_and(|final_at| Some(final_at) <= self.watermark)
        };
        self.increments.is_empty()
            && self.left_over.is_empty()
            && self.agenda.is_empty()
            && self.untold.is_empty()
            && self.evaluator.is_finished()
            && self.plan.metrics.iter().zip(&self.metrics).all(has_ended)
    }

    /// Moves a metric with all its state to the settler of the next plan; false if not both hold it.
    fn move_metric(&mut self, place: usize, successor: &mut Self, new_place: usize) -> bool {
        let next_plan = &successor.plan;
        let (Some(metric), Some(state), Some(own)) = (
            next_plan.metrics.get(new_place),
            held(&mut successor.metrics, new_place),
            self.metrics.get_mut(place),
        ) else {
            return false;
        };
        let Some(own) = own.take() else { return false };
        *state = own;
        // What was final stays so, even if the next plan allows for more lateness.
        let lateness = self.plan.timing.allowed_lateness;
        let closed_until = self.watermark.map(|watermark| watermark.minus(lateness));
        state.closed_until = state.closed_until.max(closed_until);
        state.latest_start = None;
        if let Some(journeys) = &mut state.journeys {
            journeys.set_lateness(next_plan.timing.allowed_lateness);
        }

        successor.agenda.retain(|&(_, number, ..)| number != new_place);
        successor.increments.retain(|increment| increment.metric != new_place);
        let entries = self.agenda.extract_if(.., |&(_, number, ..)| number == place);
        successor.agenda.extend(entries.map(|(moment, _, start, closing)| -> AgendaEntry {
            let moment = match closing {
                Closing::Correction => moment,
                Closing::Final => {
                    next_plan.final_at(metric, next_plan.calendar.window(metric.window, start))
                }
            };
            (moment, new_place, start, closing)
        }));
        let increments = extract(&mut self.increments, |increment| increment.metric == place);
        let increments = increments.into_iter();
        successor.increments.extend(increments.map(|old| Increment { metric: new_place, ..old }));
        let points = extract(&mut self.left_over, |point| point.metric == place);
        let points = points.into_iter();
        successor.left_over.extend(points.map(|old| Point { metric: new_place, ..old }));
        true
    }

    /// Ends a metric that is changed or gone with the window that holds `from`; gives the end of its last window.
    fn retire(&mut self, place: usize, metric: &Metric, from: Timestamp) -> Timestamp {
        let Some(state) = held(&mut self.metrics, place) else { return from };
        let holds_change = self.plan.calendar.window(metric.window, from).end;
        let last_increment = state.windows.last_end().filter(|_| metric.live);
        // A definition that has not begun when the next one comes has no window at all.
        let begin = state.range.from;
        let until = begin.into_iter().chain(last_increment).fold(holds_change, Timestamp::max);
        state.range.until = Some(until);
        self.drop_outside(place);
        until
    }

    /// Begins a metric with the first window at or after `from`.
    fn begin_at(&mut self, place: usize, metric: &Metric, from: Timestamp) {
        let Some(state) = held(&mut self.metrics, place) else { return };
        state.range = Range { from: Some(from), until: None };
        state.counters = MetricCounters::default();
        self.drop_outside(place);
        if metric.live {
            self.name_anew(place);
        }
        if self.has_begun {
            self.begin_zeros(place, metric, from);
        }
    }

    /// A live metric names its series as they come: those of windows that were dropped give their names back.
    fn name_anew(&mut self, place: usize) {
        let Some(state) = held(&mut self.metrics, place) else { return };
        state.windows.name_anew(|start| self.plan.calendar.day(start));
    }

    /// Drops what a metric holds outside of its range.
    fn drop_outside(&mut self, place: usize) {
        let Some(state) = held(&mut self.metrics, place) else { return };
        let range = state.range;
        state.windows.keep(&range);
        if let Some(journeys) = &mut state.journeys {
            journeys.keep(&range);
        }
        self.agenda.retain(|&(_, number, start, _)| number != place || range.holds(start));
        self.increments
            .retain(|increment| increment.metric != place || range.holds(increment.window_start));
    }
}

/// Takes what fits the description out of a queue, in order.
fn extract<T>(queue: &mut VecDeque<T>, is_wanted: impl FnMut(&T) -> bool) -> VecDeque<T> {
    let (wanted, rest) = std::mem::take(queue).into_iter().partition(is_wanted);
    *queue = rest;
    wanted
}

#[cfg(test)]
mod tests;
