//! The windows of a metric as bytes.
//!
//! | part | items |
//! | --- | --- |
//! | open windows | start, series |
//! | corrections | place, start, series |
//! | series | the largest hash that is held, as its complement; null, or the folded cell; per key a cell |
//! | cell | its latest event, from the window's start; its accumulator; since format 2 how many events, and the newest |
//! | names, known series | see there |
//! | folded | how many points |

use super::{Cell, MetricWindows, OpenWindow, hash_of};
use crate::calendar::WindowSpan;
use crate::newest::Newest;
use crate::plan::{Metric, Plan};
use crate::series::SeriesKey;
use crate::settle::known::Known;
use crate::settle::names::Names;
use crate::stored::accumulator;
use crate::stored::reader::Reader;
use crate::stored::settler::{KeyNumbers, Keys, read_accumulator, read_window};
use crate::stored::writer::Writer;
use crate::time::Timestamp;
use hashbrown::HashTable;
use minicbor::decode::Error;
use std::sync::Arc;

impl MetricWindows {
    /// The keys of all series that are named anywhere in here.
    pub(in crate::settle) fn keys(&self) -> impl Iterator<Item = &Arc<SeriesKey>> {
        let windows = self.open.values().chain(self.corrections.values());
        let cells = windows.flat_map(|window| window.cells.iter().map(|(key, _)| key));
        cells.chain(self.names.keys()).chain(self.known.keys())
    }

    pub(in crate::settle) fn write(&self, writer: &mut Writer, keys: &KeyNumbers) {
        let mut last = Timestamp::EPOCH;
        writer.list(self.open.len());
        for (&start, window) in &self.open {
            writer.time(last, start);
            window.write(writer, keys);
            last = start;
        }
        writer.list(self.corrections.len());
        for (&(place, start), window) in &self.corrections {
            writer.time(last, place);
            writer.time(place, start);
            window.write(writer, keys);
            last = place;
        }
        self.names.write(writer, keys);
        self.known.write(writer, keys);
        writer.unsigned(self.folded);
    }

    pub(in crate::settle) fn read(
        reader: &mut Reader<'_>,
        (plan, metric): (&Plan, &Metric),
        keys: &Keys,
        has_events: bool,
    ) -> Result<Self, Error> {
        let mut windows = Self::new(metric);
        let mut last = Timestamp::EPOCH;
        for _ in 0..reader.list()? {
            let span = read_window(reader, plan, metric, last)?;
            let window = OpenWindow::read(reader, metric, (span, has_events), keys)?;
            windows.open.insert(span.start, window);
            last = span.start;
        }
        for _ in 0..reader.list()? {
            let place = reader.time(last)?;
            let span = read_window(reader, plan, metric, place)?;
            let window = OpenWindow::read(reader, metric, (span, has_events), keys)?;
            windows.corrections.insert((place, span.start), window);
            last = place;
        }
        windows.names = Names::read(reader, metric.max_series, keys)?;
        windows.known = Known::read(reader, metric.max_series, keys)?;
        windows.folded = reader.unsigned()?;
        Ok(windows)
    }
}

impl OpenWindow {
    fn write(&self, writer: &mut Writer, keys: &KeyNumbers) {
        writer.unsigned(!self.hash_max);
        match &self.other {
            Some(cell) => cell.write(writer, self.span),
            None => writer.null(),
        }
        keys.write_set(writer, self.cells.iter().map(|(key, cell)| (key, cell)), |to, cell| {
            cell.write(to, self.span);
        });
    }

    fn read(
        reader: &mut Reader<'_>,
        metric: &Metric,
        (span, has_events): (WindowSpan, bool),
        keys: &Keys,
    ) -> Result<Self, Error> {
        let cell = |from: &mut Reader<'_>| Cell::read(from, metric, span, has_events);
        let hash_max = !reader.unsigned()?;
        let other = if reader.null()? { None } else { Some(cell(reader)?) };
        let mut cells = HashTable::new();
        for series in keys.set(reader, cell)? {
            cells.insert_unique(hash_of(&series), series, hash_of);
        }
        Ok(Self { span, cells, other, hash_max })
    }
}

impl Cell {
    fn write(&self, writer: &mut Writer, span: WindowSpan) {
        writer.time(span.start, self.latest);
        accumulator::write(writer, &self.accumulator);
        writer.unsigned(self.events);
        self.newest.write(writer, span.start);
    }

    fn read(
        reader: &mut Reader<'_>,
        metric: &Metric,
        span: WindowSpan,
        has_events: bool,
    ) -> Result<Self, Error> {
        let latest = reader.time(span.start)?;
        let accumulator = read_accumulator(reader, &metric.kind)?;
        let (events, newest) = if has_events {
            (reader.unsigned()?, Newest::read(reader, span.start)?)
        } else {
            (0, Newest::default())
        };
        Ok(Self { accumulator, latest, events, newest })
    }
}
