//! The start of an environment: AWS's `Init` phase.
//!
//! The process has to ask for its first event within ten seconds. If it does not, ends, or reports an error, AWS starts it
//! again when it invokes the function, and then the function's own time-out is for both; see "Failures during the Init phase"
//! in <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>. Since here, as on demand there, a start
//! always has an invocation that waits for it, the second attempt follows at once. What fails it then is the invocation's
//! error.

use super::run::{End, Timing};
use super::{Asked, Call, Environment, Event, Work};
use crate::invoke::FunctionError;
use crate::lock::lock;
use crate::runtime::launcher::Program;
use crate::runtime::process::{Process, how_it_ended};
use crate::runtime::report::{self, Failure};
use crate::runtime::variables::{Identity, task_root, variables};
use crate::runtime::{api, binary};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Why a process did not ask for an event.
#[derive(Debug)]
enum Unready {
    /// It was too slow.
    TimedOut,
    /// It ended, could not be started, or took too much memory.
    Failed(Failure),
    /// It reported an error.
    Told(FunctionError),
    /// It was killed on purpose.
    Killed,
    /// The simulator stops.
    Closing,
}

impl Environment {
    /// Starts the process and runs the first invocation. Answers until when the process has to ask for the next one; none if the
    /// environment has to end.
    pub(super) async fn begin(&mut self, work: Work) -> Option<Instant> {
        let began = Instant::now();
        let first = match self.attempt(self.core.settings.init_time_max).await {
            Ok(()) => {
                let init = Some(began.elapsed());
                return self.run(work, Timing::from_now(self.function.timeout, init)).await;
            }
            Err(unready) => unready,
        };
        let mut timing = Timing::from_now(self.function.timeout, None);
        let unready = if matches!(first, Unready::Killed | Unready::Closing) {
            timing.started = began;
            first
        } else {
            self.tell_init(&first, began, "init");
            match self.attempt(self.function.timeout).await {
                Ok(()) => return self.run(work, timing).await,
                Err(second) => {
                    self.tell_init(&second, timing.started, "invoke");
                    second
                }
            }
        };
        let end = match unready {
            Unready::TimedOut => End::Failed(Failure::TimedOut(self.function.timeout)),
            Unready::Failed(failure) => End::Failed(failure),
            Unready::Told(error) => End::Told(error),
            Unready::Killed => End::killed(),
            Unready::Closing => End::Closing,
        };
        self.fail_unstarted(work, timing, end).await;
        None
    }

    /// Starts a process and waits until it asks for an event. Otherwise the process is dead at the end.
    async fn attempt(&mut self, limit: Duration) -> Result<(), Unready> {
        let until = Instant::now() + limit;
        self.spawn().await.map_err(|why| Unready::Failed(Failure::NotStarted(why)))?;
        let mut told = None;
        let unready = loop {
            match self.event(Some(until), false).await {
                Event::Call(Asked { call: Call::Next, answer }) => {
                    self.next = Some(answer);
                    return Ok(());
                }
                Event::Call(Asked { call: Call::InitError { error_type, body }, answer }) => {
                    told = Some(report::told(body, error_type.as_deref()));
                    drop(answer.send(api::accepted().into()));
                }
                Event::Call(Asked { call: Call::Point(name), answer }) => {
                    if self.point(&name, answer, None).await {
                        break Unready::Killed;
                    }
                }
                Event::Call(Asked { answer, .. }) => drop(answer.send(api::wrong_id().into())),
                Event::Ended(status) => {
                    break Unready::Failed(Failure::Exited(how_it_ended(status)));
                }
                Event::TooMuchMemory => break Unready::Failed(Failure::OutOfMemory),
                Event::Deadline => break Unready::TimedOut,
                Event::Killed => break Unready::Killed,
                Event::Work(_) | Event::Closing => break Unready::Closing,
            }
        };
        self.kill().await;
        if let Some(process) = &self.process {
            process.drain().await;
        }
        // A process that told why it does not start ends then, and how it does adds nothing.
        match told {
            Some(error) if matches!(unready, Unready::Failed(_) | Unready::TimedOut) => {
                Err(Unready::Told(error))
            }
            _ => Err(unready),
        }
    }

    /// Starts the process; the error is a sentence.
    async fn spawn(&mut self) -> Result<(), String> {
        let checked = binary::check(&self.function.name, &self.function.bootstrap);
        checked.map_err(|error| error.to_string())?;
        let log_stream = lock(&self.core.ids).hex();
        let token = Arc::clone(&self.token);
        let cannot = |error| format!("the Runtime API could not be opened: {error}");
        let api = self.open_api().await.map_err(cannot)?;
        let identity = Identity {
            api: &api,
            token: &token,
            log_stream: &log_stream,
            started: Timestamp::now(),
        };
        let function = &self.function;
        let program = Program {
            path: function.bootstrap.clone(),
            directory: task_root(&function.bootstrap).to_owned(),
            variables: variables(function, &self.core.settings, &identity).into_iter().collect(),
        };
        let launched = self.core.launcher.launch(program).await;
        let child = launched.map_err(|error| {
            format!("the binary `{}` could not be started: {error}", function.bootstrap.display())
        })?;
        self.process = Some(Process::new(child, &self.journal));
        Ok(())
    }

    /// The log's line about a start that failed.
    fn tell_init(&self, unready: &Unready, began: Instant, phase: &str) {
        let error_type = match unready {
            Unready::TimedOut => None,
            Unready::Failed(failure) => Some(failure.error_type()),
            Unready::Told(error) => Some(error.error_type.as_str()),
            Unready::Killed | Unready::Closing => return,
        };
        self.journal.tell(report::init_report(began.elapsed(), phase, error_type));
    }
}
