//! A stream in memory: shards that are opened, filled, split and closed by hand, and read at least once.

mod polled;

use super::{lock, step};
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::source::{
    BATCH_RECORDS_MAX, Batch, NotRead, Progress, Record, SequenceNumber, Shard, ShardId, Source,
    Stream, StreamId,
};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Mutex;
use streamgauge_engine::time::Timestamp;

/// Digits in front of the number of a record: like Kinesis', its sequence numbers fit no machine integer.
const SEQUENCE_PREFIX: &str = "495903382714902566085596925383615710";

/// A stream in memory.
#[derive(Debug)]
pub struct MemorySource<C> {
    clock: C,
    bytes_max: usize,
    stream: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Absent: the stream does not exist.
    id: Option<StreamId>,
    shards: BTreeMap<ShardId, MemoryShard>,
    /// The shard of the last batch: the next comes from one after it, in turn.
    last: Option<ShardId>,
    /// How many records the batches to come have at most.
    cuts: VecDeque<usize>,
    /// What becomes of coming reads.
    troubles: VecDeque<NotRead>,
    records: u64,
    bytes: usize,
}

#[derive(Debug, Default)]
struct MemoryShard {
    parents: Vec<ShardId>,
    closed: bool,
    records: BTreeMap<SequenceNumber, (Timestamp, Vec<u8>)>,
    taken: Option<SequenceNumber>,
}

impl<C: Clock> MemorySource<C> {
    /// A stream without shards, for so many bytes; records arrive by this clock.
    pub fn new(id: StreamId, clock: C, bytes_max: usize) -> Self {
        Self { clock, bytes_max, stream: Mutex::new(State { id: Some(id), ..State::default() }) }
    }

    /// Deletes the stream, with all that it has, and makes one anew if there is to be one.
    pub fn remake(&self, id: Option<StreamId>) {
        let mut stream = lock(&self.stream);
        *stream = State { id, records: stream.records, ..State::default() };
    }

    /// Opens a shard, split or merged from these.
    pub fn open(&self, shard: &ShardId, parents: &[ShardId]) {
        let opened = MemoryShard { parents: parents.to_vec(), ..MemoryShard::default() };
        lock(&self.stream).shards.entry(ShardId::clone(shard)).or_insert(opened);
    }

    /// Closes a shard: it takes no more records.
    pub fn close(&self, shard: &ShardId) {
        if let Some(shard) = lock(&self.stream).shards.get_mut(shard) {
            shard.closed = true;
        }
    }

    /// Takes a shard off the list, with all that it has: its retention is over, or the stream was made anew.
    pub fn remove(&self, shard: &ShardId) {
        let mut stream = lock(&self.stream);
        let removed = stream.shards.remove(shard).unwrap_or_default();
        stream.bytes -= removed.records.values().map(|(_, bytes)| bytes.len()).sum::<usize>();
    }

    /// Puts a record at the end of a shard; absent: the shard is not open, or the memory is full.
    pub fn put(&self, shard: &ShardId, bytes: &[u8]) -> Option<SequenceNumber> {
        let arrival = self.clock.now();
        let stream = &mut *lock(&self.stream);
        let fits = stream.bytes + bytes.len() <= self.bytes_max;
        let open = stream.shards.get_mut(shard).filter(|shard| fits && !shard.closed)?;
        stream.records += 1;
        stream.bytes += bytes.len();
        let sequence: SequenceNumber =
            format!("{SEQUENCE_PREFIX}{:020}", stream.records).parse().ok()?;
        open.records.insert(sequence.clone(), (arrival, bytes.to_vec()));
        Some(sequence)
    }

    /// Cuts a coming batch, after those cut before, to so many records at most: retries and bisection do.
    pub fn cut(&self, records_max: usize) {
        lock(&self.stream).cuts.push_back(records_max.clamp(1, BATCH_RECORDS_MAX));
    }
}

impl MemoryShard {
    /// The records after a position.
    fn after(
        &self,
        position: Option<&SequenceNumber>,
    ) -> impl Iterator<Item = (&SequenceNumber, &(Timestamp, Vec<u8>))> {
        let after = position.map_or(Bound::Unbounded, Bound::Excluded);
        self.records.range((after, Bound::Unbounded))
    }

    fn waits(&self) -> bool {
        self.after(self.taken.as_ref()).next().is_some()
    }

    /// The records after a position, so many at most.
    fn batch(
        &self,
        shard: &ShardId,
        position: Option<&SequenceNumber>,
        records_max: usize,
    ) -> Batch {
        let mut batch =
            Batch { shard: ShardId::clone(shard), text: Vec::new(), records: Vec::new() };
        for (sequence, (arrival, payload)) in self.after(position).take(records_max) {
            let start = batch.text.len();
            batch.text.extend_from_slice(payload);
            let bytes = start..batch.text.len();
            batch.records.push(Record {
                sequence: sequence.clone(),
                sub_sequence: 0,
                arrival: Some(*arrival),
                bytes,
            });
        }
        batch
    }
}

impl<C: Clock> Source for MemorySource<C> {
    async fn next(&self) -> Result<Option<Batch>, Retryable> {
        step().await;
        let mut stream = lock(&self.stream);
        let waiting = || stream.shards.iter().filter(|(_, shard)| shard.waits()).map(|(id, _)| id);
        let next =
            waiting().find(|&id| Some(id) > stream.last.as_ref()).or_else(|| waiting().next());
        let Some(id) = next.cloned() else { return Ok(None) };
        let records_max = stream.cuts.pop_front().unwrap_or(BATCH_RECORDS_MAX);
        let batch =
            stream.shards.get(&id).map(|shard| shard.batch(&id, shard.taken.as_ref(), records_max));
        stream.last = Some(id);
        Ok(batch)
    }

    async fn taken(&self, shard: &ShardId, up_to: &SequenceNumber) -> Result<(), Retryable> {
        step().await;
        if let Some(shard) = lock(&self.stream).shards.get_mut(shard)
            && shard.taken.as_ref() < Some(up_to)
        {
            shard.taken = Some(up_to.clone());
        }
        Ok(())
    }
}

impl<C: Clock> Stream for MemorySource<C> {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        step().await;
        Ok(lock(&self.stream).id.clone())
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        step().await;
        let stream = lock(&self.stream);
        let shards = stream.shards.iter().map(|(id, shard)| Shard {
            id: ShardId::clone(id),
            parents: shard.parents.clone(),
            closed: shard.closed,
        });
        Ok(shards.collect())
    }

    async fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        let asked_at = self.clock.now();
        step().await;
        let stream = lock(&self.stream);
        Ok(match stream.shards.get(shard) {
            Some(shard) if shard.after(after).next().is_some() => Progress::Waiting,
            Some(shard) if !shard.closed => Progress::Empty { asked_at },
            Some(_) | None => Progress::Ended,
        })
    }
}
