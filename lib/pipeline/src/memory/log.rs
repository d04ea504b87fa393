//! Logs in memory.

use super::{Faults, full, lock, step, write};
use crate::contract::Fault;
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::log::{Append, Entry, Log, LogId, Logged, READ_BYTES_MAX, Version, Wanted};
use std::collections::BTreeMap;
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

/// Keeps logs in memory.
#[derive(Debug)]
pub struct MemoryLog<C> {
    clock: C,
    bytes_max: usize,
    kept: Mutex<Kept>,
    faults: Faults,
}

#[derive(Debug, Default)]
struct Kept {
    entries: BTreeMap<(LogId, Version), Entry>,
    bytes: usize,
}

impl<C: Clock> MemoryLog<C> {
    /// No logs yet, for entries of so many bytes; they expire by this clock.
    pub fn new(clock: C, bytes_max: usize) -> Self {
        Self { clock, bytes_max, kept: Mutex::default(), faults: Mutex::default() }
    }

    /// Breaks a coming append, after those that were armed before.
    pub fn arm(&self, fault: Fault) {
        lock(&self.faults).push_back(fault);
    }

    /// Deletes what has expired, as a store does some time. No read tells the difference.
    pub fn sweep(&self) {
        lock(&self.kept).sweep(self.clock.now());
    }

    fn put(&self, key: (LogId, Version), entry: &Entry) -> Result<Append, Retryable> {
        let now = self.clock.now();
        let mut kept = lock(&self.kept);
        let is_held = kept.entries.get(&key).is_some_and(|held| held.expires_at() > now);
        if is_held || key.1 == Version::START {
            return Ok(Append::Conflict);
        }
        if kept.bytes + entry.bytes() > self.bytes_max {
            kept.sweep(now);
        }
        if kept.bytes + entry.bytes() > self.bytes_max {
            return Err(full(self.bytes_max));
        }
        kept.bytes += entry.bytes();
        let expired = kept.entries.insert(key, entry.clone());
        kept.bytes -= expired.map_or(0, |expired| expired.bytes());
        Ok(Append::Appended)
    }
}

impl Kept {
    fn sweep(&mut self, now: Timestamp) {
        self.entries.retain(|_, entry| entry.expires_at() > now);
        self.bytes = self.entries.values().map(Entry::bytes).sum();
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
        write(&self.faults, &what, || self.put((log.clone(), version), entry)).await
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        step().await;
        let now = self.clock.now();
        let kept = lock(&self.kept);
        let all = kept.entries.range((log.clone(), after)..=(log.clone(), Version(u64::MAX)));
        let mut read = Vec::new();
        let (mut last, mut bytes) = (None, 0);
        for ((_, version), entry) in all.filter(|(_, entry)| entry.expires_at() > now) {
            let follows = last.is_none_or(|last: Version| last.next() == *version);
            if !follows || bytes >= READ_BYTES_MAX {
                break;
            }
            last = Some(*version);
            if *version > after {
                let entry = entry.with_only(wanted);
                bytes += entry.bytes();
                read.push(Logged { version: *version, entry });
            }
        }
        Ok(read)
    }
}
