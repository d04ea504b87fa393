//! The state of a settler as bytes.
//!
//! Format 1: the watermark of the last settle; whether an event has come; per metric of the plan null or its state, which begins
//! with the hash of its definition and its keys; the agenda; what waits to be handed out. Format 2: the cells of windows hold
//! events, and journeys theirs, so that alerts can name them; at the end the alerts, and their transitions that wait. Format 3: whether
//! it was said since when alerts without groups count.
//!
//! A settler that was restored goes on as the one that was stored would have, bit for bit, and is stored as the same bytes. What
//! follows from the plan (caps, lengths, ends of windows) is not in it.

use super::journeys::Journeys;
use super::range::Range;
use super::windows::{Closing, MetricWindows};
use super::{Increment, MetricState, Settler, held};
use crate::evaluate::{read_transition, write_transition};
use crate::output::{MetricCounters, Point, Status};
use crate::plan::{Metric, Plan};
use crate::series::SeriesKey;
use crate::stored::reader::{Reader, read};
use crate::stored::settler::{
    KeyNumbers, Keys, read_accumulator, read_values, read_window, write_values,
};
use crate::stored::writer::Writer;
use crate::stored::{StoredError, accumulator};
use crate::time::Timestamp;
use minicbor::decode::Error;
use std::sync::Arc;

const WHAT: &str = "state of a settle partition";
const FORMAT: u64 = 3;
/// Alerts were not evaluated yet.
const WITHOUT_ALERTS: u64 = 1;
/// Alerts without groups counted from the first event.
const WITHOUT_ORIGIN: u64 = 2;

impl Settler {
    /// The state as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.optional_time(Timestamp::EPOCH, self.watermark);
        writer.unsigned(u64::from(self.has_begun));
        writer.list(self.metrics.len());
        let mut all_keys = Vec::new();
        for (place, (metric, state)) in self.plan.metrics.iter().zip(&self.metrics).enumerate() {
            let Some(state) = state else {
                writer.null();
                all_keys.push(KeyNumbers::default());
                continue;
            };
            writer.text(&metric.definition);
            let keys = KeyNumbers::write(&mut writer, self.keys(place, state));
            state.write(&mut writer, &keys);
            all_keys.push(keys);
        }
        self.write_agenda(&mut writer);
        let number = |metric: usize, series: &Arc<SeriesKey>| {
            all_keys.get(metric).map_or(usize::MAX, |keys| keys.number(series))
        };
        writer.list(self.increments.len());
        for Increment { metric, series, window_start, accumulator, .. } in &self.increments {
            writer.place(*metric);
            writer.place(number(*metric, series));
            writer.time(Timestamp::EPOCH, *window_start);
            accumulator::write(&mut writer, accumulator);
        }
        writer.list(self.left_over.len());
        for Point { metric, series, window_start, status, decided_at, values, .. } in
            &self.left_over
        {
            writer.place(*metric);
            writer.place(number(*metric, series));
            writer.time(Timestamp::EPOCH, *window_start);
            writer.unsigned(u64::from(*status == Status::Correction));
            writer.time(*window_start, *decided_at);
            write_values(&mut writer, values);
        }
        self.evaluator.write(&mut writer, &self.plan);
        writer.list(self.untold.len());
        self.untold.iter().for_each(|told| write_transition(&mut writer, told));
        writer.finish()
    }

    /// The state that [`encode`](Self::encode) wrote under a plan with the same definitions, for a partition that owns the same
    /// metrics.
    pub fn decode(
        plan: Arc<Plan>,
        owns: impl Fn(&Metric) -> bool,
        bytes: &[u8],
    ) -> Result<Self, StoredError> {
        read(WHAT, FORMAT, bytes, |reader, version| {
            let mut settler = Self::of(plan, owns);
            settler.read(reader, version)?;
            Ok(settler)
        })
    }

    /// The keys of all series of a metric that are named anywhere.
    fn keys<'s>(
        &'s self,
        place: usize,
        state: &'s MetricState,
    ) -> impl Iterator<Item = &'s Arc<SeriesKey>> {
        let increments = self.increments.iter().filter(move |increment| increment.metric == place);
        let left_over = self.left_over.iter().filter(move |point| point.metric == place);
        let waiting = increments.map(|increment| &increment.series);
        let journeys = state.journeys.iter().flat_map(Journeys::keys);
        let outputs = waiting.chain(left_over.map(|point| &point.series));
        state.windows.keys().chain(journeys).chain(outputs)
    }

    fn write_agenda(&self, writer: &mut Writer) {
        writer.list(self.agenda.len());
        let mut last = Timestamp::EPOCH;
        for &(moment, place, start, closing) in &self.agenda {
            writer.time(last, moment);
            writer.place(place);
            writer.time(moment, start);
            writer.unsigned(u64::from(closing == Closing::Correction));
            last = moment;
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>, version: u64) -> Result<(), Error> {
        let plan = Arc::clone(&self.plan);
        self.watermark = reader.optional_time(Timestamp::EPOCH)?;
        self.has_begun = reader.unsigned()? > 0;
        if reader.list()? != plan.metrics.len() {
            return Err(reader.wrong("another number of metrics than the plan has"));
        }
        let mut all_keys = Vec::new();
        for (metric, state) in plan.metrics.iter().zip(&mut self.metrics) {
            if reader.null()? {
                *state = None;
                all_keys.push(Keys::default());
                continue;
            }
            let definition = reader.text()?;
            let owned = state.as_mut().filter(|_| definition == metric.definition);
            let owned = owned.ok_or_else(|| {
                reader.wrong("a metric that the plan defines otherwise or another partition owns")
            })?;
            let keys = Keys::read(reader, metric.dimensions.len())?;
            owned.read(reader, (&plan, metric), &keys, version > WITHOUT_ALERTS)?;
            all_keys.push(keys);
        }
        self.read_agenda(reader, &plan)?;
        self.read_waiting(reader, &plan, &all_keys)?;
        if version > WITHOUT_ALERTS {
            self.evaluator.read(reader, &plan, version > WITHOUT_ORIGIN)?;
            for _ in 0..reader.list()? {
                self.untold.push_back(read_transition(reader, &plan)?);
            }
        }
        Ok(())
    }

    fn read_agenda(&mut self, reader: &mut Reader<'_>, plan: &Plan) -> Result<(), Error> {
        let mut last = Timestamp::EPOCH;
        for _ in 0..reader.list()? {
            let moment = reader.time(last)?;
            let place = reader.place()?;
            let metric = self.held_metric(reader, plan, place)?;
            let span = read_window(reader, plan, metric, moment)?;
            let closing = if reader.unsigned()? > 0 { Closing::Correction } else { Closing::Final };
            self.agenda.insert((moment, place, span.start, closing));
            last = moment;
        }
        Ok(())
    }

    fn read_waiting(
        &mut self,
        reader: &mut Reader<'_>,
        plan: &Plan,
        all_keys: &[Keys],
    ) -> Result<(), Error> {
        for _ in 0..reader.list()? {
            let place = reader.place()?;
            let metric = self.held_metric(reader, plan, place)?;
            let series = key(reader, all_keys, place)?;
            let span = read_window(reader, plan, metric, Timestamp::EPOCH)?;
            self.increments.push_back(Increment {
                metric: place,
                series,
                window_start: span.start,
                window_end: span.end,
                accumulator: read_accumulator(reader, &metric.kind)?,
            });
        }
        for _ in 0..reader.list()? {
            let place = reader.place()?;
            let metric = self.held_metric(reader, plan, place)?;
            let series = key(reader, all_keys, place)?;
            let span = read_window(reader, plan, metric, Timestamp::EPOCH)?;
            let status = if reader.unsigned()? > 0 { Status::Correction } else { Status::Final };
            self.left_over.push_back(Point {
                metric: place,
                series,
                window_start: span.start,
                window_end: span.end,
                status,
                decided_at: reader.time(span.start)?,
                values: read_values(reader, &metric.kind)?,
            });
        }
        Ok(())
    }

    fn held_metric<'p>(
        &mut self,
        reader: &Reader<'_>,
        plan: &'p Plan,
        place: usize,
    ) -> Result<&'p Metric, Error> {
        let metric = held(&mut self.metrics, place).and_then(|_| plan.metrics.get(place));
        metric.ok_or_else(|| reader.wrong("a metric that is not here"))
    }
}

/// Reads the number of a key of the metric at a place.
fn key(reader: &mut Reader<'_>, all_keys: &[Keys], place: usize) -> Result<Arc<SeriesKey>, Error> {
    let keys = all_keys.get(place).ok_or_else(|| reader.wrong("no metric of the plan"))?;
    keys.one(reader)
}

impl MetricState {
    fn write(&self, writer: &mut Writer, keys: &KeyNumbers) {
        for limit in [self.range.from, self.range.until, self.closed_until] {
            writer.optional_time(Timestamp::EPOCH, limit);
        }
        let MetricCounters { matched, no_value, no_dimension, late_dropped, .. } = self.counters;
        for counter in [matched, no_value, no_dimension, late_dropped] {
            writer.unsigned(counter);
        }
        self.windows.write(writer, keys);
        if let Some(journeys) = &self.journeys {
            journeys.write(writer, keys);
        }
    }

    /// Reads what belongs into this state, which is new.
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        (plan, metric): (&Plan, &Metric),
        keys: &Keys,
        has_alerts: bool,
    ) -> Result<(), Error> {
        let mut limit = || reader.optional_time(Timestamp::EPOCH);
        self.range = Range { from: limit()?, until: limit()? };
        self.closed_until = limit()?;
        self.counters = MetricCounters {
            matched: reader.unsigned()?,
            no_value: reader.unsigned()?,
            no_dimension: reader.unsigned()?,
            late_dropped: reader.unsigned()?,
            folded: 0,
        };
        self.windows = MetricWindows::read(reader, (plan, metric), keys, has_alerts)?;
        match &mut self.journeys {
            Some(journeys) => journeys.read(reader, (plan, metric), keys, has_alerts),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
