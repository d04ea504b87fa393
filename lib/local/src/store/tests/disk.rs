//! A disk in memory. It fails when it is told to, and when the power goes it has what was flushed and any part of the rest.

use crate::store::LocalStore;
use crate::store::held::{Held, over};
use redb::StorageBackend;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use streamgauge_engine::hash::combine;

use super::{Store, clock};
use crate::store::StoreError;

/// What a disk writes at once, in bytes: the rest of a larger write can be lost.
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// What reads see.
    now: Vec<u8>,
    /// What was flushed.
    flushed: Vec<u8>,
    /// What was not: a length, or bytes at an offset.
    changes: Vec<(usize, Option<Vec<u8>>)>,
    /// How many changes and flushes there were.
    calls: u64,
    /// From this call on all fail.
    fails_at: u64,
    failure: ErrorKind,
    bytes_max: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            now: Vec::new(),
            flushed: Vec::new(),
            changes: Vec::new(),
            calls: 0,
            fails_at: u64::MAX,
            failure: ErrorKind::Other,
            bytes_max: usize::MAX,
        }
    }
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        if self.calls >= self.fails_at {
            return Err(self.failure.into());
        }
        self.calls += 1;
        Ok(())
    }
}

fn change(bytes: &mut Vec<u8>, offset: usize, data: Option<&[u8]>) {
    let Some(data) = data else { return bytes.resize(offset, 0) };
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(data);
}

impl Disk {
    /// A disk with these bytes, which it has flushed.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let state = State { now: bytes.clone(), flushed: bytes, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A store on this disk.
    pub(super) fn store(&self) -> Result<Store, StoreError> {
        let disk = self.clone();
        let held = Held::by(Path::new("disk"), Box::new(move || over(disk.clone())))?;
        Ok(LocalStore::of(held, clock()))
    }

    pub(super) fn calls(&self) -> u64 {
        self.0.lock().unwrap().calls
    }

    /// From this call on, counted from the first, every change fails.
    pub(super) fn fail_at(&self, call: u64, failure: ErrorKind) {
        let mut state = self.0.lock().unwrap();
        (state.fails_at, state.failure) = (call, failure);
    }

    /// How large it is.
    pub(super) fn limit(&self, bytes_max: usize) {
        self.0.lock().unwrap().bytes_max = bytes_max;
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().now.len()
    }

    /// What is on it when the power goes now: of what was not flushed each sector is there or not, by the seed.
    pub(super) fn after_power_off(&self, seed: u64) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut bytes = state.flushed.clone();
        let mut dice = seed;
        for (offset, data) in &state.changes {
            let Some(data) = data else {
                dice = combine(dice, 1);
                if dice.is_multiple_of(2) {
                    change(&mut bytes, *offset, None);
                }
                continue;
            };
            for (place, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                dice = combine(dice, 2);
                if dice.is_multiple_of(2) {
                    change(&mut bytes, offset + place * SECTOR_BYTES, Some(sector));
                }
            }
        }
        bytes
    }

    /// What reads see: what is there when only the process dies.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().now.clone()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.len()).unwrap())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let found = state.now.get(start..start + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        let length = usize::try_from(length).unwrap();
        if length > state.bytes_max {
            return Err(ErrorKind::StorageFull.into());
        }
        change(&mut state.now, length, None);
        state.changes.push((length, None));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        state.flushed = state.now.clone();
        state.changes.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.call()?;
        let offset = usize::try_from(offset).unwrap();
        change(&mut state.now, offset, Some(data));
        state.changes.push((offset, Some(data.to_vec())));
        Ok(())
    }
}
