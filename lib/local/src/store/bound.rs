//! Lets entries go before their time where logs have grown large: those that nobody needs, the oldest first.
//!
//! Which these are [`LocalStore::let_go`](super::LocalStore::let_go) is told; all other entries stay until they expire. What a log has is counted when it is spoken
//! of for the first time, and by what each write puts and removes from then on.

use super::sweep::{SWEPT_KEYS_MAX, SWEPT_MAX};
use super::tables::{ENTRIES, PIECE_BYTES, Tables};
use super::{form::Head, logs};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use streamgauge_pipeline::port::log::Version;

/// How many bytes of the file the logs take at most that entries are let go of, all together, as long as what is needed of them takes less: some
/// hours of a thousand events a second that are counted in a few ways.
pub(super) const LOGS_BYTES_MAX: u64 = 1 << 30;
/// A page of the file. What does not fit into one gets pages that are a power of two of it
/// (<https://github.com/cberner/redb/blob/master/docs/design.md>).
const PAGE_BYTES: usize = 4 << 10;
/// What stands in a page besides a value: its key, its checksum, where they are.
const AROUND_BYTES: usize = 64;
/// A value up to this shares its page with its neighbours. Pages that are filled in order stay half empty.
const SHARED_BYTES_MAX: usize = PAGE_BYTES / 4;

/// The logs that entries may be let go of.
#[derive(Debug)]
pub(super) struct Bounds {
    bytes_max: u64,
    logs: Mutex<BTreeMap<String, Bound>>,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    /// What nobody needs is before this version.
    before: Version,
    bytes: u64,
}

/// What a write puts into each log and removes from it, in bytes of the file.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<String, (u64, u64)>);

impl Tally {
    pub(super) fn put(&mut self, log: &str, head: &Head) {
        self.of(log).0 += bytes(head);
    }

    pub(super) fn removed(&mut self, log: &str, head: &Head) {
        self.of(log).1 += bytes(head);
    }

    fn of(&mut self, log: &str) -> &mut (u64, u64) {
        self.0.entry(log.to_owned()).or_default()
    }

    /// What a log of so many bytes has then.
    fn applied(&self, log: &str, bytes: u64) -> u64 {
        let (put, removed) = self.0.get(log).copied().unwrap_or_default();
        (bytes + put).saturating_sub(removed)
    }
}

impl Bounds {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, logs: Mutex::default() }
    }

    /// Whether a log was spoken of.
    pub(super) fn knows(&self, log: &str) -> bool {
        self.lock().contains_key(log)
    }

    /// Nobody needs what a log has before a version. `counted` is what the log has, if it was not spoken of before.
    pub(super) fn let_go(&self, log: &str, before: Version, counted: u64) {
        let mut logs = self.lock();
        let bound = logs.entry(log.to_owned()).or_insert(Bound { before, bytes: counted });
        bound.before = bound.before.max(before);
    }

    /// Removes some of what nobody needs if the logs have too much, each of those that have more than their share.
    pub(super) fn trim(&self, tables: &mut Tables<'_>) -> Result<(), redb::Error> {
        let logs = self.lock();
        let has = |tally: &Tally, (log, bound): (&String, &Bound)| tally.applied(log, bound.bytes);
        let total: u64 = logs.iter().map(|log| has(&tables.tally, log)).sum();
        if total <= self.bytes_max {
            return Ok(());
        }
        let share = self.bytes_max / u64::try_from(logs.len()).unwrap_or(u64::MAX).max(1);
        for (log, bound) in &*logs {
            let excess = has(&tables.tally, (log, bound)).saturating_sub(share);
            remove(tables, log, bound.before, excess)?;
        }
        Ok(())
    }

    /// What a write has put and removed is on the disk.
    pub(super) fn apply(&self, tally: &Tally) {
        for (log, bound) in self.lock().iter_mut() {
            bound.bytes = tally.applied(log, bound.bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bound>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the oldest entries of a log before a version, until so many bytes are gone or one write has done enough.
fn remove(
    tables: &mut Tables<'_>,
    log: &str,
    before: Version,
    mut excess: u64,
) -> Result<(), redb::Error> {
    let oldest = tables.entries.range((log, 0)..(log, before.0))?.take(SWEPT_MAX);
    let oldest = oldest.map(|row| Ok(row?.0.value().1)).collect::<Result<Vec<_>, redb::Error>>()?;
    let mut keys = 0;
    for version in oldest {
        if excess == 0 || keys >= SWEPT_KEYS_MAX {
            break;
        }
        let Some(head) = logs::head(tables, log, version)? else { continue };
        keys += logs::remove(tables, log, version, &head)?;
        excess = excess.saturating_sub(bytes(&head));
    }
    Ok(())
}

/// What a log takes of the file, in bytes.
pub(super) fn count(read: &ReadTransaction, log: &str) -> Result<u64, redb::Error> {
    let mut total = 0;
    for row in read.open_table(ENTRIES)?.range((log, 0)..=(log, u64::MAX))? {
        let (key, sealed) = row?;
        total += bytes(&logs::unsealed(log, key.value().1, sealed.value())?);
    }
    Ok(total)
}

/// What an entry takes of the file: its head, and its chunks in pieces.
fn bytes(head: &Head) -> u64 {
    let chunk = |&(_, length): &(_, usize)| {
        (length / PIECE_BYTES) * taken(PIECE_BYTES) + taken(length % PIECE_BYTES)
    };
    let chunks: usize = head.chunks.iter().map(chunk).sum();
    u64::try_from(taken(head.header.len()) + chunks).unwrap_or(u64::MAX)
}

/// What a value takes of the file.
fn taken(length: usize) -> usize {
    match length + AROUND_BYTES {
        value if value <= SHARED_BYTES_MAX => 2 * value,
        value => value.next_power_of_two().max(PAGE_BYTES),
    }
}
