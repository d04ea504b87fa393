//! An invocation and its answer: what stands between the event sources and the functions.

use crate::stream::{SequenceNumber, ShardId};
use bytes::Bytes;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// The largest request of a synchronous invocation and of an event source mapping, in bytes. AWS says "6 MB" and its error
/// message gives this number: "Request must be smaller than 6291456 bytes for the `InvokeFunction` operation".
pub const REQUEST_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The largest response, in bytes. AWS's message: "Response payload size exceeded maximum allowed payload size (6291556
/// bytes)".
pub const RESPONSE_BYTES_MAX: usize = REQUEST_BYTES_MAX + 100;

/// What a function is asked.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's name.
    pub function: Arc<str>,
    /// The event, as JSON.
    pub payload: Bytes,
    /// Where it comes from. The function does not see it; reports and faults do.
    pub cause: Cause,
}

/// Where an invocation comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody invoked the function.
    Direct,
    /// Nobody waits for the answer: somebody invoked the function so, or a schedule did.
    Asynchronous {
        /// The schedule's name, if it was one.
        schedule: Option<Arc<str>>,
        /// 1 for the first time, at most 3.
        attempt: u32,
    },
    /// A batch of a shard.
    Kinesis(KinesisCause),
    /// A batch of messages.
    Sqs {
        /// The mapping's name.
        mapping: Arc<str>,
        /// The id of the first message.
        first: Arc<str>,
        /// How many messages.
        messages: usize,
        /// How often the first message was received, this time included.
        attempt: u32,
    },
}

/// The batch behind an invocation for a Kinesis mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KinesisCause {
    /// The mapping's name.
    pub mapping: Arc<str>,
    /// The shard.
    pub shard: ShardId,
    /// The first record.
    pub first: SequenceNumber,
    /// The last record.
    pub last: SequenceNumber,
    /// How many records.
    pub records: usize,
    /// 1 for the first time that this batch is sent.
    pub attempt: u32,
    /// How old the last record of the batch was when the function was asked (CloudWatch's `IteratorAge`).
    pub iterator_age_ms: u64,
}

/// The answer to an invocation.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The invocation's id.
    pub request_id: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it took.
    pub report: Report,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function answered.
    Answered(Bytes),
    /// The function ran and failed: an error that it told, a time-out, a process that ended.
    Failed(FunctionError),
    /// No environment was free: the function never ran.
    Throttled,
    /// The function could not be asked, or its answer was lost: nobody knows whether it ran.
    Unreachable(String),
}

/// How a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// Whether the runtime told it (`Handled`); time-outs, crashes and what `lambda_runtime` reports as the function's own
    /// error are `Unhandled` on AWS's custom runtimes.
    pub handled: bool,
    /// `errorType`: `Sandbox.Timedout`, `Runtime.ExitError`, or the function's own.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
    /// The whole error document, as a synchronous caller gets it.
    pub payload: Bytes,
}

/// What an invocation took, as the `REPORT` line of the function's log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// From the request to the answer.
    pub duration: Duration,
    /// What AWS bills: start-up and duration, rounded up to a millisecond.
    pub billed: Duration,
    /// How long the environment's start took, if this invocation began with one.
    pub init: Option<Duration>,
    /// The memory that the function may have, in MB.
    pub memory_mb: u32,
    /// The most memory that its process has had so far, in MB, where the system says so.
    pub memory_used_mb: Option<u32>,
    /// Which environment ran it: environments are counted from 1 per function. 0 if none did.
    pub environment: u32,
}

/// Whatever can be asked: the functions themselves, and the same with faults in between.
pub trait Invoke: Clone + Send + Sync + 'static {
    /// Asks a function and waits for the answer.
    fn invoke(&self, invocation: Invocation) -> impl Future<Output = Invoked> + Send;
}
