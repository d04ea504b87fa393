//! The contract of sources.

use super::{Broken, Deviation, Kept, ensure, rule, same};
use crate::port::clock::Clock;
use crate::port::source::{BATCH_RECORDS_MAX, Progress, SequenceNumber, Shard, ShardId, Source};

/// What the suite of sources needs beside the source. Its clock is the one that the source goes by.
pub trait SourceBench: Clock {
    /// A shard that is open and has no records.
    fn open(&self) -> impl Future<Output = ShardId> + Send;
    /// Puts a record at the end of a shard.
    fn put(&self, shard: &ShardId, bytes: &[u8]) -> impl Future<Output = ()> + Send;
    /// Splits a shard; absent if this source never does.
    fn split(&self, shard: &ShardId) -> impl Future<Output = Option<[ShardId; 2]>> + Send;
}

/// Order, redelivery, proofs of emptiness and the list of shards. There is no record at the beginning.
pub async fn source_contract(source: &impl Source, bench: &impl SourceBench) -> Result<(), Broken> {
    let suite = Suite { source, bench, shard: bench.open().await };
    rule("an open shard is listed, and proven empty as of when it was asked", suite.empty().await)?;
    let mut records = Vec::new();
    rule("records come in the order of their shard", suite.order(&mut records).await)?;
    rule("what was not taken comes again, and only that", suite.again(&records).await)?;
    let is_empty = |progress| matches!(progress, Progress::Empty { .. });
    let proofs = suite.followed(&records, is_empty).await;
    rule("a proof is about the position that was asked for", proofs)?;
    let split = suite.split(&records).await;
    rule("a closed shard ends with its last record, and its children name it", split)
}

/// A record as the suite sees it.
type Seen = (SequenceNumber, Vec<u8>);

struct Suite<'a, S, B> {
    source: &'a S,
    bench: &'a B,
    shard: ShardId,
}

impl<S: Source, B: SourceBench> Suite<'_, S, B> {
    /// The records of the next batch, which is of this shard; none if there is no batch.
    async fn batch(&self, shard: &ShardId) -> Result<Vec<Seen>, Deviation> {
        let Some(batch) = self.source.next().await? else { return Ok(Vec::new()) };
        same(&batch.shard, shard)?;
        ensure((1..=BATCH_RECORDS_MAX).contains(&batch.records.len()), batch.records.len())?;
        let mut seen = Vec::new();
        for record in batch.records {
            let arrived = record.arrival.is_none_or(|arrival| arrival <= self.bench.now());
            ensure(arrived, record.arrival)?;
            let bytes = batch.text.get(record.bytes.clone());
            ensure(bytes.is_some(), &record.bytes)?;
            seen.push((record.sequence, bytes.unwrap_or_default().to_vec()));
        }
        Ok(seen)
    }

    /// Takes all that waits, batch by batch.
    async fn take_all(&self, shard: &ShardId) -> Result<Vec<Seen>, Deviation> {
        let mut all = Vec::new();
        loop {
            let batch = self.batch(shard).await?;
            let Some((last, _)) = batch.last() else { return Ok(all) };
            self.source.taken(shard, last).await?;
            all.extend(batch);
        }
    }

    /// Each position is followed by records, except the last one; what follows that fits.
    async fn followed(&self, records: &[Seen], fits: impl Fn(Progress) -> bool) -> Kept {
        for (place, (sequence, _)) in (1..).zip(records) {
            let progress = self.source.progress(&self.shard, Some(sequence)).await?;
            let is_last = place == records.len();
            ensure(
                (is_last && fits(progress)) || (!is_last && progress == Progress::Waiting),
                progress,
            )?;
        }
        Ok(())
    }

    async fn empty(&self) -> Kept {
        let described = self.source.describe().await?;
        let is_made = described.is_some_and(|stream| stream.created_at <= self.bench.now());
        ensure(is_made, "a stream that is not made yet")?;
        let before = self.bench.now();
        let progress = self.source.progress(&self.shard, None).await?;
        let asked = before..=self.bench.now();
        let proven = matches!(progress, Progress::Empty { asked_at } if asked.contains(&asked_at));
        ensure(proven, progress)?;
        same(self.source.next().await?, None)?;
        let shards = self.source.shards().await?;
        ensure(shards.iter().any(|listed| listed.id == self.shard && !listed.closed), shards)
    }

    /// Puts records and sees them, without taking them.
    async fn order(&self, records: &mut Vec<Seen>) -> Kept {
        let payloads: Vec<Vec<u8>> =
            (1..=5).map(|length| vec![b'a' + length; usize::from(length)]).collect();
        for payload in &payloads {
            self.bench.put(&self.shard, payload).await;
        }
        *records = self.batch(&self.shard).await?;
        let came: Vec<_> = records.iter().map(|(_, bytes)| bytes).collect();
        same(came, payloads.iter().collect())?;
        ensure(records.is_sorted_by(|(one, _), (next, _)| one < next), records)?;
        same(self.source.progress(&self.shard, None).await?, Progress::Waiting)
    }

    async fn again(&self, records: &[Seen]) -> Kept {
        let [first, _, third, rest @ ..] = records else { return ensure(false, records) };
        let again = self.batch(&self.shard).await?;
        same(again.first(), Some(first))?;
        self.source.taken(&self.shard, &third.0).await?;
        // Late and repeated: what was taken stays so.
        self.source.taken(&self.shard, &first.0).await?;
        same(self.take_all(&self.shard).await?.as_slice(), rest)
    }

    async fn split(&self, records: &[Seen]) -> Kept {
        let Some([one, other]) = self.bench.split(&self.shard).await else { return Ok(()) };
        let shards = self.source.shards().await?;
        let is_listed = |id: &ShardId, fits: &dyn Fn(&Shard) -> bool| {
            ensure(shards.iter().any(|listed| listed.id == *id && fits(listed)), &shards)
        };
        is_listed(&self.shard, &|shard| shard.closed)?;
        is_listed(&one, &|child| !child.closed && child.parents.contains(&self.shard))?;
        is_listed(&other, &|child| !child.closed && child.parents.contains(&self.shard))?;
        self.followed(records, |progress| progress == Progress::Ended).await?;
        self.bench.put(&one, b"child").await;
        let came = self.take_all(&one).await?;
        same(came.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(), vec![b"child".to_vec()])
    }
}
