//! What is counted. Some units have a price, the others explain the run.

/// The bytes of a KB, as all of AWS's units of data count it.
pub const KB: u64 = 1024;

/// A unit of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Calls that came in, whatever became of them.
    Calls,
    /// Calls that were answered with an error, by the stand-in or by the meter.
    Errors,
    /// Calls that a limit refused, and records of a batch that it refused.
    Limited,
    /// Faults that were injected: a refusal, a lost answer, a closed connection, a delay, a failed record.
    Faults,
    /// Calls whose units are a guess, because neither the stand-in nor the answer says enough.
    Guessed,
    /// Bodies of a metered operation that could not be read, and so are counted as calls only.
    Unread,
    /// `DynamoDB` write request units.
    WriteUnits,
    /// Halves of `DynamoDB` read request units: an eventually consistent read of 4 KB is one.
    HalfReadUnits,
    /// Kinesis PUT payload units of 25 KB.
    PutPayloadUnits,
    /// Records that were put.
    RecordsIn,
    /// Bytes of data and partition keys that were put.
    BytesIn,
    /// The same with each record rounded up to 1 KB, which an on-demand stream bills.
    RoundedBytesIn,
    /// Records that were read.
    RecordsOut,
    /// Bytes of data that were read.
    BytesOut,
    /// Seconds that a shard of a provisioned stream was open.
    ShardSeconds,
    /// Seconds that an on-demand stream existed.
    StreamSeconds,
    /// Requests to a standard queue: each 64 KB of payload is one.
    Requests,
    /// The same to a FIFO queue.
    FifoRequests,
    /// Messages that were sent.
    MessagesIn,
    /// Messages that were received.
    MessagesOut,
    /// `CloudWatch` requests other than `GetMetricData`.
    MetricRequests,
    /// Data in `PutMetricData`.
    Data,
    /// Hours in which a metric got data: each metric counts once an hour.
    MetricHours,
    /// Metrics that `GetMetricData` was asked for.
    MetricsRequested,
    /// S3 requests of the class of PUT: PUT, COPY, POST, LIST.
    PutRequests,
    /// S3 requests of the class of GET.
    GetRequests,
    /// Invocations of a function.
    Invocations,
    /// Memory times billed time of a function on `x86_64`, in MB and milliseconds; arm64 costs a fifth less.
    MbMilliseconds,
}

impl Unit {
    /// The name, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Errors => "errors",
            Self::Limited => "limited",
            Self::Faults => "faults",
            Self::Guessed => "guessed",
            Self::Unread => "unread",
            Self::WriteUnits => "write units",
            Self::HalfReadUnits => "half read units",
            Self::PutPayloadUnits => "put payload units",
            Self::RecordsIn => "records in",
            Self::BytesIn => "bytes in",
            Self::RoundedBytesIn => "bytes in by 1 KB",
            Self::RecordsOut => "records out",
            Self::BytesOut => "bytes out",
            Self::ShardSeconds => "shard seconds",
            Self::StreamSeconds => "stream seconds",
            Self::Requests => "requests",
            Self::FifoRequests => "fifo requests",
            Self::MessagesIn => "messages in",
            Self::MessagesOut => "messages out",
            Self::MetricRequests => "metric requests",
            Self::Data => "data",
            Self::MetricHours => "metric hours",
            Self::MetricsRequested => "metrics requested",
            Self::PutRequests => "put requests",
            Self::GetRequests => "get requests",
            Self::Invocations => "invocations",
            Self::MbMilliseconds => "MB ms (x86_64)",
        }
    }
}

/// An amount of a unit.
pub type Charge = (Unit, u64);

/// The length of a list or text as a number of the meter.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The bytes that base64 text stands for, without decoding it.
pub(crate) fn base64_bytes(text: &str) -> u64 {
    let text = text.trim_end_matches('=');
    count(text.len()) * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn base64_is_as_long_as_what_it_decodes_to(data in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(base64_bytes(&STANDARD.encode(&data)), count(data.len()));
            prop_assert_eq!(base64_bytes(&STANDARD_NO_PAD.encode(&data)), count(data.len()));
        }
    }
}
