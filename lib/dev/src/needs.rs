//! What the logs of shards are needed for, so that the store may let the rest of them go when they have grown large.
//!
//! A process that begins anew reads what follows the newest snapshots: aggregate for what a shard remembers, settle for what it has not
//! decided. What is before both nobody reads again.

use crate::world::Store;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use streamgauge_pipeline::port::log::{LogId, Version};

/// Who reads a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    Aggregate,
    Settle,
}

/// From where on each log is read, by whom. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs(Arc<Mutex<BTreeMap<(LogId, Reader), Version>>>);

impl Needs {
    /// Somebody reads a log from a version on. What nobody does is let go.
    pub(crate) fn reads(&self, store: &impl Store, reader: Reader, (log, from): (LogId, Version)) {
        let mut needs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if needs.insert((log.clone(), reader), from) == Some(from) {
            return;
        }
        let other = match reader {
            Reader::Aggregate => Reader::Settle,
            Reader::Settle => Reader::Aggregate,
        };
        if let Some(&other) = needs.get(&(log.clone(), other)) {
            store.let_go(&log, from.min(other));
        }
    }
}
