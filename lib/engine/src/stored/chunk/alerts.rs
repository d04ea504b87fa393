//! What alerts hear, in the block of a metric.
//!
//! Where nothing is heard this is a 0, else a 1 and
//!
//! 1. the events that the parts below name: times, identities, ids,
//! 2. the number of samples: the first of the events, in their order; if any: series, overdue,
//! 3. slices: ends, kind, series, lengths, numbers of events, overdue, accumulators; then of each how many newest events it
//!    has, and these,
//! 4. of each partial in time how many newest events it has, and these,
//! 5. a 1 if the journey steps have ids, and then of each step its id or null,
//! 6. copies: times, series.
//!
//! Overdue is how far the place is behind the event or the slice, 0 if they are not overdue. Among newest events 0 is the next
//! of the events that no part has named, and n the n-th: two slices that share events name them once.

use super::super::accumulator;
use super::super::writer::Writer;
use super::{Block, Columns};
use crate::accumulate::Accumulator;
use crate::delta::{AlertCopy, AlertSample, AlertSlice};
use crate::hash::Map;
use crate::newest::{NamedEvent, Newest};
use crate::place::events;
use crate::time::{Millis, Timestamp};
use hashbrown::hash_map::Entry;

/// What stands for a part that is absent.
pub(super) const ABSENT: u64 = 0;
/// What stands before a part that is there.
pub(super) const PRESENT: u64 = 1;

/// What a delta tells alerts of one metric, beside what partials and steps hold of it.
#[derive(Default)]
pub(super) struct Heard<'d> {
    pub(super) samples: Vec<&'d AlertSample>,
    pub(super) slices: Vec<&'d AlertSlice>,
    pub(super) copies: Vec<&'d AlertCopy>,
}

/// The columns of series, which are numbered before anything is written.
pub(super) struct Series {
    samples: Vec<u64>,
    slices: Vec<u64>,
    copies: Vec<u64>,
}

impl Heard<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.slices.is_empty() && self.copies.is_empty()
    }

    pub(super) fn number(&self, columns: &mut Columns) -> Series {
        Series {
            samples: columns.series_of(self.samples.iter().map(|sample| sample.series)),
            slices: columns.series_of(self.slices.iter().map(|slice| slice.series)),
            copies: columns.series_of(self.copies.iter().map(|copy| copy.series)),
        }
    }
}

/// Whether alerts hear anything of the metric.
pub(super) fn is_heard(block: &Block<'_>) -> bool {
    !block.heard.is_empty()
        || block.partials.iter().any(|partial| !partial.newest.is_empty())
        || block.steps.iter().any(|step| step.id.is_some())
}

/// Writes what alerts hear of the metric of a block.
pub(super) fn write(writer: &mut Writer, block: &Block<'_>, series: &Series) {
    if !is_heard(block) {
        writer.unsigned(ABSENT);
        return;
    }
    writer.unsigned(PRESENT);
    let Block { partials, steps, heard, .. } = block;
    let mut named = EventTable::default();
    heard.samples.iter().for_each(|sample| named.push(&sample.event));
    let of_slices = named.numbers(heard.slices.iter().map(|slice| &slice.newest));
    let of_partials = named.numbers(partials.iter().map(|partial| &partial.newest));
    named.write(writer);
    write_samples(writer, &heard.samples, &series.samples);
    write_slices(writer, &heard.slices, &series.slices);
    if !heard.slices.is_empty() {
        writer.numbers(heard.slices.iter().map(|slice| length(&slice.newest)));
        writer.numbers(of_slices.into_iter());
    }
    if !partials.is_empty() {
        writer.numbers(partials.iter().map(|partial| length(&partial.newest)));
        writer.numbers(of_partials.into_iter());
    }
    if steps.iter().any(|step| step.id.is_some()) {
        writer.unsigned(PRESENT);
        for step in steps {
            writer.optional_text(step.id.as_deref());
        }
    } else {
        writer.unsigned(ABSENT);
    }
    writer.times(heard.copies.iter().map(|copy| copy.time));
    if !heard.copies.is_empty() {
        writer.numbers(series.copies.iter().copied());
    }
}

fn write_samples(writer: &mut Writer, samples: &[&AlertSample], series: &[u64]) {
    writer.list(samples.len());
    if !samples.is_empty() {
        writer.numbers(series.iter().copied());
        writer.numbers(samples.iter().map(|sample| behind(sample.event.time, sample.overdue)));
    }
}

fn write_slices(writer: &mut Writer, slices: &[&AlertSlice], series: &[u64]) {
    writer.times(slices.iter().map(|slice| slice.until));
    let Some(first) = slices.first() else { return };
    writer.unsigned(accumulator::kind(&first.accumulator));
    writer.numbers(series.iter().copied());
    writer.numbers(slices.iter().map(|slice| unsigned(slice.length_ms)));
    writer.numbers(slices.iter().map(|slice| slice.events));
    writer.numbers(slices.iter().map(|slice| behind(slice.until, slice.overdue)));
    for slice in slices {
        match slice.accumulator {
            // It counts what stands in the column of events.
            Accumulator::Count(count) => debug_assert_eq!(count, slice.events),
            _ => accumulator::write(writer, &slice.accumulator),
        }
    }
}

fn length(newest: &Newest) -> u64 {
    events(newest.events().len())
}

/// How far a place is behind what is overdue; 0 if nothing is.
fn behind(time: Timestamp, overdue: Option<Timestamp>) -> u64 {
    overdue.map_or(0, |place| unsigned(place.as_millis().saturating_sub(time.as_millis())))
}

/// A length, which is never negative.
fn unsigned(length_ms: Millis) -> u64 {
    u64::try_from(length_ms).unwrap_or_default()
}

/// The events that a block names.
#[derive(Default)]
struct EventTable<'d> {
    events: Vec<&'d NamedEvent>,
    /// One more than their places.
    numbers: Map<&'d NamedEvent, u64>,
}

impl<'d> EventTable<'d> {
    fn push(&mut self, event: &'d NamedEvent) {
        self.events.push(event);
        self.numbers.insert(event, events(self.events.len()));
    }

    /// The numbers that these events are written as.
    fn numbers(&mut self, sets: impl Iterator<Item = &'d Newest>) -> Vec<u64> {
        let number = |event: &'d NamedEvent| match self.numbers.entry(event) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.events.push(event);
                new.insert(events(self.events.len()));
                0
            }
        };
        sets.flat_map(Newest::events).map(number).collect()
    }

    fn write(&self, writer: &mut Writer) {
        writer.times(self.events.iter().map(|event| event.time));
        writer.hashes(self.events.iter().map(|event| event.identity));
        self.events.iter().for_each(|event| writer.text(&event.id));
    }
}
