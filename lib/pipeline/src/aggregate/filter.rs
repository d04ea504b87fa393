//! The filter: forwards the events of an upstream shard that some rule wants, then appends how far the shard is.
//!
//! ```text
//! control log's head ─► the stream ─► the shard's state ─► decode ─► forward ─► append ─► wake settle ─► snapshot
//!   which plans         which log     warm, or restored    per plan   what is    ▲  │
//!                                                                     wanted     └──┘ a conflict: restore, and again
//! ```
//!
//! First the effect, then the entry that says it is done: whatever fails in between, the batch comes again, and is forwarded
//! again. The entry has a section for each plan that was looked at, as those of source shards have: with event times and the
//! watermark, and without counters, chunks and identities. So settle holds windows open until the upstream is past them, and no
//! plan comes in force while events that only it wants are still left behind. What the records count as is told by the shards
//! that they are forwarded to.
//!
//! | record | forwarded |
//! | --- | --- |
//! | an event that a metric's expression matches under one of the plans | yes |
//! | a reject because of a value that such a metric needs | yes: there it is kept and counted |
//! | an event that no metric wants, a record that is no event | no: streams of others are full of them |

use super::compose::{Composed, Piece, position};
use super::decide;
use super::records::Records;
use super::restore::Restored;
use super::state::{PlanState, plans_of};
use super::{Aggregate, AggregateError, CONFLICTS_MAX, Settings, Taken};
use crate::control::Work;
use crate::port::clock::Clock;
use crate::port::forward::{Forward, Outgoing};
use crate::port::log::{Append, Chunks, Entry, Log, LogId};
use crate::port::source::{Batch, ShardKey};
use crate::port::{Partition, Retryable, TooLarge};
use crate::shard_entry::{Section, ShardEntry};
use crate::world::World;
use streamgauge_engine::decode::{self, Decoder};
use streamgauge_engine::delta::Delta;
use streamgauge_engine::hash;
use streamgauge_engine::output::Counters;
use streamgauge_engine::reject::RejectCode;
use streamgauge_engine::stored::write_head;

/// Why a batch could not be filtered.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The shard's log, its stream or the plans.
    #[error("the upstream shard could not be followed")]
    Shard(#[from] AggregateError),
    /// The records could not be forwarded.
    #[error("the events could not be forwarded")]
    Forward(#[from] Retryable),
}

impl FilterError {
    /// Whether trying again can help without anybody doing something.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Shard(error) => error.is_retryable(),
            Self::Forward(_) => true,
        }
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Filtered {
    /// How the shard's log was followed; its counters stay at nothing.
    pub taken: Taken,
    /// Why a part of the batch has to come again.
    pub problem: Option<FilterError>,
    /// How many records were forwarded.
    pub forwarded: usize,
    /// Their bytes.
    pub forwarded_bytes: usize,
}

impl Filtered {
    fn add(&mut self, outgoing: &[Outgoing]) {
        self.forwarded += outgoing.len();
        self.forwarded_bytes += outgoing.iter().map(|record| record.data.len()).sum::<usize>();
    }
}

/// For each record of a piece, the key to forward it by; absent: no plan wants it.
type Keys = Vec<Option<u64>>;

/// The function. An environment has one, and takes one batch at a time.
#[derive(Debug)]
pub struct Filter<W, F> {
    aggregate: Aggregate<W>,
    forward: F,
}

impl<W: World, F: Forward> Filter<W, F> {
    /// A function that knows nothing yet. The streams of its world are those that it reads.
    pub fn new(world: W, forward: F, settings: Settings) -> Self {
        Self { aggregate: Aggregate::new(world, settings), forward }
    }

    /// Filters a batch of a shard of the stream with this name.
    ///
    /// What can be cured by trying again is no error: the answer then says from which record on the batch has to come again.
    pub async fn take(&mut self, stream: &str, batch: Batch) -> Result<Filtered, FilterError> {
        let taken = Taken { records: batch.records.len(), ..Taken::default() };
        let mut filtered = Filtered { taken, ..Filtered::default() };
        let mut records = Records::new(batch);
        let outcome = self.append(stream, &mut records, &mut filtered).await;
        self.aggregate.wake(&mut filtered.taken).await;
        match outcome {
            Ok((key, mut shard)) => {
                if filtered.taken.entries > 0 {
                    self.aggregate.put_snapshot(&key, &mut shard, &mut filtered.taken).await;
                }
                self.aggregate.warm.put(key, shard);
            }
            Err(error) if error.is_retryable() => {
                filtered.taken.failed_from = records.first_unproven();
                filtered.problem = Some(error);
            }
            Err(error) => return Err(error),
        }
        Ok(filtered)
    }

    /// Forwards and appends what the log does not have.
    async fn append(
        &mut self,
        stream: &str,
        records: &mut Records,
        filtered: &mut Filtered,
    ) -> Result<(ShardKey, Restored), FilterError> {
        let aggregate = &mut self.aggregate;
        let (place, key, mut shard) = aggregate.shard(stream, records.shard()).await?;
        let log = LogId::shard(&key);
        // What this invocation has forwarded it does not forward again, also where another one came first.
        let mut forwarded_up_to = 0;
        loop {
            filtered.taken.known += records.pass_over(shard.state.last.as_ref());
            if records.rest().is_empty() {
                return Ok((key, shard));
            }
            let works = aggregate.works(&shard).await?;
            match aggregate.progress(&mut shard, &works, records, &log) {
                Ok(None) => return Ok((key, shard)),
                Ok(Some((composed, wanted))) => {
                    let proven = filtered.taken.records - records.rest().len();
                    let done = forwarded_up_to.max(proven) - proven;
                    forwarded_up_to = forwarded_up_to.max(proven + wanted.len());
                    let outgoing = outgoing(records.piece(), &wanted, done);
                    if !outgoing.is_empty() {
                        filtered.add(&outgoing);
                        self.forward.forward(outgoing).await?;
                    }
                    let appended =
                        aggregate.world.log().append(&log, shard.next, &composed.entry).await;
                    match appended.map_err(|source| AggregateError::store(&log, source))? {
                        Append::Appended => {
                            shard.appended(&composed, aggregate.control.version());
                            records.appended();
                            filtered.taken.appended(composed);
                            continue;
                        }
                        Append::Conflict => shard.was_late(&mut filtered.taken),
                    }
                    if filtered.taken.conflicts >= CONFLICTS_MAX {
                        let attempts = filtered.taken.conflicts;
                        return Err(AggregateError::Contended { log, attempts }.into());
                    }
                }
                Err(too_large) => {
                    filtered.taken.cuts += 1;
                    records.cut(too_large)?;
                }
            }
            // The state was moved on by what is not in the log.
            shard = aggregate.restore_again(place, &key, shard).await?;
        }
    }
}

impl<W: World> Aggregate<W> {
    /// Moves an upstream shard's state on by a piece: the entry that says so, and the keys of what some plan wants; absent: there is
    /// no record.
    fn progress(
        &mut self,
        shard: &mut Restored,
        works: &[Work],
        records: &Records,
        log: &LogId,
    ) -> Result<Option<(Composed, Keys)>, TooLarge> {
        let piece = records.piece();
        let at = self.world.clock().now();
        let mut wanted = vec![None; piece.records.len()];
        let state = &mut shard.state;
        state.go_on_for(plans_of(works));
        let mut sections = Vec::with_capacity(works.len());
        for (section, work) in state.sections.iter_mut().zip(works) {
            let PlanState { plan, aggregator, .. } = section;
            let decoded = decode(piece, self.decoders.get(plan));
            want(&mut wanted, work, &decoded, piece, log);
            // Nothing is taken here: no identity is remembered, and only event times are left.
            let passed =
                decoded.events.into_iter().map(|event| decode::Event { takes: 0, ..event });
            let batch = decode::Batch { events: passed.collect(), ..decode::Batch::default() };
            let delta = Delta { counters: Counters::default(), ..aggregator.fold(batch) };
            let (hash, head) = (plan.hash.clone(), write_head(&delta));
            sections.push(Section { plan: hash, is_whole: false, head });
        }
        let Some(header) = ShardEntry::of(piece.records, (at, self.control.version()), sections)
        else {
            return Ok(None);
        };
        let kept_ms = decide::kept_ms(plans_of(works).map(AsRef::as_ref));
        let expires_at = at.plus(kept_ms).max(shard.state.expires_at);
        let entry = Entry::new(header.encode(), Chunks::new(), expires_at)?;
        // The watermark is every partition's.
        let written = (0..self.settings.partitions).filter_map(Partition::new).collect();
        let composed = Composed {
            entry,
            last: header.last,
            written,
            counters: Counters::default(),
            metrics: Vec::new(),
            span: None,
            rejected: Vec::new(),
        };
        Ok(Some((composed, wanted)))
    }
}

/// Decodes a piece; positions are places in it.
fn decode(piece: Piece<'_>, decoder: &mut Decoder) -> decode::Batch {
    let records = piece.records.iter().zip(0..).map(|(record, place)| decode::Record {
        bytes: record.bytes.clone(),
        arrival: record.arrival,
        position: place,
    });
    decoder.decode(&piece.batch.text, records)
}

/// Marks the records that a plan wants with their keys. What a plan before wanted keeps its key.
fn want(
    wanted: &mut [Option<u64>],
    work: &Work,
    decoded: &decode::Batch,
    piece: Piece<'_>,
    log: &LogId,
) {
    let stream = hash::stable(log.as_str().as_bytes());
    // What the stream knows it by: the identity where there is no other.
    let of_record = |place: usize| piece.records.get(place).map(|record| position(stream, record));
    let mut mark = |place: u64, key: Option<u64>| {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(slot @ None) = wanted.get_mut(place) {
            *slot = key.or_else(|| of_record(place));
        }
    };
    let mut missing = decoded.no_value.iter().peekable();
    let mut takes = decoded.takes.as_slice();
    for (event, number) in decoded.events.iter().zip(0_u32..) {
        let own_count = usize::try_from(event.takes).unwrap_or(usize::MAX);
        let (own, rest) = takes.split_at_checked(own_count).unwrap_or_default();
        takes = rest;
        let metric_of = |series: u32| {
            let series = usize::try_from(series).ok()?;
            decoded.names.series.get(series).map(|series| series.metric)
        };
        let mut is_wanted =
            own.iter().filter_map(|take| metric_of(take.series)).any(|metric| work.wants(metric));
        // A metric tells how many of its events had no value, so these are wanted too.
        while let Some((metric, _)) = missing.next_if(|(_, of)| *of <= number) {
            is_wanted |= work.wants(*metric);
        }
        if is_wanted {
            mark(event.position, work.plan.timing.deduplicate.map(|_| event.identity));
        }
    }
    for reject in &decoded.rejects {
        // A rule's expression matched, and then a value was none.
        if matches!(reject.code, RejectCode::WrongType | RejectCode::NumberOutOfRange) {
            mark(reject.position, None);
        }
    }
}

/// The records that are wanted, after so many of the piece.
fn outgoing(piece: Piece<'_>, wanted: &[Option<u64>], done: usize) -> Vec<Outgoing> {
    let records = piece.records.iter().zip(wanted).skip(done);
    let outgoing = records.filter_map(|(record, key)| {
        let data = piece.batch.text.get(record.bytes.clone())?.to_vec();
        Some(Outgoing { key: (*key)?, data })
    });
    outgoing.collect()
}

#[cfg(test)]
mod tests;
