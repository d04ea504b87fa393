//! All ports of a function over AWS, in one.

use crate::clients::Clients;
use crate::diagnostic::Failure;
use crate::rules::DeployedRules;
use crate::settings::{Settings, Start, variables::Role};
use crate::wake::SqsWake;
use std::sync::Arc;
use streamgauge_dynamodb::{Consumed, DynamoLog, DynamoSnapshots, Table};
use streamgauge_kinesis::stream::{self, KinesisStream, Mapping};
use streamgauge_pipeline::system_clock::SystemClock;
use streamgauge_pipeline::world::World;

/// What names this process to others in a table: Lambda gives each environment a log stream of its own.
const WRITER: &str = "AWS_LAMBDA_LOG_STREAM_NAME";

/// The table, the streams, the queues and the clock.
#[derive(Debug)]
pub struct AwsWorld {
    table: Arc<Table<SystemClock>>,
    log: DynamoLog<SystemClock>,
    snapshots: DynamoSnapshots<SystemClock>,
    streams: Vec<KinesisStream<SystemClock>>,
    wake: SqsWake,
    clock: SystemClock,
    rules: DeployedRules,
}

/// Says what calls to the table have consumed: it comes with their answers, so asking costs nothing.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Table<SystemClock>>);

impl Meter {
    /// The capacity units since this was last asked. Those of an invocation that failed stand in the next one's.
    pub fn take(&self) -> Consumed {
        self.0.take_consumed()
    }
}

/// The name of a stream, which its ARN ends with.
pub fn stream_name(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

impl AwsWorld {
    /// The world of the function that this process is, and its settings.
    pub fn of_process(role: Role) -> Result<(Self, Settings), Failure> {
        let settings = Settings::of_process(role)?;
        let rules = DeployedRules::load(&settings.rules, &|name| std::env::var(name).ok())?;
        let world = Self::new(&Clients::of_process(), &settings, rules);
        Ok((world, settings))
    }

    /// The world of a function with these settings. Nothing is called yet.
    pub fn new(clients: &Clients, settings: &Settings, rules: DeployedRules) -> Self {
        let writer = std::env::var(WRITER).unwrap_or_default();
        let table =
            Arc::new(Table::new(&clients.dynamodb(), &settings.table, &writer, SystemClock));
        let start = match settings.start {
            Start::TrimHorizon => stream::Start::TrimHorizon,
            Start::At(time) => stream::Start::At(time),
        };
        let mapping = Mapping { start, record_age_max: settings.max_record_age };
        let has_streams = !settings.streams.is_empty() || !settings.upstreams.is_empty();
        // Deliver asks no stream, and its start does without a client for them.
        let kinesis = has_streams.then(|| clients.kinesis());
        let streams = kinesis.iter().flat_map(|client| {
            let stream =
                |name: &String| KinesisStream::new(client.clone(), name, mapping, SystemClock);
            let upstreams = settings.upstreams.iter().map(move |name| stream(name).upstream());
            settings.streams.iter().map(stream).chain(upstreams)
        });
        let queues = (settings.settle_queue.clone(), settings.deliver_queue.clone());
        Self {
            log: DynamoLog::new(Arc::clone(&table)),
            snapshots: DynamoSnapshots::new(Arc::clone(&table)),
            table,
            streams: streams.collect(),
            wake: SqsWake::new(clients.sqs(), queues.0, queues.1),
            clock: SystemClock,
            rules,
        }
    }

    /// What tells the units that the calls of this world consume, also when the world is a function's own.
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.table))
    }
}

impl World for AwsWorld {
    type Log = DynamoLog<SystemClock>;
    type Snapshots = DynamoSnapshots<SystemClock>;
    type Stream = KinesisStream<SystemClock>;
    type Wake = SqsWake;
    type Clock = SystemClock;
    type Rules = DeployedRules;

    fn log(&self) -> &Self::Log {
        &self.log
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.snapshots
    }

    fn streams(&self) -> &[Self::Stream] {
        &self.streams
    }

    fn wake(&self) -> &Self::Wake {
        &self.wake
    }

    fn clock(&self) -> &Self::Clock {
        &self.clock
    }

    fn rules(&self) -> &Self::Rules {
        &self.rules
    }
}
