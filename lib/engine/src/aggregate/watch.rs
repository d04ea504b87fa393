//! What alerts hear of a batch: samples, slices, copies, and the ids of the newest events.
//!
//! A shard has this only under a plan with alerts. Ids stay in the batch's text until it is known which of them the delta
//! names: of a slice or a window with thousands of events those are the newest [`EVIDENCE_IDS_MAX`].

use crate::accumulate::Accumulator;
use crate::alert::{Feed, slice_end};
use crate::decode::{Batch, Event, EventIds, Take};
use crate::delta::{AlertCopy, AlertSample, AlertSlice, Delta};
use crate::hash::Map;
use crate::newest::{NamedEvent, Newest};
use crate::place::{at, at_mut, index, number};
use crate::plan::{MetricKind, Plan};
use crate::time::{Millis, Timestamp};
use crate::transition::EVIDENCE_IDS_MAX;
use std::sync::Arc;

/// What alerts hear of the batch that is being folded.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// By the metric's place in the plan.
    feeds: Vec<Feed>,
    slices: SliceTable,
    /// By the place of the window's partial.
    windows: Vec<Latest>,
    last_id: LastId,
}

/// An event that a metric took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'b> {
    pub(super) event: &'b Event,
    pub(super) take: &'b Take,
    /// The shard's watermark just before it.
    pub(super) stamp: Option<Timestamp>,
    /// The place of its window's partial, if it was in time for that.
    pub(super) place: Option<u32>,
}

impl Watch {
    /// What there is to hear under this plan, if anything.
    pub(super) fn of(plan: &Plan) -> Option<Box<Self>> {
        let feeds = plan.feeds();
        (!feeds.is_empty()).then(|| {
            Box::new(Self {
                feeds,
                slices: SliceTable::default(),
                windows: Vec::new(),
                last_id: LastId::default(),
            })
        })
    }

    /// Hears of an event that a metric took. The steps of journeys are told by themselves.
    ///
    /// It stays out of the loop over events, which is shorter without it.
    #[inline(never)]
    pub(super) fn hear(&mut self, plan: &Plan, batch: &Batch, taken: Taken<'_>, delta: &mut Delta) {
        let Taken { event, take, stamp, place } = taken;
        let Some(series) = at(&batch.names.series, take.series) else { return };
        let (Some(feed), Some(metric)) =
            (self.feeds.get(series.metric), plan.metrics.get(series.metric))
        else {
            return;
        };
        if feed.samples {
            let id = self.last_id.of(event, batch);
            let &Event { time, identity, .. } = event;
            delta.samples.push(AlertSample {
                series: take.series,
                event: NamedEvent { time, identity, id },
                overdue: stamp.filter(|&stamp| stamp > time),
            });
        }
        for &length_ms in &feed.slices {
            self.slices.add(&metric.kind, length_ms, taken);
        }
        if let Some(place) = place.filter(|_| feed.windows) {
            if self.windows.len() <= index(place) {
                self.windows.resize_with(index(place) + 1, Latest::default);
            }
            if let Some(latest) = at_mut(&mut self.windows, place) {
                latest.add(event);
            }
        }
    }

    /// Hears of a copy of an event that a metric would take.
    pub(super) fn hear_copy(&self, batch: &Batch, event: &Event, take: &Take, delta: &mut Delta) {
        if self.watches(batch, take) {
            delta.copies.push(AlertCopy { series: take.series, time: event.time });
        }
    }

    /// The id of a journey's step, if an alert looks at the journey.
    #[inline(never)]
    pub(super) fn step_id(
        &mut self,
        batch: &Batch,
        event: &Event,
        take: &Take,
    ) -> Option<Arc<str>> {
        self.watches(batch, take).then(|| self.last_id.of(event, batch))
    }

    fn watches(&self, batch: &Batch, take: &Take) -> bool {
        let metric = at(&batch.names.series, take.series).map(|series| series.metric);
        metric.and_then(|metric| self.feeds.get(metric)).is_some_and(|feed| feed.is_watched)
    }

    /// Hands what was heard of the batch to its delta, which has the partials already.
    #[inline(never)]
    pub(super) fn finish(&mut self, ids: &EventIds, delta: &mut Delta) {
        self.last_id = LastId::default();
        delta.slices = self.slices.finish(ids);
        for (partial, latest) in delta.partials.iter_mut().zip(self.windows.drain(..)) {
            partial.newest = latest.named(ids);
        }
    }
}

/// The last id that an event needed for itself: where two metrics take an event, both need it, one after the other.
#[derive(Clone, Debug, Default)]
struct LastId(Option<(u32, Arc<str>)>);

impl LastId {
    fn of(&mut self, event: &Event, batch: &Batch) -> Arc<str> {
        match &self.0 {
            Some((known, id)) if *known == event.id => Arc::clone(id),
            _ => {
                let id = Arc::from(batch.ids.get(event.id));
                self.0 = Some((event.id, Arc::clone(&id)));
                id
            }
        }
    }
}

/// The slices that the events of a batch belong to.
#[derive(Clone, Debug, Default)]
struct SliceTable {
    slices: Vec<Slice>,
    places: Map<SliceKey, u32>,
}

/// Series, length, end, and the place of events that are overdue.
type SliceKey = (u32, Millis, Timestamp, Option<Timestamp>);

#[derive(Clone, Debug)]
struct Slice {
    slice: AlertSlice,
    latest: Latest,
}

impl SliceTable {
    fn add(&mut self, kind: &MetricKind, length_ms: Millis, taken: Taken<'_>) {
        let Taken { event, take, stamp, .. } = taken;
        let until = slice_end(event.time, length_ms);
        let overdue = stamp.filter(|&stamp| stamp > until);
        let (series, slices) = (take.series, &mut self.slices);
        let place = *self.places.entry((series, length_ms, until, overdue)).or_insert_with(|| {
            let (accumulator, newest) = (Accumulator::new(kind), Newest::default());
            let slice =
                AlertSlice { series, length_ms, until, overdue, events: 0, accumulator, newest };
            slices.push(Slice { slice, latest: Latest::default() });
            number(slices.len() - 1)
        });
        if let Some(Slice { slice, latest }) = at_mut(slices, place) {
            slice.events += 1;
            slice.accumulator.add(take.contribution);
            latest.add(event);
        }
    }

    fn finish(&mut self, ids: &EventIds) -> Vec<AlertSlice> {
        self.places.clear();
        let named =
            |Slice { slice, latest }: Slice| AlertSlice { newest: latest.named(ids), ..slice };
        self.slices.drain(..).map(named).collect()
    }
}

/// The newest of some events, by time, identity and the number of their id, among others: twice as many as are kept, at most.
#[derive(Clone, Debug, Default)]
struct Latest(Vec<(Timestamp, u64, u32)>);

impl Latest {
    fn add(&mut self, event: &Event) {
        if self.0.len() >= 2 * EVIDENCE_IDS_MAX {
            self.keep_newest();
        }
        self.0.push((event.time, event.identity, event.id));
    }

    fn keep_newest(&mut self) {
        self.0.sort_unstable_by(|one, other| other.cmp(one));
        self.0.truncate(EVIDENCE_IDS_MAX);
    }

    fn named(mut self, ids: &EventIds) -> Newest {
        self.keep_newest();
        let mut newest = Newest::default();
        for (time, identity, id) in self.0.into_iter().rev() {
            newest.add(NamedEvent { time, identity, id: ids.get(id).into() });
        }
        newest
    }
}

#[cfg(test)]
mod tests;
