//! A stream whose shards are split, and batches as Lambda's event source mapping cuts them.

use super::dice::Dice;
use super::workload::START;
use super::world::SkewedClock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{
    Batch, Progress, Record, SequenceNumber, Shard, ShardId, ShardKey, Stream, StreamId,
};

/// The name of the stream that aggregate reads.
pub(super) const SOURCE: &str = "orders";
/// The name of the one that the filter reads.
pub(super) const UPSTREAM: &str = "everything";

/// Older records count as read: the mapping gives them up.
const RECORD_AGE_MAX_MS: Millis = 7 * DAY_MS;

/// A record: its number, its arrival, its payload.
type Waiting = (SequenceNumber, Timestamp, String);

/// A stream. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct SimulatedStream {
    pub(super) name: &'static str,
    state: Arc<Mutex<State>>,
    clock: VirtualClock,
}

#[derive(Debug, Default)]
struct State {
    created_at: Timestamp,
    shards: BTreeMap<ShardId, SimulatedShard>,
    records: u64,
    /// The shards of streams that were deleted.
    gone: Vec<ShardKey>,
}

#[derive(Debug)]
struct SimulatedShard {
    parents: Vec<ShardId>,
    closed: bool,
    /// The places on the ring that it takes.
    places: std::ops::Range<u16>,
    records: Vec<Waiting>,
    /// How many records the mapping has done.
    done: usize,
    /// An invocation is on its way.
    busy: bool,
    /// The mapping does not read it until then.
    lags_until: Timestamp,
}

impl SimulatedStream {
    /// A stream of so many shards.
    pub(super) fn new(name: &'static str, clock: VirtualClock, shards: u16) -> Self {
        let stream = Self { name, state: Arc::default(), clock };
        stream.make(shards);
        stream
    }

    fn make(&self, shards: u16) {
        self.lock().created_at = self.clock.now();
        for number in 0..shards {
            let places = 256 * number / shards..256 * (number + 1) / shards;
            self.open(Vec::new(), places);
        }
    }

    /// Deletes the stream with all that it has, and makes it anew.
    pub(super) fn remake(&self, shards: u16) {
        let keys = self.keys();
        let mut state = self.lock();
        state.shards.clear();
        state.gone = keys;
        drop(state);
        self.make(shards);
    }

    /// All shards that there ever were.
    pub(super) fn keys(&self) -> Vec<ShardKey> {
        let state = self.lock();
        let stream = StreamId { name: self.name.into(), created_at: state.created_at };
        let key =
            |shard: &ShardId| ShardKey { stream: stream.clone(), shard: ShardId::clone(shard) };
        state.gone.iter().cloned().chain(state.shards.keys().map(key)).collect()
    }

    /// The same stream, asked by somebody whose clock differs.
    pub(super) fn asked_by(&self, clock: SkewedClock) -> AskedStream {
        AskedStream { stream: self.clone(), clock }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn open(&self, parents: Vec<ShardId>, places: std::ops::Range<u16>) {
        let shards = &mut self.lock().shards;
        let id = ShardId::from(format!("shardId-{:012}", shards.len()));
        let (records, done, busy, lags_until) = (Vec::new(), 0, false, START);
        let closed = false;
        shards.insert(
            id,
            SimulatedShard { parents, closed, places, records, done, busy, lags_until },
        );
    }

    /// Puts a record.
    pub(super) fn put(&self, place: u8, payload: &str) {
        let now = self.clock.now();
        let state = &mut *self.lock();
        state.records += 1;
        let sequence: SequenceNumber =
            format!("4959033827149025660855969{:031}", state.records).parse().unwrap();
        let mut shards = state.shards.values_mut();
        let shard = shards.find(|shard| !shard.closed && shard.places.contains(&u16::from(place)));
        shard.unwrap().records.push((sequence, now, payload.to_owned()));
    }

    /// Splits a shard that can be; false if none can.
    pub(super) fn split(&self, dice: &Dice) -> Option<ShardId> {
        let (parent, places) = {
            let shards = &mut self.lock().shards;
            let mut open: Vec<_> = shards
                .iter_mut()
                .filter(|(_, shard)| !shard.closed && shard.places.len() > 1)
                .collect();
            if open.is_empty() {
                return None;
            }
            let place = dice.below(open.len());
            let (id, shard) = &mut open[place];
            shard.closed = true;
            (ShardId::clone(id), shard.places.clone())
        };
        let middle = u16::midpoint(places.start, places.end);
        self.open(vec![ShardId::clone(&parent)], places.start..middle);
        self.open(vec![ShardId::clone(&parent)], middle..places.end);
        Some(parent)
    }

    /// Merges two neighbours, if there are any.
    pub(super) fn merge(&self) -> Option<[ShardId; 2]> {
        let (parents, places) = {
            let shards = &mut self.lock().shards;
            let mut open: Vec<_> = shards.iter_mut().filter(|(_, shard)| !shard.closed).collect();
            open.sort_by_key(|(_, shard)| shard.places.start);
            let [(one, left), (other, right), ..] = open.as_mut_slice() else { return None };
            (left.closed, right.closed) = (true, true);
            let parents = [ShardId::clone(one), ShardId::clone(other)];
            (parents, left.places.start..right.places.end)
        };
        self.open(parents.to_vec(), places);
        Some(parents)
    }

    /// A shard is not read for some time.
    pub(super) fn lag(&self, dice: &Dice, until: Timestamp) -> ShardId {
        let shards = &mut self.lock().shards;
        let place = dice.below(shards.len());
        let (id, shard) = shards.iter_mut().nth(place).unwrap();
        shard.lags_until = until;
        ShardId::clone(id)
    }

    /// The shards from which the mapping can take a batch now.
    pub(super) fn ready(&self) -> Vec<ShardId> {
        let now = self.clock.now();
        let shards = &self.lock().shards;
        let is_done = |id: &ShardId| {
            shards.get(id).is_none_or(|shard| shard.closed && shard.done == shard.records.len())
        };
        let ready = shards.iter().filter(|(_, shard)| {
            !shard.busy
                && shard.lags_until <= now
                && shard.done < shard.records.len()
                && shard.parents.iter().all(is_done)
        });
        ready.map(|(id, _)| ShardId::clone(id)).collect()
    }

    /// Takes a batch, cut as chance has it: retries and bisection cut too. `repeats` also brings some that are done.
    pub(super) fn batch(&self, id: &ShardId, dice: &Dice, repeats: bool) -> Batch {
        let shard = &mut *self.lock();
        let shard = shard.shards.get_mut(id).unwrap();
        shard.busy = true;
        let oldest = self.clock.now().minus(RECORD_AGE_MAX_MS);
        let first = shard.records.partition_point(|(_, arrival, _)| *arrival <= oldest);
        let again = shard.done.saturating_sub(first);
        let from = if repeats { shard.done - dice.below(again + 1) } else { shard.done };
        let length = 1 + dice.below(shard.records.len() - shard.done);
        let mut batch = Batch { shard: ShardId::clone(id), text: Vec::new(), records: Vec::new() };
        for (sequence, arrival, payload) in &shard.records[from..shard.done + length] {
            let start = batch.text.len();
            batch.text.extend_from_slice(payload.as_bytes());
            batch.records.push(Record {
                sequence: sequence.clone(),
                sub_sequence: 0,
                arrival: Some(*arrival),
                bytes: start..batch.text.len(),
            });
        }
        batch
    }

    /// The invocation has done its batch, up to this record.
    pub(super) fn answer_all(&self, id: &ShardId, last: &SequenceNumber) {
        self.end(id, |records| records.partition_point(|(sequence, ..)| sequence <= last));
    }

    /// The invocation has done everything before this record, or nothing.
    pub(super) fn answer(&self, id: &ShardId, done_before: Option<&SequenceNumber>) {
        self.end(id, |records| {
            done_before.map_or(0, |end| records.partition_point(|(sequence, ..)| sequence < end))
        });
    }

    fn end(&self, id: &ShardId, done: impl Fn(&[Waiting]) -> usize) {
        let shard = &mut *self.lock();
        let shard = shard.shards.get_mut(id).unwrap();
        shard.busy = false;
        shard.done = shard.done.max(done(&shard.records));
    }

    /// Whether the mapping has done all that was put.
    pub(super) fn is_drained(&self) -> bool {
        self.lock().shards.values().all(|shard| shard.done == shard.records.len())
    }
}

/// A stream as one function asks it.
#[derive(Clone, Debug)]
pub(super) struct AskedStream {
    stream: SimulatedStream,
    clock: SkewedClock,
}

impl Stream for AskedStream {
    fn is_upstream(&self) -> bool {
        self.stream.name == UPSTREAM
    }

    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        let created_at = self.stream.lock().created_at;
        Ok(Some(StreamId { name: self.stream.name.into(), created_at }))
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        let state = self.stream.lock();
        let shards = state.shards.iter().map(|(id, shard)| Shard {
            id: ShardId::clone(id),
            parents: shard.parents.clone(),
            closed: shard.closed,
        });
        Ok(shards.collect())
    }

    async fn progress(
        &self,
        id: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        let asked_at = self.clock.now();
        let state = self.stream.lock();
        let Some(shard) = state.shards.get(id) else { return Ok(Progress::Ended) };
        let oldest = asked_at.minus(RECORD_AGE_MAX_MS);
        let follows = shard
            .records
            .iter()
            .any(|(sequence, arrival, _)| *arrival > oldest && Some(sequence) > after);
        Ok(match (follows, shard.closed) {
            (true, _) => Progress::Waiting,
            (false, true) => Progress::Ended,
            (false, false) => Progress::Empty { asked_at },
        })
    }
}
