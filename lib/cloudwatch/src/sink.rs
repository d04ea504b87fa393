//! The calls themselves.
//!
//! One put is one attempt on a connection of its own ([`streamgauge_aws`]): `CloudWatch` would count a call twice that the SDK
//! makes again; the lane knows better, since it can look for the receipt.

use crate::data::{self, RECEIPT_METRIC};
use crate::outcome;
use crate::pack::{self, Call};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use aws_sdk_cloudwatch::error::DisplayErrorContext;
use aws_sdk_cloudwatch::types::{
    Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
pub use streamgauge_aws::CALL_TIME_MAX;
use streamgauge_aws::Watch;
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::points::{Packed, Points, Queued, Receipt};
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use tracing::warn;

/// From this size on bodies are packed with gzip, in bytes. Names and dimensions repeat, so that a tenth is left of a full call.
const PACKED_FROM_BYTES: u32 = 1_024;
/// The resolution of the receipts in seconds.
const RECEIPT_PERIOD_SECONDS: i32 = 60;

/// `CloudWatch` of an account and region.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// Over the SDK, as it is configured (region, credentials, endpoint), except for what a call must be here: one attempt,
    /// in limited time, packed.
    pub fn new(config: Builder) -> Self {
        let config = config
            .retry_config(RetryConfig::disabled())
            .timeout_config(streamgauge_aws::times())
            .disable_request_compression(false)
            .request_min_compression_size_bytes(PACKED_FROM_BYTES);
        Self { client: Client::from_conf(config.build()) }
    }
}

impl Points for CloudWatch {
    type Call = Call;

    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<Call> {
        pack::pack(points, receipt, now)
    }

    async fn put(&self, call: &Call) -> Delivery {
        let watch = Watch::default();
        let put = self.client.put_metric_data().namespace(&call.namespace);
        let put = put.set_metric_data(Some(call.data.clone())).customize();
        let Err(error) = put.interceptor(watch.clone()).send().await else {
            return Delivery::Delivered;
        };
        let outcome = outcome::of_error(&error, watch.reached(&error));
        // The outcome says what to do and not always why.
        warn!(namespace = call.namespace, ?outcome, error = %DisplayErrorContext(&error), "put no points");
        outcome
    }

    /// Counts the receipts of its minute: each call adds one, so the n-th was taken if there are n.
    async fn was_taken(&self, receipt: &Receipt) -> Result<bool, Retryable> {
        let Receipt { namespace, partition, minute, number } = receipt;
        let metric = Metric::builder().namespace(namespace).metric_name(RECEIPT_METRIC);
        let metric = metric.dimensions(data::receipt_dimension(receipt)).build();
        let statistic = MetricStat::builder().metric(metric).period(RECEIPT_PERIOD_SECONDS);
        let query = MetricDataQuery::builder().id("receipts");
        let query = query.metric_stat(statistic.stat("SampleCount").build()).build();
        let get = self.client.get_metric_data().metric_data_queries(query);
        let get =
            get.start_time(data::stamp(*minute)).end_time(data::stamp(minute.plus(MINUTE_MS)));
        let failed = || {
            let partition = partition.number();
            Retryable::new(format!(
                "could not count the receipts of partition {partition} in namespace `{namespace}` at {minute}"
            ))
        };
        let got = get.send().await.map_err(|error| failed().because(error))?;
        let results = got.metric_data_results();
        let count: f64 = results.iter().flat_map(MetricDataResult::values).sum();
        let is_complete = |status: Option<&StatusCode>| {
            status.is_none_or(|status| *status == StatusCode::Complete)
        };
        if count >= f64::from(*number) {
            Ok(true)
        } else if results.iter().all(|result| is_complete(result.status_code())) {
            Ok(false)
        } else {
            Err(failed().because("the answer was not complete"))
        }
    }
}

impl Sink for CloudWatch {
    type Entry = Call;

    async fn deliver(&self, call: &Call) -> Delivery {
        self.put(call).await
    }
}

#[cfg(test)]
mod tests;
