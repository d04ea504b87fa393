//! The logs and snapshots of a stack. Without the feature `aws` there are none.

use streamgauge_pipeline::port::log::Log;
use streamgauge_pipeline::port::snapshots::Snapshots;

#[cfg(feature = "aws")]
pub(super) use with_sdk::open;
#[cfg(not(feature = "aws"))]
pub(super) use without_sdk::open;

/// What is explained.
pub(super) trait Stack {
    /// The logs.
    type Log: Log;
    /// The snapshots.
    type Snapshots: Snapshots;

    /// The logs.
    fn log(&self) -> &Self::Log;

    /// The snapshots.
    fn snapshots(&self) -> &Self::Snapshots;
}

#[cfg(feature = "aws")]
mod with_sdk {
    use super::Stack;
    use crate::arguments::ExplainArguments;
    use crate::exit::Failure;
    use crate::stack_table::{self, Place};
    use std::sync::Arc;
    use streamgauge_dynamodb::{DynamoLog, DynamoSnapshots};
    use streamgauge_pipeline::system_clock::SystemClock;

    /// A table.
    #[derive(Debug)]
    pub(in super::super) struct AwsStack {
        log: DynamoLog<SystemClock>,
        snapshots: DynamoSnapshots<SystemClock>,
    }

    impl Stack for AwsStack {
        type Log = DynamoLog<SystemClock>;
        type Snapshots = DynamoSnapshots<SystemClock>;

        fn log(&self) -> &Self::Log {
            &self.log
        }

        fn snapshots(&self) -> &Self::Snapshots {
            &self.snapshots
        }
    }

    pub(in super::super) async fn open(arguments: &ExplainArguments) -> Result<AwsStack, Failure> {
        let ExplainArguments { endpoint, region, .. } = arguments;
        let place = Place { endpoint: endpoint.as_deref(), region: region.as_deref() };
        let name = arguments.table.as_deref().unwrap_or_default();
        let (_, table) = stack_table::open(name, place, "explain").await?;
        let (log, snapshots) = (DynamoLog::new(Arc::clone(&table)), DynamoSnapshots::new(table));
        Ok(AwsStack { log, snapshots })
    }
}

#[cfg(not(feature = "aws"))]
mod without_sdk {
    use super::Stack;
    use crate::arguments::ExplainArguments;
    use crate::exit::Failure;
    use crate::sdk;
    use std::future::{Ready, ready};
    use streamgauge_pipeline::memory::{MemoryLog, MemorySnapshots, VirtualClock};

    /// What nothing can be found in.
    #[derive(Debug)]
    pub(in super::super) enum NoStack {}

    impl Stack for NoStack {
        type Log = MemoryLog<VirtualClock>;
        type Snapshots = MemorySnapshots<VirtualClock>;

        fn log(&self) -> &Self::Log {
            match *self {}
        }

        fn snapshots(&self) -> &Self::Snapshots {
            match *self {}
        }
    }

    pub(in super::super) fn open(_: &ExplainArguments) -> Ready<Result<NoStack, Failure>> {
        ready(Err(sdk::absent("`explain --table`")))
    }
}
