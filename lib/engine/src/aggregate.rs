//! The first fold: the batches of one shard, in order, to deltas.
//!
//! Here everything happens that depends on the order of arrival in a shard, and nothing else: each event gets its *stamp*
//! (the shard's watermark just before it), copies are found, late events are told from those in time, and the rest is
//! added up per metric, window and series. Where the batches are cut changes how deltas are split, never what they add up to.

mod partials;
mod seen;
mod state;
mod watch;

use crate::accumulate::Contribution;
use crate::decode::{Batch, Event, Take};
use crate::delta::{Beginning, Delta, EventSpan, JourneyStep, Leap};
use crate::output::Counters;
use crate::place::{at, events, index};
use crate::plan::{LatePolicy, Metric, MetricKind, Plan, Timing};
use crate::time::Timestamp;
use partials::PartialTable;
use seen::Seen;
use std::sync::Arc;
use watch::{Taken, Watch};

/// The state of one shard: how far it is, and which identities it remembers.
#[derive(Clone, Debug)]
pub struct Aggregator {
    plan: Arc<Plan>,
    /// The largest event time so far, held down by arrival.
    furthest: Option<Timestamp>,
    /// The smallest event time so far.
    earliest: Option<Timestamp>,
    /// Until the watermark has passed this, the horizon of remembered identities is counted from here.
    horizon_from: Option<Timestamp>,
    seen: Option<Seen>,
    partials: PartialTable,
    /// Present only if the plan has alerts.
    watch: Option<Box<Watch>>,
    /// Deltas hold the identities that were seen.
    collects: bool,
}

/// Whether a metric takes an event.
enum Verdict {
    InTime,
    /// Too late for its window, but it can still become a correction.
    Correction,
    Refused,
}

/// The identities of so many events are asked for together: enough to keep the memory busy, few enough for the first cache.
const FETCHED_TOGETHER: usize = 64;

impl Aggregator {
    /// A shard from which nothing has come yet.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            furthest: None,
            earliest: None,
            horizon_from: None,
            seen: Seen::of(&plan),
            partials: PartialTable::default(),
            watch: Watch::of(&plan),
            collects: false,
            plan,
        }
    }

    /// A shard from which nothing has come yet, whose deltas go to a log: they hold the identities that were seen.
    pub fn collecting(plan: Arc<Plan>) -> Self {
        Self { collects: true, ..Self::new(plan) }
    }

    /// The event time up to which all events of the shard are believed to have arrived.
    pub fn watermark(&self) -> Option<Timestamp> {
        self.furthest.map(|furthest| furthest.minus(self.plan.timing.out_of_order))
    }

    /// Where the horizon of remembered identities ends.
    fn horizon_end(&self) -> Option<Timestamp> {
        self.watermark().max(self.horizon_from)
    }

    /// Folds the shard's next batch.
    pub fn fold(&mut self, batch: Batch) -> Delta {
        let mut delta = Delta {
            counters: Counters {
                received: batch.received,
                rejected: events(batch.rejects.len()),
                ..Counters::default()
            },
            ..Delta::default()
        };
        self.partials.begin(batch.names.series.len());
        let mut counted =
            vec![false; if batch.no_value.is_empty() { 0 } else { batch.events.len() }];
        let mut flags = counted.iter_mut();
        let mut takes = batch.takes.as_slice();
        for group in batch.events.chunks(FETCHED_TOGETHER) {
            if let Some(seen) = &self.seen {
                let taken = group.iter().filter(|event| event.takes > 0);
                seen.fetch(taken.map(|event| event.identity));
            }
            for event in group {
                let (own, rest) = takes.split_at_checked(index(event.takes)).unwrap_or_default();
                takes = rest;
                let first = self.fold_event(event, own, &batch, &mut delta);
                if let Some(flag) = flags.next() {
                    *flag = first;
                }
            }
        }
        for &(metric, event) in &batch.no_value {
            if at(&counted, event).copied().unwrap_or_default() {
                delta.no_value.push((metric, 1));
            }
        }
        delta.furthest = self.furthest;
        delta.watermark = self.watermark();
        self.partials.finish(&mut delta);
        if let Some(watch) = &mut self.watch {
            watch.finish(&batch.ids, &mut delta);
        }
        Delta { names: batch.names, rejects: batch.rejects, ..delta }
    }

    /// Moves the watermark on.
    #[inline]
    fn advance(&mut self, event: &Event, delta: &mut Delta) {
        if let Some(from) = self.furthest {
            let leap = Leap { position: event.position, from, to: event.advance };
            if delta.leap.is_none_or(|largest| largest.length_ms() < leap.length_ms()) {
                delta.leap = Some(leap);
            }
        }
        self.furthest = Some(event.advance);
    }

    /// Takes note of an event's time.
    #[inline]
    fn extend(&mut self, time: Timestamp, stamp: Option<Timestamp>, delta: &mut Delta) {
        let span = delta.span.get_or_insert(EventSpan { earliest: time, latest: time });
        span.earliest = span.earliest.min(time);
        span.latest = span.latest.max(time);
        if self.earliest.is_none_or(|earliest| time < earliest) {
            self.earliest = Some(time);
            delta.beginnings.push(Beginning { time, stamp });
        }
    }

    /// Folds one event; false if it is a copy.
    #[inline]
    fn fold_event(
        &mut self,
        event: &Event,
        takes: &[Take],
        batch: &Batch,
        delta: &mut Delta,
    ) -> bool {
        let stamp = self.watermark();
        if self.furthest.is_none_or(|furthest| furthest < event.advance) {
            self.advance(event, delta);
        }
        self.extend(event.time, stamp, delta);
        if takes.is_empty() {
            delta.counters.filtered += 1;
            return true;
        }
        let horizon_end = stamp.max(self.horizon_from);
        if let (Some(end), Some(horizon)) = (horizon_end, self.plan.timing.deduplicate)
            && end.minus(horizon) > event.time
        {
            // It could be a copy of an event that is forgotten already.
            for take in takes {
                self.partials.refuse(take.series);
            }
            delta.counters.late += 1;
            return true;
        }
        let next_end = self.horizon_end().unwrap_or(event.time);
        if let Some(seen) = &mut self.seen {
            let Some(generation) = seen.insert(event.identity, event.time, horizon_end, next_end)
            else {
                delta.counters.duplicate += 1;
                self.hear_copy(event, takes, stamp, batch, delta);
                return false;
            };
            if self.collects {
                delta.ids.push(generation, event.identity);
            }
        }
        let mut taken = false;
        for take in takes {
            taken |= self.fold_take(event, take, stamp, batch, delta);
        }
        if taken {
            delta.counters.counted += 1;
        } else {
            delta.counters.late += 1;
        }
        true
    }

    #[inline]
    fn fold_take(
        &mut self,
        event: &Event,
        take: &Take,
        stamp: Option<Timestamp>,
        batch: &Batch,
        delta: &mut Delta,
    ) -> bool {
        let place = match (self.verdict(event, take, stamp, batch), take.contribution) {
            (Verdict::Refused, _) => {
                self.partials.refuse(take.series);
                return false;
            }
            (Verdict::InTime, Contribution::Step { key, start, finish }) => {
                let Take { series, window, .. } = *take;
                let id = self.watch.as_mut().and_then(|watch| watch.step_id(batch, event, take));
                delta.steps.push(JourneyStep {
                    series,
                    window,
                    key,
                    time: event.time,
                    identity: event.identity,
                    id,
                    start,
                    finish,
                });
                return true;
            }
            (Verdict::InTime, _) => self.partials.add(&self.plan, batch, take, event.time),
            (Verdict::Correction, _) => {
                let stamp = stamp.unwrap_or_default();
                self.partials.add_late(&self.plan, batch, take, event.time, stamp);
                None
            }
        };
        if let Some(watch) = &mut self.watch {
            watch.hear(&self.plan, batch, Taken { event, take, stamp, place }, delta);
        }
        true
    }

    /// Tells alerts of a copy in each metric that would take it.
    #[cold]
    fn hear_copy(
        &self,
        event: &Event,
        takes: &[Take],
        stamp: Option<Timestamp>,
        batch: &Batch,
        delta: &mut Delta,
    ) {
        let Some(watch) = &self.watch else { return };
        for take in takes {
            if !matches!(self.verdict(event, take, stamp, batch), Verdict::Refused) {
                watch.hear_copy(batch, event, take, delta);
            }
        }
    }

    /// Whether an event is too late for a metric by its stamp.
    #[inline]
    fn verdict(
        &self,
        event: &Event,
        take: &Take,
        stamp: Option<Timestamp>,
        batch: &Batch,
    ) -> Verdict {
        let Some(stamp) = stamp else { return Verdict::InTime };
        let timing = &self.plan.timing;
        // Nearly every event is ahead of its stamp, and its window then is open whatever its length.
        if event.time.plus(timing.allowed_lateness) >= stamp {
            return Verdict::InTime;
        }
        if matches!(take.contribution, Contribution::Step { .. }) {
            return Verdict::Refused;
        }
        let Some((series, window)) = batch.names.resolve(take.series, take.window) else {
            return Verdict::Refused;
        };
        if !is_final(window.end, timing, stamp) {
            return Verdict::InTime;
        }
        let metric = self.plan.metrics.get(series.metric);
        if metric.is_some_and(|metric| takes_corrections(metric, timing))
            && stamp.minus(timing.correction_horizon()) <= event.time
        {
            Verdict::Correction
        } else {
            Verdict::Refused
        }
    }
}

/// Whether a window that ends at `end` takes no more events at this place.
#[inline]
pub(crate) fn is_final(end: Timestamp, timing: &Timing, place: Timestamp) -> bool {
    end.plus(timing.allowed_lateness) <= place
}

/// Whether late events of this metric become corrections. The union of two sketches of a set needs both, and a journey
/// is one thing with its window, so `unique` and journeys take none.
pub(crate) fn takes_corrections(metric: &Metric, timing: &Timing) -> bool {
    timing.late == LatePolicy::Correct
        && !matches!(metric.kind, MetricKind::Unique(_) | MetricKind::Journey { .. })
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
