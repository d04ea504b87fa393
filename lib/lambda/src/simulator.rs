//! All of it together: the functions of a stack, and everything that invokes them.
//!
//! ```text
//! streams ─► kinesis ─┐
//! queues ──► sqs ─────┼─► runtime ─► processes
//! clock ───► schedule ┴► asynchronous ─┘
//! ```

use crate::asynchronous::Asynchronous;
use crate::clock::Clock;
use crate::happening::{Ending, Happening, Observer};
use crate::interfere::Interfere;
use crate::invoke::{Cause, Invocation, Invoke, Invoked};
use crate::invoke_api::tails::Tails;
use crate::invoke_api::{Behind, InvokeApi, serve};
use crate::kinesis::{CheckpointError, Checkpoints, KinesisPoller, Surroundings};
use crate::queue::{Queue, QueueError};
use crate::runtime::{Runtime, RuntimeError, RuntimeSettings};
use crate::schedule::{ScheduleError, Tick, Ticker};
use crate::services::Services;
use crate::sqs::{self, MappingError, SqsPoller, SqsSource};
use crate::stack::{SqsMapping, Stack};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinSet;

/// How a stack is run.
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// How its functions are run.
    pub runtime: RuntimeSettings,
    /// The time of waits, ages and schedules.
    pub clock: Clock,
    /// How far shards are done, from the last run.
    pub checkpoints: Checkpoints,
    /// How long, in real time, what is in flight may take when the simulator is stopped.
    pub grace: Duration,
}

/// Why a stack could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its functions cannot be run.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The checkpoints do not fit.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// AWS would refuse a mapping from a queue.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A schedule cannot be kept.
    #[error("the schedule `{name}` cannot be kept")]
    Schedule {
        /// The schedule.
        name: Arc<str>,
        /// Why.
        source: ScheduleError,
    },
    /// A queue did not answer.
    #[error("the mapping `{mapping}` cannot begin")]
    Queue {
        /// The mapping.
        mapping: Arc<str>,
        /// Why.
        source: QueueError,
    },
}

/// A stack that runs. Dropping it kills its functions' processes at once; [`Simulator::stop`] lets them finish.
#[derive(Debug)]
pub struct Simulator<S: Services> {
    stack: Stack,
    runtime: Runtime,
    asynchronous: Asynchronous<Runtime, S>,
    observer: Arc<dyn Observer>,
    tails: Tails,
    kinesis: Vec<KinesisPoller>,
    sqs: Vec<SqsPoller<S::Queue>>,
    tickers: Vec<Ticker>,
    grace: Duration,
}

impl<S: Services> Simulator<S> {
    /// Starts a stack: its sources begin at once, and processes when there is something to do.
    pub async fn start(
        stack: Stack,
        services: S,
        settings: SimulatorSettings,
        observer: Arc<dyn Observer>,
        interfere: Arc<dyn Interfere>,
    ) -> Result<Self, StartError> {
        let SimulatorSettings { runtime: settings, clock, checkpoints, grace } = settings;
        let tails = Tails::before(Arc::clone(&observer));
        let seed = settings.seed;
        let [region, account] =
            [&settings.region, &settings.account].map(|text| Arc::from(text.as_str()));
        let runtime = Runtime::new(
            &stack.functions,
            settings,
            Arc::new(tails.clone()),
            Arc::clone(&interfere),
        )?;
        let around = Surroundings {
            services,
            invoke: runtime.clone(),
            interfere,
            observer: Arc::clone(&observer),
            clock,
            region,
            account,
        };
        let asynchronous = Asynchronous::new(
            runtime.clone(),
            around.services.clone(),
            around.clock.clone(),
            Arc::clone(&observer),
            &stack.functions,
            seed,
        );
        let kinesis = stack.kinesis.iter().map(|mapping| {
            KinesisPoller::start(mapping.clone(), around.clone(), checkpoints.clone())
        });
        let kinesis = kinesis.collect::<Result<_, _>>()?;
        let mut queues = Vec::new();
        for mapping in &stack.sqs {
            queues.push(poll(&stack, mapping, &around).await?);
        }
        let tickers = tick(&stack, &asynchronous, &around)?;
        Ok(Self {
            stack,
            runtime,
            asynchronous,
            observer,
            tails,
            kinesis,
            sqs: queues,
            tickers,
            grace,
        })
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Invoked {
        let cause = Cause::Direct;
        let invocation = Invocation { function: function.into(), payload, cause: cause.clone() };
        let invoked = self.runtime.invoke(invocation).await;
        self.observer.see(Happening::Invoked {
            function: function.into(),
            request_id: Arc::clone(&invoked.request_id),
            cause,
            ending: Ending::of(&invoked.outcome),
            report: invoked.report.clone(),
        });
        invoked
    }

    /// Takes events that nobody waits for.
    pub fn asynchronous(&self) -> &Asynchronous<Runtime, S> {
        &self.asynchronous
    }

    /// The functions' processes.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Serves Lambda's Invoke API on a port of loopback; 0 takes a free one.
    pub async fn serve(&self, port: u16) -> io::Result<InvokeApi> {
        let behind = Behind {
            invoke: self.runtime.clone(),
            asynchronous: self.asynchronous.clone(),
            observer: Arc::clone(&self.observer),
            tails: self.tails.clone(),
        };
        serve(port, &self.stack.functions, behind).await
    }

    /// Waits until all streams are read to their tips, all queues are empty, no event waits for a function, and none of this
    /// made anything new to do. Schedules do not count.
    pub async fn drained(&self) {
        loop {
            let turns = self.runtime.turns();
            for poller in &self.kinesis {
                poller.drained().await;
            }
            for poller in &self.sqs {
                poller.drained().await;
            }
            self.asynchronous.idle().await;
            if self.runtime.turns() == turns && self.kinesis.iter().all(KinesisPoller::is_drained) {
                return;
            }
        }
    }

    /// Begins nothing new, lets what is in flight end within the grace time, saves the checkpoints and ends all processes.
    /// Answers whether all of it ended; what did not comes again after a restart. Asynchronous events that wait or run are
    /// kept nowhere: the observer is told how many are lost.
    pub async fn stop(self) -> Result<bool, CheckpointError> {
        let grace = self.grace;
        for ticker in self.tickers {
            ticker.stop().await;
        }
        // All at once: while one lets its invocations end, the others must begin none.
        let mut stopping = JoinSet::new();
        for poller in self.kinesis {
            stopping.spawn(poller.stop(grace));
        }
        for poller in self.sqs {
            stopping
                .spawn(async move { Ok(tokio::time::timeout(grace, poller.stop()).await.is_ok()) });
        }
        let stopped = stopping.join_all().await;
        let lost = self.asynchronous.waiting();
        if lost > 0 {
            self.observer.see(Happening::Trouble {
                place: "asynchronous invocations".to_owned(),
                error: format!("{lost} that were not done are lost, since the simulator stops"),
            });
        }
        self.runtime.shutdown().await;
        stopped.into_iter().try_fold(true, |all, one| Ok(all & one?))
    }
}

/// Begins a mapping from a queue.
async fn poll<S: Services>(
    stack: &Stack,
    mapping: &SqsMapping,
    around: &Surroundings<S, Runtime>,
) -> Result<SqsPoller<S::Queue>, StartError> {
    let queue = around.services.queue(&mapping.queue);
    let visibility = queue
        .visibility()
        .await
        .map_err(|source| StartError::Queue { mapping: Arc::clone(&mapping.name), source })?;
    let function = stack.functions.iter().find(|function| function.name == mapping.function);
    if let Some(function) = function {
        sqs::check_visibility(mapping, function.timeout, visibility)?;
    }
    let source = SqsSource {
        mapping: mapping.clone(),
        queue,
        invoke: around.invoke.clone(),
        interfere: Arc::clone(&around.interfere),
        observer: Arc::clone(&around.observer),
        clock: around.clock.clone(),
    };
    Ok(SqsPoller::start(source)?)
}

/// Begins all schedules.
fn tick<S: Services>(
    stack: &Stack,
    asynchronous: &Asynchronous<Runtime, S>,
    around: &Surroundings<S, Runtime>,
) -> Result<Vec<Ticker>, StartError> {
    let submit = {
        let (asynchronous, observer) = (asynchronous.clone(), Arc::clone(&around.observer));
        move |tick: Tick| {
            let Tick { schedule, function, payload, due } = tick;
            let sent = asynchronous.send(&function, payload, Some(Arc::clone(&schedule)));
            if let Err(refused) = sent {
                let place = format!("the event of the schedule `{schedule}` of {due}");
                observer.see(Happening::Trouble { place, error: refused.to_string() });
            }
            std::future::ready(())
        }
    };
    let tickers = stack.schedules.iter().map(|schedule| {
        let observer = Arc::clone(&around.observer);
        Ticker::start(schedule.clone(), submit.clone(), observer, around.clock.clone())
            .map_err(|source| StartError::Schedule { name: Arc::clone(&schedule.name), source })
    });
    tickers.collect()
}
