//! A stack in AWS, or in its stand-ins.

use super::Stack;
use crate::arguments::Wanted;
use crate::exit::Failure;
use crate::stack_table::{self, Place};
use streamgauge_dynamodb::DynamoLog;
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::put::aws::{AwsStream, OpenError};
use streamgauge_kinesis::stream::{KinesisStream, Mapping, Start};
use streamgauge_lambda_aws::{AwsServices, reason};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{ShardKey, Stream};
use streamgauge_pipeline::system_clock::SystemClock;

/// A stack.
#[derive(Debug)]
pub(in super::super) struct AwsStack {
    log: DynamoLog<SystemClock>,
    services: AwsServices,
    bucket: Option<String>,
}

/// Opens the table, if there is one.
pub(in super::super) async fn open(wanted: &Wanted) -> Result<AwsStack, Failure> {
    let place = Place { endpoint: wanted.endpoint.as_deref(), region: wanted.region.as_deref() };
    let (services, table) = stack_table::open(&wanted.table, place, "dead-letters").await?;
    Ok(AwsStack { log: DynamoLog::new(table), services, bucket: wanted.bucket.clone() })
}

impl AwsStack {
    fn bucket_failed(bucket: &str, what: &str, why: &str) -> Failure {
        Failure::outside(format!("could not {what} the bucket `{bucket}`"))
            .because_text(why)
            .hint("check its name, and the permissions `s3:ListBucket` and `s3:GetObject`")
    }
}

impl Stack for AwsStack {
    type Log = DynamoLog<SystemClock>;
    type Put = AwsStream;

    fn log(&self) -> &Self::Log {
        &self.log
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn shards(&self, stream: &str) -> Result<Vec<ShardKey>, Failure> {
        let mapping = Mapping { start: Start::TrimHorizon, record_age_max: None };
        let client = self.services.kinesis().clone();
        let source = KinesisStream::new(client, stream, mapping, SystemClock);
        let failed = |error| {
            Failure::outside(format!("could not ask the stream `{stream}` for its shards"))
                .because(&error)
        };
        let Some(id) = source.describe().await.map_err(failed)? else { return Ok(Vec::new()) };
        let shards = source.shards().await.map_err(failed)?.into_iter();
        Ok(shards.map(|shard| ShardKey { stream: id.clone(), shard: shard.id }).collect())
    }

    async fn documents(&self, since: Timestamp) -> Result<Vec<(String, String)>, Failure> {
        let Some(bucket) = &self.bucket else { return Ok(Vec::new()) };
        let (s3, mut documents) = (self.services.s3(), Vec::new());
        let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| Self::bucket_failed(bucket, "list", &reason(&error)))?;
            let new = page.contents().iter().filter(|object| {
                // Seconds are all that a listing is sure of.
                let modified = object
                    .last_modified()
                    .map(|at| Timestamp::from_millis(at.secs().saturating_mul(1_000)));
                modified.is_none_or(|modified| modified.plus(1_000) >= since)
            });
            for key in new.filter_map(|object| object.key()) {
                let got = s3.get_object().bucket(bucket).key(key).send().await;
                let got =
                    got.map_err(|error| Self::bucket_failed(bucket, "read", &reason(&error)))?;
                let body = got.body.collect().await;
                let body =
                    body.map_err(|error| Self::bucket_failed(bucket, "read", &error.to_string()))?;
                // What is no text is no document of Lambda's.
                if let Ok(text) = String::from_utf8(body.to_vec()) {
                    documents.push((key.to_owned(), text));
                }
            }
        }
        Ok(documents)
    }

    async fn stream(&self, name: &str) -> Result<(AwsStream, usize), Failure> {
        let opened = AwsStream::open(self.services.kinesis().clone(), name).await;
        let stream = opened.map_err(|error| match error {
            OpenError::Missing { .. } => {
                Failure::wrong(error.to_string()).hint("name another one with --to")
            }
            OpenError::Unknown { ref source, .. } => {
                Failure::outside(error.to_string()).because_text(&reason(source))
            }
        })?;
        let record_bytes_max = stream.record_bytes_max();
        Ok((stream, record_bytes_max))
    }
}
