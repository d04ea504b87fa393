//! The threads of a run: each ends by itself only with an error, and then nothing more is taken.

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
    intake: Intake,
    started: Vec<(&'static str, JoinHandle<()>)>,
    /// Those that bring records: they end when nothing more is taken.
    sources: Vec<JoinHandle<()>>,
    fatal: Arc<Mutex<Option<Fatal>>>,
    failed: watch::Sender<bool>,
}

impl Threads {
    pub(super) fn new(intake: Intake) -> Self {
        let (started, sources) = (Vec::new(), Vec::new());
        Self { intake, started, sources, fatal: Arc::default(), failed: watch::Sender::new(false) }
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

    /// Starts a thread after whose error nothing more is taken.
    fn spawn(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<(), Fatal> + Send + 'static,
    ) -> Result<JoinHandle<()>, Fatal> {
        let (fatal, failed) = (Arc::clone(&self.fatal), self.failed.clone());
        let intake = self.intake.clone();
        let guarded = move || {
            let Err(error) = work() else { return };
            intake.fail(&chain(&error));
            fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            failed.send_replace(true);
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(guarded);
        thread.map_err(Fatal::Thread)
    }

    /// Waits until one has failed.
    pub(super) async fn failed(&self) {
        // The sender is here.
        drop(self.failed.subscribe().wait_for(|failed| *failed).await);
    }

    /// Lets all end, in their order, when nothing more is taken.
    pub(super) fn stop(self, alarms: &Alarms) -> Result<(), Fatal> {
        let mut panicked = None;
        for source in self.sources {
            panicked = panicked.or(source.join().err().map(|_| "source"));
        }
        for (name, thread) in self.started {
            match name {
                "settle" => alarms.settle.end(),
                "deliver" => alarms.deliver.end(),
                _ => {}
            }
            panicked = panicked.or(thread.join().err().map(|_| name));
        }
        let fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
        fatal.or(panicked.map(Fatal::Panic)).map_or(Ok(()), Err)
    }
}
