//! The contracts of the ports on a real file, whose writes fail and whose process is as good as dead after each fault.

use super::{Place, Store, clock};
use crate::store::LocalStore;
use crate::store::held::{Held, over};
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::contract::{Fault, StoreBench, log_contract, snapshots_contract};
use streamgauge_pipeline::memory::{VirtualClock, block_on};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Append, Entry, Log, LogId, Logged, Version, Wanted};
use streamgauge_pipeline::port::snapshots::{Put, Snapshot, Snapshots};

/// A file that takes no write while it is dead.
#[derive(Debug)]
struct Mortal {
    file: FileBackend,
    is_dead: Arc<AtomicBool>,
}

impl Mortal {
    fn living(&self) -> io::Result<&FileBackend> {
        if self.is_dead.load(Ordering::SeqCst) {
            return Err(io::Error::other("the process is dead"));
        }
        Ok(&self.file)
    }
}

impl StorageBackend for Mortal {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.living()?.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.living()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.living()?.write(offset, data)
    }
}

/// A store that is opened again after each fault.
struct Shaky {
    place: Place,
    clock: VirtualClock,
    is_dead: Arc<AtomicBool>,
    store: Mutex<Option<Store>>,
    faults: Mutex<VecDeque<Fault>>,
}

impl Shaky {
    fn new(name: &str) -> Self {
        let shaky = Self {
            place: Place::new(name),
            clock: clock(),
            is_dead: Arc::default(),
            store: Mutex::default(),
            faults: Mutex::default(),
        };
        *shaky.store.lock().unwrap() = Some(shaky.open());
        shaky
    }

    fn open(&self) -> Store {
        let (path, is_dead) = (self.place.0.clone(), Arc::clone(&self.is_dead));
        let open = move || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
            over(Mortal { file: FileBackend::new(file)?, is_dead: Arc::clone(&is_dead) })
        };
        let held = Held::by(&self.place.0, Box::new(open)).unwrap();
        LocalStore::of(held, self.clock.clone())
    }

    fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(self.store.lock().unwrap().as_ref().unwrap())
    }

    fn write<T>(&self, write: impl FnOnce(&Store) -> Result<T, Retryable>) -> Result<T, Retryable> {
        let fault = self.faults.lock().unwrap().pop_front();
        self.is_dead.store(fault == Some(Fault::CrashMidway), Ordering::SeqCst);
        let outcome = self.read(write);
        if fault.is_none() {
            return outcome;
        }
        self.is_dead.store(true, Ordering::SeqCst);
        *self.store.lock().unwrap() = None;
        self.is_dead.store(false, Ordering::SeqCst);
        *self.store.lock().unwrap() = Some(self.open());
        outcome.and_then(|_| Err(Retryable::new("lost the answer")))
    }
}

impl Clock for Shaky {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl StoreBench for Shaky {
    fn advance(&self, by: Millis) {
        self.clock.advance(by);
    }

    fn arm(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }
}

impl Log for Shaky {
    async fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> Result<Append, Retryable> {
        self.write(|store| block_on(store.append(log, version, entry)))
    }

    async fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Logged>, Retryable> {
        self.read(|store| block_on(Log::read(store, log, after, wanted)))
    }
}

impl Snapshots for Shaky {
    async fn versions(&self, log: &LogId) -> Result<Vec<Version>, Retryable> {
        self.read(|store| block_on(store.versions(log)))
    }

    async fn load(&self, log: &LogId, version: Version) -> Result<Option<Snapshot>, Retryable> {
        self.read(|store| block_on(store.load(log, version)))
    }

    async fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        self.write(|store| block_on(store.put(log, expected, snapshot)))
    }

    async fn expire(&self, log: &LogId, at: Timestamp) -> Result<(), Retryable> {
        self.write(|store| block_on(store.expire(log, at)))
    }
}

#[test]
fn the_log_keeps_the_contract() {
    let shaky = Shaky::new("log-contract");
    block_on(log_contract(&shaky, &shaky)).unwrap();
    assert!(shaky.faults.lock().unwrap().is_empty());
}

#[test]
fn the_snapshots_keep_the_contract() {
    let shaky = Shaky::new("snapshots-contract");
    block_on(snapshots_contract(&shaky, &shaky)).unwrap();
    assert!(shaky.faults.lock().unwrap().is_empty());
}
