//! What an invocation says of its batch.

use super::AggregateError;
use super::compose::Composed;
use crate::port::Partition;
use crate::port::log::Version;
use crate::port::source::{SequenceNumber, ShardKey};
use crate::shard_entry::Rejected;
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::delta::EventSpan;
use streamgauge_engine::output::{Counters, MetricCounters};

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Taken {
    /// The first record that is not proven to be in the log: from here on the batch has to come again.
    pub failed_from: Option<SequenceNumber>,
    /// Why.
    pub problem: Option<AggregateError>,
    /// The batch's records.
    pub records: usize,
    /// Of these, how many the log had already.
    pub known: usize,
    /// The entries that were appended.
    pub entries: usize,
    /// Their bytes.
    pub entry_bytes: usize,
    /// What became of the records in them, under the plan in force.
    pub counters: Counters,
    /// What each metric of that plan saw of them, as far as settle need not decide it.
    pub metrics: BTreeMap<String, MetricCounters>,
    /// The event times that they span.
    pub span: Option<EventSpan>,
    /// The rejects among them, in the order of the records, as the dead letters keep them.
    pub rejected: Vec<Rejected>,
    /// How often others came first.
    pub conflicts: u32,
    /// How often a piece of the batch was too large for an entry.
    pub cuts: u32,
    /// The settle partitions that were written.
    pub written: BTreeSet<Partition>,
    /// How many of them were woken.
    pub woken: usize,
    /// How many wake-ups failed; the tick comes.
    pub wake_ups_failed: usize,
    /// The bytes of the snapshot that was put.
    pub snapshot_bytes: Option<usize>,
    /// A snapshot was due and was not put; the next entry tries again.
    pub snapshot_failed: bool,
    /// The shard, and the first entry of its log that a restore of the shard would read; absent: it would read all, or is not known.
    pub reads_from: Option<(ShardKey, Version)>,
}

impl Taken {
    /// An entry was appended.
    pub(super) fn appended(&mut self, composed: Composed) {
        self.entries += 1;
        self.entry_bytes += composed.entry.bytes();
        self.counters.add(&composed.counters);
        for (metric, counters) in composed.metrics {
            self.metrics.entry(metric).or_default().add(&counters);
        }
        if let Some(span) = composed.span {
            self.span = Some(self.span.map_or(span, |known| known.with(span)));
        }
        self.rejected.extend(composed.rejected);
        self.written.extend(composed.written);
    }
}
