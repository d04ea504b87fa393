//! Snapshots in memory.

use super::{Faults, full, lock, step, write};
use crate::contract::Fault;
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::{Put, Snapshot, Snapshots};
use std::collections::BTreeMap;
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

/// How many snapshots of a log are kept.
const KEPT: usize = 2;

/// Keeps the snapshots of logs in memory.
#[derive(Debug)]
pub struct MemorySnapshots<C> {
    clock: C,
    bytes_max: usize,
    roots: Mutex<BTreeMap<LogId, Root>>,
    faults: Faults,
}

/// The snapshots of a log, the newest first.
#[derive(Clone, Debug, Default)]
struct Root {
    snapshots: Vec<Snapshot>,
    expires_at: Option<Timestamp>,
}

impl<C: Clock> MemorySnapshots<C> {
    /// No snapshots yet, for states of so many bytes; those of logs that are to expire do so by this clock.
    pub fn new(clock: C, bytes_max: usize) -> Self {
        Self { clock, bytes_max, roots: Mutex::default(), faults: Mutex::default() }
    }

    /// Breaks a coming put, after those that were armed before.
    pub fn arm(&self, fault: Fault) {
        lock(&self.faults).push_back(fault);
    }

    fn swing(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        let now = self.clock.now();
        let mut roots = lock(&self.roots);
        roots.retain(|_, root| root.lives(now));
        let newest = roots.get(log).and_then(|root| root.snapshots.first()).map(Snapshot::version);
        if newest != expected || newest >= Some(snapshot.version()) {
            return Ok(Put::Conflict);
        }
        let kept: usize =
            roots.values().flat_map(|root| &root.snapshots).map(|kept| kept.state().len()).sum();
        if kept + snapshot.state().len() > self.bytes_max {
            return Err(full(self.bytes_max));
        }
        let root = roots.entry(log.clone()).or_default();
        root.snapshots.insert(0, snapshot.clone());
        root.snapshots.truncate(KEPT);
        Ok(Put::Swung)
    }

    /// Looks at a log's root, unless it has expired or there is none.
    fn look<T: Default>(&self, log: &LogId, look: impl FnOnce(&Root) -> T) -> T {
        let now = self.clock.now();
        lock(&self.roots).get(log).filter(|root| root.lives(now)).map(look).unwrap_or_default()
    }
}

impl Root {
    fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > now)
    }
}

impl<C: Clock> Snapshots for MemorySnapshots<C> {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        step().await;
        Ok(self.look(log, |root| root.snapshots.iter().map(Snapshot::version).collect()))
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        step().await;
        Ok(self.look(log, |root| {
            root.snapshots.iter().find(|snapshot| snapshot.version() == version).cloned()
        }))
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        let what = format!("put snapshot {} of {}", snapshot.version().0, log.as_str());
        write(&self.faults, &what, || self.swing(log, expected, snapshot)).await
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        step().await;
        lock(&self.roots).entry(log.clone()).or_default().expires_at = Some(at);
        Ok(())
    }
}
