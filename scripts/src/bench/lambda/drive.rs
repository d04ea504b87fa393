//! The worker: fills an embedded stream, drains it through a function, and prints what that took.

use anyhow::{Context, bail, ensure};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::stream::PutRecord;
use streamgauge_lambda::embedded::{Embedded, EmbeddedSettings};
use streamgauge_lambda::happening::{Happening, Observer};
use streamgauge_lambda::interfere::Harmless;
use streamgauge_lambda::invoke::{Cause, Invocation, Invoke, Invoked, Outcome, Report};
use streamgauge_lambda::kinesis::{Checkpoints, KinesisPoller, Surroundings};
use streamgauge_lambda::runtime::{Runtime, RuntimeSettings};
use streamgauge_lambda::services::Services;
use streamgauge_lambda::stack::{
    AsynchronousSettings, Function, KinesisMapping, Stack, StreamResource,
};
use streamgauge_lambda::stream::Start;

/// Data of each record: about a small order.
pub(crate) const RECORD_BYTES: usize = 300;
const CORES: usize = 2;
const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "000000000000";

/// What to drive.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The function's binary; without it a function that is no process answers at once
    #[arg(long)]
    function: Option<PathBuf>,
    /// Records in the stream
    #[arg(long)]
    records: u64,
    /// The batch size
    #[arg(long)]
    batch: usize,
    /// Shards of the stream
    #[arg(long)]
    shards: usize,
    /// How many times as fast the simulator's clock runs
    #[arg(long)]
    speed: u32,
}

/// What it took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Driven {
    /// From the start of the mapping to the end of the stream.
    pub(crate) wall_micros: i64,
    /// CPU time of the simulator.
    pub(crate) simulator_micros: i64,
    /// CPU time of the function's processes.
    pub(crate) functions_micros: i64,
    /// Invocations.
    pub(crate) invocations: i64,
}

/// Drives a function and prints the figures as JSON.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    pin()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CORES)
        .enable_all()
        .build()
        .context("starting the async runtime failed")?;
    let driven = runtime.block_on(drive(options))?;
    serde_json::to_writer(out, &driven).context("writing to standard output failed")
}

/// Leaves this process and its children the first two cores that it may use.
fn pin() -> anyhow::Result<()> {
    let mine = Pid::from_raw(0);
    let allowed = sched_getaffinity(mine).context("asking for the cores failed")?;
    let mut cores = CpuSet::new();
    let first = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
    for core in first.take(CORES) {
        cores.set(core).context("choosing a core failed")?;
    }
    sched_setaffinity(mine, &cores).context("taking two cores failed")
}

async fn drive(options: &Options) -> anyhow::Result<Driven> {
    let clock = Clock::hurried(options.speed);
    let services = services(options, &clock)?;
    match &options.function {
        None => drain(options, services, Answering, clock).await,
        Some(bootstrap) => {
            let settings =
                RuntimeSettings { region: REGION.to_owned(), ..RuntimeSettings::default() };
            let functions = [function(bootstrap)];
            let nobody = Arc::new(Counter::default());
            let runtime = Runtime::new(&functions, settings, nobody, Arc::new(Harmless))?;
            let driven = drain(options, services, runtime.clone(), clock).await?;
            runtime.shutdown().await;
            let functions_micros = cpu_micros(UsageWho::RUSAGE_CHILDREN)?;
            Ok(Driven { functions_micros, ..driven })
        }
    }
}

/// A stream with all records in it, spread evenly over its shards.
fn services(options: &Options, clock: &Clock) -> anyhow::Result<Embedded> {
    let (shards, retention) = (options.shards, Duration::from_hours(24));
    let stack = Stack {
        streams: vec![StreamResource { name: "bench".to_owned(), shards, retention }],
        ..Stack::default()
    };
    let settings = EmbeddedSettings {
        clock: clock.clone(),
        seed: 0,
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        folder: None,
    };
    let services = Embedded::new(&stack, settings);
    let data = bytes::Bytes::from(vec![b'x'; RECORD_BYTES]);
    let records = (0..options.records).map(|number| PutRecord {
        partition_key: number.to_string().into(),
        explicit_hash_key: None,
        data: data.clone(),
    });
    let put = services.stream(&stream()).put_many(records);
    put.map_err(|(_, error)| error).context("filling the stream failed")?;
    Ok(services)
}

fn stream() -> Arn {
    Arn::stream(REGION, ACCOUNT, "bench")
}

fn function(bootstrap: &std::path::Path) -> Function {
    Function {
        name: "empty".into(),
        arn: Arn::function(REGION, ACCOUNT, "empty"),
        handler: "bootstrap".to_owned(),
        bootstrap: bootstrap.to_owned(),
        memory_mb: 512,
        timeout: Duration::from_mins(1),
        environment: BTreeMap::new(),
        concurrency_max: None,
        asynchronous: AsynchronousSettings::default(),
    }
}

/// Drains the stream, and holds what was seen against what was put.
async fn drain<I: Invoke>(
    options: &Options,
    services: Embedded,
    invoke: I,
    clock: Clock,
) -> anyhow::Result<Driven> {
    let mapping = KinesisMapping {
        name: "empty/bench".into(),
        uuid: "00000000-0000-4000-8000-000000000000".to_owned(),
        function: "empty".into(),
        stream: stream(),
        start: Start::TrimHorizon,
        batch_records_max: options.batch,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        retry_attempts_max: None,
        record_age_max: None,
        bisect: false,
        report_item_failures: false,
        on_failure: None,
    };
    let counter = Arc::new(Counter::default());
    let around = Surroundings {
        services,
        invoke,
        interfere: Arc::new(Harmless),
        observer: Arc::<Counter>::clone(&counter),
        clock,
        region: REGION.into(),
        account: ACCOUNT.into(),
    };
    let before = cpu_micros(UsageWho::RUSAGE_SELF)?;
    let start = Instant::now();
    let poller = KinesisPoller::start(mapping, around, Checkpoints::in_memory())?;
    poller.drained().await;
    let wall_micros = i64::try_from(start.elapsed().as_micros())?;
    let simulator_micros = cpu_micros(UsageWho::RUSAGE_SELF)? - before;
    if !poller.stop(Duration::from_secs(10)).await? {
        bail!("the mapping did not end");
    }
    let seen = counter.records.load(Ordering::Relaxed);
    ensure!(seen == options.records, "{seen} records of {} were done", options.records);
    let invocations = i64::try_from(counter.invocations.load(Ordering::Relaxed))?;
    Ok(Driven { wall_micros, simulator_micros, functions_micros: 0, invocations })
}

fn cpu_micros(who: UsageWho) -> anyhow::Result<i64> {
    let used = getrusage(who).context("reading the usage failed")?;
    Ok(used.user_time().num_microseconds() + used.system_time().num_microseconds())
}

/// A function that is no process.
#[derive(Clone, Copy, Debug)]
struct Answering;

impl Invoke for Answering {
    async fn invoke(&self, _: Invocation) -> Invoked {
        Invoked {
            request_id: "0".into(),
            outcome: Outcome::Answered(bytes::Bytes::from_static(b"null")),
            report: Report::default(),
        }
    }
}

/// Counts what was done.
#[derive(Debug, Default)]
struct Counter {
    invocations: AtomicU64,
    records: AtomicU64,
}

impl Observer for Counter {
    fn see(&self, happening: Happening) {
        if let Happening::Invoked { cause: Cause::Kinesis(cause), .. } = happening {
            self.invocations.fetch_add(1, Ordering::Relaxed);
            self.records.fetch_add(u64::try_from(cause.records).unwrap_or(0), Ordering::Relaxed);
        }
    }
}
