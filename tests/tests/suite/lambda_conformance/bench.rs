//! The bench: a stack with the probe on embedded services, before it runs.

use super::stand::Stand;
use super::watch::Watch;
use super::world::World;
use crate::suite::lambda_runtime::{Folder, Plan};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::Observer;
use streamgauge_lambda::interfere::{Harmless, Interfere, Interference, Place};
use streamgauge_lambda::kinesis::Checkpoints;
use streamgauge_lambda::runtime::RuntimeSettings;
use streamgauge_lambda::simulator::{Simulator, SimulatorSettings};
use streamgauge_lambda::stack::{
    AsynchronousSettings, Destination, Function, KinesisMapping, QueueResource, SqsMapping, Stack,
    StreamResource,
};
use streamgauge_lambda::stream::{Record, Start};

pub(super) const REGION: &str = "eu-west-1";
pub(super) const ACCOUNT: &str = "000000000000";
/// The UUID of the mapping from the stream.
pub(super) const UUID: &str = "11111111-2222-4333-8444-555555555555";
/// How fast the simulator's time passes, if a test says nothing else: a minute in an eighth of a second.
pub(super) const SPEED: u32 = 500;

/// A stack before it runs.
pub(super) struct Bench {
    pub(super) folder: Folder,
    pub(super) clock: Clock,
    pub(super) world: World,
    pub(super) stack: Stack,
    plan: Arc<dyn Interfere>,
    checkpoints: Checkpoints,
}

fn probe(folder: &Folder) -> Function {
    let notes =
        [("PROBE_COUNTS", "counts"), ("PROBE_EVENTS", "events"), ("PROBE_JOURNAL", "journal")];
    let notes = notes.map(|(name, file)| (name.to_owned(), folder.text(file)));
    Function {
        name: "probe".into(),
        arn: Arn::function(REGION, ACCOUNT, "probe"),
        handler: "bootstrap".to_owned(),
        bootstrap: Path::new(env!("CARGO_BIN_EXE_probe")).to_owned(),
        memory_mb: 512,
        timeout: Duration::from_secs(30),
        environment: BTreeMap::from(notes),
        concurrency_max: None,
        asynchronous: AsynchronousSettings::default(),
    }
}

/// A mapping as AWS makes it of its defaults, from the beginning of the stream, with one retry.
fn mapping() -> KinesisMapping {
    KinesisMapping {
        name: "probe/orders".into(),
        uuid: UUID.to_owned(),
        function: "probe".into(),
        stream: Arn::stream(REGION, ACCOUNT, "orders"),
        start: Start::TrimHorizon,
        batch_records_max: 100,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        retry_attempts_max: Some(1),
        record_age_max: None,
        bisect: false,
        report_item_failures: false,
        on_failure: None,
    }
}

fn queue(name: &str, visibility: Duration) -> QueueResource {
    QueueResource {
        name: name.to_owned(),
        visibility,
        delay: Duration::ZERO,
        retention: Duration::from_hours(4 * 24),
        redrive: None,
    }
}

impl Bench {
    /// The probe alone.
    pub(super) fn bare(clock: Clock, with: impl FnOnce(&mut Stack)) -> Self {
        let folder = Folder::new();
        let mut stack = Stack { functions: vec![probe(&folder)], ..Stack::default() };
        with(&mut stack);
        Self {
            world: World::new(&stack, &clock),
            folder,
            clock,
            stack,
            plan: Arc::new(Harmless),
            checkpoints: Checkpoints::in_memory(),
        }
    }

    /// The probe on the stream `orders`.
    pub(super) fn on(clock: Clock, shards: usize) -> Self {
        Self::bare(clock, |stack| {
            let retention = Duration::from_hours(24);
            stack.streams = vec![StreamResource { name: "orders".to_owned(), shards, retention }];
            stack.kinesis = vec![mapping()];
        })
    }

    /// The same on a hurried clock.
    pub(super) fn new(shards: usize) -> Self {
        Self::on(Clock::hurried(SPEED), shards)
    }

    /// The same once more, after a simulator that has ended: with its services, its time and what its function wrote down.
    pub(super) fn after(world: World, clock: Clock, folder: Folder) -> Self {
        let mut bench = Self::on(clock, 1);
        bench.stack.functions = vec![probe(&folder)];
        Self { folder, world, ..bench }
    }

    /// The probe on the queue `wake`, whose messages go to the queue `dead` after three receives.
    pub(super) fn queue(speed: u32, visibility: Duration) -> Self {
        Self::bare(Clock::hurried(speed), |stack| {
            let dead = queue("dead", visibility);
            let arn = Arn::queue(REGION, ACCOUNT, "dead");
            let wake = QueueResource { redrive: Some((arn, 3)), ..queue("wake", visibility) };
            stack.queues = vec![dead, wake];
            stack.sqs = vec![SqsMapping {
                name: "probe/wake".into(),
                function: "probe".into(),
                queue: Arn::queue(REGION, ACCOUNT, "wake"),
                batch_messages_max: 10,
                batching_window: Duration::ZERO,
                concurrency_max: None,
                report_item_failures: false,
            }];
        })
    }

    pub(super) fn mapping(mut self, change: impl FnOnce(&mut KinesisMapping)) -> Self {
        change(&mut self.stack.kinesis[0]);
        self
    }

    pub(super) fn function(mut self, change: impl FnOnce(&mut Function)) -> Self {
        change(&mut self.stack.functions[0]);
        self
    }

    pub(super) fn variable(self, name: &str, value: &str) -> Self {
        self.function(|function| drop(function.environment.insert(name.into(), value.into())))
    }

    /// The function reports failed records in this way, and the mapping listens.
    pub(super) fn reporting(self, how: &str) -> Self {
        self.mapping(|mapping| mapping.report_item_failures = true).variable("PROBE_REPORT", how)
    }

    pub(super) fn bisecting(self) -> Self {
        self.mapping(|mapping| mapping.bisect = true)
    }

    pub(super) fn retries(self, max: Option<u32>) -> Self {
        self.mapping(|mapping| mapping.retry_attempts_max = max)
    }

    /// Documents about failures go to the queue `lost`.
    pub(super) fn telling_queue(self) -> Self {
        let lost = Arn::queue(REGION, ACCOUNT, "lost");
        self.mapping(|mapping| mapping.on_failure = Some(Destination::Queue(lost)))
    }

    pub(super) fn dress(self, dress: impl Fn(usize, &mut Record) + Send + Sync + 'static) -> Self {
        self.world.dress(dress);
        self
    }

    /// Records failed on purpose, by id: what the probe does at them.
    pub(super) fn doing(self, deeds: &str) -> Self {
        self.variable("PROBE_DO", deeds)
    }

    pub(super) fn interfere(self, plan: Arc<dyn Interfere>) -> Self {
        Self { plan, ..self }
    }

    pub(super) fn plan(
        self,
        plan: impl Fn(&Place<'_>) -> Interference + Send + Sync + 'static,
    ) -> Self {
        self.interfere(Arc::new(Plan(plan)))
    }

    pub(super) fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints, ..self }
    }

    /// Puts records into the first shard.
    pub(super) fn put(self, ids: &str) -> Self {
        self.world.put(0, ids);
        self
    }

    pub(super) async fn start(self) -> Stand {
        let watch = Watch::new(self.clock.clone(), self.plan);
        let settings = SimulatorSettings {
            runtime: RuntimeSettings { region: REGION.to_owned(), ..RuntimeSettings::default() },
            clock: self.clock.clone(),
            checkpoints: self.checkpoints,
            grace: Duration::from_secs(30),
        };
        let observer: Arc<dyn Observer> = Arc::<Watch>::clone(&watch);
        let interfere: Arc<dyn Interfere> = Arc::<Watch>::clone(&watch);
        let world = self.world.clone();
        let simulator = Simulator::start(self.stack, world, settings, observer, interfere).await;
        Stand {
            simulator: simulator.unwrap(),
            watch,
            world: self.world,
            clock: self.clock,
            folder: self.folder,
        }
    }

    /// Starts, and waits until all that was put is done.
    pub(super) async fn drained(self) -> Stand {
        let stand = self.start().await;
        stand.simulator.drained().await;
        stand
    }

    /// Which batches the function gets of these records of one shard.
    #[track_caller]
    pub(super) fn check(self, ids: &str, expect: &[&str]) -> impl Future<Output = Stand> {
        let place = std::panic::Location::caller();
        let bench = self.put(ids);
        async move {
            let stand = bench.drained().await;
            assert_eq!(stand.batches(), expect, "{place}");
            stand
        }
    }
}
