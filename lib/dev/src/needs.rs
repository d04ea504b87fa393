//! What the logs of shards are needed for, so that the store may let the rest of them go when they have grown large.
//!
//! A process that begins anew reads what follows the newest snapshots: aggregate for what a shard remembers, settle for what it has not
//! decided. What is before both nobody reads again.

use crate::world::Store;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use streamgauge_pipeline::port::log::{LogId, Version};
use streamgauge_pipeline::port::source::ShardKey;

/// Who reads a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Aggregate,
    Settle,
}

/// From where on a log is read, as far as somebody has said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Read {
    by_aggregate: Option<Version>,
    by_settle: Option<Version>,
}

/// From where on the log of each shard is read. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs(Arc<Mutex<BTreeMap<ShardKey, Read>>>);

impl Needs {
    /// Somebody reads the log of a shard from a version on. What nobody does is let go.
    pub(crate) fn reads(
        &self,
        store: &impl Store,
        reader: Reader,
        (shard, from): (&ShardKey, Version),
    ) {
        let mut needs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = needs.get(shard).copied().unwrap_or_default();
        let now = match reader {
            Reader::Aggregate => Read { by_aggregate: Some(from), ..before },
            Reader::Settle => Read { by_settle: Some(from), ..before },
        };
        if now == before {
            return;
        }
        needs.insert(shard.clone(), now);
        if let (Some(one), Some(other)) = (now.by_aggregate, now.by_settle) {
            store.let_go(&LogId::shard(shard), one.min(other));
        }
    }
}
