//! What was decided in the past, for charts: a fold of the settle log into tables of the store's own file.
//!
//! The settle log has all points and transitions, but only for days, and in an order that is good for nobody who asks for one
//! metric. A history keeps them longer, and coarser with age:
//!
//! | level | what | for |
//! | --- | --- | --- |
//! | [`Tier::Decided`] | points as they were decided, each correction by itself | 8 days |
//! | [`Tier::Minutes`] | what the windows that end within a minute come to, corrections too | 30 days |
//! | [`Tier::Hours`] | likewise of an hour | 1 year |
//! | transitions | each with its evidence | 1 year |
//! | totals | what all points of a series come to, however long ago they were | 500,000 series |
//!
//! - **A window that is longer than a level's time is kept there as it is**; late events are merged into it. One that is not a
//!   part of it (of 45 seconds, in a minute) counts where it ends.
//! - **What merges.** Counts, sums, both parts of ratios and journeys add up. Distributions merge by their buckets, and their
//!   percentiles are those of all values, as the engine's sketch has them. How many different values there were cannot be
//!   known from two numbers: the largest window is kept, and the line says `"of":"largest"`.
//! - **Live metrics.** Their increments grow one point, which is `open` until the window's final point takes its place. Coarser
//!   levels take that final point and no increment, so nothing is counted twice.
//! - **What is not kept**: self-metrics, which no replay prints. Points that a lane of `CloudWatch` gives back are not expected: a store on
//!   one machine has no such lane.
//!
//! The position in the log is written with the rows, in one transaction: each entry counts once, wherever the process ends. A
//! history may lag as long as the settle log is kept, and catches up. What is in its tables depends on the log only, not on
//! how the fold was cut: its time is the clock of the entries, and old rows go with the portions that come.
//!
//! [`Limits`] bound it. What is over them goes before its time, the oldest first, and [`History::state`] says how many went.
//!
//! The modules: `tables` has the layout, `entry` what the log says, `book` and `names` what a transaction holds, `fold` and `prune`
//! what it does, `points` and `alerts` what can be asked, `moment` several pages at once.

mod alerts;
mod book;
mod entry;
mod error;
mod fold;
mod moment;
mod names;
mod points;
mod prune;
mod tables;
mod totals;

use crate::store::LocalStore;
use book::Book;
use entry::Outputs;
use std::sync::Arc;
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, Timestamp};
use streamgauge_pipeline::kept::{KeptMetric, KeptState};
use streamgauge_pipeline::port::clock::Clock;

pub use alerts::{AlertsCursor, AlertsPage, AlertsWanted};
pub use error::HistoryError;
pub use moment::Moment;
pub use points::{PointsCursor, PointsPage, PointsWanted};

/// A portion of an entry has so many points or transitions: what is pruned at once depends on them, and so on nothing else.
const PORTION: usize = 1_000;
/// A transaction ends with the portion that brings it to this many points and transitions: others wait that long for theirs.
const WRITE_MAX: usize = 4_000;
/// It ends after so many portions, too: most entries are small.
const WRITE_PORTIONS_MAX: usize = 256;

/// How fine points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// As they were decided.
    Decided,
    /// What a minute comes to.
    Minutes,
    /// What an hour comes to.
    Hours,
}

impl Tier {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::Decided, Self::Minutes, Self::Hours];

    /// Its time; the finest has none.
    const fn length_ms(self) -> Option<Millis> {
        match self {
            Self::Decided => None,
            Self::Minutes => Some(MINUTE_MS),
            Self::Hours => Some(HOUR_MS),
        }
    }

    /// Its number in keys, and its place in [`KeptState::levels`].
    const fn level(self) -> Level {
        match self {
            Self::Decided => Level(0),
            Self::Minutes => Level(1),
            Self::Hours => Level(2),
        }
    }
}

/// A tier, or what is kept of transitions, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level(u8);

impl Level {
    const ALERTS: Self = Self(3);
    /// How many there are.
    const COUNT: usize = 4;

    fn place(self) -> usize {
        self.0.into()
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of each level: the three tiers, the finest first, and transitions.
    pub levels: [LevelLimits; 4],
    /// How many metrics there may be. Points of more are not kept; how many series a metric has, the rules limit.
    pub metrics_max: usize,
    /// How many series there may be totals of. When there are more, half as many stay, those with the newest windows.
    pub totals_max: u64,
}

/// How much is kept at one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelLimits {
    /// For how long, from the end of the window or from when it happened.
    pub kept_ms: Millis,
    /// How many rows.
    pub rows_max: u64,
    /// How many bytes of keys and values. In the file they take up to twice the room.
    pub bytes_max: u64,
}

impl Default for Limits {
    /// As the table above says; at most 3.25 GiB and some 100 MiB of totals, which a busy laptop does not come near to.
    fn default() -> Self {
        let level = |days: Millis, rows_max, mebibytes: u64| LevelLimits {
            kept_ms: days * DAY_MS,
            rows_max,
            bytes_max: mebibytes << 20,
        };
        Self {
            levels: [
                level(8, 10_000_000, 1_024),
                level(30, 10_000_000, 1_024),
                level(365, 10_000_000, 1_024),
                level(365, 1_000_000, 256),
            ],
            metrics_max: 4_096,
            totals_max: 500_000,
        }
    }
}

impl Limits {
    fn of(&self, level: Level) -> LevelLimits {
        let nothing = LevelLimits { kept_ms: 0, rows_max: 0, bytes_max: 0 };
        self.levels.get(level.place()).copied().unwrap_or(nothing)
    }

    /// What is at this moment or before it is too old.
    fn oldest(&self, level: Level, clock: Timestamp) -> Timestamp {
        clock.minus(self.of(level).kept_ms)
    }
}

/// What a step took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// How many entries, whole or to their end.
    pub entries: u64,
    /// How many points.
    pub points: u64,
    /// How many transitions.
    pub transitions: u64,
    /// How many series it forgot the totals of.
    pub forgotten: u64,
}

/// The history in a store.
#[derive(Debug)]
pub struct History<C> {
    store: Arc<LocalStore<C>>,
    limits: Limits,
}

impl<C: Clock> History<C> {
    /// The history in this store, which keeps so much.
    pub fn new(store: Arc<LocalStore<C>>, limits: Limits) -> Self {
        Self { store, limits }
    }

    /// Takes what is new in the settle log, some megabytes at most: if it took anything, there may be more.
    ///
    /// It blocks, as all calls of a store do. Between its transactions others write.
    pub fn step(&self) -> Result<Stepped, HistoryError> {
        let mut outputs = self.read()?;
        let mut stepped = Stepped::default();
        while !outputs.is_empty() {
            self.write(&mut outputs, WRITE_MAX, &mut stepped)?;
        }
        Ok(stepped)
    }

    /// What the settle log has after the position.
    fn read(&self) -> Result<Vec<Outputs>, HistoryError> {
        let state = self.state()?;
        let read = self.store.read_at_once(|read, now| entry::read(read, now, &state))?;
        read.iter().map(Outputs::decode).collect()
    }

    /// Takes portions of these entries, and takes away those that it is done with; all of them if somebody else took any.
    fn write(
        &self,
        outputs: &mut Vec<Outputs>,
        items_max: usize,
        stepped: &mut Stepped,
    ) -> Result<(), HistoryError> {
        let written = error::transact(&self.store, |transaction| {
            let mut book = Book::open(transaction, &self.limits)?;
            let written = fold::fold(&mut book, outputs, items_max)?;
            book.close()?;
            Ok(written)
        })?;
        outputs.drain(..written.done.min(outputs.len()));
        stepped.entries += written.stepped.entries;
        stepped.points += written.stepped.points;
        stepped.transitions += written.stepped.transitions;
        stepped.forgotten += written.stepped.forgotten;
        Ok(())
    }

    /// How far it has come and what it has.
    pub fn state(&self) -> Result<KeptState, HistoryError> {
        error::read(&self.store, book::read_state)
    }

    /// All of it as it is now, for whoever wants several pages of one moment. An entry that is taken in part is taken to its end first: who
    /// merges what comes after the moment would count that part twice.
    pub fn moment(&self) -> Result<Moment<C>, HistoryError> {
        let mut stepped_at = None;
        loop {
            let reading = self.store.begin_read()?;
            let moment = Moment { store: Arc::clone(&self.store), limits: self.limits, reading };
            let KeptState { version, portions, .. } = moment.state()?;
            // What is left of an entry that a step did not end has expired.
            if portions == 0 || stepped_at == Some(version) {
                return Ok(moment);
            }
            stepped_at = Some(version);
            drop(moment);
            self.step()?;
        }
    }

    /// The metrics that there are points of, by their names.
    pub fn metrics(&self) -> Result<Vec<KeptMetric>, HistoryError> {
        let metrics = error::read(&self.store, names::read_all)?;
        let mut metrics: Vec<_> = metrics.into_values().collect();
        metrics.sort_by(|one, other| {
            one.metric.name.cmp(&other.metric.name).then(one.last.cmp(&other.last))
        });
        Ok(metrics)
    }

    /// A page of points, the oldest first: the first one, or what follows another.
    ///
    /// A page is read at one moment, and the next at a later one: what came in between stands in it if it belongs behind
    /// its beginning. Nothing is held between two pages, however long somebody takes to read them.
    pub fn points(
        &self,
        wanted: &PointsWanted,
        after: Option<&PointsCursor>,
    ) -> Result<PointsPage, HistoryError> {
        error::read(&self.store, |read| points::page(read, &self.limits, wanted, after))
    }

    /// A page of transitions, in the order of their times: the first one, or what follows another.
    pub fn alerts(
        &self,
        wanted: &AlertsWanted,
        after: Option<&AlertsCursor>,
    ) -> Result<AlertsPage, HistoryError> {
        error::read(&self.store, |read| alerts::page(read, &self.limits, wanted, after))
    }
}

#[cfg(test)]
mod tests;
