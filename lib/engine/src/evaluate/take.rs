//! What deltas and the settle fold hand over, and at which moment each enters.

use super::entry::{Entry, SliceEntry, What, WindowEntry};
use super::group::Group;
use super::rule::{PartKind, Rule};
use super::waiting::Waits;
use super::{Evaluator, Track, schedule};
use crate::alert::slice_end;
use crate::delta::{AlertSlice, Delta};
use crate::newest::NamedEvent;
use crate::place::at;
use crate::series::SeriesKey;
use crate::time::{Millis, Timestamp};
use std::sync::Arc;

impl Evaluator {
    /// Takes in what a delta holds for alerts; `watermark` is that of the last settle.
    pub(crate) fn take(&mut self, delta: &Delta, watermark: Option<Timestamp>) {
        if self.tracks.is_empty() {
            return;
        }
        for beginning in &delta.beginnings {
            self.begin(
                Some(beginning.time).max(beginning.stamp).max(watermark).unwrap_or_default(),
            );
        }
        for sample in &delta.samples {
            let Some(series) = at(&delta.names.series, sample.series) else { continue };
            let place = sample.overdue.max(watermark);
            let late = place.is_some_and(|place| place > sample.event.time);
            let event = &sample.event;
            self.wait(series.metric, |lag_ms| {
                let what = What::Event { event: event.clone(), late };
                (moment(event.time, place, lag_ms), Arc::clone(&series.key), what)
            });
        }
        for copy in &delta.copies {
            let Some(series) = at(&delta.names.series, copy.series) else { continue };
            self.wait(series.metric, |lag_ms| {
                let enters = moment(copy.time, watermark, lag_ms);
                (enters, Arc::clone(&series.key), What::Copy(copy.time))
            });
        }
        for slice in &delta.slices {
            let Some(series) = at(&delta.names.series, slice.series) else { continue };
            let place = slice.overdue.max(watermark);
            self.wait(series.metric, |lag_ms| {
                let (enters, entry) = slice_entry(slice, place, lag_ms);
                (enters, Arc::clone(&series.key), What::Slice(Box::new(entry)))
            });
        }
    }

    /// A start or finish of a journey was taken by its metric.
    pub(crate) fn step(
        &mut self,
        metric: usize,
        series: &Arc<SeriesKey>,
        (time, finish): (Timestamp, bool),
        watermark: Option<Timestamp>,
    ) {
        self.wait(metric, |lag_ms| {
            let enters = moment(time, watermark, lag_ms);
            (enters, Arc::clone(series), What::Step { time, finish })
        });
    }

    /// A journey started.
    pub(crate) fn started(&mut self, metric: usize, series: &Arc<SeriesKey>, start: &NamedEvent) {
        self.wait(metric, |_| (start.time, Arc::clone(series), What::Started(start.clone())));
    }

    /// A journey finished, within a time that is not over yet.
    pub(crate) fn finished(
        &mut self,
        metric: usize,
        series: &Arc<SeriesKey>,
        (start, event): (&NamedEvent, &NamedEvent),
        within_ms: Millis,
    ) {
        self.wait(metric, |_| {
            let what = What::Finished { start: start.clone(), event: event.clone() };
            (event.time, Arc::clone(series), what)
        });
        self.decided(metric, series, (start, false), within_ms);
    }

    /// It is known whether a journey is finished when its time is over.
    pub(crate) fn decided(
        &mut self,
        metric: usize,
        series: &Arc<SeriesKey>,
        (start, abandoned): (&NamedEvent, bool),
        within_ms: Millis,
    ) {
        self.wait(metric, |_| {
            let what = What::Decided { start: start.clone(), abandoned };
            (start.time.plus(within_ms), Arc::clone(series), what)
        });
    }

    /// A window is final, with this of a series.
    pub(crate) fn window(&mut self, metric: usize, series: &Arc<SeriesKey>, entry: WindowEntry) {
        let end = entry.span.end;
        let entry = Box::new(entry);
        self.wait(metric, |_| (end, Arc::clone(series), What::Window(entry.clone())));
    }

    /// Whether any alert looks at the final points of a metric.
    pub(crate) fn looks_at_windows(&self, metric: usize) -> bool {
        let tracks = self.of_metric.get(metric).into_iter().flatten();
        let tracks = tracks.filter_map(|&track| self.tracks.get(track));
        let mut alerts = tracks.flat_map(|track| &track.alerts);
        alerts.any(|&alert| {
            let state = self.alerts.get(alert).and_then(Option::as_ref);
            state.is_some_and(|state| state.rule.parts.contains(&PartKind::Window))
        })
    }

    /// Lets something wait on each track of a metric.
    fn wait(&mut self, metric: usize, entry: impl Fn(Millis) -> (Timestamp, Arc<SeriesKey>, What)) {
        for &track in self.of_metric.get(metric).into_iter().flatten() {
            let Some(Track { lag_ms, alerts, .. }) = self.tracks.get(track) else { continue };
            if alerts.is_empty() {
                continue;
            }
            let (enters, series, what) = entry(*lag_ms);
            let moment = enters.plus(*lag_ms);
            self.waiting.push(Waits { moment, track, entry: Entry { series, what } });
        }
    }

    /// Alerts without groups count from this moment on, whenever the first event comes.
    pub(crate) fn count_from(&mut self, time: Timestamp) {
        self.begin(time);
        self.is_origin_said = true;
    }

    /// An event of any kind came: alerts without groups count from the first one.
    fn begin(&mut self, time: Timestamp) {
        if self.is_origin_said || self.origin.is_some_and(|origin| origin <= time) {
            return;
        }
        let before = self.origin.replace(time);
        for alert in 0..self.alerts.len() {
            self.begin_single(alert, before, time);
        }
    }

    /// Begins an alert without groups, or moves its beginning to an earlier time.
    pub(super) fn begin_single(
        &mut self,
        alert: usize,
        before: Option<Timestamp>,
        time: Timestamp,
    ) {
        let Some(state) = self.alerts.get_mut(alert).and_then(Option::as_mut) else { return };
        if !state.rule.is_single || state.begins.is_some_and(|begins| begins > time) {
            return;
        }
        let found = state.groups.iter().next().map(|(slot, _)| slot);
        let slot = found.unwrap_or_else(|| {
            state.groups.insert(Group::new(&state.rule, Arc::default(), time, time))
        });
        let Some(group) = state.groups.get_mut(slot) else { return };
        group.known_since = group.known_since.min(time);
        if before.is_some_and(|before| group.latest == before) {
            group.latest = time;
        }
        schedule(&mut self.agenda, &state.rule, (alert, slot), group, time);
    }
}

/// When something enters that happened at a time and came at a place: never before what is decided.
fn moment(time: Timestamp, place: Option<Timestamp>, lag_ms: Millis) -> Timestamp {
    place.map_or(time, |place| place.minus(lag_ms).max(time))
}

/// A slice enters at its end; what came behind that at the end of the slice that holds its place.
fn slice_entry(
    slice: &AlertSlice,
    place: Option<Timestamp>,
    lag_ms: Millis,
) -> (Timestamp, SliceEntry) {
    let &AlertSlice { length_ms: slice_ms, until, events, .. } = slice;
    let enters = slice_end(moment(until, place, lag_ms), slice_ms);
    let entry = SliceEntry {
        slice_ms,
        until,
        events,
        accumulator: slice.accumulator.clone(),
        newest: slice.newest.clone(),
        late: place.is_some_and(|place| place > until),
    };
    (enters, entry)
}

impl Rule {
    /// Whether an entry says anything to the alert.
    pub(super) fn hears(&self, what: &What) -> bool {
        match what {
            What::Event { .. } => self.hears_events,
            What::Step { finish, .. } => !finish || self.is_single,
            What::Slice(slice) => self.parts.iter().any(
                |part| matches!(part, PartKind::Slices { slice_ms, .. } if *slice_ms == slice.slice_ms),
            ),
            What::Window(_) => self.parts.contains(&PartKind::Window),
            What::Copy(_) | What::Started(_) | What::Finished { .. } | What::Decided { .. } => true,
        }
    }
}
