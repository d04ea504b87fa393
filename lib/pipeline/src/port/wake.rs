//! Wake-ups: a function is told to look at a partition. They carry nothing else, so nothing is lost with one.
//!
//! A wake-up may repeat (two invocations at a time are harmless: compare-and-swap) and may be lost (a schedule ticks too).

use super::{Partition, Retryable};
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};

/// The furthest that a wake-up can be put off, in milliseconds: the longest delay of an SQS message
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
pub const WAKE_DELAY_MS_MAX: Millis = 15 * MINUTE_MS;

/// A function that is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Reads shard logs, appends to the settle log.
    Settle,
    /// Follows the settle log, calls the sinks.
    Deliver,
}

/// Who is to look, and at what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WakeUp {
    /// The function.
    pub function: Function,
    /// The partition.
    pub partition: Partition,
}

/// When to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As soon as may be.
    Now,
    /// Not before this time; one further off than [`WAKE_DELAY_MS_MAX`] is woken after that, to look and wait again.
    At(Timestamp),
}

/// Wakes functions.
pub trait Wake: Send + Sync {
    /// Wakes this function for this partition, then.
    fn wake(
        &self,
        wake_up: WakeUp,
        when: When,
    ) -> impl Future<Output = Result<(), Retryable>> + Send;
}
