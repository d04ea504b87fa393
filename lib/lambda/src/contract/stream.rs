//! The contract of streams.

use super::{Broken, Deviation, Done, Kept, ensure, rule, same};
use crate::stream::{
    Iterator, READ_RECORDS_MAX, Record, SequenceNumber, Shard, ShardId, Start, Stream, StreamError,
};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

/// By how much the time of an arrival may be rounded, in milliseconds: up or down.
const ROUNDING_MS: i64 = 1;
/// Reads of one shard at most, in a row: a stream may answer without records before its end, but not for ever.
const READS_MAX: usize = 100;
/// The shortest retention that a stream can have.
const RETENTION_MIN: Duration = Duration::from_hours(24);

/// What the suite needs beside the port.
pub trait StreamBench: Sync {
    /// The adapter.
    type Stream: Stream;

    /// A new stream with so many shards, ready for use. The name is one of the suite's and used once.
    fn make(&self, name: &str, shards: usize) -> impl Future<Output = Done<Self::Stream>>;

    /// A stream that does not exist; none if there is no such thing.
    fn absent(&self) -> Option<Self::Stream>;

    /// Puts a record, and tells where it is.
    fn put(
        &self,
        stream: &Self::Stream,
        partition_key: &str,
        data: &[u8],
    ) -> impl Future<Output = Done<(ShardId, SequenceNumber)>>;

    /// Splits a shard in the middle, and returns when it is split.
    fn split(&self, stream: &Self::Stream, shard: &ShardId) -> impl Future<Output = Done<()>>;

    /// Merges two shards that are next to each other, and returns when they are merged.
    fn merge(
        &self,
        stream: &Self::Stream,
        shard: &ShardId,
        neighbour: &ShardId,
    ) -> impl Future<Output = Done<()>>;
}

/// Shards, records and their order, reading from everywhere, splits and merges.
pub async fn stream_contract(bench: &impl StreamBench) -> Result<(), Broken> {
    let suite = Suite { bench };
    rule("a new stream lists its shards, open and without parents", suite.fresh().await)?;
    rule("a stream tells when it was made", suite.created().await)?;
    rule("records come back whole, in order, from one shard per key", suite.whole().await)?;
    rule("a read brings what was asked for at most, and the next goes on", suite.parts().await)?;
    rule("an iterator can be used again", suite.again().await)?;
    rule("reading begins where it was told to", suite.starts().await)?;
    rule("the end of a split shard is told with its children", suite.split().await)?;
    rule("who reads at the tip learns of a split", suite.split_at_tip().await)?;
    rule("a merged shard has two parents, and both tell of it", suite.merge().await)?;
    rule("what does not exist is not found", suite.missing().await)
}

/// What was put: by shard, the numbers with the keys.
type Put = BTreeMap<String, Vec<(SequenceNumber, String)>>;

struct Suite<'a, B> {
    bench: &'a B,
}

impl<B: StreamBench> Suite<'_, B> {
    async fn make(&self, name: &str, shards: usize) -> Result<B::Stream, Deviation> {
        self.bench.make(name, shards).await.map_err(Deviation::Bench)
    }

    /// Puts records with these keys; their data are the keys.
    async fn put(&self, stream: &B::Stream, keys: &[&str]) -> Result<Put, Deviation> {
        let mut put = Put::new();
        for key in keys {
            let (shard, number) =
                self.bench.put(stream, key, key.as_bytes()).await.map_err(Deviation::Bench)?;
            put.entry(shard.to_string()).or_default().push((number, (*key).to_owned()));
        }
        Ok(put)
    }

    /// A stream of one shard with so many records: the shard and their numbers.
    async fn filled(
        &self,
        name: &str,
        records: usize,
    ) -> Result<(B::Stream, ShardId, Vec<SequenceNumber>), Deviation> {
        let stream = self.make(name, 1).await?;
        let mut put = self.put(&stream, &vec!["key"; records]).await?;
        let (shard, numbers) =
            put.pop_first().ok_or_else(|| Deviation::Saw("no shard".to_owned()))?;
        Ok((stream, shard.into(), numbers.into_iter().map(|(number, _)| number).collect()))
    }

    async fn fresh(&self) -> Kept {
        let stream = self.make("fresh", 3).await?;
        let shards = stream.shards().await?;
        let ids: BTreeSet<&ShardId> = shards.iter().map(|shard| &shard.id).collect();
        same(ids.len(), 3)?;
        for shard in &shards {
            same((shard.parents.as_slice(), shard.closed), (&[], false))?;
            let number = shard.id.strip_prefix("shardId-").unwrap_or_default();
            let is_number = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
            ensure(is_number, &shard.id)?;
        }
        let retention = stream.retention().await?;
        ensure(retention >= RETENTION_MIN, retention)
    }

    async fn created(&self) -> Kept {
        // AWS tells whole seconds of it.
        let seconds = |stream: &B::Stream| stream.now().as_second();
        let before = seconds(&self.make("made-before", 1).await?);
        let stream = self.make("created", 1).await?;
        let created = stream.created().await?;
        same(stream.created().await?, created)?;
        let after = seconds(&stream);
        ensure((before..=after).contains(&created.as_second()), (before, created, after))
    }

    async fn whole(&self) -> Kept {
        let stream = self.make("whole", 2).await?;
        let before = stream.now().as_millisecond() - ROUNDING_MS;
        let keys = ["a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e", "f"];
        let mut put = self.put(&stream, &keys).await?;
        let bytes = [0, 255, b'\n', 128];
        let odd = self.bench.put(&stream, "odd", &bytes).await.map_err(Deviation::Bench)?;
        put.entry(odd.0.to_string()).or_default().push((odd.1.clone(), "odd".to_owned()));
        let after = stream.now().as_millisecond() + ROUNDING_MS;
        let mut homes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for shard in stream.shards().await? {
            let (records, next) = read_all(&stream, &shard.id, &Start::TrimHorizon).await?;
            ensure(next.is_some(), "an open shard that has ended")?;
            let expected = put.remove(&*shard.id).unwrap_or_default();
            same(places(&records), expected)?;
            ensure(rises(&records), places(&records))?;
            for record in records {
                let is_odd = record.sequence_number == odd.1;
                let data = if is_odd { &bytes[..] } else { record.partition_key.as_bytes() };
                same(record.data.as_ref(), data)?;
                let arrival = record.arrival.as_millisecond();
                ensure((before..=after).contains(&arrival), (before, arrival, after))?;
                homes
                    .entry(record.partition_key.to_string())
                    .or_default()
                    .insert(shard.id.to_string());
            }
        }
        ensure(put.is_empty(), &put)?;
        ensure(homes.values().all(|shards| shards.len() == 1), &homes)
    }

    async fn parts(&self) -> Kept {
        let (stream, shard, numbers) = self.filled("parts", 7).await?;
        let mut iterator = stream.open(&shard, &Start::TrimHorizon).await?;
        let mut sizes = Vec::new();
        let mut seen = Vec::new();
        while seen.len() < numbers.len() && sizes.len() < READS_MAX {
            let read = stream.read(&iterator, 3).await?;
            sizes.push(read.records.len());
            seen.extend(read.records.into_iter().map(|record| record.sequence_number));
            iterator = read.next.ok_or_else(|| Deviation::Saw("an end".to_owned()))?;
        }
        same(seen, numbers)?;
        ensure(sizes.iter().all(|size| *size <= 3), sizes)?;
        let tip = stream.read(&iterator, 3).await?;
        same((tip.records.len(), tip.next.is_some(), tip.behind_ms), (0, true, 0))
    }

    async fn again(&self) -> Kept {
        let (stream, shard, _) = self.filled("again", 3).await?;
        let iterator = stream.open(&shard, &Start::TrimHorizon).await?;
        let first = stream.read(&iterator, 2).await?;
        let second = stream.read(&iterator, 2).await?;
        same(second.records, first.records)
    }

    async fn starts(&self) -> Kept {
        let (stream, shard, numbers) = self.filled("starts", 5).await?;
        let latest = stream.open(&shard, &Start::Latest).await?;
        let [_, second, _, _, fifth] = numbers.as_slice() else {
            return same(numbers.len(), 5);
        };
        let (records, _) = read_all(&stream, &shard, &Start::TrimHorizon).await?;
        let from = async |start: Start| {
            let (read, _) = read_all(&stream, &shard, &start).await?;
            Ok::<_, Deviation>(read.into_iter().map(|it| it.sequence_number).collect::<Vec<_>>())
        };
        same(from(Start::At(second.clone())).await?, numbers.iter().skip(1).cloned().collect())?;
        same(from(Start::After(second.clone())).await?, numbers.iter().skip(2).cloned().collect())?;
        same(from(Start::After(fifth.clone())).await?, vec![])?;
        for record in &records {
            // Several may have arrived in one millisecond.
            let since: Vec<_> = records.iter().filter(|it| it.arrival >= record.arrival).collect();
            let since = since.into_iter().map(|it| it.sequence_number.clone()).collect();
            same(from(Start::AtTimestamp(record.arrival)).await?, since)?;
        }
        let put = self.put(&stream, &["new"]).await?;
        let (read, _) = read_on(&stream, latest).await?;
        same(BTreeMap::from([(shard.to_string(), places(&read))]), put)
    }

    async fn split(&self) -> Kept {
        let stream = self.make("split", 1).await?;
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let before = self.put(&stream, &keys).await?;
        let parent = first(&stream.shards().await?)?;
        let early = stream.open(&parent, &Start::TrimHorizon).await?;
        self.bench.split(&stream, &parent).await.map_err(Deviation::Bench)?;
        let after = self.put(&stream, &keys).await?;
        let shards = stream.shards().await?;
        let [listed, children @ ..] = shards.as_slice() else { return ensure(false, shards) };
        same((&listed.id, listed.closed), (&parent, true))?;
        same(children.len(), 2)?;
        for child in children {
            same((child.parents.as_slice(), child.closed), (std::slice::from_ref(&parent), false))?;
        }
        for iterator in [early, stream.open(&parent, &Start::TrimHorizon).await?] {
            let (read, end) = read_to_end(&stream, iterator).await?;
            same(BTreeMap::from([(parent.to_string(), places(&read))]), before.clone())?;
            told(&end, children)?;
        }
        let mut found = Put::new();
        for child in children {
            let (read, next) = read_all(&stream, &child.id, &Start::TrimHorizon).await?;
            ensure(next.is_some(), "a child that has ended")?;
            if !read.is_empty() {
                found.insert(child.id.to_string(), places(&read));
            }
        }
        same(found, after)
    }

    async fn split_at_tip(&self) -> Kept {
        let (stream, shard, _) = self.filled("split-at-tip", 2).await?;
        let tip = stream.open(&shard, &Start::Latest).await?;
        self.bench.split(&stream, &shard).await.map_err(Deviation::Bench)?;
        let (read, end) = read_to_end(&stream, tip).await?;
        same(places(&read), vec![])?;
        let shards = stream.shards().await?;
        told(&end, shards.get(1..).unwrap_or_default())
    }

    async fn merge(&self) -> Kept {
        let stream = self.make("merge", 2).await?;
        let before = self.put(&stream, &["a", "b", "c", "d", "e", "f"]).await?;
        let shards = stream.shards().await?;
        let [left, right] = shards.as_slice() else { return ensure(false, shards) };
        self.bench.merge(&stream, &left.id, &right.id).await.map_err(Deviation::Bench)?;
        let merged = stream.shards().await?;
        let [parents @ .., child] = merged.as_slice() else { return ensure(false, merged) };
        same(parents.iter().map(|parent| parent.closed).collect(), vec![true, true])?;
        let both = BTreeSet::from([&left.id, &right.id]);
        same((child.parents.iter().collect(), child.closed), (both, false))?;
        let mut found = Put::new();
        for parent in parents {
            let iterator = stream.open(&parent.id, &Start::TrimHorizon).await?;
            let (read, end) = read_to_end(&stream, iterator).await?;
            found.insert(parent.id.to_string(), places(&read));
            told(&end, std::slice::from_ref(child))?;
        }
        found.retain(|_, records| !records.is_empty());
        same(found, before)
    }

    async fn missing(&self) -> Kept {
        let stream = self.make("missing", 1).await?;
        let opened = stream.open(&"shardId-000000000099".into(), &Start::TrimHorizon).await;
        ensure(matches!(opened, Err(StreamError::NotFound(_))), opened)?;
        if let Some(absent) = self.bench.absent() {
            let listed = absent.shards().await;
            ensure(matches!(listed, Err(StreamError::NotFound(_))), listed)?;
        }
        Ok(())
    }
}

/// The children that the end of a shard tells of are these, with their parents.
fn told(end: &[Shard], children: &[Shard]) -> Kept {
    let outlines = |shards: &[Shard]| {
        let outline = |shard: &Shard| {
            let parents: BTreeSet<String> = shard.parents.iter().map(ToString::to_string).collect();
            (shard.id.to_string(), parents)
        };
        shards.iter().map(outline).collect::<BTreeMap<_, _>>()
    };
    same(end.len(), children.len())?;
    same(outlines(end), outlines(children))
}

fn first(shards: &[Shard]) -> Result<ShardId, Deviation> {
    let first = shards.first().map(|shard| ShardId::clone(&shard.id));
    first.ok_or_else(|| Deviation::Saw("no shard".to_owned()))
}

/// The records' numbers and keys.
fn places(records: &[Record]) -> Vec<(SequenceNumber, String)> {
    let place =
        |record: &Record| (record.sequence_number.clone(), record.partition_key.to_string());
    records.iter().map(place).collect()
}

/// Whether each sequence number is larger than the one before.
fn rises(records: &[Record]) -> bool {
    records.is_sorted_by(|one, other| one.sequence_number < other.sequence_number)
}

/// Reads a shard to its tip or end: the records, and where it would go on.
async fn read_all<S: Stream>(
    stream: &S,
    shard: &ShardId,
    start: &Start,
) -> Result<(Vec<Record>, Option<Iterator>), Deviation> {
    read_on(stream, stream.open(shard, start).await?).await
}

async fn read_on<S: Stream>(
    stream: &S,
    mut iterator: Iterator,
) -> Result<(Vec<Record>, Option<Iterator>), Deviation> {
    let mut records = Vec::new();
    for _ in 0..READS_MAX {
        let read = stream.read(&iterator, READ_RECORDS_MAX).await?;
        let is_tip = read.records.is_empty() && read.behind_ms == 0;
        records.extend(read.records);
        match read.next {
            Some(next) if !is_tip => iterator = next,
            next => return Ok((records, next)),
        }
    }
    Err(Deviation::Saw(format!("no tip after {READS_MAX} reads")))
}

/// Reads a closed shard to its end: the records, and the children that were told.
async fn read_to_end<S: Stream>(
    stream: &S,
    mut iterator: Iterator,
) -> Result<(Vec<Record>, Vec<Shard>), Deviation> {
    let mut records = Vec::new();
    for _ in 0..READS_MAX {
        let read = stream.read(&iterator, 3).await?;
        records.extend(read.records);
        match read.next {
            Some(next) => {
                same(read.children, vec![])?;
                iterator = next;
            }
            None => return Ok((records, read.children)),
        }
    }
    Err(Deviation::Saw(format!("no end after {READS_MAX} reads")))
}
