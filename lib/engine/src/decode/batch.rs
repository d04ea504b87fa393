//! A decoded batch: the events of some records, with what each gives to which metric.

use crate::accumulate::Contribution;
use crate::delta::{DeltaSeries, Names};
use crate::hash;
use crate::place::{at, at_mut, events, number};
use crate::reject::Reject;
use crate::series::SeriesKey;
use crate::time::Timestamp;
use hashbrown::HashTable;
use std::sync::Arc;

/// What decoding made of a batch of records: everything that needs no state of the shard.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Records, rejects included.
    pub received: u64,
    /// Records that are no events.
    pub rejects: Vec<Reject>,
    /// The events, in the order of arrival.
    pub events: Vec<Event>,
    /// What the events give to metrics: each event's are in one run, in the order of the events.
    pub takes: Vec<Take>,
    /// The series and windows that takes point into.
    pub names: Names,
    /// The ids of events that alerts look at.
    pub ids: EventIds,
    /// Metrics whose expression matched and whose value was missing, with the event's place.
    pub no_value: Vec<(usize, u32)>,
}

/// One decoded event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Its time.
    pub time: Timestamp,
    /// How far it moves the watermark: the smaller of its time and its arrival.
    pub advance: Timestamp,
    /// The stable hash of its identity.
    pub identity: u64,
    /// Its record's position, as its source gave it.
    pub position: u64,
    /// How many takes it has; without any it is filtered.
    pub takes: u32,
    /// Into [`Batch::ids`] if an alert looks at a metric that takes it, else [`EventIds::NONE`].
    pub id: u32,
}

/// The ids of a batch's events, one after the other in one text: few of them are needed for themselves.
#[derive(Clone, Debug, Default)]
pub struct EventIds {
    text: String,
    ends: Vec<usize>,
}

/// The longest id that is kept, in bytes; of a longer one its beginning, to the last whole character.
pub const ID_BYTES_MAX: usize = 256;

impl EventIds {
    /// The number of no id.
    pub const NONE: u32 = u32::MAX;

    /// Room for so many ids of so many bytes together.
    pub(super) fn with_capacity((ids, bytes): (usize, usize)) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(ids) }
    }

    /// How many there are, and how many bytes they have.
    pub(super) const fn lengths(&self) -> (usize, usize) {
        (self.ends.len(), self.text.len())
    }

    /// Adds an id, at most [`ID_BYTES_MAX`] of it, and gives it a number.
    pub fn push(&mut self, id: &str) -> u32 {
        self.text.push_str(id.get(..id.floor_char_boundary(ID_BYTES_MAX)).unwrap_or(id));
        self.ends.push(self.text.len());
        number(self.ends.len() - 1)
    }

    /// The id of this number; empty if there is none.
    pub fn get(&self, number: u32) -> &str {
        let start = number.checked_sub(1).and_then(|before| at(&self.ends, before));
        let range =
            start.copied().unwrap_or_default()..at(&self.ends, number).copied().unwrap_or_default();
        self.text.get(range).unwrap_or_default()
    }
}

/// What one event gives to one metric.
#[derive(Clone, Copy, Debug)]
pub struct Take {
    /// Into [`Names::series`].
    pub series: u32,
    /// Into [`Names::windows`].
    pub window: u32,
    /// What it gives.
    pub contribution: Contribution,
}

/// Numbers the series of a batch, and keeps their keys from batch to batch so that they are not made anew.
#[derive(Clone, Debug, Default)]
pub(super) struct SeriesTable {
    table: HashTable<u32>,
    entries: Vec<Entry>,
    /// The batch that is being decoded: an entry that names another has no number in it yet.
    batch: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    metric: usize,
    hash: u64,
    key: Arc<SeriesKey>,
    batch: u64,
    number: u32,
}

/// Keys kept from batch to batch. Beyond that the table starts afresh: memory stays bounded when every event has a series of its own.
const KEPT_SERIES_MAX: usize = 100_000;

impl SeriesTable {
    /// Begins the numbers of a new batch.
    pub(super) fn begin(&mut self) {
        if self.entries.len() > KEPT_SERIES_MAX {
            self.table.clear();
            self.entries.clear();
        }
        self.batch += 1;
    }

    /// The number in the batch of a metric's series.
    #[inline]
    pub(super) fn number_of(
        &mut self,
        metric: usize,
        packed: &[u8],
        batch: &mut Vec<DeltaSeries>,
    ) -> u32 {
        let hash = hash::combine(hash::stable(packed), events(metric));
        let entries = &mut self.entries;
        let found = self.table.find(hash, |&index| {
            at(entries, index)
                .is_some_and(|entry| entry.metric == metric && entry.key.packed() == packed)
        });
        let index = found.copied().unwrap_or_else(|| {
            let index = number(entries.len());
            let key = Arc::new(SeriesKey::from_packed(packed));
            entries.push(Entry { metric, hash, key, batch: 0, number: 0 });
            let hash_of = |&other: &u32| at(entries, other).map_or(0, |entry| entry.hash);
            self.table.insert_unique(hash, index, hash_of);
            index
        });
        let Some(entry) = at_mut(entries, index) else { return 0 };
        if entry.batch != self.batch {
            entry.batch = self.batch;
            entry.number = number(batch.len());
            batch.push(DeltaSeries { metric, key: Arc::clone(&entry.key) });
        }
        entry.number
    }
}
