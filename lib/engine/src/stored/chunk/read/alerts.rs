//! Reads what alerts hear, in the block of a metric.

use super::super::super::accumulator;
use super::super::super::reader::Reader;
use super::super::alerts::{ABSENT, PRESENT};
use super::{Columns, kind};
use crate::accumulate::Accumulator;
use crate::decode::ID_BYTES_MAX;
use crate::delta::{AlertCopy, AlertSample, AlertSlice, JourneyStep, Partial};
use crate::newest::{NamedEvent, Newest};
use crate::plan::{Metric, MetricKind};
use crate::time::{Millis, Timestamp};
use crate::transition::EVIDENCE_IDS_MAX;
use minicbor::decode::Error;
use std::sync::Arc;

/// Lengths are bounded as times are, so that arithmetic with them stays far from the ends of 64 bits.
const LENGTH_MS_MAX: Millis = 1 << 53;

/// What alerts hear of one metric, beside what partials and steps hold of it.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) samples: Vec<AlertSample>,
    pub(super) slices: Vec<AlertSlice>,
    pub(super) copies: Vec<AlertCopy>,
}

/// Reads what alerts hear of a metric, and gives partials and steps their part of it.
pub(super) fn read(
    reader: &mut Reader<'_>,
    metric: &Metric,
    columns: &mut Columns<'_>,
    partials: &mut [Partial],
    steps: &mut [JourneyStep],
) -> Result<Heard, Error> {
    if !is_present(reader)? {
        return Ok(Heard::default());
    }
    let events = read_events(reader)?;
    let samples = read_samples(reader, columns, &events)?;
    let mut named = Named { next: samples.len(), events };
    let mut slices = read_slices(reader, metric, columns)?;
    if !slices.is_empty() {
        let newest = named.read(reader, slices.len())?;
        slices.iter_mut().zip(newest).for_each(|(slice, newest)| slice.newest = newest);
    }
    if !partials.is_empty() {
        let newest = named.read(reader, partials.len())?;
        partials.iter_mut().zip(newest).for_each(|(partial, newest)| partial.newest = newest);
    }
    if is_present(reader)? {
        for step in steps {
            step.id = if reader.null()? { None } else { Some(id(reader)?) };
        }
    }
    let times = reader.times()?;
    let numbers = if times.is_empty() { Vec::new() } else { reader.numbers(times.len())? };
    let copy = |(time, number)| Ok(AlertCopy { series: columns.series(reader, number)?, time });
    let copies = times.into_iter().zip(numbers).map(copy).collect::<Result<_, Error>>()?;
    Ok(Heard { samples, slices, copies })
}

fn is_present(reader: &mut Reader<'_>) -> Result<bool, Error> {
    match reader.unsigned()? {
        ABSENT => Ok(false),
        PRESENT => Ok(true),
        _ => Err(reader.wrong("neither there nor absent")),
    }
}

fn read_events(reader: &mut Reader<'_>) -> Result<Vec<NamedEvent>, Error> {
    let (times, identities) = (reader.times()?, reader.hashes()?);
    if times.len() != identities.len() {
        return Err(reader.wrong("columns of different lengths"));
    }
    let rows = times.into_iter().zip(identities);
    rows.map(|(time, identity)| Ok(NamedEvent { time, identity, id: id(reader)? })).collect()
}

fn id(reader: &mut Reader<'_>) -> Result<Arc<str>, Error> {
    let id = reader.text()?;
    if id.len() > ID_BYTES_MAX {
        Err(reader.wrong("an id that is too long"))
    } else {
        Ok(id.into())
    }
}

fn read_samples(
    reader: &mut Reader<'_>,
    columns: &mut Columns<'_>,
    events: &[NamedEvent],
) -> Result<Vec<AlertSample>, Error> {
    // They are events that have been read, and so may be more than there are bytes left.
    let length = reader.place()?;
    let Some(events) = events.get(..length) else {
        return Err(reader.wrong("more samples than events"));
    };
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let (numbers, gaps) = (reader.numbers(length)?, reader.numbers(length)?);
    let rows = events.iter().zip(numbers).zip(gaps);
    let sample = |((event, number), gap): ((&NamedEvent, u64), u64)| {
        let series = columns.series(reader, number)?;
        Ok(AlertSample { series, event: event.clone(), overdue: overdue(reader, event.time, gap)? })
    };
    rows.map(sample).collect()
}

fn read_slices(
    reader: &mut Reader<'_>,
    metric: &Metric,
    columns: &mut Columns<'_>,
) -> Result<Vec<AlertSlice>, Error> {
    let ends = reader.times()?;
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    kind(reader, metric)?;
    let (numbers, lengths) = (reader.numbers(ends.len())?, reader.numbers(ends.len())?);
    let (counts, gaps) = (reader.numbers(ends.len())?, reader.numbers(ends.len())?);
    let rows =
        ends.into_iter().zip(numbers.into_iter().zip(lengths)).zip(counts.into_iter().zip(gaps));
    let slice = |((until, (number, length)), (events, gap))| {
        let accumulator = match metric.kind {
            MetricKind::Count(_) => Accumulator::Count(events),
            _ => accumulator::read(reader, &metric.kind)?,
        };
        Ok(AlertSlice {
            series: columns.series(reader, number)?,
            length_ms: length_ms(reader, length)?,
            until,
            overdue: overdue(reader, until, gap)?,
            events,
            accumulator,
            newest: Newest::default(),
        })
    };
    rows.map(slice).collect()
}

fn length_ms(reader: &Reader<'_>, length: u64) -> Result<Millis, Error> {
    let length_ms = Millis::try_from(length).ok().filter(|&length_ms| length_ms <= LENGTH_MS_MAX);
    length_ms.ok_or_else(|| reader.wrong("a length far out of range"))
}

/// The place of what is overdue, which is so far behind its time.
fn overdue(reader: &Reader<'_>, time: Timestamp, gap: u64) -> Result<Option<Timestamp>, Error> {
    Ok(match length_ms(reader, gap)? {
        0 => None,
        gap_ms => Some(time.plus(gap_ms)),
    })
}

/// The events of a block, of which newest ones are named.
struct Named {
    events: Vec<NamedEvent>,
    /// The next one that no part has named.
    next: usize,
}

impl Named {
    /// Reads the newest events of so many sets.
    fn read(&mut self, reader: &mut Reader<'_>, sets: usize) -> Result<Vec<Newest>, Error> {
        let lengths = reader.numbers(sets)?;
        let mut all = 0;
        for &length in &lengths {
            let length = usize::try_from(length).ok().filter(|&length| length <= EVIDENCE_IDS_MAX);
            all += length.ok_or_else(|| reader.wrong("more events than evidence names"))?;
        }
        let mut numbers = reader.numbers(all)?.into_iter();
        let set = |length| self.set(reader, length, &mut numbers);
        lengths.into_iter().map(set).collect()
    }

    fn set(
        &mut self,
        reader: &Reader<'_>,
        length: u64,
        numbers: &mut impl Iterator<Item = u64>,
    ) -> Result<Newest, Error> {
        let mut newest = Newest::default();
        for _ in 0..length {
            let number = numbers.next().map(usize::try_from);
            let place = match number {
                Some(Ok(0)) => {
                    self.next += 1;
                    self.next - 1
                }
                Some(Ok(known)) => known - 1,
                _ => usize::MAX,
            };
            let event = self
                .events
                .get(place)
                .ok_or_else(|| reader.wrong("an event that is not in the list"))?;
            newest.add(event.clone());
        }
        Ok(newest)
    }
}
