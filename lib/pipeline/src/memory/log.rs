//! Logs in memory: entries in one piece, or as a store keeps them whose items are small.

use super::{Faults, full, lock, step, write};
use crate::contract::Fault;
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::log::{
    Append, Chunks, Entry, Label, Log, LogId, Logged, READ_BYTES_MAX, Version, Wanted,
};
use std::collections::BTreeMap;
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

/// Keeps logs in memory.
#[derive(Debug)]
pub struct MemoryLog<C> {
    clock: C,
    bytes_max: usize,
    item_bytes_max: usize,
    kept: Mutex<Kept>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Kept {
    items: BTreeMap<(LogId, Version), Item>,
    /// Pieces of chunks, by append, label and number, with the time when they expire.
    pieces: BTreeMap<(u64, Label, usize), (Vec<u8>, Timestamp)>,
    appends: u64,
    bytes: usize,
}

/// What stands on a version.
#[derive(Clone, Debug)]
struct Item {
    /// Without its chunks, where these are in pieces.
    entry: Entry,
    /// The append that put the pieces.
    append: u64,
    /// The chunks in pieces, with their bytes.
    cuts: Vec<(Label, usize)>,
}

impl<C: Clock> MemoryLog<C> {
    /// No logs yet, for entries of so many bytes; they expire by this clock.
    pub fn new(clock: C, bytes_max: usize) -> Self {
        Self::of_items(clock, bytes_max, usize::MAX)
    }

    /// The same in items of so many bytes: the chunks of a larger entry are put before it, in pieces, and are read after it.
    pub fn of_items(clock: C, bytes_max: usize, item_bytes_max: usize) -> Self {
        let (kept, faults) = (Mutex::default(), Mutex::default());
        Self { clock, bytes_max, item_bytes_max: item_bytes_max.max(1), kept, faults }
    }

    /// Breaks a coming append, after those that were armed before.
    pub fn arm(&self, fault: Fault) {
        lock(&self.faults).push_back(fault);
    }

    /// Deletes what has expired, as a store does some time. No read tells the difference.
    pub fn sweep(&self) {
        lock(&self.kept).sweep(self.clock.now());
    }

    /// Nobody needs what a log has before a version: it goes at once.
    pub fn let_go(&self, log: &LogId, before: Version) {
        let mut kept = lock(&self.kept);
        kept.items.retain(|(of, version), _| of != log || *version >= before);
        kept.sweep(self.clock.now());
    }

    /// Puts the chunks of an entry in pieces, one after another: what is left of the entry is put later, or never.
    async fn cut(&self, entry: &Entry) -> Result<Item, Retryable> {
        if entry.bytes() <= self.item_bytes_max {
            return Ok(Item { entry: entry.clone(), append: 0, cuts: Vec::new() });
        }
        let append = lock(&self.kept).next_append();
        for (&label, chunk) in entry.chunks() {
            for (number, piece) in chunk.chunks(self.item_bytes_max).enumerate() {
                self.put_piece((append, label, number), piece, entry.expires_at())?;
                step().await;
            }
        }
        let cuts = entry.chunks().iter().map(|(&label, chunk)| (label, chunk.len())).collect();
        Ok(Item { entry: entry.with_only(Wanted::Only(&[])), append, cuts })
    }

    fn put_piece(
        &self,
        key: (u64, Label, usize),
        piece: &[u8],
        expires_at: Timestamp,
    ) -> Result<(), Retryable> {
        let mut kept = lock(&self.kept);
        kept.make_room(piece.len(), self.bytes_max, self.clock.now())?;
        kept.bytes += piece.len();
        kept.pieces.insert(key, (piece.to_vec(), expires_at));
        Ok(())
    }

    fn piece(&self, key: (u64, Label, usize)) -> Result<Vec<u8>, Retryable> {
        let kept = lock(&self.kept);
        let piece = kept.pieces.get(&key).map(|(piece, _)| piece.clone());
        piece.ok_or_else(|| Retryable::new("found a piece of an entry gone that was there"))
    }

    fn put(&self, key: (LogId, Version), item: Item) -> Result<Append, Retryable> {
        let now = self.clock.now();
        let mut kept = lock(&self.kept);
        let is_held = kept.items.get(&key).is_some_and(|held| held.entry.expires_at() > now);
        if is_held || key.1 == Version::START {
            return Ok(Append::Conflict);
        }
        kept.make_room(item.entry.bytes(), self.bytes_max, now)?;
        kept.bytes += item.entry.bytes();
        let expired = kept.items.insert(key, item);
        kept.bytes -= expired.map_or(0, |expired| expired.entry.bytes());
        Ok(Append::Appended)
    }

    /// The items after a version, up to the limit of a read.
    fn scan(&self, log: &LogId, after: Version, wanted: Wanted<'_>) -> Vec<(Version, Item)> {
        let now = self.clock.now();
        let kept = lock(&self.kept);
        let all = kept.items.range((log.clone(), after)..=(log.clone(), Version(u64::MAX)));
        let mut found = Vec::new();
        let (mut last, mut bytes) = (None, 0);
        for ((_, version), item) in all.filter(|(_, item)| item.entry.expires_at() > now) {
            let follows = last.is_none_or(|last: Version| last.next() == *version);
            if !follows || bytes >= READ_BYTES_MAX {
                break;
            }
            last = Some(*version);
            if *version > after {
                let entry = item.entry.with_only(wanted);
                let cuts = item.cuts.iter().filter(|(label, _)| wanted.includes(*label));
                let item = Item { entry, append: item.append, cuts: cuts.copied().collect() };
                bytes += item.bytes();
                found.push((*version, item));
            }
        }
        found
    }

    /// An entry with its chunks, which are read one after another.
    async fn complete(&self, item: Item) -> Result<Entry, Retryable> {
        if item.cuts.is_empty() {
            return Ok(item.entry);
        }
        let mut chunks = Chunks::new();
        for (label, bytes) in item.cuts {
            let mut chunk = Vec::with_capacity(bytes);
            for number in 0..bytes.div_ceil(self.item_bytes_max) {
                step().await;
                chunk.extend(self.piece((item.append, label, number))?);
            }
            chunks.insert(label, chunk);
        }
        let entry = Entry::new(item.entry.header().to_vec(), chunks, item.entry.expires_at());
        entry.map_err(|error| Retryable::new("could not put an entry together").because(error))
    }
}

impl Item {
    fn bytes(&self) -> usize {
        self.entry.bytes() + self.cuts.iter().map(|(_, bytes)| bytes).sum::<usize>()
    }
}

impl Kept {
    fn next_append(&mut self) -> u64 {
        self.appends += 1;
        self.appends
    }

    /// Whether there is room for so many bytes more, perhaps of what has expired.
    fn make_room(
        &mut self,
        bytes: usize,
        bytes_max: usize,
        now: Timestamp,
    ) -> Result<(), Retryable> {
        if self.bytes + bytes > bytes_max {
            self.sweep(now);
        }
        if self.bytes + bytes > bytes_max { Err(full(bytes_max)) } else { Ok(()) }
    }

    fn sweep(&mut self, now: Timestamp) {
        self.items.retain(|_, item| item.entry.expires_at() > now);
        self.pieces.retain(|_, (_, expires_at)| *expires_at > now);
        let pieces = self.pieces.values().map(|(piece, _)| piece.len());
        let items = self.items.values().map(|item| item.entry.bytes());
        self.bytes = items.chain(pieces).sum();
    }
}

impl<C: Clock> Log for MemoryLog<C> {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        let what = format!("append version {} to {}", version.0, log.as_str());
        let item = self.cut(entry).await?;
        write(&self.faults, &what, || self.put((log.clone(), version), item)).await
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        step().await;
        let mut read = Vec::new();
        for (version, item) in self.scan(log, after, wanted) {
            read.push(Logged { version, entry: self.complete(item).await? });
        }
        Ok(read)
    }
}
