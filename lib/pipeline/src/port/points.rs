//! Where points go: a place that adds up what it is sent and knows no identity of a call, as `CloudWatch` does.
//!
//! A call that is made twice counts twice, and an answer can be lost. So every call carries a *receipt*: the value 1 on a metric
//! of our own in the same namespace, with the partition as its dimension, stamped with a minute. Calls of a partition go one
//! after another and are numbered per namespace and minute; a call is taken whole or not at all; so the samples of that minute
//! say whether call `number` was taken, whatever else was in it:
//!
//! ```text
//! put(call 1) ──► Delivered     samples 1
//! put(call 2) ──► Unknown       samples 2: it was taken, go on     samples 1: it was not, put it again
//! ```

use super::sink::Delivery;
use super::{Partition, Retryable};
use crate::publication::{PublishedMetric, PublishedPoint};
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};

/// How long after a call it is asked for at the earliest, in milliseconds: a metric that is new can be read after about two
/// minutes (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html>).
pub const READ_BACK_MS: Millis = 5 * MINUTE_MS;

/// A point that waits, with what its metric shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queued<'a> {
    /// Its metric.
    pub metric: &'a PublishedMetric,
    /// The point.
    pub point: &'a PublishedPoint,
}

/// What goes with a call so that it can be found again: the n-th call of this partition in this namespace in this minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The namespace of the call's points.
    pub namespace: String,
    /// The partition that makes the call.
    pub partition: Partition,
    /// The minute that the receipt is stamped with: a whole one.
    pub minute: Timestamp,
    /// The call's number, from 1; calls that were not taken are not numbered.
    pub number: u32,
}

/// What one call takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed<C> {
    /// The call; absent: there is nothing to send of `points`.
    pub call: Option<C>,
    /// How many of the points, from the front, it covers, with those that are refused and those that give nothing: at least 1.
    pub points: usize,
    /// Points that can never be sent, by their place from the front, and why: they go to the dead letters.
    pub refused: Vec<(usize, String)>,
}

/// Takes points.
pub trait Points: Send + Sync {
    /// One call, ready to be made.
    type Call: Send + Sync;

    /// The next call: as many points from the front as one call takes, up to the first of another namespace than the receipt's,
    /// which is that of the first. [`PointKind::Recorded`](crate::publication::PointKind::Recorded) ones give nothing. What the
    /// other end would refuse for its form or its age is refused here, so that it never goes into a loop. Pure.
    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<Self::Call>;

    /// Makes a call, once: nothing below may make it again. Ends within the time that its adapter was given for a call, with
    /// [`Delivery::Unknown`] if no answer has come.
    fn put(&self, call: &Self::Call) -> impl Future<Output = Delivery> + Send;

    /// Whether the call with this receipt was taken, asked not before [`READ_BACK_MS`] after it.
    fn was_taken(&self, receipt: &Receipt) -> impl Future<Output = Result<bool, Retryable>> + Send;
}
