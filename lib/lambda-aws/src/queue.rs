//! An SQS queue over the SDK. Queues are found by their names, of the account of the credentials, and the URL is asked for once.

use crate::error::queue_error;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    self, DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::queue::{
    Depth, Message, MessageAttribute, Queue, QueueError, RECEIVE_MESSAGES_MAX,
};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long one call waits for a message at most, in seconds:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.
const WAIT_SECONDS_MAX: u64 = 20;
/// By how much a message can be delayed, in seconds:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
const DELAY_SECONDS_MAX: u64 = 900;
/// Messages that one call deletes:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html>.
const DELETE_MESSAGES_MAX: usize = 10;

/// A queue.
#[derive(Clone, Debug)]
pub struct AwsQueue {
    client: Client,
    arn: Arn,
    url: Arc<OnceCell<String>>,
}

impl AwsQueue {
    pub(crate) fn new(client: Client, arn: &Arn) -> Self {
        Self { client, arn: arn.clone(), url: Arc::default() }
    }

    fn name(&self) -> &str {
        self.arn.name()
    }

    async fn url(&self) -> Result<&str, QueueError> {
        let asked = self.url.get_or_try_init(|| async {
            let got = self.client.get_queue_url().queue_name(self.name()).send().await;
            let url = got.map_err(|error| queue_error(self.name(), &error))?.queue_url;
            url.ok_or_else(|| QueueError::Other("it has no URL".to_owned()))
        });
        asked.await.map(String::as_str)
    }

    /// Attributes that are numbers, in the order of their names.
    async fn numbers<const N: usize>(
        &self,
        names: [QueueAttributeName; N],
    ) -> Result<[u64; N], QueueError> {
        let asked = self.client.get_queue_attributes().queue_url(self.url().await?);
        let got = asked.set_attribute_names(Some(names.to_vec())).send().await;
        let got = got.map_err(|error| queue_error(self.name(), &error))?;
        let mut numbers = [0; N];
        for (number, name) in numbers.iter_mut().zip(&names) {
            let told = got.attributes().and_then(|attributes| attributes.get(name)?.parse().ok());
            *number = told.ok_or_else(|| QueueError::Other(format!("it tells no {name}")))?;
        }
        Ok(numbers)
    }
}

impl Queue for AwsQueue {
    fn arn(&self) -> &Arn {
        &self.arn
    }

    async fn visibility(&self) -> Result<Duration, QueueError> {
        let [seconds] = self.numbers([QueueAttributeName::VisibilityTimeout]).await?;
        Ok(Duration::from_secs(seconds))
    }

    /// On AWS these are approximate.
    async fn depth(&self) -> Result<Depth, QueueError> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let [visible, in_flight, delayed] =
            self.numbers(names).await?.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        Ok(Depth { visible, in_flight, delayed })
    }

    /// Waits in whole seconds, rounded up, and in as many calls as it takes.
    async fn receive(
        &self,
        messages_max: usize,
        wait: Duration,
    ) -> Result<Vec<Message>, QueueError> {
        let messages_max = i32::try_from(messages_max.clamp(1, RECEIVE_MESSAGES_MAX)).unwrap_or(1);
        let asked = Instant::now();
        let mut left = wait;
        loop {
            let received = self.client.receive_message().queue_url(self.url().await?);
            let received = received
                .wait_time_seconds(integer(whole_seconds(left).min(WAIT_SECONDS_MAX)))
                .max_number_of_messages(messages_max)
                .message_system_attribute_names(MessageSystemAttributeName::All)
                .message_attribute_names("All")
                .send()
                .await
                .map_err(|error| queue_error(self.name(), &error))?;
            let messages = received.messages.unwrap_or_default();
            left = wait.saturating_sub(asked.elapsed());
            if !messages.is_empty() || left.is_zero() {
                return Ok(messages.into_iter().map(message).collect());
            }
        }
    }

    /// Deletes ten at a time. Some may be deleted when it fails.
    async fn delete(&self, receipts: &[String]) -> Result<(), QueueError> {
        for chunk in receipts.chunks(DELETE_MESSAGES_MAX) {
            let mut delete = self.client.delete_message_batch().queue_url(self.url().await?);
            for (number, receipt) in chunk.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                let entry = entry.receipt_handle(receipt).build();
                delete = delete.entries(entry.map_err(|error| other(&error))?);
            }
            let deleted = delete.send().await.map_err(|error| queue_error(self.name(), &error))?;
            if let Some(failed) = deleted.failed().first() {
                let count = deleted.failed().len();
                let (code, why) = (failed.code(), failed.message().unwrap_or_default());
                return Err(QueueError::Other(format!(
                    "{count} of {} messages were not deleted: {code}: {why}",
                    chunk.len()
                )));
            }
        }
        Ok(())
    }

    /// The delay is in whole seconds, rounded up, at most 15 minutes.
    async fn send(&self, body: &str, delay: Duration) -> Result<(), QueueError> {
        let seconds = whole_seconds(delay);
        if seconds > DELAY_SECONDS_MAX {
            return Err(QueueError::Other(format!(
                "a message cannot be delayed by {seconds} s; {DELAY_SECONDS_MAX} s is the most"
            )));
        }
        let send = self.client.send_message().queue_url(self.url().await?).message_body(body);
        send.delay_seconds(integer(seconds))
            .send()
            .await
            .map(drop)
            .map_err(|error| queue_error(self.name(), &error))
    }
}

fn other(error: &dyn std::error::Error) -> QueueError {
    QueueError::Other(error.to_string())
}

/// Seconds, rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// A number of seconds that is known to be small.
fn integer(seconds: u64) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn message(received: types::Message) -> Message {
    let attributes = received.attributes.unwrap_or_default();
    let added = received.message_attributes.unwrap_or_default();
    Message {
        id: received.message_id.unwrap_or_default(),
        receipt: received.receipt_handle.unwrap_or_default(),
        body: received.body.unwrap_or_default(),
        md5_of_body: received.md5_of_body.unwrap_or_default(),
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.as_str().to_owned(), value))
            .collect(),
        message_attributes: added
            .into_iter()
            .map(|(name, value)| (name, attribute(value)))
            .collect(),
    }
}

fn attribute(added: types::MessageAttributeValue) -> MessageAttribute {
    MessageAttribute {
        data_type: added.data_type,
        string_value: added.string_value,
        binary_value: added.binary_value.map(|value| STANDARD.encode(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows it milliseconds: whole seconds.
    #[track_caller]
    fn check(milliseconds: u64, expect: u64) {
        assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), expect);
    }

    #[test]
    fn waits_are_rounded_up() {
        check(0, 0);
        check(1, 1);
        check(1_000, 1);
        check(1_001, 2);
    }
}
