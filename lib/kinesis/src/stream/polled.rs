//! Reading the shards of a stream by polling, where no Lambda does.

use super::{From, KinesisStream, Start, is};
use crate::aggregated::unpacked;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use std::time::Duration;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{
    Batch, NotRead, Page, Place, Polled, SequenceNumber, SequenceNumberError, ShardId,
};

/// Records of one read at most. A shard takes 1,000 a second, so this catches up; a read has 10 MB at most in any case.
const READ_RECORDS_MAX: i32 = 2_000;
/// How long one read may take. Others wait for the memory that it has.
const READ_TIME_MAX: Duration = Duration::from_secs(10);

/// Codes of reads that are to be repeated later.
const THROTTLED: [&str; 3] =
    ["ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException"];

impl<C: Clock> Polled for KinesisStream<C> {
    async fn open(
        &self,
        shard: &ShardId,
        with: Option<&SequenceNumber>,
    ) -> Result<Option<Place>, Retryable> {
        let from = with.map_or(From::Start(self.mapping.start), From::With);
        if !matches!(from, From::Start(Start::At(_))) {
            return self.iterator(shard, &from).await;
        }
        match self.ask_for_iterator(shard, &from).await {
            // By the stream's clock that is yet to come, so what comes next is the first that is wanted.
            Err(error) if is(&error, "InvalidArgumentException") => {
                self.iterator(shard, &From::Latest).await
            }
            asked => self.opened(shard, asked),
        }
    }

    async fn read(&self, shard: &ShardId, place: Place) -> Result<Page, NotRead> {
        // A retry would take another of the five reads a second: whoever polls comes again.
        let once = Builder::new().retry_config(RetryConfig::disabled()).timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(READ_TIME_MAX).build(),
        );
        let call = self.client.get_records().shard_iterator(place).limit(READ_RECORDS_MAX);
        match call.customize().config_override(once).send().await {
            Ok(read) => Ok(self
                .page(shard, read)
                .map_err(|error| self.failed(format_args!("read the shard {shard}"), error))?),
            Err(error) if THROTTLED.iter().any(|code| is(&error, code)) => Err(NotRead::Throttled),
            Err(error)
                if is(&error, "ExpiredIteratorException")
                    || is(&error, "ResourceNotFoundException") =>
            {
                Err(NotRead::Expired)
            }
            Err(error) => Err(self.failed(format_args!("read the shard {shard}"), error).into()),
        }
    }
}

impl<C: Clock> KinesisStream<C> {
    /// What a read has brought. The arrival time of a record is always there; one without counts as new.
    fn page(&self, shard: &ShardId, read: GetRecordsOutput) -> Result<Page, SequenceNumberError> {
        let bytes = read.records.iter().map(|record| record.data.as_ref().len()).sum();
        let mut batch = Batch {
            shard: ShardId::clone(shard),
            text: Vec::with_capacity(bytes),
            records: Vec::with_capacity(read.records.len()),
        };
        for record in &read.records {
            let sequence: SequenceNumber = record.sequence_number.parse()?;
            let arrival = record.approximate_arrival_timestamp.and_then(|at| at.to_millis().ok());
            let arrival = arrival.map_or_else(|| self.clock.now(), Timestamp::from_millis);
            let start = batch.text.len();
            batch.text.extend_from_slice(record.data.as_ref());
            let range = start..batch.text.len();
            batch.records.extend(unpacked(&batch.text, range, &sequence, arrival));
        }
        let is_at_tip = read.millis_behind_latest == Some(0);
        Ok(Page { batch, next: read.next_shard_iterator, is_at_tip })
    }
}
