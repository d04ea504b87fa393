//! Logs and snapshots.

use super::{Bench, check, clock};
use crate::contract::{Fault, log_contract, snapshots_contract};
use crate::memory::{MemoryLog, MemorySnapshots, VirtualClock, block_on};
use crate::port::Retryable;
use crate::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use std::collections::BTreeSet;
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

const BYTES_MAX: usize = 256 << 20;

/// How a store is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ConflictsAreWins,
    LooksThenPuts,
    OneForAll,
    ShowsHeadersFirst,
    ReadsPastGaps,
    ReadsTwice,
    ForgetsTheFifth,
    ReadsAllChunks,
    TakesSmallOnes,
    HoldsForEver,
    TakesOldOnes,
    ExpiresOften,
    NeverExpires,
}

struct Store<S> {
    inner: S,
    wrong: Wrong,
    seen: Mutex<BTreeSet<(LogId, Version)>>,
    unfinished: Mutex<Option<Logged>>,
}

impl<S> Store<S> {
    fn new(inner: S, wrong: Wrong) -> Self {
        Self { inner, wrong, seen: Mutex::default(), unfinished: Mutex::default() }
    }

    fn log(&self, log: &LogId) -> LogId {
        if self.wrong == Wrong::OneForAll { LogId::control() } else { log.clone() }
    }
}

impl Log for Store<MemoryLog<VirtualClock>> {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        let log = &self.log(log);
        let was_free = match self.wrong {
            Wrong::TakesSmallOnes if entry.bytes() > 10 << 20 => {
                return Err(Retryable::new("did not take it"));
            }
            Wrong::HoldsForEver if self.seen.lock().unwrap().contains(&(log.clone(), version)) => {
                return Ok(Append::Conflict);
            }
            Wrong::ConflictsAreWins => version > Version::START,
            Wrong::LooksThenPuts => {
                let before = Version(version.0.saturating_sub(1));
                let read = self.inner.read(log, before, Wanted::Only(&[])).await?;
                version > Version::START
                    && read.first().is_none_or(|first| first.version != version)
            }
            _ => false,
        };
        if self.wrong == Wrong::ShowsHeadersFirst {
            *self.unfinished.lock().unwrap() =
                Some(Logged { version, entry: entry.with_only(Wanted::Only(&[])) });
        }
        let outcome = self.inner.append(log, version, entry).await;
        if outcome.is_ok() {
            self.seen.lock().unwrap().insert((log.clone(), version));
        }
        *self.unfinished.lock().unwrap() = None;
        if was_free { outcome.map(|_| Append::Appended) } else { outcome }
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        let log = &self.log(log);
        let wanted = if self.wrong == Wrong::ReadsAllChunks { Wanted::All } else { wanted };
        let mut read = self.inner.read(log, after, wanted).await?;
        let last = read.last().map_or(after, |last| last.version);
        match self.wrong {
            Wrong::ForgetsTheFifth => read.retain(|logged| logged.version != Version(5)),
            Wrong::ReadsPastGaps => read.extend(self.inner.read(log, last.next(), wanted).await?),
            Wrong::ReadsTwice => read.extend(self.inner.read(log, last, wanted).await?),
            _ => read.extend(self.unfinished.lock().unwrap().clone()),
        }
        Ok(read)
    }
}

impl Snapshots for Store<MemorySnapshots<VirtualClock>> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.inner.versions(&self.log(log)).await
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.inner.load(&self.log(log), version).await
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        let log = &self.log(log);
        let fits = self.inner.versions(log).await?.first().copied() == expected;
        let is_old = expected >= Some(snapshot.version());
        let outcome = self.inner.put(log, expected, snapshot).await;
        let swings = match self.wrong {
            Wrong::ConflictsAreWins => true,
            Wrong::LooksThenPuts => fits && !is_old,
            Wrong::TakesOldOnes => fits && is_old,
            Wrong::ExpiresOften => {
                self.inner.expire(log, Timestamp::from_millis(1_800_000_000_000)).await?;
                false
            }
            _ => false,
        };
        if swings { outcome.map(|_| Put::Swung) } else { outcome }
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        if self.wrong == Wrong::NeverExpires { Ok(()) } else { self.inner.expire(log, at).await }
    }
}

/// Runs the suite of logs; `arms` says how an armed fault arrives.
fn check_log(wrong: Wrong, arms: fn(Fault) -> Fault, broken_rule: &str) {
    let clock = clock();
    let log = Store::new(MemoryLog::new(clock.clone(), BYTES_MAX), wrong);
    check(
        block_on(log_contract(&log, &Bench(&clock, &|fault| log.inner.arm(arms(fault))))),
        broken_rule,
    );
}

fn check_snapshots(wrong: Wrong, arms: fn(Fault) -> Fault, broken_rule: &str) {
    let clock = clock();
    let snapshots = Store::new(MemorySnapshots::new(clock.clone(), BYTES_MAX), wrong);
    check(
        block_on(snapshots_contract(
            &snapshots,
            &Bench(&clock, &|fault| snapshots.inner.arm(arms(fault))),
        )),
        broken_rule,
    );
}

fn as_armed(fault: Fault) -> Fault {
    fault
}

#[test]
fn the_memory_log_keeps_the_contract() {
    check_log(Wrong::Nothing, as_armed, "");
}

#[test]
fn a_wrong_log_is_found() {
    check_log(Wrong::ConflictsAreWins, as_armed, "an append is a put if absent");
    check_log(Wrong::OneForAll, as_armed, "logs are apart");
    check_log(Wrong::LooksThenPuts, as_armed, "of many writers of one version one wins, whole");
    check_log(Wrong::ShowsHeadersFirst, as_armed, "a read sees an entry whole or not at all");
    check_log(Wrong::ReadsPastGaps, as_armed, "a read ends before a gap");
    check_log(Wrong::ReadsTwice, as_armed, "a long log is read in parts, completely");
    check_log(Wrong::ForgetsTheFifth, as_armed, "a long log is read in parts, completely");
    check_log(Wrong::ReadsAllChunks, as_armed, "a reader gets the header and the chunks it wants");
    check_log(Wrong::TakesSmallOnes, as_armed, "an entry within the limits is taken");
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
        Wrong::HoldsForEver,
        as_armed,
        "an empty log goes on after what its reader has consumed",
    );
}

#[test]
fn a_log_that_keeps_what_has_expired_is_found() {
    let [stopped, turned] = [clock(), clock()];
    let log = MemoryLog::new(stopped, BYTES_MAX);
    check(
        block_on(log_contract(&log, &Bench(&turned, &|fault| log.arm(fault)))),
        "what has expired is ignored",
    );
}

#[test]
fn the_memory_snapshots_keep_the_contract() {
    check_snapshots(Wrong::Nothing, as_armed, "");
}

#[test]
fn wrong_snapshots_are_found() {
    check_snapshots(Wrong::ConflictsAreWins, as_armed, "a root is swung by compare-and-swap");
    check_snapshots(Wrong::OneForAll, as_armed, "a root is swung by compare-and-swap");
    check_snapshots(Wrong::TakesOldOnes, as_armed, "a snapshot is newer than the one before");
    check_snapshots(Wrong::LooksThenPuts, as_armed, "of many writers of one root one wins, whole");
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
    check_snapshots(Wrong::ExpiresOften, as_armed, "the two newest of a live log never expire");
    check_snapshots(Wrong::NeverExpires, as_armed, "those of a shard that has left expire with it");
}
