//! Reading the logs of shards: what one partition needs of each entry.

use super::SettleError;
use super::due::due;
use crate::port::log::{Label, Log, LogId, Logged, READ_BYTES_MAX, Version, Wanted};
use crate::port::source::ShardKey;
use crate::port::{Partition, Retryable};
use crate::shard_entry::{RecordId, SECTIONS_MAX, ShardEntry, delta_label};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::delta::Delta;
use streamgauge_engine::output::Counters;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::stored::{self, StoredError};
use streamgauge_engine::time::Timestamp;

/// An entry of a shard's log, as far as one partition needs it.
#[derive(Debug)]
pub(super) struct ShardDelta {
    /// Its version.
    pub(super) version: Version,
    /// The clock when it was made.
    pub(super) at: Timestamp,
    /// The last record that it covers.
    pub(super) last: RecordId,
    /// How large it is for this partition, in bytes.
    pub(super) bytes: usize,
    /// The watermark from which on taking it decides something.
    pub(super) due: Option<Timestamp>,
    /// What it was to the plans, most important first.
    pub(super) sections: Vec<SectionDelta>,
    /// The shard's figures for self-metrics.
    pub(super) figures: Figures,
}

impl ShardDelta {
    /// The largest event time of the batch.
    pub(super) fn latest_event(&self) -> Option<Timestamp> {
        let spans = self.sections.iter().filter_map(|section| section.delta.span);
        spans.map(|span| span.latest).max()
    }
}

/// What an entry was to one plan.
#[derive(Debug)]
pub(super) struct SectionDelta {
    /// The plan.
    pub(super) plan: Arc<Plan>,
    /// Whether all its metrics are in it.
    pub(super) is_whole: bool,
    /// The delta.
    pub(super) delta: Delta,
}

/// What a batch was, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// What became of its records.
    pub(super) counters: Counters,
    /// The bytes of its records.
    pub(super) bytes: u64,
    /// How long its youngest record had been in the stream when it was taken, in milliseconds.
    pub(super) age_ms: Option<i64>,
}

/// Entries of a shard's log as they were read, with only the chunks of one partition.
#[derive(Debug)]
pub(super) struct RawEntries {
    pub(super) shard: ShardKey,
    pub(super) entries: Vec<Logged>,
    /// Whether these are all that there are now.
    pub(super) is_whole: bool,
}

/// Reads what follows in the log of a shard, for one partition.
pub(super) async fn read(
    log: &impl Log,
    partition: Partition,
    shard: ShardKey,
    after: Version,
) -> Result<RawEntries, Retryable> {
    let labels: Vec<Label> =
        (0..SECTIONS_MAX).map(|section| delta_label(section, partition)).collect();
    let entries = log.read(&LogId::shard(&shard), after, Wanted::Only(&labels)).await?;
    let bytes: usize = entries.iter().map(|logged| logged.entry.bytes()).sum();
    Ok(RawEntries { shard, entries, is_whole: bytes < READ_BYTES_MAX })
}

/// The headers of these entries.
pub(super) fn headers(raw: &RawEntries) -> Result<Vec<ShardEntry>, SettleError> {
    let headers = raw.entries.iter().map(|logged| {
        let header = ShardEntry::decode(logged.entry.header());
        header.map_err(|error| unreadable(raw, logged, error))
    });
    headers.collect()
}

/// Decodes entries with these headers, which name these plans.
pub(super) fn decode(
    raw: &RawEntries,
    headers: Vec<ShardEntry>,
    partition: Partition,
    plans: &BTreeMap<String, Arc<Plan>>,
) -> Result<Vec<ShardDelta>, SettleError> {
    let decoded = raw.entries.iter().zip(headers).map(|(logged, header)| {
        delta(logged, header, plans, partition).map_err(|error| unreadable(raw, logged, error))
    });
    decoded.collect()
}

fn unreadable(raw: &RawEntries, logged: &Logged, error: StoredError) -> SettleError {
    SettleError::unreadable(&LogId::shard(&raw.shard), logged.version, error)
}

fn delta(
    logged: &Logged,
    header: ShardEntry,
    plans: &BTreeMap<String, Arc<Plan>>,
    partition: Partition,
) -> Result<ShardDelta, StoredError> {
    let Logged { version, entry } = logged;
    let mut sections = Vec::with_capacity(header.sections.len());
    let (mut earliest, mut counters) = (None, None);
    for (section, number) in header.sections.iter().zip(0..) {
        let Some(plan) = plans.get(&section.plan) else { continue };
        let chunk = entry.chunks().get(&delta_label(number, partition));
        let chunk = chunk.map(Vec::as_slice).unwrap_or_default();
        let delta = stored::read_delta(plan, &section.head, chunk)?;
        counters = counters.or(Some(delta.counters));
        earliest = earliest.into_iter().chain(due(plan, &delta)).min();
        sections.push(SectionDelta { plan: Arc::clone(plan), is_whole: section.is_whole, delta });
    }
    let age_ms = header.arrived.map(|arrived| header.at.as_millis() - arrived.as_millis());
    Ok(ShardDelta {
        version: *version,
        at: header.at,
        last: header.last,
        bytes: entry.bytes(),
        due: earliest,
        sections,
        figures: Figures { counters: counters.unwrap_or_default(), bytes: header.bytes, age_ms },
    })
}
