//! The contracts of streams and of sources. A source is a stream that also hands its records out, so its suite runs the other's.

use super::{Broken, Deviation, Kept, ensure, rule, same};
use crate::port::clock::Clock;
use crate::port::source::{
    BATCH_RECORDS_MAX, NotRead, Polled, Progress, SequenceNumber, Shard, ShardId, Source, Stream,
};

/// A shard that no stream of a suite has.
const UNLISTED: &str = "shardId-000000999999";

/// What the suites need beside the stream. Its clock is the one that the stream goes by.
pub trait SourceBench: Clock {
    /// A shard that is open and has no records, and that was not given before.
    fn open(&self) -> impl Future<Output = ShardId> + Send;
    /// Puts a record at the end of a shard.
    fn put(&self, shard: &ShardId, bytes: &[u8]) -> impl Future<Output = SequenceNumber> + Send;
    /// Splits a shard; absent if this stream never does.
    fn split(&self, shard: &ShardId) -> impl Future<Output = Option<[ShardId; 2]>> + Send;
}

/// Proofs of emptiness and the list of shards. Asks for one shard of the bench.
pub async fn stream_contract(stream: &impl Stream, bench: &impl SourceBench) -> Result<(), Broken> {
    let suite = StreamSuite { stream, bench, shard: bench.open().await };
    rule("an open shard is listed, and proven empty as of when it was asked", suite.empty().await)?;
    rule("a shard that is not listed has ended", suite.unlisted().await)?;
    let mut records = Vec::new();
    let proofs = suite.fill(&mut records).await;
    rule("a proof is about the position that was asked for", proofs)?;
    let split = suite.split(&records).await;
    rule("a closed shard ends with its last record, and its children name it", split)
}

/// Order and redelivery, then [`stream_contract`]. There is no record at the beginning. Asks for two shards of the bench.
pub async fn source_contract(source: &impl Source, bench: &impl SourceBench) -> Result<(), Broken> {
    let suite = SourceSuite { source, bench, shard: bench.open().await };
    let mut records = Vec::new();
    rule("records come in the order of their shard", suite.order(&mut records).await)?;
    rule("what was not taken comes again, and only that", suite.again(&records).await)?;
    rule("what children of a shard get comes as theirs", suite.child().await)?;
    stream_contract(source, bench).await
}

/// Reading by places, beside [`stream_contract`]. Asks for one shard of the bench.
pub async fn polled_contract(polled: &impl Polled, bench: &impl SourceBench) -> Result<(), Broken> {
    let suite = PolledSuite { polled, shard: bench.open().await };
    rule("a shard without records is read to its tip", suite.is_read(None, &[], true).await)?;
    let mut records = Vec::new();
    for payload in ["a", "b", "c"] {
        records.push((bench.put(&suite.shard, payload.as_bytes()).await, payload.into()));
    }
    rule("a shard is read in its order", suite.is_read(None, &records, true).await)?;
    let with = suite.with(&records, true).await;
    rule("reading with a record brings it and what follows", with)?;
    rule("a shard that is not listed is not opened", suite.unlisted().await)?;
    if bench.split(&suite.shard).await.is_some() {
        rule("a closed shard is read to its end", suite.with(&records, false).await)?;
    }
    Ok(())
}

struct PolledSuite<'a, P> {
    polled: &'a P,
    shard: ShardId,
}

impl<P: Polled> PolledSuite<'_, P> {
    /// Reads from a record on until nothing more follows, which is the tip of an open shard or the end of a closed one.
    async fn is_read(&self, with: Option<&Seen>, expect: &[Seen], is_open: bool) -> Kept {
        let opened = self.polled.open(&self.shard, with.map(|(sequence, _)| sequence)).await?;
        let (mut place, mut seen) = (opened, Vec::new());
        while let Some(here) = place {
            let page =
                self.polled.read(&self.shard, here).await.map_err(|not_read| match not_read {
                    NotRead::Failed(error) => Deviation::Unanswered(error),
                    other => Deviation::Saw(other.to_string()),
                })?;
            same(&page.batch.shard, &self.shard)?;
            for record in page.batch.records {
                let bytes = page.batch.text.get(record.bytes).unwrap_or_default().to_vec();
                seen.push((record.sequence, bytes));
            }
            place = page.next;
            if is_open && page.is_at_tip {
                ensure(place.is_some(), "the end of an open shard")?;
                break;
            }
        }
        same(&*seen, expect)
    }

    /// Reads with each record.
    async fn with(&self, records: &[Seen], is_open: bool) -> Kept {
        for (place, record) in records.iter().enumerate() {
            let rest = records.get(place..).unwrap_or_default();
            self.is_read(Some(record), rest, is_open).await?;
        }
        Ok(())
    }

    async fn unlisted(&self) -> Kept {
        same(self.polled.open(&UNLISTED.into(), None).await?, None)
    }
}

struct StreamSuite<'a, S, B> {
    stream: &'a S,
    bench: &'a B,
    shard: ShardId,
}

impl<S: Stream, B: SourceBench> StreamSuite<'_, S, B> {
    async fn empty(&self) -> Kept {
        let described = self.stream.describe().await?;
        let is_made = described.is_some_and(|stream| stream.created_at <= self.bench.now());
        ensure(is_made, "a stream that is not made yet")?;
        let before = self.bench.now();
        let progress = self.stream.progress(&self.shard, None).await?;
        let asked = before..=self.bench.now();
        let proven = matches!(progress, Progress::Empty { asked_at } if asked.contains(&asked_at));
        ensure(proven, progress)?;
        let shards = self.stream.shards().await?;
        ensure(shards.iter().any(|listed| listed.id == self.shard && !listed.closed), shards)
    }

    async fn unlisted(&self) -> Kept {
        same(self.stream.progress(&UNLISTED.into(), None).await?, Progress::Ended)
    }

    /// Puts records, and asks what follows each.
    async fn fill(&self, records: &mut Vec<SequenceNumber>) -> Kept {
        for payload in [b"a", b"b", b"c"] {
            records.push(self.bench.put(&self.shard, payload).await);
        }
        same(self.stream.progress(&self.shard, None).await?, Progress::Waiting)?;
        self.followed(records, |progress| matches!(progress, Progress::Empty { .. })).await
    }

    /// Each position is followed by records, except the last one; what follows that fits.
    async fn followed(&self, records: &[SequenceNumber], fits: impl Fn(Progress) -> bool) -> Kept {
        for (place, sequence) in (1..).zip(records) {
            let progress = self.stream.progress(&self.shard, Some(sequence)).await?;
            let is_last = place == records.len();
            ensure(
                (is_last && fits(progress)) || (!is_last && progress == Progress::Waiting),
                progress,
            )?;
        }
        Ok(())
    }

    async fn split(&self, records: &[SequenceNumber]) -> Kept {
        let Some([one, other]) = self.bench.split(&self.shard).await else { return Ok(()) };
        let shards = self.stream.shards().await?;
        let is_listed = |id: &ShardId, fits: &dyn Fn(&Shard) -> bool| {
            ensure(shards.iter().any(|listed| listed.id == *id && fits(listed)), &shards)
        };
        is_listed(&self.shard, &|shard| shard.closed)?;
        is_listed(&one, &|child| !child.closed && child.parents.contains(&self.shard))?;
        is_listed(&other, &|child| !child.closed && child.parents.contains(&self.shard))?;
        self.followed(records, |progress| progress == Progress::Ended).await
    }
}

/// A record as the suite sees it.
type Seen = (SequenceNumber, Vec<u8>);

struct SourceSuite<'a, S, B> {
    source: &'a S,
    bench: &'a B,
    shard: ShardId,
}

impl<S: Source, B: SourceBench> SourceSuite<'_, S, B> {
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

    /// Puts records and sees them, without taking them.
    async fn order(&self, records: &mut Vec<Seen>) -> Kept {
        same(self.source.next().await?, None)?;
        let mut put = Vec::new();
        for length in 1..=5 {
            let payload = vec![b'a' + length; usize::from(length)];
            put.push((self.bench.put(&self.shard, &payload).await, payload));
        }
        *records = self.batch(&self.shard).await?;
        same(&*records, &put)?;
        ensure(records.is_sorted_by(|(one, _), (next, _)| one < next), records)
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

    async fn child(&self) -> Kept {
        let Some([one, _]) = self.bench.split(&self.shard).await else { return Ok(()) };
        let sequence = self.bench.put(&one, b"child").await;
        same(self.take_all(&one).await?, vec![(sequence, b"child".to_vec())])
    }
}
