//! A stack in AWS, or in its stand-ins.

use super::Stack;
use crate::arguments::Wanted;
use crate::exit::Failure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use streamgauge_dynamodb::{DynamoLog, Table};
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::put::aws::{AwsStream, OpenError};
use streamgauge_kinesis::stream::{KinesisStream, Mapping, Start};
use streamgauge_lambda_aws::connect::{Endpoints, Settings};
use streamgauge_lambda_aws::{AwsServices, reason};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{ShardKey, Stream};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A stack.
#[derive(Debug)]
pub(in super::super) struct AwsStack {
    log: DynamoLog<SystemClock>,
    services: AwsServices,
    bucket: Option<String>,
}

/// Makes the clients, and looks whether there is such a table.
pub(in super::super) async fn open(wanted: &Wanted) -> Result<AwsStack, Failure> {
    let endpoints = Endpoints { default: wanted.endpoint.clone(), ..Endpoints::default() };
    let settings = Settings { endpoints, region: wanted.region.clone(), ..Settings::default() };
    let services = AwsServices::connect(&settings)
        .await
        .map_err(|error| Failure::wrong(error.to_string()).hint("or name it with --region"))?;
    let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(services.region().to_owned()));
    if let Some(endpoint) = &wanted.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let client = Client::new(&loader.load().await);
    let described = client.describe_table().table_name(&wanted.table).send().await;
    described.map_err(|error| {
        let missing = error
            .as_service_error()
            .is_some_and(DescribeTableError::is_resource_not_found_exception);
        if missing {
            return Failure::wrong(format!(
                "there is no table `{}` in this account and region",
                wanted.table
            ))
            .hint("the stack's outputs name it; or name another region with --region");
        }
        Failure::outside(format!("could not describe the table `{}`", wanted.table))
            .because(&error)
            .hint("check the credentials, the permission `dynamodb:DescribeTable`, and --endpoint")
    })?;
    let table = Arc::new(Table::new(&client, &wanted.table, "dead-letters", SystemClock));
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
