//! Which shards a stream has, which hash keys each of them takes, and whose children they are.

use super::log::Log;
use super::number::Numbers;
use super::{ReshardError, SHARDS_MAX};
use crate::lock::lock;
use crate::stream::{Shard, ShardId};
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use std::sync::{Arc, Mutex, MutexGuard};

/// The hash key of a partition key: its MD5 as a number of 128 bits.
pub(super) fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// One shard.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) id: ShardId,
    pub(super) numbers: Numbers,
    parents: Vec<ShardId>,
    first_key: u128,
    last_key: u128,
    log: Mutex<Log>,
}

impl Cell {
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    fn listed(&self) -> Shard {
        let closed = self.log().is_closed();
        Shard { id: Arc::clone(&self.id), parents: self.parents.clone(), closed }
    }

    const fn width(&self) -> u128 {
        self.last_key - self.first_key
    }
}

/// The shards of a stream.
#[derive(Debug)]
pub(super) struct Topology {
    /// All that are known, in the order in which they were made: parents before children.
    cells: Vec<Arc<Cell>>,
    /// The open ones, by their hash keys.
    open: Vec<Arc<Cell>>,
    made: usize,
}

impl Topology {
    pub(super) fn new(shards: usize, now: Timestamp) -> Self {
        let mut topology = Self { cells: vec![], open: vec![], made: 0 };
        let count = u128::try_from(shards.max(1)).unwrap_or(1);
        let width = u128::MAX / count;
        for index in 0..count {
            let first = if index == 0 { 0 } else { width * index + 1 };
            let last = if index + 1 == count { u128::MAX } else { width * (index + 1) };
            topology.make(vec![], (first, last), now);
        }
        topology
    }

    fn make(&mut self, parents: Vec<ShardId>, keys: (u128, u128), now: Timestamp) -> ShardId {
        let id: ShardId = format!("shardId-{:012}", self.made).into();
        let cell = Arc::new(Cell {
            id: Arc::clone(&id),
            numbers: Numbers::new(self.made, now),
            parents,
            first_key: keys.0,
            last_key: keys.1,
            log: Mutex::default(),
        });
        self.made += 1;
        self.cells.push(Arc::clone(&cell));
        let at = self.open.partition_point(|open| open.first_key < keys.0);
        self.open.insert(at, cell);
        id
    }

    /// The open shard that takes a hash key. There is always one.
    pub(super) fn open_for(&self, key: u128) -> Option<&Arc<Cell>> {
        let at = self.open.partition_point(|cell| cell.last_key < key);
        self.open.get(at)
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &Arc<Cell>> {
        self.open.iter()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &Arc<Cell>> {
        self.cells.iter()
    }

    pub(super) fn find(&self, shard: &str) -> Option<&Arc<Cell>> {
        self.cells.iter().find(|cell| &*cell.id == shard)
    }

    pub(super) fn listed(&self) -> Vec<Shard> {
        self.cells.iter().map(|cell| cell.listed()).collect()
    }

    pub(super) fn children(&self, shard: &ShardId) -> Vec<Shard> {
        let of_it = self.cells.iter().filter(|cell| cell.parents.contains(shard));
        of_it.map(|cell| cell.listed()).collect()
    }

    /// Forgets closed shards of which nothing is kept.
    pub(super) fn forget(&mut self, now: Timestamp, retention: SignedDuration) {
        self.cells.retain(|cell| !cell.log().is_over(now, retention));
    }

    fn open_index(&self, shard: &ShardId) -> Result<usize, ReshardError> {
        let error = || match self.find(shard) {
            Some(_) => ReshardError::Closed(Arc::clone(shard)),
            None => ReshardError::NotFound(Arc::clone(shard)),
        };
        self.open.iter().position(|cell| cell.id == *shard).ok_or_else(error)
    }

    fn close(&mut self, at: usize, now: Timestamp) -> Arc<Cell> {
        let cell = self.open.remove(at);
        cell.log().close(now);
        cell
    }

    /// The hash key that splits a shard in the middle.
    pub(super) fn middle(&self, shard: &ShardId) -> Result<u128, ReshardError> {
        let at = self.open_index(shard)?;
        let key = self.open.get(at).map(|cell| cell.first_key + cell.width() / 2 + 1);
        key.ok_or_else(|| ReshardError::NotFound(Arc::clone(shard)))
    }

    pub(super) fn split(
        &mut self,
        shard: &ShardId,
        key: u128,
        now: Timestamp,
    ) -> Result<(ShardId, ShardId), ReshardError> {
        let at = self.open_index(shard)?;
        let holds = |cell: &Arc<Cell>| cell.first_key < key && key <= cell.last_key;
        if !self.open.get(at).is_some_and(holds) {
            return Err(ReshardError::Key { shard: Arc::clone(shard), key });
        }
        let parent = self.close(at, now);
        let first = self.make(vec![Arc::clone(&parent.id)], (parent.first_key, key - 1), now);
        let second = self.make(vec![Arc::clone(&parent.id)], (key, parent.last_key), now);
        Ok((first, second))
    }

    pub(super) fn merge(
        &mut self,
        shard: &ShardId,
        neighbour: &ShardId,
        now: Timestamp,
    ) -> Result<ShardId, ReshardError> {
        let (one, other) = (self.open_index(shard)?, self.open_index(neighbour)?);
        if one.abs_diff(other) != 1 {
            return Err(ReshardError::Apart(Arc::clone(shard), Arc::clone(neighbour)));
        }
        let high = self.close(one.max(other), now);
        let low = self.close(one.min(other), now);
        let keys = (low.first_key, high.last_key);
        Ok(self.make(vec![Arc::clone(shard), Arc::clone(neighbour)], keys, now))
    }

    pub(super) fn update_count(
        &mut self,
        wanted: usize,
        now: Timestamp,
    ) -> Result<(), ReshardError> {
        let count = self.open.len();
        if wanted > count * 2 || wanted < count.div_ceil(2) || wanted > SHARDS_MAX {
            return Err(ReshardError::Count { now: count, wanted });
        }
        while self.open.len() < wanted {
            // Of shards equally wide the first: `max_by_key` answers the last.
            let widest = self.open.iter().rev().max_by_key(|cell| cell.width());
            let Some(id) = widest.map(|cell| Arc::clone(&cell.id)) else { break };
            let key = self.middle(&id)?;
            self.split(&id, key, now)?;
        }
        while self.open.len() > wanted {
            let pairs = self.open.iter().zip(self.open.iter().skip(1));
            let narrowest = pairs.min_by_key(|(low, high)| high.last_key - low.first_key);
            let Some((low, high)) =
                narrowest.map(|(low, high)| (Arc::clone(&low.id), Arc::clone(&high.id)))
            else {
                break;
            };
            self.merge(&low, &high, now)?;
        }
        Ok(())
    }
}
