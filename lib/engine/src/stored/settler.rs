//! What the stored forms of the settle fold share: keys by number, accumulators that are whole, and values.
//!
//! A series stands in many places of a metric's state (its windows, the names of each day, the zeros), so the keys of a
//! metric are written once, sorted, and named by their number after that. Sets are written as rising numbers, each as its
//! distance to the one before. So equal states have equal bytes, whatever way they came about.

use super::accumulator;
use super::keys::{KeyReader, KeyWriter};
use super::reader::Reader;
use super::writer::Writer;
use crate::accumulate::{Accumulator, Cohort};
use crate::calendar::WindowSpan;
use crate::hash::Map;
use crate::newest::{NamedEvent, Newest};
use crate::output::{DistributionValues, JourneyValues, Values};
use crate::plan::{Metric, MetricKind, Plan};
use crate::series::SeriesKey;
use crate::sketch::Distribution;
use crate::time::Timestamp;
use minicbor::decode::Error;
use std::sync::Arc;

/// The keys of a metric with their numbers, to write by.
#[derive(Debug, Default)]
pub(crate) struct KeyNumbers(Map<Arc<SeriesKey>, usize>);

impl KeyNumbers {
    /// Writes these keys, of which some may come more than once.
    pub(crate) fn write<'k>(
        writer: &mut Writer,
        keys: impl Iterator<Item = &'k Arc<SeriesKey>>,
    ) -> Self {
        let mut sorted: Vec<_> = keys.collect();
        sorted.sort_unstable();
        sorted.dedup();
        writer.list(sorted.len());
        let mut values = KeyWriter::default();
        for key in &sorted {
            values.write(writer, key);
        }
        Self(sorted.into_iter().cloned().zip(0..).collect())
    }

    /// The number of a key that was written.
    pub(crate) fn number(&self, key: &Arc<SeriesKey>) -> usize {
        self.0.get(key).copied().unwrap_or(usize::MAX)
    }

    /// Writes a set of keys: what stands behind each is written by `rest`.
    pub(crate) fn write_set<'k, T>(
        &self,
        writer: &mut Writer,
        set: impl Iterator<Item = (&'k Arc<SeriesKey>, T)>,
        mut rest: impl FnMut(&mut Writer, T),
    ) {
        let mut numbered: Vec<_> = set.map(|(key, value)| (self.number(key), value)).collect();
        numbered.sort_unstable_by_key(|&(number, _)| number);
        writer.list(numbered.len());
        let mut next = 0;
        for (number, value) in numbered {
            writer.place(number - next);
            rest(writer, value);
            next = number + 1;
        }
    }
}

/// The keys of a metric by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Arc<SeriesKey>>);

impl Keys {
    /// Reads the keys of a metric with so many dimensions.
    pub(crate) fn read(reader: &mut Reader<'_>, dimensions: usize) -> Result<Self, Error> {
        let mut values = KeyReader::default();
        let read = (0..reader.list()?).map(|_| values.read(reader, dimensions).map(Arc::new));
        read.collect::<Result<_, _>>().map(Self)
    }

    /// Reads the number of a key.
    pub(crate) fn one(&self, reader: &mut Reader<'_>) -> Result<Arc<SeriesKey>, Error> {
        let number = reader.place()?;
        self.numbered(reader, number)
    }

    /// Reads a set of keys, and with `rest` what stands behind each.
    pub(crate) fn set<'b, T>(
        &self,
        reader: &mut Reader<'b>,
        mut rest: impl FnMut(&mut Reader<'b>) -> Result<T, Error>,
    ) -> Result<Vec<(Arc<SeriesKey>, T)>, Error> {
        let mut next = 0_usize;
        let mut set = Vec::new();
        for _ in 0..reader.list()? {
            let number = next.saturating_add(reader.place()?);
            set.push((self.numbered(reader, number)?, rest(reader)?));
            next = number.saturating_add(1);
        }
        Ok(set)
    }

    fn numbered(&self, reader: &Reader<'_>, number: usize) -> Result<Arc<SeriesKey>, Error> {
        self.0.get(number).cloned().ok_or_else(|| reader.wrong("no key of the metric"))
    }
}

/// Reads an accumulator of a metric.
pub(crate) fn read_accumulator(
    reader: &mut Reader<'_>,
    kind: &MetricKind,
) -> Result<Accumulator, Error> {
    let accumulator = accumulator::read(reader, kind)?;
    if let Accumulator::Journey(cohort) = &accumulator {
        let decided = cohort.finished.checked_add(cohort.abandoned);
        if decided.is_none_or(|decided| decided > cohort.started) {
            return Err(reader.wrong("more journeys have ended than have started"));
        }
    }
    Ok(accumulator)
}

/// Writes the values of a point.
pub(crate) fn write_values(writer: &mut Writer, values: &Values) {
    let accumulator = match values {
        Values::Unique(different) => return writer.unsigned(*different),
        Values::Count(events) => Accumulator::Count(*events),
        Values::Sum(values) => Accumulator::Sum(*values),
        Values::Ratio { part, whole } => Accumulator::Ratio { part: *part, whole: *whole },
        Values::Distribution(values) => Accumulator::Distribution(Box::new(sketch(values))),
        Values::Journey(values) => {
            let JourneyValues { started, finished, abandoned, ref time, .. } = **values;
            let time = sketch(time);
            Accumulator::Journey(Box::new(Cohort { started, finished, abandoned, time }))
        }
    };
    accumulator::write(writer, &accumulator);
}

/// The sketch that these values were read from.
fn sketch(values: &DistributionValues) -> Distribution {
    let extremes = values.exact.min.zip(values.exact.max);
    let buckets = values.buckets.iter().copied();
    extremes
        .and_then(|(min, max)| Distribution::from_buckets(min, max, buckets))
        .unwrap_or_default()
}

/// Reads the values of a metric's point.
pub(crate) fn read_values(reader: &mut Reader<'_>, kind: &MetricKind) -> Result<Values, Error> {
    match kind {
        MetricKind::Unique(_) => Ok(Values::Unique(reader.unsigned()?)),
        _ => Ok(read_accumulator(reader, kind)?.into_values()),
    }
}

/// Reads the beginning of a metric's window.
pub(crate) fn read_window(
    reader: &mut Reader<'_>,
    plan: &Plan,
    metric: &Metric,
    known: Timestamp,
) -> Result<WindowSpan, Error> {
    let start = reader.time(known)?;
    let span = plan.calendar.window(metric.window, start);
    if span.start == start {
        Ok(span)
    } else {
        Err(reader.wrong("no window of the metric begins then"))
    }
}

impl Newest {
    /// Writes the newest events of a window.
    pub(crate) fn write(&self, writer: &mut Writer, known: Timestamp) {
        writer.list(self.events().len());
        for NamedEvent { time, identity, id } in self.events() {
            writer.time(known, *time);
            writer.unsigned(*identity);
            writer.text(id);
        }
    }

    /// Reads what was written.
    pub(crate) fn read(reader: &mut Reader<'_>, known: Timestamp) -> Result<Self, Error> {
        let mut newest = Self::default();
        for _ in 0..reader.list()? {
            let (time, identity) = (reader.time(known)?, reader.unsigned()?);
            newest.add(NamedEvent { time, identity, id: reader.text()?.into() });
        }
        Ok(newest)
    }
}
