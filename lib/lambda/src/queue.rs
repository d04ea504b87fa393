//! The port to an SQS queue: messages are received, hidden for a while, and deleted or seen again.
//!
//! Adapters: [`crate::embedded`] in this process; `streamgauge-lambda-aws` over the AWS SDK.

use crate::arn::Arn;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;
use thiserror::Error;

/// One message, as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same each time that it is received.
    pub id: String,
    /// What deletes it: valid for this time that it was received.
    pub receipt: String,
    /// The text.
    pub body: String,
    /// The MD5 of the text, in hexadecimal.
    pub md5_of_body: String,
    /// `ApproximateReceiveCount`, `SentTimestamp` and the like.
    pub attributes: BTreeMap<String, String>,
    /// What the sender added.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
}

/// One attribute that the sender of a message added. A binary value is base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary`, or one of these with `.` and a name of the sender's.
    pub data_type: String,
    /// The value of a string or number.
    pub string_value: Option<String>,
    /// The value of a binary, as base64.
    pub binary_value: Option<String>,
}

/// How many messages a queue holds. On AWS these are approximate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// `ApproximateNumberOfMessages`: can be received.
    pub visible: usize,
    /// `ApproximateNumberOfMessagesNotVisible`: received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// `ApproximateNumberOfMessagesDelayed`: sent, and not yet to be seen.
    pub delayed: usize,
}

impl Depth {
    /// All messages.
    pub fn total(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

/// Why the queue gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueueError {
    /// There is no such queue.
    #[error("the queue {0} was not found")]
    NotFound(String),
    /// All else; try later.
    #[error("the queue could not be used: {0}")]
    Other(String),
}

/// Messages of one call at most: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.
pub const RECEIVE_MESSAGES_MAX: usize = 10;

/// A queue.
pub trait Queue: Clone + Send + Sync + 'static {
    /// Its name.
    fn arn(&self) -> &Arn;

    /// How long a received message is hidden.
    fn visibility(&self) -> impl Future<Output = Result<Duration, QueueError>> + Send;

    /// Messages that are there, at most `messages_max` and [`RECEIVE_MESSAGES_MAX`], each hidden from then on for the
    /// queue's visibility time-out. Waits for the first one up to `wait` of the simulator's time, and gives nothing only
    /// when that has passed: who polls does not pause on his own. A service that waits in whole seconds is asked again.
    fn receive(
        &self,
        messages_max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send;

    /// Deletes messages by their receipts, any number of them.
    fn delete(&self, receipts: &[String]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Sends a message that is seen after `delay`.
    fn send(
        &self,
        body: &str,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// How many messages it holds, as far as it tells.
    fn depth(&self) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}
