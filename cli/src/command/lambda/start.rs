//! Where the simulator begins: a stack and settings in, something [`Running`] out.
//!
//! Without an endpoint all services are in this process ([`embedded`]); with one they are behind it (`endpoints`).

use super::plan::{RunSettings, fault_names};
use super::printer::Watcher;
use super::session::{NewRecord, Remains, Running};
use super::supply::Supply;
use crate::exit::Failure;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::embedded::{Embedded, EmbeddedSettings};
use streamgauge_lambda::faults::{FaultLine, Faults};
use streamgauge_lambda::happening::Observer;
use streamgauge_lambda::interfere::Interfere;
use streamgauge_lambda::invoke::Outcome;
use streamgauge_lambda::invoke_api::InvokeApi;
use streamgauge_lambda::kinesis::Checkpoints;
use streamgauge_lambda::queue::QueueError;
use streamgauge_lambda::runtime::RuntimeSettings;
use streamgauge_lambda::services::Services;
use streamgauge_lambda::simulator::{Simulator, SimulatorSettings, StartError};
use streamgauge_lambda::stack::Stack;
use streamgauge_meter::bill::{Bill, Streams, Terms};
use streamgauge_meter::proxy::Running as MeterRunning;

/// How long what is in flight may take at the end.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// A stack that runs.
pub(super) struct Simulated<S: Services> {
    simulator: Simulator<S>,
    services: S,
    meter: Option<MeterRunning>,
    started: Instant,
    /// It is served as long as it is held.
    _api: Option<InvokeApi>,
}

/// Starts a stack on services in this process.
pub(super) async fn embedded(
    stack: Stack,
    run: &RunSettings,
    watcher: Watcher,
) -> Result<Simulated<Embedded>, Failure> {
    let clock = Clock::hurried(run.speed);
    if let Some(folder) = &run.failures {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    let settings = EmbeddedSettings {
        clock: clock.clone(),
        seed: run.seed,
        region: run.region.clone(),
        account: run.account.clone(),
        folder: run.failures.clone(),
    };
    let services = Embedded::new(&stack, settings);
    let lines = FaultLine::all(run.faults.as_deref().unwrap_or_default());
    let around = Around {
        clock,
        watcher,
        interfere: interfere(lines, run.seed)?,
        variables: BTreeMap::new(),
        meter: None,
    };
    begin(stack, services, run, around).await
}

/// What a simulator is started with, beside the stack and its services.
pub(super) struct Around {
    /// Its time.
    pub(super) clock: Clock,
    /// Who looks on.
    pub(super) watcher: Watcher,
    /// What goes wrong.
    pub(super) interfere: Arc<dyn Interfere>,
    /// Environment variables for all functions.
    pub(super) variables: BTreeMap<String, String>,
    /// The meter, if there is one.
    pub(super) meter: Option<MeterRunning>,
}

/// Starts a stack on its services.
pub(super) async fn begin<S: Services>(
    stack: Stack,
    services: S,
    run: &RunSettings,
    around: Around,
) -> Result<Simulated<S>, Failure> {
    let Around { clock, watcher, interfere, variables, meter } = around;
    let settings = SimulatorSettings {
        runtime: RuntimeSettings {
            region: run.region.clone(),
            account: run.account.clone(),
            environments_per_function_max: run.environments,
            freeze: run.freeze,
            enforce_memory: run.memory_limit,
            variables,
            seed: run.seed,
            ..RuntimeSettings::default()
        },
        clock,
        checkpoints: checkpoints(run)?,
        grace: GRACE,
    };
    let observer: Arc<dyn Observer> = Arc::new(watcher);
    let simulator = Simulator::start(stack, services.clone(), settings, observer, interfere).await;
    let simulator = simulator.map_err(|error| not_started(&error))?;
    let api = match run.listen {
        None => None,
        Some(address) => {
            let api = simulator.serve(address.port()).await.map_err(|error| {
                Failure::outside(format!("could not listen on `{address}`")).because(&error)
            })?;
            crate::style::tell(format_args!("listening on http://{}", api.address()));
            Some(api)
        }
    };
    Ok(Simulated { simulator, services, meter, started: Instant::now(), _api: api })
}

/// A stack or a file that is wrong, unless it is a service that does not answer.
fn not_started(error: &StartError) -> Failure {
    let told = error.to_string();
    match error {
        StartError::Queue { source: QueueError::NotFound(_), .. } => {
            Failure::wrong(told).because_of_source(error).hint("make it, or add --create")
        }
        StartError::Queue { source: QueueError::Other(_), .. } => {
            Failure::outside(told).because_of_source(error).hint("check that --endpoint answers")
        }
        _ => Failure::wrong(told).because_of_source(error),
    }
}

fn checkpoints(run: &RunSettings) -> Result<Checkpoints, Failure> {
    match &run.checkpoints {
        None => Ok(Checkpoints::in_memory()),
        Some(path) => Checkpoints::open(path)
            .map_err(|error| Failure::wrong(error.to_string()).because_of_source(&error)),
    }
}

/// The plan of faults of functions and their sources.
pub(super) fn interfere<'a>(
    lines: impl Iterator<Item = (usize, Result<FaultLine<'a>, String>)>,
    seed: u64,
) -> Result<Arc<dyn Interfere>, Failure> {
    match Faults::of(lines, seed) {
        Ok(faults) => Ok(Arc::new(faults)),
        Err(errors) => {
            let told = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
            Err(fault_names::wrong(&told))
        }
    }
}

#[cfg(feature = "aws")]
impl<S: Services> Simulated<S> {
    /// The functions' processes.
    pub(super) fn runtime(&self) -> &streamgauge_lambda::runtime::Runtime {
        self.simulator.runtime()
    }
}

impl<S: Services + Supply> Supply for Simulated<S> {
    async fn put(&self, stream: &Arn, records: Vec<NewRecord>) -> Result<(), String> {
        self.services.put(stream, records).await
    }

    async fn send(&self, queue: &Arn, bodies: Vec<String>) -> Result<(), String> {
        self.services.send(queue, bodies).await
    }
}

impl<S: Services + Supply> Running for Simulated<S> {
    async fn invoke(
        &self,
        function: &Arc<str>,
        payload: Bytes,
        asynchronous: bool,
    ) -> Option<Outcome> {
        if !asynchronous {
            return Some(self.simulator.invoke(function, payload).await.outcome);
        }
        let sent = self.simulator.asynchronous().send(function, payload, None);
        sent.err().map(|refused| Outcome::Unreachable(refused.to_string()))
    }

    async fn drained(&self) {
        self.simulator.drained().await;
    }

    async fn stop(self) -> Remains {
        let saved = self.simulator.stop().await;
        let bill = match self.meter {
            None => None,
            Some(meter) => {
                let terms =
                    Terms { streams: Streams::Provisioned, lasting: self.started.elapsed() };
                Some(Bill::of(&meter.stop().await, terms))
            }
        };
        Remains { saved: saved.map_err(|error| error.to_string()), bill }
    }
}
