//! Adds up the events of a batch per series and window, and makes them parts of a delta.

use crate::accumulate::Accumulator;
use crate::decode::{Batch, Take};
use crate::delta::{Delta, LatePartial, Partial};
use crate::hash::Map;
use crate::newest::Newest;
use crate::place::{at, at_mut, number};
use crate::plan::Plan;
use crate::time::Timestamp;

/// The partial aggregates of the batch that is being folded.
#[derive(Clone, Debug, Default)]
pub(super) struct PartialTable {
    partials: Vec<Partial>,
    /// Per series the window of its last event and where that partial is: most events of a series share it.
    last: Vec<Option<(u32, u32)>>,
    places: Map<(u32, u32), u32>,
    late: Vec<LatePartial>,
    late_places: Map<(u32, u32, Timestamp), u32>,
    refused: Vec<u64>,
}

impl PartialTable {
    /// Begins a batch of so many series.
    pub(super) fn begin(&mut self, series: usize) {
        self.last.clear();
        self.last.resize(series, None);
        self.refused.clear();
        self.refused.resize(series, 0);
        self.places.clear();
        self.late_places.clear();
    }

    /// Adds an event to the partial of its series and window, and answers with the place of that.
    #[inline]
    pub(super) fn add(
        &mut self,
        plan: &Plan,
        batch: &Batch,
        take: &Take,
        time: Timestamp,
    ) -> Option<u32> {
        let last = at_mut(&mut self.last, take.series)?;
        let place = match *last {
            Some((window, place)) if window == take.window => place,
            _ => {
                let partials = &mut self.partials;
                let place = *self.places.entry((take.series, take.window)).or_insert_with(|| {
                    partials.push(empty(plan, batch, take, time));
                    number(partials.len() - 1)
                });
                *last = Some((take.window, place));
                place
            }
        };
        extend(at_mut(&mut self.partials, place)?, take, time);
        Some(place)
    }

    /// Adds a late event to those of the same series, window and stamp.
    #[cold]
    pub(super) fn add_late(
        &mut self,
        plan: &Plan,
        batch: &Batch,
        take: &Take,
        time: Timestamp,
        stamp: Timestamp,
    ) {
        let late = &mut self.late;
        let place =
            *self.late_places.entry((take.series, take.window, stamp)).or_insert_with(|| {
                late.push(LatePartial { stamp, partial: empty(plan, batch, take, time) });
                number(late.len() - 1)
            });
        if let Some(entry) = at_mut(&mut self.late, place) {
            extend(&mut entry.partial, take, time);
        }
    }

    /// Counts an event that the metric of this series refuses.
    #[cold]
    pub(super) fn refuse(&mut self, series: u32) {
        if let Some(refused) = at_mut(&mut self.refused, series) {
            *refused += 1;
        }
    }

    /// Hands the batch's partials to its delta.
    pub(super) fn finish(&mut self, delta: &mut Delta) {
        let next = Vec::with_capacity(self.partials.len());
        delta.partials = std::mem::replace(&mut self.partials, next);
        delta.late = std::mem::take(&mut self.late);
        let refused = self.refused.iter().enumerate().filter(|&(_, &events)| events > 0);
        delta.refused = refused.map(|(series, &events)| (number(series), events)).collect();
    }
}

#[inline]
fn extend(partial: &mut Partial, take: &Take, time: Timestamp) {
    partial.events += 1;
    partial.latest = partial.latest.max(time);
    partial.accumulator.add(take.contribution);
}

fn empty(plan: &Plan, batch: &Batch, take: &Take, latest: Timestamp) -> Partial {
    let kind = at(&batch.names.series, take.series)
        .and_then(|series| plan.metrics.get(series.metric))
        .map(|metric| &metric.kind);
    // A batch names only metrics of the plan that it was decoded for.
    let accumulator = kind.map_or(Accumulator::Count(0), Accumulator::new);
    let (series, window, newest) = (take.series, take.window, Newest::default());
    Partial { series, window, events: 0, latest, accumulator, newest }
}
