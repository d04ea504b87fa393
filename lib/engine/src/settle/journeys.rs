//! Journeys: starts and finishes, joined by a key, in the order of event time.
//!
//! Steps wait until the watermark has passed them by the allowed lateness. Then they are taken in order (at equal times
//! starts before finishes, then by identity), so that what becomes of a journey depends on event times alone.

mod stored;

use super::range::Range;
use crate::accumulate::JourneyEvent;
use crate::calendar::WindowSpan;
use crate::delta::JourneyStep;
use crate::hash::HashedMap;
use crate::newest::NamedEvent;
use crate::series::SeriesKey;
use crate::time::{Millis, Timestamp};
use hashbrown::hash_map::Entry;
use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The steps and the open journeys of one metric.
#[derive(Clone, Debug)]
pub(super) struct Journeys {
    within_ms: Millis,
    lateness_ms: Millis,
    /// Steps that wait, in buckets of event time, unsorted inside.
    waiting: BTreeMap<i64, Vec<Waiting>>,
    /// Journeys that are open, by the hash of their key.
    open: HashedMap<u64, OpenJourney>,
    /// The open journeys in the order in which they run out of time; one that has finished is skipped when it is met.
    deadlines: VecDeque<(Timestamp, u64)>,
    /// Steps before this event time have been taken.
    taken_until: Option<Timestamp>,
    /// The earliest step that waits.
    earliest: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Waiting {
    time: Timestamp,
    rank: Rank,
    identity: u64,
    key: u64,
    /// The event's id, if alerts look at the metric.
    id: Option<Arc<str>>,
    /// Where a start is counted; a finish counts where its start did.
    start: Option<(Arc<SeriesKey>, WindowSpan)>,
}

impl Waiting {
    /// The order in which steps are taken. Copies that came on two shards have one identity, and what they say decides, so
    /// that arrival never does.
    fn in_turn(&self, other: &Self) -> Ordering {
        let of = |step: &Self| (step.time, step.rank, step.identity);
        of(self)
            .cmp(&of(other))
            .then_with(|| self.key.cmp(&other.key))
            .then_with(|| self.start.cmp(&other.start))
            .then_with(|| self.id.cmp(&other.id))
    }
}

/// The order of steps of one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Start,
    Both,
    Finish,
}

#[derive(Clone, Debug)]
struct OpenJourney {
    start: Timestamp,
    identity: u64,
    id: Option<Arc<str>>,
    series: Arc<SeriesKey>,
    span: WindowSpan,
}

/// What became of a journey, and by which events.
#[derive(Debug)]
pub(super) struct Told<'j> {
    pub(super) event: JourneyEvent,
    journey: &'j OpenJourney,
    finish: Option<&'j Waiting>,
}

impl Told<'_> {
    /// The series of its start.
    pub(super) const fn series(&self) -> &Arc<SeriesKey> {
        &self.journey.series
    }

    /// The window of its start.
    pub(super) const fn span(&self) -> WindowSpan {
        self.journey.span
    }

    /// The event that started it.
    pub(super) fn start(&self) -> NamedEvent {
        let OpenJourney { start: time, identity, ref id, .. } = *self.journey;
        NamedEvent { time, identity, id: id.clone().unwrap_or_default() }
    }

    /// The event that finished it.
    pub(super) fn finish(&self) -> Option<NamedEvent> {
        let &Waiting { time, identity, ref id, .. } = self.finish?;
        Some(NamedEvent { time, identity, id: id.clone().unwrap_or_default() })
    }
}

/// Event times are waited for in buckets of about a second: few enough to find, small enough to sort.
const BUCKET_MS: i64 = 1_024;

const fn bucket_of(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(BUCKET_MS)
}

/// So many deadlines of finished journeys are no reason to look for them.
const DEADLINES_SPARE: usize = 1_024;

impl Journeys {
    /// No journeys.
    pub(super) fn new(within_ms: Millis, lateness_ms: Millis) -> Self {
        Self {
            within_ms,
            lateness_ms,
            waiting: BTreeMap::new(),
            open: HashedMap::default(),
            deadlines: VecDeque::new(),
            taken_until: None,
            earliest: None,
        }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// The next event time at which a journey may become something.
    pub(super) fn next_moment(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.front().map(|&(start, _)| start.plus(self.within_ms));
        self.earliest.into_iter().chain(deadline).min()
    }

    /// How long a journey may take.
    pub(super) const fn within_ms(&self) -> Millis {
        self.within_ms
    }

    /// Journeys wait for late steps this long from now on.
    pub(super) const fn set_lateness(&mut self, lateness_ms: Millis) {
        self.lateness_ms = lateness_ms;
    }

    /// Whether a step outside of these windows can finish a journey that began in them.
    pub(super) fn may_finish(&self, step: &JourneyStep, range: &Range) -> bool {
        step.finish && range.hears_finish(step.time, self.within_ms)
    }

    /// Drops the steps that begin no journey in these windows and can finish none.
    pub(super) fn keep(&mut self, range: &Range) {
        let within_ms = self.within_ms;
        self.waiting.retain(|_, steps| {
            steps.retain_mut(|step| {
                step.start.take_if(|(_, span)| !range.holds(span.start));
                step.start.is_some()
                    || step.rank != Rank::Start && range.hears_finish(step.time, within_ms)
            });
            !steps.is_empty()
        });
        self.find_earliest();
    }

    fn find_earliest(&mut self) {
        let first = self.waiting.first_key_value();
        self.earliest = first.and_then(|(_, steps)| steps.iter().map(|step| step.time).min());
    }

    /// Takes in a step whose place is no later than `watermark`; false if it is late. `start` is where it is counted if it
    /// opens a journey.
    pub(super) fn wait(
        &mut self,
        step: &JourneyStep,
        start: Option<(Arc<SeriesKey>, WindowSpan)>,
        watermark: Option<Timestamp>,
    ) -> bool {
        let passed =
            watermark.is_some_and(|watermark| watermark > step.time.plus(self.lateness_ms));
        if passed || self.taken_until.is_some_and(|taken_until| step.time < taken_until) {
            return false;
        }
        let rank = match (step.start, step.finish) {
            (true, false) => Rank::Start,
            (true, true) => Rank::Both,
            (false, _) => Rank::Finish,
        };
        let JourneyStep { time, identity, key, .. } = *step;
        let id = step.id.clone();
        let bucket = self.waiting.entry(bucket_of(time)).or_default();
        bucket.push(Waiting { time, rank, identity, key, id, start });
        self.earliest = Some(self.earliest.map_or(time, |earliest| earliest.min(time)));
        true
    }

    /// Takes all steps with an event time before `until`, and gives up what has run out of time before it.
    pub(super) fn take_before(&mut self, until: Timestamp, tell: &mut impl FnMut(&Told<'_>)) {
        if self.taken_until.is_some_and(|taken_until| taken_until >= until) {
            return;
        }
        while let Some(mut bucket) = self.waiting.first_entry() {
            if *bucket.key() > bucket_of(until) {
                break;
            }
            let steps = bucket.get_mut();
            steps.sort_unstable_by(Waiting::in_turn);
            let ready = steps.partition_point(|step| step.time < until);
            let rest = steps.split_off(ready);
            let steps = std::mem::replace(steps, rest);
            let is_last = !bucket.get().is_empty();
            if !is_last {
                bucket.remove();
            }
            self.fetch(&steps);
            for step in steps {
                self.abandon_before(step.time, tell);
                self.step(step, tell);
            }
            if is_last {
                break;
            }
        }
        self.abandon_before(until, tell);
        self.forget_finished();
        self.find_earliest();
        self.taken_until = Some(until);
    }

    /// Looks for the journeys of all steps, so that memory answers for many of them at once.
    fn fetch(&self, steps: &[Waiting]) {
        let found = steps.iter().filter(|step| self.open.contains_key(&step.key)).count();
        std::hint::black_box(found);
    }

    fn step(&mut self, step: Waiting, tell: &mut impl FnMut(&Told<'_>)) {
        match self.open.entry(step.key) {
            Entry::Occupied(open) if step.rank != Rank::Start => {
                let journey = open.remove();
                let length = step.time.as_millis() - journey.start.as_millis();
                let event = JourneyEvent::Finished(length);
                tell(&Told { event, journey: &journey, finish: Some(&step) });
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                let Waiting { time: start, identity, key, id, start: counted, .. } = step;
                let Some((series, span)) = counted else { return };
                let journey = OpenJourney { start, identity, id, series, span };
                tell(&Told { event: JourneyEvent::Started, journey: &journey, finish: None });
                self.deadlines.push_back((start, key));
                place.insert(journey);
            }
        }
    }

    /// Drops the deadlines of finished journeys once most of them are: what is held grows with the open ones.
    fn forget_finished(&mut self) {
        if self.deadlines.len() > 2 * self.open.len() + DEADLINES_SPARE {
            let open = &self.open;
            self.deadlines.retain(|&(start, key)| {
                open.get(&key).is_some_and(|journey| journey.start == start)
            });
        }
    }

    /// Gives up the journeys whose time was over before `time`.
    fn abandon_before(&mut self, time: Timestamp, tell: &mut impl FnMut(&Told<'_>)) {
        while let Some(&(start, key)) = self.deadlines.front() {
            if start.plus(self.within_ms) >= time {
                break;
            }
            self.deadlines.pop_front();
            if self.open.get(&key).is_some_and(|open| open.start == start)
                && let Some(journey) = self.open.remove(&key)
            {
                tell(&Told { event: JourneyEvent::Abandoned, journey: &journey, finish: None });
            }
        }
    }
}

#[cfg(test)]
mod tests;
