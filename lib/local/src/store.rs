//! Logs and snapshots in one file, for one process on one machine.
//!
//! ```
//! use streamgauge_engine::time::Timestamp;
//! use streamgauge_local::store::LocalStore;
//! use streamgauge_pipeline::memory::{VirtualClock, block_on};
//! use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Log, LogId, Version, Wanted};
//!
//! let path = std::env::temp_dir().join(format!("streamgauge-doc-{}.store", std::process::id()));
//! let clock = VirtualClock::new(Timestamp::EPOCH);
//! let entry = Entry::new(b"plan".to_vec(), Chunks::new(), Timestamp::from_millis(1_000))?;
//! {
//!     let store = LocalStore::open(&path, clock.clone())?;
//!     assert_eq!(block_on(store.append(&LogId::control(), Version(1), &entry))?, Append::Appended);
//! }
//! let store = LocalStore::open(&path, clock)?;
//! let read = block_on(store.read(&LogId::control(), Version::START, Wanted::All))?;
//! assert_eq!(read[0].entry, entry);
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A write is one transaction that is on the disk before it is acknowledged; a crash leaves all of it or nothing. It also deletes
//! a little of what has expired. Reads see one moment, and wait for no write.
//!
//! The ports are async and redb is not: a call does its work before it returns and blocks the thread for as long, in a write for
//! what the disk needs to flush, some milliseconds. No runtime is named here; who has one puts the calls on a thread for blocking
//! work. Who has many entries at once saves flushes by [`LocalStore::append_all`].
//!
//! Opening a file reads and verifies all of it. What is in it, for whom wants to know, says [`LocalStore::list`].
//!
//! A [`History`](crate::history::History) has tables of its own in the same file.
//!
//! The modules: [`tables`] and [`form`] have the layout, [`logs`], [`states`], [`sweep`] and [`bound`] what a transaction does, [`kept`] by whose clock
//! it is kept, [`held`] the open file, [`error`] and [`listing`] what users see.

mod bound;
mod error;
mod form;
mod held;
mod kept;
mod listing;
mod logs;
mod states;
mod sweep;
mod tables;

use bound::{Bounds, LOGS_BYTES_MAX};
use held::Held;
use redb::{ReadTransaction, ReadableDatabase, WriteTransaction};
use std::path::Path;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};
use tables::Tables;

pub use error::StoreError;
pub(crate) use held::Reading;
pub use kept::KeptBy;
pub use listing::{ListedLog, Listing};
pub(crate) use logs::read as read_log;
pub(crate) use tables::{damaged, place, seal, unseal};

/// Keeps logs and snapshots in a file, and is the only one that has it open.
#[derive(Debug)]
pub struct LocalStore<C> {
    held: Held,
    clock: C,
    bounds: Bounds,
}

/// An entry and where it is to be put.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// Its log.
    pub log: &'a LogId,
    /// Its version.
    pub version: Version,
    /// The entry.
    pub entry: &'a Entry,
}

impl<C: Clock> LocalStore<C> {
    /// Opens the store in this file, which is made if there is none; what is in it expires by this clock.
    pub fn open(path: impl AsRef<Path>, clock: C) -> Result<Self, StoreError> {
        Ok(Self::of(Held::open(path.as_ref())?, clock))
    }

    fn of(held: Held, clock: C) -> Self {
        Self { held, clock, bounds: Bounds::new(LOGS_BYTES_MAX) }
    }

    /// The same, that lets entries go where the logs take more than so many bytes of the file.
    #[must_use]
    pub fn with_logs_bytes_max(self, bytes_max: u64) -> Self {
        Self { bounds: Bounds::new(bytes_max), ..self }
    }

    /// Nobody needs what a log has before a version. It goes before it expires, some with each write, if all logs of which that was said take more than
    /// 1 GiB of the file. In a store that was opened anew it has to be said again.
    pub fn let_go(&self, log: &LogId, before: Version) {
        let log = log.as_str();
        let counted = if self.bounds.knows(log) {
            Ok(0)
        } else {
            self.read_at_once(|read, _| bound::count(read, log))
        };
        // A store that cannot be read now counts it the next time.
        if let Ok(counted) = counted {
            self.bounds.let_go(log, before, counted);
        }
    }

    /// Puts entries, one after the other, each unless there is one on its version: as so many appends, with one flush.
    ///
    /// A conflict of one holds up no other. Whoever reads sees all of them or none. They are in memory until the flush: some
    /// megabytes together are enough to make it cheap.
    pub fn append_all(&self, entries: &[NewEntry<'_>]) -> Result<Vec<Append>, Retryable> {
        let put = |tables: &mut Tables<'_>, now| {
            let outcomes = entries
                .iter()
                .map(|new| logs::put(tables, now, (new.log.as_str(), new.version), new.entry));
            outcomes.collect::<Result<Vec<_>, _>>()
        };
        let changes = |outcomes: &Vec<_>| outcomes.contains(&Append::Appended);
        self.write(put, changes).map_err(|error| {
            let of =
                |new: &NewEntry<'_>| format!("version {} to `{}`", new.version.0, new.log.as_str());
            let first = entries.first().map_or_else(|| "nothing".to_owned(), of);
            let more = match entries.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            Retryable::new(format!("could not append {first}{more}")).because(error)
        })
    }

    /// By whose clock the store is kept. One that does not say it yet says from now on that it is by this one, which is on the
    /// disk when this returns; in one that does nothing is written.
    pub fn made_for(&self, by: KeptBy) -> Result<KeptBy, StoreError> {
        self.transact(|write| kept::mark(write, by))
    }

    /// What is in the store.
    pub fn list(&self) -> Result<Listing, StoreError> {
        self.read_at_once(listing::list)
    }

    /// Does something in one transaction, which is on the disk when this returns; without changes nothing is written.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut Tables<'_>, Timestamp) -> Result<T, redb::Error>,
        changes: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError> {
        let now = self.clock.now();
        let written = self.transact(|transaction| {
            let mut tables = Tables::open(transaction)?;
            let outcome = work(&mut tables, now)?;
            let has_changed = changes(&outcome);
            if has_changed {
                sweep::sweep(&mut tables, now)?;
                self.bounds.trim(&mut tables)?;
            }
            Ok(((outcome, tables.tally), has_changed))
        });
        let (outcome, tally) = written?;
        self.bounds.apply(&tally);
        Ok(outcome)
    }

    /// Does something in one transaction, with whatever tables; it is on the disk when this returns, unless `work` says that
    /// nothing has changed.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<(T, bool), redb::Error>,
    ) -> Result<T, StoreError> {
        self.held.with(|database| {
            let mut write = database.begin_write()?;
            // With one phase, redb takes a last commit that is damaged for one that was cut short, and goes back to the one before.
            write.set_two_phase_commit(true);
            let (outcome, has_changed) = work(&write)?;
            if has_changed {
                write.commit()?;
            } else {
                write.abort()?;
            }
            Ok(outcome)
        })
    }

    /// Reads in one transaction.
    pub(crate) fn read_at_once<T>(
        &self,
        work: impl FnOnce(&ReadTransaction, Timestamp) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let now = self.clock.now();
        self.held.with(|database| work(&database.begin_read()?, now))
    }

    /// Begins a transaction that sees what is there now, for as long as it is held.
    pub(crate) fn begin_read(&self) -> Result<Reading, StoreError> {
        self.held.begin_read()
    }

    /// Reads in a transaction that was begun before.
    pub(crate) fn read_in<T>(
        &self,
        reading: &Reading,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.held.read_in(reading, work)
    }
}

impl<C: Clock> Log for LocalStore<C> {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        let outcomes = self.append_all(&[NewEntry { log, version, entry }])?;
        Ok(outcomes.first().copied().unwrap_or(Append::Conflict))
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        let read =
            self.read_at_once(|read, now| logs::read(read, now, log.as_str(), after, wanted));
        read.map_err(|error| {
            let message = format!("could not read `{}` after version {}", log.as_str(), after.0);
            Retryable::new(message).because(error)
        })
    }
}

impl<C: Clock> Snapshots for LocalStore<C> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        let root = self.read_at_once(|read, now| states::living(read, now, log.as_str()));
        let root = root.map_err(|error| {
            let message = format!("could not look for the snapshots of `{}`", log.as_str());
            Retryable::new(message).because(error)
        })?;
        Ok(root.snapshots.iter().map(|&(version, _)| version).collect())
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        let load = self.read_at_once(|read, now| states::load(read, now, log.as_str(), version));
        load.map_err(|error| {
            let message = format!("could not load snapshot {} of `{}`", version.0, log.as_str());
            Retryable::new(message).because(error)
        })
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        let swing = |tables: &mut Tables<'_>, now| {
            states::swing(tables, now, log.as_str(), expected, snapshot)
        };
        self.write(swing, |&outcome| outcome == Put::Swung).map_err(|error| {
            let version = snapshot.version().0;
            let message = format!("could not put snapshot {version} of `{}`", log.as_str());
            Retryable::new(message).because(error)
        })
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        let expire = |tables: &mut Tables<'_>, now| states::expire(tables, now, log.as_str(), at);
        self.write(expire, |()| true).map_err(|error| {
            let message = format!("could not let the snapshots of `{}` expire", log.as_str());
            Retryable::new(message).because(error)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
