//! What comes in: records into streams and messages into queues, wherever these are.

use super::session::NewRecord;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::embedded::Embedded;
use streamgauge_lambda::embedded::queue::NewMessage;
use streamgauge_lambda::embedded::stream::PutRecord;
use streamgauge_lambda::services::Services;

/// Whatever takes records and messages.
pub(super) trait Supply {
    /// Puts records into a stream, in order.
    fn put(
        &self,
        stream: &Arn,
        records: Vec<NewRecord>,
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Sends messages to a queue.
    fn send(
        &self,
        queue: &Arn,
        bodies: Vec<String>,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

impl Supply for Embedded {
    async fn put(&self, stream: &Arn, records: Vec<NewRecord>) -> Result<(), String> {
        let records = records.into_iter().map(|record| PutRecord {
            partition_key: record.partition_key.into(),
            explicit_hash_key: None,
            data: record.data,
        });
        self.stream(stream).put_many(records).map(drop).map_err(|(_, error)| error.to_string())
    }

    async fn send(&self, queue: &Arn, bodies: Vec<String>) -> Result<(), String> {
        let queue = self.queue(queue);
        for body in bodies {
            let message = NewMessage { body, ..NewMessage::default() };
            queue.put(message).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
