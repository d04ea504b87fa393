//! The threads of a run: each ends by itself only with an error or a panic, and then nothing more is taken.

use super::Fatal;
use crate::happening::chain;
use crate::intake::Intake;
use crate::world::Alarms;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use tokio::sync::watch;

/// The threads, in the order in which data go.
#[derive(Debug)]
pub(super) struct Threads {
    started: Vec<(&'static str, JoinHandle<()>)>,
    /// Those that bring records: they end when nothing more is taken.
    sources: Vec<JoinHandle<()>>,
    supervisor: Supervisor,
}

/// Notices that a thread has ended which should not have. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    intake: Intake,
    fatal: Arc<Mutex<Option<Fatal>>>,
    failed: watch::Sender<bool>,
}

impl Supervisor {
    fn new(intake: Intake) -> Self {
        Self { intake, fatal: Arc::default(), failed: watch::Sender::new(false) }
    }

    /// Does the work of a thread.
    pub(crate) fn run(&self, name: &'static str, work: impl FnOnce() -> Result<(), Fatal>) {
        let _watched = Watched { supervisor: self, name };
        if let Err(error) = work() {
            self.fail(error);
        }
    }

    /// The first error counts: others follow from it.
    fn fail(&self, error: Fatal) {
        self.intake.fail(&chain(&error));
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.failed.send_replace(true);
    }
}

/// Work that is done. Where a panic does not end the process, as in tests, it is noticed here.
struct Watched<'s> {
    supervisor: &'s Supervisor,
    name: &'static str,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.supervisor.fail(Fatal::Panic(self.name));
        }
    }
}

impl Threads {
    pub(super) fn new(intake: Intake) -> Self {
        let (started, sources) = (Vec::new(), Vec::new());
        Self { started, sources, supervisor: Supervisor::new(intake) }
    }

    /// Who notices the end of a thread, for one that is started elsewhere.
    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// Starts a thread that ends when it is told to.
    pub(super) fn start(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(), Fatal> + Send + 'static,
    ) -> Result<(), Fatal> {
        let thread = self.spawn(name, work)?;
        self.started.push((name, thread));
        Ok(())
    }

    /// Starts a thread that brings records. One that may wait for ever for somebody else is not waited for.
    pub(super) fn start_source(
        &mut self,
        is_waited_for: bool,
        work: impl FnOnce() -> Result<(), Fatal> + Send + 'static,
    ) -> Result<(), Fatal> {
        let thread = self.spawn("source", work)?;
        if is_waited_for {
            self.sources.push(thread);
        }
        Ok(())
    }

    /// Starts a thread whose end is noticed.
    fn spawn(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Result<(), Fatal> + Send + 'static,
    ) -> Result<JoinHandle<()>, Fatal> {
        let supervisor = self.supervisor.clone();
        let work = move || supervisor.run(name, work);
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Fatal::Thread)
    }

    /// Waits until one has failed.
    pub(super) async fn failed(&self) {
        // The sender is here.
        drop(self.supervisor.failed.subscribe().wait_for(|failed| *failed).await);
    }

    /// Lets all end, in their order, when nothing more is taken.
    pub(super) fn stop(self, alarms: &Alarms) -> Result<(), Fatal> {
        // Why one has failed was noticed already.
        for source in self.sources {
            drop(source.join());
        }
        for (name, thread) in self.started {
            match name {
                "settle" => alarms.settle.end(),
                "deliver" => alarms.deliver.end(),
                _ => {}
            }
            drop(thread.join());
        }
        let fatal = self.supervisor.fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
        fatal.map_or(Ok(()), Err)
    }
}
