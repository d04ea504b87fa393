//! The table, the bucket and the streams of a stack. Without the feature `aws` there are none.

use crate::exit::Failure;
use streamgauge_engine::time::Timestamp;
use streamgauge_kinesis::put::PutRecords;
use streamgauge_pipeline::port::log::Log;
use streamgauge_pipeline::port::source::ShardKey;

#[cfg(feature = "aws")]
pub(super) use with_sdk::open;
#[cfg(not(feature = "aws"))]
pub(super) use without_sdk::open;

#[cfg(feature = "aws")]
mod with_sdk;

/// What dead letters are looked for in, and put into.
pub(super) trait Stack {
    /// The logs.
    type Log: Log;
    /// A stream.
    type Put: PutRecords;

    /// The logs.
    fn log(&self) -> &Self::Log;

    /// What time it is.
    fn now(&self) -> Timestamp;

    /// The shards that a stream lists now; none if there is no such stream.
    async fn shards(&self, stream: &str) -> Result<Vec<ShardKey>, Failure>;

    /// The documents that were put into the bucket from a time on, each with its name; none without a bucket.
    async fn documents(&self, since: Timestamp) -> Result<Vec<(String, String)>, Failure>;

    /// A stream, and how many bytes a record of it may have.
    async fn stream(&self, name: &str) -> Result<(Self::Put, usize), Failure>;
}

#[cfg(not(feature = "aws"))]
mod without_sdk {
    use super::Stack;
    use crate::arguments::Wanted;
    use crate::exit::Failure;
    use crate::sdk;
    use std::future::{Ready, ready};
    use streamgauge_engine::time::Timestamp;
    use streamgauge_kinesis::put::memory::MemoryStream;
    use streamgauge_pipeline::memory::{MemoryLog, VirtualClock};
    use streamgauge_pipeline::port::source::ShardKey;

    /// What nothing can be found in.
    #[derive(Debug)]
    pub(in super::super) enum NoStack {}

    impl Stack for NoStack {
        type Log = MemoryLog<VirtualClock>;
        type Put = MemoryStream;

        fn log(&self) -> &Self::Log {
            match *self {}
        }

        fn now(&self) -> Timestamp {
            match *self {}
        }

        async fn shards(&self, _: &str) -> Result<Vec<ShardKey>, Failure> {
            match *self {}
        }

        async fn documents(&self, _: Timestamp) -> Result<Vec<(String, String)>, Failure> {
            match *self {}
        }

        async fn stream(&self, _: &str) -> Result<(MemoryStream, usize), Failure> {
            match *self {}
        }
    }

    pub(in super::super) fn open(_: &Wanted) -> Ready<Result<NoStack, Failure>> {
        ready(Err(sdk::absent("`dead-letters`")))
    }
}
