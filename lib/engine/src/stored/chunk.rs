//! What a delta adds to the metrics of one partition.
//!
//! Laid out by columns, so that what is the same in all rows is written once: most often the window, and how many events.
//! The windows, then a block for each metric. A block is
//!
//! 1. the metric's place in the plan,
//! 2. the keys of its series, in the order in which the columns below use them first,
//! 3. its partials in time: their latest times, kind, series, windows, numbers of events, accumulators,
//! 4. its late partials: the same, then their stamps,
//! 5. its journey steps: times, series, windows, flags (1: start, 2: finish), keys, identities,
//! 6. series and number of what it refused as late, and the number of events that had no value,
//! 7. in format 2: what [alerts] hear of it.
//!
//! Where alerts hear nothing format 1 is written: it costs nothing to have none, and the last release can read it.
//!
//! In a column of series 0 is the next one that is new, and n the n-th of the block.

mod alerts;
mod read;

pub use read::read_delta;

use super::accumulator;
use super::keys::KeyWriter;
use super::writer::Writer;
use crate::accumulate::Accumulator;
use crate::calendar::WindowSpan;
use crate::delta::{Delta, JourneyStep, LatePartial, Partial};
use crate::place::{at, at_mut, events, index, number};
use crate::time::Timestamp;
use alerts::{Heard, Series};

const WHAT: &str = "chunk of a delta";
const FORMAT_WITHOUT_ALERTS: u64 = 1;
/// The newest.
const FORMAT: u64 = 2;

/// The bit of a step that matches the start.
const START: u64 = 1;
/// The bit of a step that matches the finish.
const FINISH: u64 = 2;

/// What stands before the first window.
const NO_WINDOW: WindowSpan = WindowSpan { start: Timestamp::EPOCH, end: Timestamp::EPOCH };

/// The bytes of what a delta adds to the metrics that `owns` accepts, by their places in the plan; empty if that is nothing.
///
/// A count costs about 7 bytes for each series whose dimension values others have too, and the length of those that are its own.
pub fn write_chunk(delta: &Delta, owns: &dyn Fn(usize) -> bool) -> Vec<u8> {
    let blocks = blocks(delta, owns);
    if blocks.is_empty() {
        return Vec::new();
    }
    let mut columns = Columns {
        series: Numbering::of(delta.names.series.len()),
        windows: Numbering::of(delta.names.windows.len()),
    };
    for window in blocks.iter().flat_map(|(_, block)| block.windows()) {
        columns.windows.first_use(window);
    }
    let is_heard = blocks.iter().any(|(_, block)| alerts::is_heard(block));
    let format = if is_heard { FORMAT } else { FORMAT_WITHOUT_ALERTS };
    let mut writer = Writer::new(format);
    writer.list(columns.windows.used.len());
    let mut known = NO_WINDOW;
    for &window in &columns.windows.used {
        let window = at(&delta.names.windows, window).copied().unwrap_or(NO_WINDOW);
        writer.window(known, window);
        known = window;
    }
    writer.list(blocks.len());
    let mut keys = KeyWriter::default();
    for (metric, block) in &blocks {
        writer.place(*metric);
        let heard = block.write(&mut writer, delta, &mut keys, &mut columns);
        if is_heard {
            alerts::write(&mut writer, block, &heard);
        }
    }
    writer.finish()
}

/// What a delta has of one metric.
#[derive(Default)]
struct Block<'d> {
    partials: Vec<&'d Partial>,
    late: Vec<&'d LatePartial>,
    steps: Vec<&'d JourneyStep>,
    refused: Vec<(u32, u64)>,
    no_value: u64,
    heard: Heard<'d>,
}

/// The parts of a delta by metric, in the order of the plan, each in the order of the delta.
fn blocks<'d>(delta: &'d Delta, owns: &dyn Fn(usize) -> bool) -> Vec<(usize, Block<'d>)> {
    let metric_of = |series: u32| at(&delta.names.series, series).map(|series| series.metric);
    let named = delta.names.series.iter().map(|series| series.metric);
    let metrics = named.chain(delta.no_value.iter().map(|&(metric, _)| metric)).max();
    let metrics = 0..metrics.map_or(0, |last| last + 1);
    let mut blocks = Blocks(metrics.map(|metric| owns(metric).then(Block::default)).collect());
    for partial in &delta.partials {
        blocks.add(metric_of(partial.series), |block| block.partials.push(partial));
    }
    for late in &delta.late {
        blocks.add(metric_of(late.partial.series), |block| block.late.push(late));
    }
    for step in &delta.steps {
        blocks.add(metric_of(step.series), |block| block.steps.push(step));
    }
    for &refused in &delta.refused {
        blocks.add(metric_of(refused.0), |block| block.refused.push(refused));
    }
    for &(metric, events) in &delta.no_value {
        blocks.add(Some(metric), |block| block.no_value += events);
    }
    for sample in &delta.samples {
        blocks.add(metric_of(sample.series), |block| block.heard.samples.push(sample));
    }
    for slice in &delta.slices {
        blocks.add(metric_of(slice.series), |block| block.heard.slices.push(slice));
    }
    for copy in &delta.copies {
        blocks.add(metric_of(copy.series), |block| block.heard.copies.push(copy));
    }
    let blocks = blocks.0.into_iter().enumerate();
    let owned = blocks.filter_map(|(metric, block)| Some((metric, block?)));
    owned.filter(|(_, block)| !block.is_empty()).collect()
}

/// By the metric's place; none of a metric that is not asked for.
struct Blocks<'d>(Vec<Option<Block<'d>>>);

impl<'d> Blocks<'d> {
    #[inline]
    fn add(&mut self, metric: Option<usize>, add: impl FnOnce(&mut Block<'d>)) {
        if let Some(Some(block)) = metric.and_then(|metric| self.0.get_mut(metric)) {
            add(block);
        }
    }
}

/// The numbers that series (in their block) and windows (in the chunk) are written as.
struct Columns {
    series: Numbering,
    windows: Numbering,
}

impl Block<'_> {
    fn is_empty(&self) -> bool {
        self.partials.is_empty()
            && self.late.is_empty()
            && self.steps.is_empty()
            && self.refused.is_empty()
            && self.no_value == 0
            && self.heard.is_empty()
    }

    fn windows(&self) -> impl Iterator<Item = u32> {
        let late = self.late.iter().map(|late| late.partial.window);
        let partials = self.partials.iter().map(|partial| partial.window);
        partials.chain(late).chain(self.steps.iter().map(|step| step.window))
    }

    /// Writes all but what alerts hear, and gives the columns of that their numbers of series.
    fn write<'d>(
        &self,
        writer: &mut Writer,
        delta: &'d Delta,
        keys: &mut KeyWriter<'d>,
        columns: &mut Columns,
    ) -> Series {
        columns.series.used.clear();
        let late_partials: Vec<_> = self.late.iter().map(|late| &late.partial).collect();
        let partial_series = columns.series_of(self.partials.iter().map(|partial| partial.series));
        let late_series = columns.series_of(late_partials.iter().map(|partial| partial.series));
        let step_series = columns.series_of(self.steps.iter().map(|step| step.series));
        let refused_series = columns.series_of(self.refused.iter().map(|&(series, _)| series));
        let heard_series = self.heard.number(columns);
        writer.list(columns.series.used.len());
        for &series in &columns.series.used {
            if let Some(series) = at(&delta.names.series, series) {
                keys.write(writer, &series.key);
            }
        }
        write_partials(writer, &self.partials, &partial_series, columns);
        write_partials(writer, &late_partials, &late_series, columns);
        if !self.late.is_empty() {
            writer.times(self.late.iter().map(|late| late.stamp));
        }
        self.write_steps(writer, &step_series, columns);
        writer.list(self.refused.len());
        for (series, &(_, events)) in refused_series.into_iter().zip(&self.refused) {
            writer.unsigned(series);
            writer.unsigned(events);
        }
        writer.unsigned(self.no_value);
        heard_series
    }

    fn write_steps(&self, writer: &mut Writer, series: &[u64], columns: &mut Columns) {
        let steps = &self.steps;
        writer.times(steps.iter().map(|step| step.time));
        if steps.is_empty() {
            return;
        }
        writer.numbers(series.iter().copied());
        let windows = columns.windows_of(steps.iter().map(|step| step.window));
        writer.numbers(windows.into_iter());
        let flag = |holds: bool, bit: u64| if holds { bit } else { 0 };
        let flags = steps.iter().map(|step| flag(step.start, START) | flag(step.finish, FINISH));
        writer.numbers(flags);
        writer.hashes(steps.iter().map(|step| step.key));
        writer.hashes(steps.iter().map(|step| step.identity));
    }
}

fn write_partials(
    writer: &mut Writer,
    partials: &[&Partial],
    series: &[u64],
    columns: &mut Columns,
) {
    writer.times(partials.iter().map(|partial| partial.latest));
    let Some(first) = partials.first() else { return };
    writer.unsigned(accumulator::kind(&first.accumulator));
    writer.numbers(series.iter().copied());
    let windows = columns.windows_of(partials.iter().map(|partial| partial.window));
    writer.numbers(windows.into_iter());
    writer.numbers(partials.iter().map(|partial| partial.events));
    for partial in partials {
        match partial.accumulator {
            // It counts what stands in the column of events.
            Accumulator::Count(count) => debug_assert_eq!(count, partial.events),
            _ => accumulator::write(writer, &partial.accumulator),
        }
    }
}

impl Columns {
    fn series_of(&mut self, series: impl Iterator<Item = u32>) -> Vec<u64> {
        series.map(|series| self.series.first_use(series).map_or(0, |known| known + 1)).collect()
    }

    fn windows_of(&mut self, windows: impl Iterator<Item = u32>) -> Vec<u64> {
        windows.map(|window| self.windows.first_use(window).unwrap_or_default()).collect()
    }
}

/// New numbers for places, in the order of their first use.
struct Numbering {
    /// For each place one more than its number, or 0 as long as it is not used.
    numbers: Vec<u32>,
    used: Vec<u32>,
}

impl Numbering {
    fn of(places: usize) -> Self {
        Self { numbers: vec![0; places], used: Vec::new() }
    }

    /// The number of a place, or `None` and the place gets the next one.
    fn first_use(&mut self, place: u32) -> Option<u64> {
        let known = at_mut(&mut self.numbers, place)?;
        if *known > 0 {
            return Some(events(index(*known - 1)));
        }
        self.used.push(place);
        *known = number(self.used.len());
        None
    }
}
