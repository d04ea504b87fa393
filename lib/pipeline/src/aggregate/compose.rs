//! A piece of a batch to an entry of its shard's log: decoded and folded once for each plan.
//!
//! The state is folded on while the entry is made. Where the entry turns out too large, or is not appended, the caller has
//! to restore the state.

use super::decide;
use super::state::{State, plans_of};
use crate::control::Work;
use crate::port::log::{Chunks, Entry, LogId, Version};
use crate::port::source::{Batch, Record};
use crate::port::{Partition, TooLarge};
use crate::shard_entry::{
    REJECTS, RecordId, Rejected, Section, ShardEntry, delta_label, identities_label, partition_of,
    write_rejects,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use streamgauge_engine::decode::{self, Decoder};
use streamgauge_engine::delta::{Delta, EventSpan};
use streamgauge_engine::hash;
use streamgauge_engine::output::{Counters, MetricCounters};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::{Reject, RejectCode};
use streamgauge_engine::stored::{write_chunk, write_head, write_ids};
use streamgauge_engine::time::Timestamp;

/// How many decoders are kept: twice what a batch needs.
const DECODERS_MAX: usize = 16;

/// Some records of a batch, at least one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'b> {
    pub(super) batch: &'b Batch,
    pub(super) records: &'b [Record],
    /// What these records add fits into no entry: they are refused as too large.
    pub(super) refused: bool,
}

/// What an entry is made by, beside records and plans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'f> {
    pub(super) log: &'f LogId,
    pub(super) partitions: u8,
    pub(super) at: Timestamp,
    pub(super) control: Version,
    /// The version that the entry is to have.
    pub(super) version: Version,
    /// The largest deltas of an entry together, in bytes.
    pub(super) delta_bytes_max: usize,
}

/// An entry to append.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) entry: Entry,
    pub(super) last: RecordId,
    /// The partitions that it has a delta for.
    pub(super) written: BTreeSet<Partition>,
    /// What became of the records under the plan in force.
    pub(super) counters: Counters,
    /// What the metrics of that plan saw of them.
    pub(super) metrics: Vec<(String, MetricCounters)>,
    /// The event times that they span.
    pub(super) span: Option<EventSpan>,
    /// The rejects under the plan in force, in the order of the records.
    pub(super) rejected: Vec<Rejected>,
}

/// Decoders by the hash of their plan: each knows its plan's series.
#[derive(Debug, Default)]
pub(super) struct Decoders(BTreeMap<String, Decoder>);

impl Decoders {
    pub(super) fn get(&mut self, plan: &Arc<Plan>) -> &mut Decoder {
        if self.0.len() >= DECODERS_MAX && !self.0.contains_key(&plan.hash) {
            self.0.clear();
        }
        self.0.entry(plan.hash.clone()).or_insert_with(|| Decoder::new(Arc::clone(plan)))
    }
}

/// Folds a piece for these plans, and makes an entry of what that adds; absent: there is no record.
pub(super) fn compose(
    state: &mut State,
    decoders: &mut Decoders,
    works: &[Work],
    piece: Piece<'_>,
    frame: Frame<'_>,
) -> Result<Option<Composed>, TooLarge> {
    if piece.records.is_empty() {
        return Ok(None);
    }
    let origin = state.origin(frame.version);
    state.go_on_for(plans_of(works));
    let mut sections = Vec::with_capacity(works.len());
    let mut deltas = Deltas::default();
    let (mut counters, mut rejected) = (Counters::default(), Vec::new());
    let (mut metrics, mut span) = (Vec::new(), None);
    for ((section, work), number) in state.sections.iter_mut().zip(works).zip(0..) {
        let decoded = piece.decode(decoders.get(&section.plan), frame.log);
        let delta = section.aggregator.fold(decoded);
        section.saw(&delta.ids, origin);
        sections.push(Section {
            plan: section.plan.hash.clone(),
            is_whole: work.is_whole(),
            head: write_head(&delta),
        });
        deltas.add(number, work, &delta, frame)?;
        if number == 0 {
            (counters, span) = (delta.counters, delta.span);
            metrics = matched(&delta, &section.plan);
            rejected = piece.rejected(&delta.rejects, frame.log);
            deltas.add_rejects(&rejected)?;
        }
    }
    let Some(header) = ShardEntry::of(piece.records, (frame.at, frame.control), sections) else {
        return Ok(None);
    };
    let kept_ms = decide::kept_ms(plans_of(works).map(AsRef::as_ref));
    let expires_at = frame.at.plus(kept_ms).max(state.expires_at);
    let Deltas { chunks, written, .. } = deltas;
    let entry = Entry::new(header.encode(), chunks, expires_at)?;
    let last = header.last;
    Ok(Some(Composed { entry, last, written, counters, metrics, span, rejected }))
}

/// What the metrics of a plan saw, by their names.
fn matched(delta: &Delta, plan: &Plan) -> Vec<(String, MetricCounters)> {
    let matched = delta.matched().into_iter();
    let named =
        |(place, counters): (usize, _)| Some((plan.metrics.get(place)?.name.clone(), counters));
    matched.filter_map(named).collect()
}

/// The chunks of an entry.
#[derive(Default)]
struct Deltas {
    chunks: Chunks,
    /// The bytes of the deltas so far.
    bytes: usize,
    written: BTreeSet<Partition>,
}

impl Deltas {
    /// Adds a section's deltas for the partitions, and the identities that it saw.
    fn add(
        &mut self,
        section: u16,
        work: &Work,
        delta: &Delta,
        frame: Frame<'_>,
    ) -> Result<(), TooLarge> {
        let owner = |place: usize| {
            let metric = work.plan.metrics.get(place).filter(|_| work.wants(place))?;
            Some(partition_of(&metric.name, frame.partitions))
        };
        let owners: Vec<_> = (0..work.plan.metrics.len()).map(owner).collect();
        for &partition in owners.iter().flatten().collect::<BTreeSet<_>>() {
            let owns = |metric: usize| owners.get(metric).copied().flatten() == Some(partition);
            let chunk = write_chunk(delta, &owns);
            if !chunk.is_empty() {
                self.bytes += chunk.len();
                self.written.insert(partition);
                self.chunks.insert(delta_label(section, partition), chunk);
            }
        }
        if !delta.ids.generations.is_empty() {
            self.chunks.insert(identities_label(section), write_ids(&delta.ids));
        }
        let (what, remedy) = ("the bytes of an entry's deltas", "cut the batch into more entries");
        TooLarge::check(what, self.bytes, frame.delta_bytes_max, remedy)
    }

    fn add_rejects(&mut self, rejects: &[Rejected]) -> Result<(), TooLarge> {
        if !rejects.is_empty() {
            self.chunks.insert(REJECTS, write_rejects(rejects)?);
        }
        Ok(())
    }
}

impl Piece<'_> {
    fn decode(self, decoder: &mut Decoder, log: &LogId) -> decode::Batch {
        let stream = hash::stable(log.as_str().as_bytes());
        if self.refused {
            let reject = |record: &Record| Reject {
                position: position(stream, record),
                code: RejectCode::TooLarge,
                detail: "what the rules make of it fits into no entry of a log".to_owned(),
            };
            let rejects: Vec<_> = self.records.iter().map(reject).collect();
            let received = u64::try_from(rejects.len()).unwrap_or(u64::MAX);
            return decode::Batch { received, rejects, ..decode::Batch::default() };
        }
        let records = self.records.iter().map(|record| decode::Record {
            bytes: record.bytes.clone(),
            arrival: record.arrival,
            position: position(stream, record),
        });
        decoder.decode(&self.batch.text, records)
    }

    /// The rejects, which come in the order of the records, with their payloads.
    fn rejected(self, rejects: &[Reject], log: &LogId) -> Vec<Rejected> {
        let stream = hash::stable(log.as_str().as_bytes());
        let mut records = self.records.iter();
        let rejected = |reject: &Reject| {
            let record = records.find(|record| position(stream, record) == reject.position)?;
            let payload = self.batch.text.get(record.bytes.clone()).unwrap_or_default();
            Some(Rejected {
                record: RecordId::of(record),
                arrival: record.arrival,
                code: reject.code,
                detail: reject.detail.clone(),
                payload: payload.to_vec(),
            })
        };
        rejects.iter().filter_map(rejected).collect()
    }
}

/// What tells a record from all others: the hash of stream, shard, sequence and sub-sequence number.
pub(super) fn position(log: u64, record: &Record) -> u64 {
    let sequence = hash::stable(record.sequence.as_str().as_bytes());
    hash::combine(hash::combine(log, sequence), record.sub_sequence)
}
