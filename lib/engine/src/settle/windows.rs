//! The open windows of one metric, their late events, and the points that come out when they close.

mod stored;

use super::known::Known;
use super::names::{Names, Parted};
use super::range::Range;
use crate::accumulate::Accumulator;
use crate::calendar::WindowSpan;
use crate::delta::Partial;
use crate::newest::Newest;
use crate::output::Values;
use crate::place::events;
use crate::plan::Metric;
use crate::series::SeriesKey;
use crate::time::Timestamp;
use hashbrown::HashTable;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

/// How many times `max_series` an open window holds, before names are given.
const OPEN_SERIES_FACTOR: usize = 10;

/// What comes out of one window.
pub(super) type Published = Vec<(Arc<SeriesKey>, Values)>;

/// What comes out when: at one moment the final point of a window is before its corrections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closing {
    Final,
    Correction,
}

/// What one series has in one window.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) accumulator: Accumulator,
    /// The largest event time.
    pub(super) latest: Timestamp,
    /// How many events.
    pub(super) events: u64,
    /// The newest of them, if alerts look at final points.
    pub(super) newest: Newest,
}

/// The series of one window.
#[derive(Clone, Debug)]
struct OpenWindow {
    span: WindowSpan,
    /// A table rather than a map: finding a series by its key then takes no new reference to it.
    cells: HashTable<(Arc<SeriesKey>, Cell)>,
    /// What is over the limit of an open window.
    other: Option<Cell>,
    /// Once the limit was met: no series above this hash is held by itself.
    hash_max: u64,
}

/// The windows of one metric.
#[derive(Clone, Debug)]
pub(super) struct MetricWindows {
    dimensions: usize,
    zero: bool,
    open_series_max: usize,
    empty: Accumulator,
    open: BTreeMap<Timestamp, OpenWindow>,
    corrections: BTreeMap<(Timestamp, Timestamp), OpenWindow>,
    names: Names,
    /// For zeros: the series of closed windows.
    known: Known,
    folded: u64,
}

impl MetricWindows {
    /// How many windows are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// No windows yet.
    pub(super) fn new(metric: &Metric) -> Self {
        Self {
            dimensions: metric.dimensions.len(),
            zero: metric.zero,
            open_series_max: metric.max_series.saturating_mul(OPEN_SERIES_FACTOR),
            empty: Accumulator::new(&metric.kind),
            open: BTreeMap::new(),
            corrections: BTreeMap::new(),
            names: Names::new(metric.max_series),
            known: Known::new(metric.max_series),
            folded: 0,
        }
    }

    /// How many points of series over the cap were folded into `__other__`.
    pub(super) const fn folded(&self) -> u64 {
        self.folded
    }

    /// The cell of a series in an open window, to be added to; and whether the window is new.
    pub(super) fn cell(&mut self, key: &Arc<SeriesKey>, span: WindowSpan) -> (&mut Cell, bool) {
        let (window, is_new) = entry(self.open.entry(span.start), span);
        (window.cell(key, &self.empty, self.open_series_max), is_new)
    }

    /// The cell of a series in the correction of a final window at a place; and whether the correction is new.
    pub(super) fn late_cell(
        &mut self,
        key: &Arc<SeriesKey>,
        span: WindowSpan,
        place: Timestamp,
    ) -> (&mut Cell, bool) {
        let (window, is_new) = entry(self.corrections.entry((place, span.start)), span);
        (window.cell(key, &self.empty, self.open_series_max), is_new)
    }

    /// The name under which a live increment of this series goes out.
    pub(super) fn live_name(&mut self, day: i64, key: &Arc<SeriesKey>) -> Arc<SeriesKey> {
        if self.names.name(day, key) { Arc::clone(key) } else { self.other_key() }
    }

    /// Closes a window: names its series, folds what is over the cap, adds zeros.
    pub(super) fn close(&mut self, span: WindowSpan, day: i64) -> Published {
        match self.open.remove(&span.start) {
            Some(window) => self.publish(window, day, self.zero),
            None if self.zero => self.publish(OpenWindow::new(span), day, true),
            None => Vec::new(),
        }
    }

    /// What each series has in an open window, before names are given; what was folded goes by the name of that.
    pub(super) fn cells(&self, start: Timestamp) -> Vec<(Arc<SeriesKey>, Cell)> {
        let Some(window) = self.open.get(&start) else { return Vec::new() };
        let other = window.other.iter().map(|cell| (self.other_key(), cell.clone()));
        window.cells.iter().cloned().chain(other).collect()
    }

    /// What a series has in a window in which it has nothing.
    pub(super) const fn empty(&self) -> &Accumulator {
        &self.empty
    }

    /// Closes the corrections of a window at a place.
    pub(super) fn close_late(&mut self, place: Timestamp, start: Timestamp, day: i64) -> Published {
        let window = self.corrections.remove(&(place, start));
        window.map(|window| self.publish(window, day, false)).unwrap_or_default()
    }

    /// All open windows as they are now, without zeros: those are for final ones.
    pub(super) fn look(&self, day_of: impl Fn(Timestamp) -> i64) -> Vec<(WindowSpan, Published)> {
        // Names are given on a copy: a look changes nothing.
        let mut copy = Self { zero: false, ..self.clone() };
        let spans: Vec<_> = self.open.values().map(|window| window.span).collect();
        spans.into_iter().map(|span| (span, copy.close(span, day_of(span.start)))).collect()
    }

    /// Whether any series would get a zero in the next window.
    pub(super) fn awaits_zeros(&self) -> bool {
        self.zero && (self.dimensions == 0 || !self.known.is_empty())
    }

    /// Forgets the names of days before this one.
    pub(super) fn forget_names_before(&mut self, day: i64) {
        self.names.forget_before(day);
    }

    /// The end of the last open window.
    pub(super) fn last_end(&self) -> Option<Timestamp> {
        self.open.last_key_value().map(|(_, window)| window.span.end)
    }

    /// Drops the windows outside of a range.
    pub(super) fn keep(&mut self, range: &Range) {
        self.open.retain(|&start, _| range.holds(start));
        self.corrections.retain(|&(_, start), _| range.holds(start));
    }

    /// Under `emit: live`: only the series of open windows have names, as if nothing else had ever come.
    pub(super) fn name_anew(&mut self, day_of: impl Fn(Timestamp) -> i64) {
        self.names = Names::new(self.names.per_day_max());
        let other = self.other_key();
        for (&start, window) in &self.open {
            for (key, _) in window.cells.iter().filter(|(key, _)| *key != other) {
                self.names.name(day_of(start), key);
            }
        }
    }

    fn publish(&mut self, mut window: OpenWindow, day: i64, zeros: bool) -> Published {
        window.trim(self.open_series_max, &self.empty);
        if self.dimensions > 0 {
            window.fold(&self.other_key(), &self.empty);
        }
        let silent = if zeros { self.silent(&window) } else { Vec::new() };
        if self.zero {
            for (key, cell) in &window.cells {
                self.known.see(key, cell.latest);
            }
        }
        let Parted { named, folded } = self.names.part(day, window.cells.into_iter().collect());
        self.folded += events(folded.len());
        let mut other = window.other;
        for (_, cell) in folded {
            cell.merge_into(&mut other, &self.empty);
        }
        let mut points: Vec<_> =
            named.into_iter().map(|(key, cell)| (key, cell.accumulator.into_values())).collect();
        points.extend(other.map(|cell| (self.other_key(), cell.accumulator.into_values())));
        let zero = self.empty.clone().into_values();
        for key in silent {
            if self.names.name(day, &key) {
                points.push((key, zero.clone()));
            }
        }
        self.known.thin_out(&self.names);
        points
    }

    /// The known series that have no event in this window, in the order in which they take names.
    fn silent(&mut self, window: &OpenWindow) -> Vec<Arc<SeriesKey>> {
        let mut silent = self.known.silent(window.span.start, |key| window.may_hold(key));
        if self.dimensions == 0 && silent.is_empty() && window.cells.is_empty() {
            silent.push(Arc::default());
        }
        silent
    }

    fn other_key(&self) -> Arc<SeriesKey> {
        Arc::new(SeriesKey::other(self.dimensions))
    }
}

/// The window at an entry, and whether it is new.
fn entry<K: Ord>(entry: Entry<'_, K, OpenWindow>, span: WindowSpan) -> (&mut OpenWindow, bool) {
    match entry {
        Entry::Occupied(occupied) => (occupied.into_mut(), false),
        Entry::Vacant(vacant) => (vacant.insert(OpenWindow::new(span)), true),
    }
}

impl Cell {
    /// Adds what a delta has.
    pub(super) fn take(&mut self, partial: &Partial) {
        self.accumulator.merge(&partial.accumulator);
        self.latest = self.latest.max(partial.latest);
        self.events += partial.events;
        self.newest.merge(&partial.newest);
    }

    fn new(empty: &Accumulator, latest: Timestamp) -> Self {
        Self { accumulator: empty.clone(), latest, events: 0, newest: Newest::default() }
    }

    /// Adds this cell to the one that holds what is folded.
    fn merge_into(&self, folded: &mut Option<Self>, empty: &Accumulator) {
        let folded = folded.get_or_insert_with(|| Self::new(empty, self.latest));
        folded.accumulator.merge(&self.accumulator);
        folded.events += self.events;
        folded.newest.merge(&self.newest);
    }
}

fn hash_of((key, _): &(Arc<SeriesKey>, Cell)) -> u64 {
    key.stable_hash()
}

impl OpenWindow {
    fn new(span: WindowSpan) -> Self {
        Self { span, cells: HashTable::new(), other: None, hash_max: u64::MAX }
    }

    fn cell(&mut self, key: &Arc<SeriesKey>, empty: &Accumulator, series_max: usize) -> &mut Cell {
        // Trimming takes a while, so it waits until an eighth more is there; the outcome does not depend on when.
        if self.cells.len() > series_max.saturating_add(series_max / 8) {
            self.trim(series_max, empty);
        }
        let start = self.span.start;
        if key.stable_hash() > self.hash_max {
            return self.other.get_or_insert_with(|| Cell::new(empty, start));
        }
        let entry = self.cells.entry(key.stable_hash(), |(held, _)| held == key, hash_of);
        let occupied = entry.or_insert_with(|| (Arc::clone(key), Cell::new(empty, start)));
        &mut occupied.into_mut().1
    }

    /// Folds a series that goes by the name of the folded ones: an event may say `__other__` itself.
    fn fold(&mut self, other_key: &SeriesKey, empty: &Accumulator) {
        let is_other = |(key, _): &(Arc<SeriesKey>, Cell)| **key == *other_key;
        if let Ok(found) = self.cells.find_entry(other_key.stable_hash(), is_other) {
            let ((_, cell), _) = found.remove();
            cell.merge_into(&mut self.other, empty);
        }
    }

    /// Whether the window has events of a series, as far as it can tell: what was folded is known by its hash only.
    fn may_hold(&self, key: &Arc<SeriesKey>) -> bool {
        key.stable_hash() > self.hash_max
            || self.cells.find(key.stable_hash(), |(held, _)| held == key).is_some()
    }

    /// Keeps the series with the smallest hashes by themselves and folds the rest.
    ///
    /// A series that is among the smallest of all is among the smallest of any part, so it is never folded on the way.
    fn trim(&mut self, series_max: usize, empty: &Accumulator) {
        if self.cells.len() <= series_max {
            return;
        }
        let mut hashes: Vec<u64> = self.cells.iter().map(hash_of).collect();
        let (_, &mut hash_max, _) = hashes.select_nth_unstable(series_max.saturating_sub(1));
        self.hash_max = hash_max;
        for (_, cell) in self.cells.extract_if(|series| hash_of(series) > hash_max) {
            cell.merge_into(&mut self.other, empty);
        }
    }
}
