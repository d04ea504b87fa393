//! What comes in with a delta, to the windows and journeys that it belongs to.
//!
//! Nothing is decided here: what is new is put on the agenda, and what is late counts as that at once.

use super::windows::Closing;
use super::{Increment, Settler, held};
use crate::aggregate::takes_corrections;
use crate::calendar::WindowSpan;
use crate::delta::{Beginning, Delta, DeltaSeries, JourneyStep, LatePartial, Names, Partial};
use crate::place::at;
use crate::plan::Metric;
use crate::time::Timestamp;
use std::sync::Arc;

impl Settler {
    /// Takes in a delta of a shard. It decides nothing and moves no watermark.
    pub fn take(&mut self, delta: Delta) {
        for &beginning in &delta.beginnings {
            self.begin(beginning);
        }
        self.evaluator.take(&delta, self.watermark);
        self.evaluator.look_ahead(&self.plan, &delta, self.watermark, &mut self.untold);
        self.count_refused(&delta);
        for step in &delta.steps {
            self.take_step(step, &delta.names);
        }
        for partial in delta.partials {
            self.take_partial(&delta.names, partial, None);
        }
        for LatePartial { stamp, partial } in delta.late {
            self.take_partial(&delta.names, partial, Some(stamp));
        }
    }

    /// Alerts without groups (`by: []`) count from this moment on; where nobody says it they do from the first event of any kind.
    pub fn count_from(&mut self, time: Timestamp) {
        self.evaluator.count_from(time);
    }

    /// Zeros without dimensions are published from the first event on: for each window that ends after an event of any kind
    /// which came before the window was final.
    fn begin(&mut self, Beginning { time, stamp }: Beginning) {
        self.has_begun = true;
        let plan = Arc::clone(&self.plan);
        let place = stamp.max(self.watermark);
        // The event's window, or the first that is not final at its place.
        let open_from = place.map(|place| place.minus(plan.timing.allowed_lateness));
        for (number, metric) in plan.metrics.iter().enumerate() {
            self.begin_zeros(
                number,
                metric,
                open_from.map_or(time, |open_from| open_from.max(time)),
            );
        }
    }

    /// Puts the window that holds `from` on the agenda, for zeros without dimensions.
    pub(super) fn begin_zeros(&mut self, number: usize, metric: &Metric, from: Timestamp) {
        if !metric.zero || !metric.dimensions.is_empty() {
            return;
        }
        let Some(state) = held(&mut self.metrics, number) else { return };
        let from = state.closed_until.map_or(from, |closed_until| closed_until.max(from));
        let span = state.range.window_at(&self.plan, metric, from);
        self.put_on_agenda(number, span);
    }

    /// Puts a window of a metric on the agenda, unless it is there or belongs to another definition.
    pub(super) fn put_on_agenda(&mut self, number: usize, span: WindowSpan) {
        let Some(metric) = self.plan.metrics.get(number) else { return };
        if held(&mut self.metrics, number).is_some_and(|state| state.range.holds(span.start)) {
            let final_at = self.plan.final_at(metric, span);
            self.agenda.insert((final_at, number, span.start, Closing::Final));
        }
    }

    fn count_refused(&mut self, delta: &Delta) {
        for &(metric, events) in &delta.no_value {
            if let Some(state) = held(&mut self.metrics, metric) {
                state.counters.no_value += events;
            }
        }
        for &(series, events) in &delta.refused {
            let Some(series) = at(&delta.names.series, series) else { continue };
            let Some(state) = held(&mut self.metrics, series.metric) else { continue };
            state.counters.count(&series.key, events);
            state.counters.late_dropped += events;
        }
    }

    fn take_step(&mut self, step: &JourneyStep, names: &Names) {
        let Some((series, span)) = names.resolve(step.series, step.window) else { return };
        let Some(state) = held(&mut self.metrics, series.metric) else { return };
        // The finish of a journey may lie in a window of the next definition; a start belongs to its own.
        let is_own = state.range.holds(span.start);
        if is_own {
            state.counters.count(&series.key, 1);
        }
        let Some(journeys) = &mut state.journeys else { return };
        if !is_own && !journeys.may_finish(step, &state.range) {
            return;
        }
        let start = (is_own && step.start).then(|| (Arc::clone(&series.key), span));
        let begins = start.is_some();
        if !journeys.wait(step, start, self.watermark) {
            state.counters.late_dropped += u64::from(is_own);
            return;
        }
        if is_own && self.evaluator.watches(series.metric) {
            let event = (step.time, !step.start);
            self.evaluator.step(series.metric, &series.key, event, self.watermark);
        }
        if begins && state.latest_start != Some(span.start) {
            state.latest_start = Some(span.start);
            self.put_on_agenda(series.metric, span);
        }
    }

    /// Takes in what events of one metric, window and series add up to; a stamp says that they were late by it.
    fn take_partial(&mut self, names: &Names, partial: Partial, stamp: Option<Timestamp>) {
        let Some((series, span)) = names.resolve(partial.series, partial.window) else { return };
        let plan = &self.plan;
        let (Some(metric), Some(state)) =
            (plan.metrics.get(series.metric), held(&mut self.metrics, series.metric))
        else {
            return;
        };
        if !state.range.holds(span.start) {
            return;
        }
        state.counters.count(&series.key, partial.events);
        let passed = self.watermark.filter(|&place| state.is_final(span, &plan.timing, place));
        if let Some(place) =
            stamp.map(|stamp| self.watermark.unwrap_or(stamp).max(stamp)).or(passed)
        {
            if takes_corrections(metric, &plan.timing) {
                let (cell, is_new) = state.windows.late_cell(&series.key, span, place);
                cell.take(&partial);
                if is_new {
                    self.agenda.insert((place, series.metric, span.start, Closing::Correction));
                }
            } else {
                state.counters.late_dropped += partial.events;
            }
            return;
        }
        self.take_in_time(series, span, partial);
    }

    fn take_in_time(&mut self, series: &DeltaSeries, span: WindowSpan, partial: Partial) {
        let plan = &self.plan;
        let Some(state) = held(&mut self.metrics, series.metric) else { return };
        let is_live = plan.metrics.get(series.metric).is_some_and(|metric| metric.live);
        if !is_live {
            let (cell, is_new) = state.windows.cell(&series.key, span);
            cell.take(&partial);
            if is_new {
                self.put_on_agenda(series.metric, span);
            }
            return;
        }
        // The increments are the point, so the window adds up under the names that they went out under.
        let name = state.windows.live_name(plan.calendar.day(span.start), &series.key);
        let (cell, is_new) = state.windows.cell(&name, span);
        cell.take(&partial);
        self.increments.push_back(Increment {
            metric: series.metric,
            series: name,
            window_start: span.start,
            window_end: span.end,
            accumulator: partial.accumulator,
        });
        if is_new {
            self.put_on_agenda(series.metric, span);
        }
    }
}
