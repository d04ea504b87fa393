//! The stream in memory, read shard by shard. A place is the shard and the record that was read last: `SHARD:SEQUENCE`, or `SHARD:`.

use super::super::{lock, step};
use super::MemorySource;
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::source::{
    BATCH_RECORDS_MAX, NotRead, Page, Place, Polled, SequenceNumber, ShardId,
};

impl<C> MemorySource<C> {
    /// A coming read, after those before, brings nothing, for this reason.
    pub fn fail(&self, trouble: NotRead) {
        lock(&self.stream).troubles.push_back(trouble);
    }
}

fn place(shard: &ShardId, after: Option<&SequenceNumber>) -> Place {
    format!("{shard}:{}", after.map_or("", SequenceNumber::as_str))
}

impl<C: Clock> Polled for MemorySource<C> {
    async fn open(
        &self,
        shard: &ShardId,
        with: Option<&SequenceNumber>,
    ) -> Result<Option<Place>, Retryable> {
        step().await;
        let stream = lock(&self.stream);
        let Some(found) = stream.shards.get(shard) else { return Ok(None) };
        let before = with.and_then(|with| found.records.range(..with).next_back());
        Ok(Some(place(shard, before.map(|(sequence, _)| sequence))))
    }

    async fn read(&self, shard: &ShardId, from: Place) -> Result<Page, NotRead> {
        step().await;
        let mut stream = lock(&self.stream);
        if let Some(trouble) = stream.troubles.pop_front() {
            return Err(trouble);
        }
        let records_max = stream.cuts.pop_front().unwrap_or(BATCH_RECORDS_MAX);
        let after = from.rsplit_once(':').and_then(|(_, after)| after.parse().ok());
        let found = stream.shards.get(shard).ok_or(NotRead::Expired)?;
        let batch = found.batch(shard, after.as_ref(), records_max);
        let last = batch.records.last().map(|record| record.sequence.clone()).or(after);
        let is_at_tip = found.after(last.as_ref()).next().is_none();
        let next = (!(is_at_tip && found.closed)).then(|| place(shard, last.as_ref()));
        Ok(Page { batch, next, is_at_tip })
    }
}
