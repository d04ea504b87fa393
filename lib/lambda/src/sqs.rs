//! The SQS event source mapping: polls a queue, makes batches, invokes the function, and deletes what it did.
//!
//! A message stays in the queue until a function did it, hidden for the queue's visibility time-out from when it was
//! received. So there is nothing to send back: what fails is left alone and is visible again by itself, as often as the
//! redrive policy lets it. Guide: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>.
//!
//! The parts, in the order in which a message meets them: [`scale`] (how many pollers), [`batch`] (when a batch is full),
//! [`event`] (what the function gets), [`answer`] (what to delete) decide with pure functions; [`poller`] and [`work`] do what
//! they say.
//!
//! # As AWS documents it
//!
//! - A batch goes to the function when the batching window ends, its number of messages is reached, or the next message would
//!   make the event larger than 6 MB. More than 10 messages need a window of at least 1 s.
//! - The function failed, timed out, or crashed: all messages come back by visibility. It answered: all are deleted; with
//!   `ReportBatchItemFailures`, all but the failed ones, see [`answer`].
//! - Throttled: the invocation is tried again, less and less often, until the messages' visibility ends.
//! - Polling begins with 5 batches at a time and grows by up to 300 per minute, to the maximum concurrency or 1,000.
//! - At least once: a message comes again whenever it was not deleted while hidden, be it done or not.
//!
//! # What is our choice, or not imitated
//!
//! - The window counts from when the first message is received, and ends exactly; AWS may wait for up to 20 s.
//! - AWS says that it backs off and polls less after errors and throttles, and shrinks to 2 batches at a time on quiet
//!   queues. Here errors change nothing, throttles only keep the pollers from growing, and pollers beyond the first 5 end
//!   when a long poll finds nothing.
//! - Each poller makes a batch of its own: messages that trickle in during a window are spread over several batches.
//! - After a throttle the first pause is 1 s, doubled up to 60 s.
//! - FIFO queues, filters and provisioned pollers are not imitated.
//! - When stopped, batches with the function are seen to their end; messages received for a batch that is not full come back
//!   by visibility.

mod answer;
mod batch;
mod event;
mod poller;
mod scale;
mod work;

pub use poller::{SqsPoller, SqsSource};

use crate::stack::SqsMapping;
use std::time::Duration;
use thiserror::Error;

/// The range of `BatchSize`. All limits of mappings:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>.
pub const BATCH_MESSAGES_MAX: usize = 10_000;
/// The largest `BatchSize` without a batching window.
pub const BATCH_MESSAGES_WITHOUT_WINDOW_MAX: usize = 10;
/// The longest `MaximumBatchingWindowInSeconds`.
pub const BATCHING_WINDOW_MAX: Duration = Duration::from_mins(5);
/// The range of `MaximumConcurrency`: <https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html>.
pub const CONCURRENCY_MIN: usize = 2;
/// The other end of it.
pub const CONCURRENCY_MAX: usize = 1_000;

/// Why AWS would not take a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the event source mapping {mapping} {problem}; {remedy}")]
pub struct MappingError {
    /// The mapping's name.
    pub mapping: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

/// Whether AWS would take a mapping, by itself.
pub fn check(mapping: &SqsMapping) -> Result<(), MappingError> {
    let refuse = |problem: String, remedy: &str| {
        let (mapping, remedy) = (mapping.name.to_string(), remedy.to_owned());
        Err(MappingError { mapping, problem, remedy })
    };
    let (messages, window) = (mapping.batch_messages_max, mapping.batching_window);
    if !(1..=BATCH_MESSAGES_MAX).contains(&messages) {
        return refuse(format!("has BatchSize {messages}"), "write 1 to 10000");
    }
    if window > BATCHING_WINDOW_MAX {
        let problem = format!("has MaximumBatchingWindowInSeconds {}", window.as_secs());
        return refuse(problem, "write 0 to 300");
    }
    if messages > BATCH_MESSAGES_WITHOUT_WINDOW_MAX && window < Duration::from_secs(1) {
        let problem = format!("has BatchSize {messages} and no batching window");
        return refuse(
            problem,
            "set MaximumBatchingWindowInSeconds to 1 or more, or BatchSize to 10",
        );
    }
    match mapping.concurrency_max {
        Some(max) if !(CONCURRENCY_MIN..=CONCURRENCY_MAX).contains(&max) => {
            refuse(format!("has MaximumConcurrency {max}"), "write 2 to 1000")
        }
        _ => Ok(()),
    }
}

/// Whether a function's time-out and the queue's visibility time-out go together: AWS refuses a mapping whose function may
/// take longer than its messages are hidden (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>).
pub fn check_visibility(
    mapping: &SqsMapping,
    function_timeout: Duration,
    visibility: Duration,
) -> Result<(), MappingError> {
    if function_timeout <= visibility {
        return Ok(());
    }
    Err(MappingError {
        mapping: mapping.name.to_string(),
        problem: format!(
            "invokes a function that may take {} s, but the queue hides messages for {} s only",
            function_timeout.as_secs(),
            visibility.as_secs()
        ),
        remedy: "set VisibilityTimeout to at least the function's Timeout; AWS advises six times"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests;
