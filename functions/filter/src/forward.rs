//! Forwarding over Kinesis.

use std::time::Duration;
use streamgauge_function::clients::Clients;
use streamgauge_kinesis::put::aws::AwsStream;
use streamgauge_kinesis::put::planner::Limits;
use streamgauge_kinesis::put::putter::put_all;
use streamgauge_kinesis::put::record::PutRecord;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::forward::{Forward, Outgoing};

/// How long the records of a batch may take. The function's 60 s hold this and what stands before and behind it.
const TIME_MAX: Duration = Duration::from_secs(40);
/// The largest record that a stream can be set to take
/// (<https://docs.aws.amazon.com/streams/latest/dev/large-records.html>). Kinesis judges what ours takes.
const RECORD_BYTES_MAX: usize = 10 << 20;

/// Puts into the source stream.
#[derive(Debug)]
pub(crate) struct KinesisForward {
    stream: AwsStream,
    name: String,
}

impl KinesisForward {
    /// Into the stream of this name.
    pub(crate) fn new(clients: &Clients, name: &str) -> Self {
        Self { stream: AwsStream::named(clients.kinesis(), name), name: name.to_owned() }
    }
}

impl Forward for KinesisForward {
    async fn forward(&self, records: Vec<Outgoing>) -> Result<(), Retryable> {
        let records =
            records.into_iter().map(|record| PutRecord::of_event(record.key, record.data));
        let limits = Limits { record_bytes: RECORD_BYTES_MAX, ..Limits::default() };
        match put_all(self.stream.clone(), records, limits, TIME_MAX).await {
            Ok(_) => Ok(()),
            Err(gave_up) => {
                let what = format!("could not forward all records to the stream `{}`", self.name);
                Err(Retryable::new(what).because(gave_up))
            }
        }
    }
}
