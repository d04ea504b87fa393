//! A Kinesis stream over the SDK. Streams are named by their names, not their ARNs, so that a template's made-up account does
//! no harm: whose stream it is, the credentials say.

use crate::error::stream_error;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::get_shard_iterator::builders::GetShardIteratorFluentBuilder;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{self, ShardIteratorType, StreamDescriptionSummary};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::stream::{
    Iterator, READ_RECORDS_MAX, Read, Record, SequenceNumber, Shard, ShardId, Start, Stream,
    StreamError,
};

/// Pages of shards that are read at most; each has up to 1,000
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html>), and a region 20,000 shards
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>), closed ones aside.
const SHARD_PAGES_MAX: usize = 100;

/// A stream.
#[derive(Clone, Debug)]
pub struct AwsStream {
    client: Client,
    arn: Arn,
}

impl AwsStream {
    pub(crate) fn new(client: Client, arn: &Arn) -> Self {
        Self { client, arn: arn.clone() }
    }

    fn name(&self) -> &str {
        self.arn.name()
    }

    async fn described(&self) -> Result<StreamDescriptionSummary, StreamError> {
        let described = self.client.describe_stream_summary().stream_name(self.name()).send().await;
        let described = described.map_err(|error| stream_error(self.name(), &error))?;
        described.stream_description_summary.ok_or_else(|| without("its description"))
    }
}

/// An answer does not have what it must have.
fn without(what: &str) -> StreamError {
    StreamError::Other(format!("an answer came without {what}"))
}

/// A moment that an answer must have.
fn moment(moment: Option<DateTime>, what: &str) -> Result<Timestamp, StreamError> {
    let moment = moment.and_then(|moment| moment.to_millis().ok());
    let moment = moment.and_then(|moment| Timestamp::from_millisecond(moment).ok());
    moment.ok_or_else(|| without(what))
}

impl Stream for AwsStream {
    fn arn(&self) -> &Arn {
        &self.arn
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn created(&self) -> Result<Timestamp, StreamError> {
        let created = self.described().await?.stream_creation_timestamp;
        moment(Some(created), "the time at which the stream was made")
    }

    async fn retention(&self) -> Result<Duration, StreamError> {
        let hours = self.described().await?.retention_period_hours;
        Ok(Duration::from_hours(u64::try_from(hours).unwrap_or_default()))
    }

    async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        let mut shards = Vec::new();
        let mut next = None;
        for _ in 0..SHARD_PAGES_MAX {
            // A token goes without the name that it was made for.
            let list = match next.take() {
                None => self.client.list_shards().stream_name(self.name()),
                Some(token) => self.client.list_shards().next_token(token),
            };
            let page = list.send().await.map_err(|error| stream_error(self.name(), &error))?;
            shards.extend(page.shards().iter().map(shard));
            next = page.next_token;
            if next.is_none() {
                return Ok(parents_first(shards));
            }
        }
        Err(StreamError::Other(format!("it lists more than {} shards", shards.len())))
    }

    async fn open(&self, shard: &ShardId, start: &Start) -> Result<Iterator, StreamError> {
        let request = self.client.get_shard_iterator().stream_name(self.name());
        let opened = started(request.shard_id(&**shard), start).send().await;
        let opened = opened.map_err(|error| {
            stream_error(&format!("the shard {shard} of the stream {}", self.name()), &error)
        })?;
        opened.shard_iterator.ok_or_else(|| StreamError::Other("no iterator came".to_owned()))
    }

    async fn read(&self, iterator: &Iterator, records_max: u32) -> Result<Read, StreamError> {
        let limit = i32::try_from(records_max.clamp(1, READ_RECORDS_MAX)).unwrap_or(1);
        let read = self.client.get_records().shard_iterator(iterator).limit(limit).send().await;
        let read = read.map_err(|error| stream_error(self.name(), &error))?;
        let children = read.child_shards.iter().flatten().map(child).collect();
        let behind = read.millis_behind_latest.and_then(|behind| u64::try_from(behind).ok());
        let records: Result<_, _> = read.records.into_iter().map(record).collect();
        Ok(Read {
            records: records?,
            next: read.next_shard_iterator,
            behind_ms: behind.unwrap_or_default(),
            children,
        })
    }
}

/// A request for an iterator, with where it begins.
fn started(request: GetShardIteratorFluentBuilder, start: &Start) -> GetShardIteratorFluentBuilder {
    match start {
        Start::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        Start::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
        Start::AtTimestamp(moment) => request
            .shard_iterator_type(ShardIteratorType::AtTimestamp)
            .timestamp(DateTime::from_millis(moment.as_millisecond())),
        Start::At(number) => request
            .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
            .starting_sequence_number(number.as_str()),
        Start::After(number) => request
            .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
            .starting_sequence_number(number.as_str()),
    }
}

fn shard(listed: &types::Shard) -> Shard {
    let parents = [listed.parent_shard_id(), listed.adjacent_parent_shard_id()];
    let range = listed.sequence_number_range();
    Shard {
        id: listed.shard_id().into(),
        parents: parents.into_iter().flatten().map(ShardId::from).collect(),
        closed: range.is_some_and(|range| range.ending_sequence_number().is_some()),
    }
}

fn child(told: &types::ChildShard) -> Shard {
    Shard {
        id: told.shard_id().into(),
        parents: told.parent_shards().iter().map(|parent| parent.as_str().into()).collect(),
        closed: false,
    }
}

fn record(read: types::Record) -> Result<Record, StreamError> {
    let of = |what: &str| format!("{what} of the record {}", read.sequence_number);
    let arrival = moment(read.approximate_arrival_timestamp, &of("the arrival time"))?;
    let key = read.partition_key.ok_or_else(|| without(&of("the partition key")))?;
    Ok(Record {
        sequence_number: SequenceNumber::new(&read.sequence_number),
        partition_key: key.into(),
        arrival,
        encryption: read.encryption_type.map(|encryption| encryption.as_str().into()),
        data: Bytes::from(read.data.into_inner()),
    })
}

/// The shards, each after those of its parents that are listed, else in the order in which they came.
fn parents_first(mut left: Vec<Shard>) -> Vec<Shard> {
    let mut ordered: Vec<Shard> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waiting: BTreeSet<ShardId> =
            left.iter().map(|shard| ShardId::clone(&shard.id)).collect();
        let (later, now): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|shard| shard.parents.iter().any(|parent| waiting.contains(parent)));
        if now.is_empty() {
            // Shards that are each other's ancestors: no stream has them, and none is dropped.
            ordered.extend(later);
            break;
        }
        ordered.extend(now);
        left = later;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows it shards, `child<parent,parent`: their order.
    #[track_caller]
    fn check(listed: &str, expect: &str) {
        let written = |text: &str| {
            let (id, parents) = text.split_once('<').unwrap_or((text, ""));
            let parents = parents.split(',').filter(|parent| !parent.is_empty());
            Shard { id: id.into(), parents: parents.map(ShardId::from).collect(), closed: false }
        };
        let ordered = parents_first(listed.split(' ').map(written).collect());
        let ids: Vec<&str> = ordered.iter().map(|shard| &*shard.id).collect();
        assert_eq!(ids.join(" "), expect);
    }

    #[test]
    fn parents_come_before_their_children() {
        check("0 1 2", "0 1 2");
        check("3<1 0 1<0 2<0", "0 1 2 3");
        check("2<0,1 0 1", "0 1 2");
    }

    #[test]
    fn a_parent_that_is_gone_is_not_waited_for() {
        check("2<1 1<0", "1 2");
    }

    #[test]
    fn shards_in_a_circle_are_kept() {
        check("0<1 1<0", "0 1");
    }
}
