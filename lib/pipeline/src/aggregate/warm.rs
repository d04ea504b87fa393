//! The states that an environment keeps: of the shards it served last.

use super::restore::Restored;
use crate::port::source::ShardKey;

/// States of shards, the most recently used last.
#[derive(Debug)]
pub(super) struct Warm {
    shards: Vec<(ShardKey, Restored)>,
    shards_max: usize,
}

impl Warm {
    /// Keeps the states of so many shards.
    pub(super) const fn new(shards_max: usize) -> Self {
        Self { shards: Vec::new(), shards_max }
    }

    /// Takes a shard's state out. Whoever is done with it, and knows what the log has, puts it back.
    pub(super) fn take(&mut self, key: &ShardKey) -> Option<Restored> {
        let place = self.shards.iter().position(|(known, _)| known == key)?;
        Some(self.shards.remove(place).1)
    }

    /// Puts a shard's state in. Where there are too many, the least recently used goes.
    pub(super) fn put(&mut self, key: ShardKey, shard: Restored) {
        if self.shards.len() >= self.shards_max && !self.shards.is_empty() {
            self.shards.remove(0);
        }
        if self.shards_max > 0 {
            self.shards.push((key, shard));
        }
    }
}
