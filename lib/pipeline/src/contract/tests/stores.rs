//! Logs and snapshots.

use super::{Bench, check, clock};
use crate::contract::{Fault, log_contract, snapshots_contract};
use crate::memory::{MemoryLog, MemorySnapshots, VirtualClock, block_on};
use crate::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use crate::port::{PIECE_BYTES_MAX, Retryable};
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

const BYTES_MAX: usize = 256 << 20;

/// How a store is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ConflictsAreWins,
    LooksThenPuts,
    ShowsHeadersFirst,
    ReadsPastGaps,
    ForgetsTheFourth,
    ReadsAllChunks,
    TakesTheThirdOnce,
    ExpiresOften,
    NeverExpires,
    FindsThePrevious,
}

struct Store<S> {
    inner: S,
    wrong: Wrong,
    unfinished: Mutex<Option<Logged>>,
    /// How often a third version was appended to the log of this name.
    thirds: Mutex<u32>,
}

impl<S> Store<S> {
    fn new(inner: S, wrong: Wrong) -> Self {
        Self { inner, wrong, unfinished: Mutex::default(), thirds: Mutex::default() }
    }
}

impl Log for Store<MemoryLog<VirtualClock>> {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        let wins = match self.wrong {
            Wrong::ConflictsAreWins => version > Version::START,
            Wrong::LooksThenPuts if version > Version::START => {
                let read = self.inner.read(log, Version(version.0 - 1), Wanted::Only(&[])).await?;
                read.is_empty()
            }
            _ => false,
        };
        if self.wrong == Wrong::TakesTheThirdOnce
            && version == Version(3)
            && log.as_str().ends_with("emptied")
        {
            let mut thirds = self.thirds.lock().unwrap();
            *thirds += 1;
            if *thirds > 1 {
                return Ok(Append::Conflict);
            }
        }
        if self.wrong == Wrong::ShowsHeadersFirst {
            let entry = entry.with_only(Wanted::Only(&[]));
            *self.unfinished.lock().unwrap() = Some(Logged { version, entry });
        }
        let outcome = self.inner.append(log, version, entry).await;
        *self.unfinished.lock().unwrap() = None;
        if wins { outcome.map(|_| Append::Appended) } else { outcome }
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        let wanted = if self.wrong == Wrong::ReadsAllChunks { Wanted::All } else { wanted };
        let mut read = self.inner.read(log, after, wanted).await?;
        let last = read.last().map_or(after, |last| last.version);
        match self.wrong {
            Wrong::ForgetsTheFourth => read.retain(|logged| logged.version != Version(4)),
            Wrong::ReadsPastGaps => read.extend(self.inner.read(log, last.next(), wanted).await?),
            _ => read.extend(self.unfinished.lock().unwrap().clone()),
        }
        Ok(read)
    }
}

impl Snapshots for Store<MemorySnapshots<VirtualClock>> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.inner.versions(log).await
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.inner.load(log, version).await
    }

    async fn newest(&self, log: &LogId) -> Result<Option<Snapshot>, Retryable> {
        let versions = self.inner.versions(log).await?;
        let found = match self.wrong {
            Wrong::FindsThePrevious => versions.last(),
            _ => versions.first(),
        };
        let Some(&version) = found else { return Ok(None) };
        self.inner.load(log, version).await
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        let newest = self.inner.versions(log).await?.first().copied();
        let fits = newest == expected && newest < Some(snapshot.version());
        let outcome = self.inner.put(log, expected, snapshot).await;
        if self.wrong == Wrong::ExpiresOften {
            self.inner.expire(log, Timestamp::from_millis(1_800_000_000_000)).await?;
        }
        let wins =
            self.wrong == Wrong::ConflictsAreWins || (self.wrong == Wrong::LooksThenPuts && fits);
        if wins { outcome.map(|_| Put::Swung) } else { outcome }
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        if self.wrong == Wrong::NeverExpires { Ok(()) } else { self.inner.expire(log, at).await }
    }
}

/// Runs the suite of logs; `arms` says how an armed fault arrives.
fn check_log(wrong: Wrong, arms: fn(Fault) -> Fault, broken_rule: &str) {
    let clock = clock();
    let log = Store::new(MemoryLog::new(clock.clone(), BYTES_MAX), wrong);
    let bench = Bench(&clock, &|fault| log.inner.arm(arms(fault)));
    check(block_on(log_contract(&log, &bench)), broken_rule);
}

/// The same for snapshots.
fn check_snapshots(wrong: Wrong, arms: fn(Fault) -> Fault, broken_rule: &str) {
    let clock = clock();
    let snapshots = Store::new(MemorySnapshots::new(clock.clone(), BYTES_MAX), wrong);
    let bench = Bench(&clock, &|fault| snapshots.inner.arm(arms(fault)));
    check(block_on(snapshots_contract(&snapshots, &bench)), broken_rule);
}

fn same(fault: Fault) -> Fault {
    fault
}

#[test]
fn the_memory_log_keeps_the_contract_and_a_wrong_one_is_found() {
    check_log(Wrong::Nothing, same, "");
    check_log(Wrong::ConflictsAreWins, same, "an append is a put if absent, per log");
    check_log(Wrong::LooksThenPuts, same, "of many writers of one version one wins, whole");
    check_log(Wrong::ShowsHeadersFirst, same, "a read sees an entry whole or not at all");
    check_log(Wrong::ReadsPastGaps, same, "a read ends before a gap");
    check_log(
        Wrong::ForgetsTheFourth,
        same,
        "a long log of the largest entries is read in parts, completely",
    );
    check_log(Wrong::ReadsAllChunks, same, "a reader gets the header and the chunks it wants");
    check_log(
        Wrong::Nothing,
        |_| Fault::AnswerLost,
        "an append that crashed midway leaves nothing visible",
    );
    check_log(
        Wrong::Nothing,
        |_| Fault::CrashMidway,
        "an append whose answer was lost is there, once",
    );
    check_log(
        Wrong::TakesTheThirdOnce,
        same,
        "an empty log goes on after what its reader has consumed",
    );
    let [stopped, turned] = [clock(), clock()];
    let log = MemoryLog::new(stopped, BYTES_MAX);
    let bench = Bench(&turned, &|fault| log.arm(fault));
    check(block_on(log_contract(&log, &bench)), "what has expired is ignored");
}

#[test]
fn a_memory_log_of_small_items_keeps_the_contract() {
    let clock = clock();
    let log = MemoryLog::of_items(clock.clone(), BYTES_MAX, PIECE_BYTES_MAX);
    let bench = Bench(&clock, &|fault| log.arm(fault));
    check(block_on(log_contract(&log, &bench)), "");
}

#[test]
fn the_memory_snapshots_keep_the_contract_and_wrong_ones_are_found() {
    check_snapshots(Wrong::Nothing, same, "");
    check_snapshots(Wrong::ConflictsAreWins, same, "a root is swung by compare-and-swap");
    check_snapshots(Wrong::LooksThenPuts, same, "of many writers of one root one wins, whole");
    check_snapshots(
        Wrong::Nothing,
        |_| Fault::AnswerLost,
        "a put that crashed midway leaves nothing visible",
    );
    check_snapshots(
        Wrong::Nothing,
        |_| Fault::CrashMidway,
        "a put whose answer was lost is there, once",
    );
    check_snapshots(
        Wrong::FindsThePrevious,
        same,
        "the newest snapshot is the one that was swung to last",
    );
    check_snapshots(Wrong::ExpiresOften, same, "the two newest of a live log never expire");
    check_snapshots(Wrong::NeverExpires, same, "those of a shard that has left expire with it");
}
