//! A stream over the AWS SDK: which shards it lists, and what follows a position in one.
//!
//! Lambda brings the records; this asks what the watermark needs beside them. An answer is a *proof* only if it is empty and
//! `MillisBehindLatest` is 0: an answer may well be empty while records wait further on
//! (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>). Then it goes on with the next iterator, but
//! not for long, since a shard takes 5 reads a second from all its readers, and Lambda is one of them.
//!
//! | seen | answer |
//! | --- | --- |
//! | a record that Lambda will bring | `Waiting` |
//! | a record older than the mapping's maximum age | counts as read: Lambda discards it |
//! | nothing, 0 ms behind | `Empty`, as of the clock before this question |
//! | nothing, and no next iterator | `Ended`: the shard is closed and read to its end |
//! | nothing, and further behind after [`READS_MAX`] reads | `Waiting`: nothing could be proven |
//! | throttled, or an iterator that has expired | `Waiting`: nothing could be proven, and an outage it is not |
//! | no such shard, or no such stream | `Ended` |
//! | the position is trimmed | asked again from the oldest record: all that is left follows it |
//! | anything else | an error, to be tried again |
//!
//! A shard that is throttled each time looks as if it were behind, and is: who takes its reads takes Lambda's too.
//!
//! Whoever has no Lambda reads the shards itself: `polled`.

mod judge;
mod polled;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::get_shard_iterator::GetShardIteratorError;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{self, ShardIteratorType};
use judge::{Page, Seen};
use std::error::Error;
use streamgauge_engine::time::{Millis, Timestamp};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{
    Progress, SequenceNumber, Shard, ShardId, Stream, StreamId,
};

/// Reads of one shard for one question at most.
pub const READS_MAX: usize = 3;
/// Records of one read at most. One is enough to know that some wait; a few pass those that are too old.
const READ_RECORDS_MAX: i32 = 10;
/// Pages of shards that are read at most; each has up to 1,000
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html>), and a region 20,000 shards
/// (<https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>), closed ones aside.
const SHARD_PAGES_MAX: usize = 100;

/// Where the mapping begins in a shard that it has not read. It never begins at the latest record: that loses some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record.
    TrimHorizon,
    /// At the first record that arrived then or later.
    At(Timestamp),
}

/// How Lambda reads the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// `StartingPosition`.
    pub start: Start,
    /// `MaximumRecordAgeInSeconds`, in milliseconds: older records are discarded. Absent: none are.
    pub record_age_max: Option<Millis>,
}

/// A stream.
#[derive(Clone, Debug)]
pub struct KinesisStream<C> {
    client: Client,
    name: String,
    mapping: Mapping,
    clock: C,
    is_upstream: bool,
}

impl<C: Clock> KinesisStream<C> {
    /// The stream of this name, as this mapping reads it.
    pub fn new(client: Client, name: impl Into<String>, mapping: Mapping, clock: C) -> Self {
        Self { client, name: name.into(), mapping, clock, is_upstream: false }
    }

    /// One that the filter reads.
    #[must_use]
    pub fn upstream(self) -> Self {
        Self { is_upstream: true, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An error about something of this stream.
    fn failed(
        &self,
        what: impl std::fmt::Display,
        error: impl Error + Send + Sync + 'static,
    ) -> Retryable {
        Retryable::new(format!("could not {what} of the stream `{}`", self.name)).because(error)
    }

    fn without(&self, what: &str) -> Retryable {
        Retryable::new(format!("could not read an answer of the stream `{}`: no {what}", self.name))
    }

    /// An iterator; absent if there is no such shard.
    async fn iterator(
        &self,
        shard: &ShardId,
        from: &From<'_>,
    ) -> Result<Option<String>, Retryable> {
        let mut asked = self.ask_for_iterator(shard, from).await;
        if let (From::After(_) | From::With(_), Err(error)) = (from, &asked)
            && NO_POSITION.iter().any(|code| is(error, code))
        {
            // The position is no longer in the shard, so all that is left follows it; or the shard is gone, which shows now.
            tracing::warn!(
                stream = self.name,
                shard = &**shard,
                "the position is not in the shard"
            );
            asked = self.ask_for_iterator(shard, &From::Start(Start::TrimHorizon)).await;
        }
        self.opened(shard, asked)
    }

    /// The iterator that was asked for; absent if there is no such shard.
    fn opened(
        &self,
        shard: &ShardId,
        asked: Result<String, SdkError<GetShardIteratorError>>,
    ) -> Result<Option<String>, Retryable> {
        match asked {
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(None),
            asked => asked
                .map(Some)
                .map_err(|error| self.failed(format_args!("open the shard {shard}"), error)),
        }
    }

    async fn ask_for_iterator(
        &self,
        shard: &ShardId,
        from: &From<'_>,
    ) -> Result<String, SdkError<GetShardIteratorError>> {
        let request = self.client.get_shard_iterator().stream_name(&self.name).shard_id(&**shard);
        let request = match from {
            From::After(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number.as_str()),
            From::With(number) => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(number.as_str()),
            From::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
            From::Start(Start::TrimHorizon) => {
                request.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
            From::Start(Start::At(moment)) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(moment.as_millis())),
        };
        Ok(request.send().await?.shard_iterator.unwrap_or_default())
    }

    /// Reads a few records; absent if nothing can be proven now.
    async fn read(&self, shard: &ShardId, iterator: String) -> Result<Option<Page>, Retryable> {
        // A retry would take another of the five reads a second.
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let call = self.client.get_records().shard_iterator(iterator).limit(READ_RECORDS_MAX);
        match call.customize().config_override(once).send().await {
            Ok(read) => Ok(Some(page(read))),
            Err(error) if NOTHING_PROVEN.iter().any(|code| is(&error, code)) => Ok(None),
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(Some(Page::default())),
            Err(error) => Err(self.failed(format_args!("read the shard {shard}"), error)),
        }
    }
}

/// Where reading begins.
enum From<'a> {
    After(&'a SequenceNumber),
    With(&'a SequenceNumber),
    Latest,
    Start(Start),
}

/// Codes of a position that is not in its shard. The second one is also that of a shard that is gone: to take a trimmed position
/// for that would end a shard that goes on.
const NO_POSITION: [&str; 2] = ["InvalidArgumentException", "ResourceNotFoundException"];

/// Codes of reads that say nothing about the shard:
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html#API_GetRecords_Errors>.
const NOTHING_PROVEN: [&str; 4] = [
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
    "ExpiredIteratorException",
];

fn is<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, code: &str) -> bool {
    error.code() == Some(code)
}

/// What a read has seen. An arrival time that is missing counts as now: its record is surely not too old.
fn page(read: GetRecordsOutput) -> Page {
    let arrival = |record: &types::Record| {
        let arrival = record.approximate_arrival_timestamp?;
        arrival.to_millis().ok().map(Timestamp::from_millis)
    };
    Page {
        newest: read.records.iter().map(|record| arrival(record).unwrap_or(NEVER_OLD)).max(),
        next: read.next_shard_iterator,
        behind_ms: read.millis_behind_latest.unwrap_or(i64::MAX),
    }
}

/// An arrival time that no maximum age excludes.
const NEVER_OLD: Timestamp = Timestamp::from_millis(i64::MAX);

impl<C: Clock> Stream for KinesisStream<C> {
    fn is_upstream(&self) -> bool {
        self.is_upstream
    }

    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        let described = self.client.describe_stream_summary().stream_name(&self.name).send().await;
        let described = match described {
            Err(error) if is(&error, "ResourceNotFoundException") => return Ok(None),
            described => {
                described.map_err(|error| self.failed("ask for the description", error))?
            }
        };
        let summary = described.stream_description_summary;
        let summary = summary.ok_or_else(|| self.without("description"))?;
        let created_at = summary.stream_creation_timestamp.to_millis();
        let created_at =
            created_at.map_err(|error| self.failed("read the creation time", error))?;
        let created_at = Timestamp::from_millis(created_at);
        Ok(Some(StreamId { name: summary.stream_name.into(), created_at }))
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        let mut shards = Vec::new();
        let mut next = None;
        for _ in 0..SHARD_PAGES_MAX {
            // A token goes without the name that it was made for.
            let list = match next.take() {
                None => self.client.list_shards().stream_name(&self.name),
                Some(token) => self.client.list_shards().next_token(token),
            };
            let page = match list.send().await {
                Err(error) if is(&error, "ResourceNotFoundException") => return Ok(Vec::new()),
                page => page.map_err(|error| self.failed("list the shards", error))?,
            };
            shards.extend(page.shards().iter().map(shard));
            next = page.next_token;
            if next.is_none() {
                return Ok(shards);
            }
        }
        Err(self.without(&format!("end of the list after {} shards", shards.len())))
    }

    async fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        let from = after.map_or(From::Start(self.mapping.start), From::After);
        let Some(mut iterator) = self.iterator(shard, &from).await? else {
            return Ok(Progress::Ended);
        };
        for _ in 0..READS_MAX {
            let asked_at = self.clock.now();
            let Some(page) = self.read(shard, iterator).await? else { break };
            let oldest = self.mapping.record_age_max.map(|age| asked_at.minus(age));
            iterator = match judge::judge(page, asked_at, oldest) {
                Seen::Known(progress) => return Ok(progress),
                Seen::Further(next) => next,
                Seen::TooOld(oldest) => {
                    // Past all of them at once, however many there are.
                    let younger = From::Start(Start::At(oldest));
                    let Some(next) = self.iterator(shard, &younger).await? else {
                        return Ok(Progress::Ended);
                    };
                    next
                }
            };
        }
        Ok(Progress::Waiting)
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
