//! Reads a delta again: its head, and the chunk of one partition.

mod alerts;

use super::super::StoredError;
use super::super::accumulator;
use super::super::head::{Head, read_head};
use super::super::keys::KeyReader;
use super::super::reader::{Reader, read};
use super::{FINISH, FORMAT, FORMAT_WITHOUT_ALERTS, NO_WINDOW, START, WHAT};
use crate::accumulate::Accumulator;
use crate::delta::{Delta, DeltaSeries, JourneyStep, LatePartial, Names, Partial};
use crate::newest::Newest;
use crate::place::{at, number};
use crate::plan::{Metric, MetricKind, Plan};
use minicbor::decode::Error;
use std::sync::Arc;

/// The delta of a head and a chunk that were written for this plan; the chunk is empty if there was nothing for it.
///
/// Rejects and identities are not in it. What it has of one metric is in the order in which it was folded.
pub fn read_delta(plan: &Plan, head: &[u8], chunk: &[u8]) -> Result<Delta, StoredError> {
    let Head { counters, span, beginnings, leap, furthest, watermark } = read_head(head)?;
    let delta = Delta { counters, span, beginnings, leap, furthest, watermark, ..Delta::default() };
    if chunk.is_empty() {
        return Ok(delta);
    }
    read(WHAT, FORMAT, chunk, |reader, format| read_blocks(reader, format, plan, delta))
}

fn read_blocks(
    reader: &mut Reader<'_>,
    format: u64,
    plan: &Plan,
    mut delta: Delta,
) -> Result<Delta, Error> {
    let mut known = NO_WINDOW;
    for _ in 0..reader.list()? {
        known = reader.window(known)?;
        delta.names.windows.push(known);
    }
    let mut keys = KeyReader::default();
    for _ in 0..reader.list()? {
        let place = reader.place()?;
        let metric = plan.metrics.get(place);
        let metric = metric.ok_or_else(|| reader.wrong("a metric that the plan does not have"))?;
        let series = delta.names.series.len();
        for _ in 0..reader.list()? {
            let key = Arc::new(keys.read(reader, metric.dimensions.len())?);
            delta.names.series.push(DeltaSeries { metric: place, key });
        }
        let mut columns = Columns { names: &delta.names, next: series, first: series };
        let mut partials = read_partials(reader, metric, &mut columns)?;
        let late = read_partials(reader, metric, &mut columns)?;
        let stamps = if late.is_empty() { Vec::new() } else { reader.times()? };
        if stamps.len() != late.len() {
            return Err(reader.wrong("columns of different lengths"));
        }
        let mut steps = read_steps(reader, metric, &mut columns)?;
        for _ in 0..reader.list()? {
            let refused = reader.unsigned()?;
            delta.refused.push((columns.series(reader, refused)?, reader.unsigned()?));
        }
        let no_value = reader.unsigned()?;
        if no_value > 0 {
            delta.no_value.push((place, no_value));
        }
        if format > FORMAT_WITHOUT_ALERTS {
            let heard = alerts::read(reader, metric, &mut columns, &mut partials, &mut steps)?;
            delta.samples.extend(heard.samples);
            delta.slices.extend(heard.slices);
            delta.copies.extend(heard.copies);
        }
        delta.partials.extend(partials);
        let late = stamps.into_iter().zip(late);
        delta.late.extend(late.map(|(stamp, partial)| LatePartial { stamp, partial }));
        delta.steps.extend(steps);
    }
    Ok(delta)
}

/// Takes the numbers in a block's columns for places in the delta.
struct Columns<'n> {
    names: &'n Names,
    /// The block's first series.
    first: usize,
    /// The next series that no column has named.
    next: usize,
}

impl Columns<'_> {
    /// Reads the columns of series and windows.
    fn read(&mut self, reader: &mut Reader<'_>, rows: usize) -> Result<Vec<(u32, u32)>, Error> {
        let (series, windows) = (reader.numbers(rows)?, reader.numbers(rows)?);
        let names = series.into_iter().zip(windows);
        names.map(|(s, w)| Ok((self.series(reader, s)?, self.window(reader, w)?))).collect()
    }

    fn series(&mut self, reader: &Reader<'_>, column: u64) -> Result<u32, Error> {
        let place = match usize::try_from(column) {
            Ok(0) => {
                self.next += 1;
                self.next - 1
            }
            Ok(known) => self.first.saturating_add(known - 1),
            Err(_) => usize::MAX,
        };
        if place < self.names.series.len() && place < self.next {
            Ok(number(place))
        } else {
            Err(reader.wrong("a series that has no key"))
        }
    }

    fn window(&self, reader: &Reader<'_>, column: u64) -> Result<u32, Error> {
        let window = u32::try_from(column).ok();
        window
            .filter(|&window| at(&self.names.windows, window).is_some())
            .ok_or_else(|| reader.wrong("a window that is not in the list"))
    }
}

/// Reads the kind of accumulators, which must be the metric's.
fn kind(reader: &mut Reader<'_>, metric: &Metric) -> Result<(), Error> {
    let fits = reader.unsigned()? == accumulator::kind_of(&metric.kind);
    if !fits || matches!(metric.kind, MetricKind::Journey { .. }) {
        return Err(reader.wrong("accumulators of another kind than the metric's"));
    }
    Ok(())
}

fn read_partials(
    reader: &mut Reader<'_>,
    metric: &Metric,
    columns: &mut Columns<'_>,
) -> Result<Vec<Partial>, Error> {
    let times = reader.times()?;
    if times.is_empty() {
        return Ok(Vec::new());
    }
    kind(reader, metric)?;
    let names = columns.read(reader, times.len())?;
    let counts = reader.numbers(times.len())?;
    let mut partials = Vec::with_capacity(times.len());
    for ((latest, (series, window)), events) in times.into_iter().zip(names).zip(counts) {
        let accumulator = match metric.kind {
            MetricKind::Count(_) => Accumulator::Count(events),
            _ => accumulator::read(reader, &metric.kind)?,
        };
        let newest = Newest::default();
        partials.push(Partial { series, window, events, latest, accumulator, newest });
    }
    Ok(partials)
}

fn read_steps(
    reader: &mut Reader<'_>,
    metric: &Metric,
    columns: &mut Columns<'_>,
) -> Result<Vec<JourneyStep>, Error> {
    let times = reader.times()?;
    if times.is_empty() {
        return Ok(Vec::new());
    }
    if !matches!(metric.kind, MetricKind::Journey { .. }) {
        return Err(reader.wrong("journey steps of another metric"));
    }
    let names = columns.read(reader, times.len())?;
    let flags = reader.numbers(times.len())?;
    let (keys, identities) = (reader.hashes()?, reader.hashes()?);
    if keys.len() != times.len() || identities.len() != times.len() {
        return Err(reader.wrong("columns of different lengths"));
    }
    let rows = times.into_iter().zip(names).zip(flags).zip(keys.into_iter().zip(identities));
    let step = |(((time, (series, window)), flag), (key, identity))| {
        let (start, finish) = (flag & START != 0, flag & FINISH != 0);
        JourneyStep { series, window, key, time, identity, id: None, start, finish }
    };
    Ok(rows.map(step).collect())
}
