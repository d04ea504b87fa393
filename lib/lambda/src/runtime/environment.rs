//! One environment: a process, its Runtime API, and one invocation at a time.
//!
//! Each environment is a task that waits for one [`Event`] after the other: a call of its process, an invocation, the end of
//! the process, an order to die, a deadline. Its life:
//!
//! 1. [`start`]: the process is started and has to ask for its first event in time; a start that fails is tried once more.
//! 2. [`run`]: it has an event and has to answer in time.
//! 3. `next_work`, below: it has answered and will ask for the next event; then it is idle, and frozen if that is wanted. It can
//!    be given the next invocation as soon as it has answered; that one waits until the process asks.
//! 4. `close`: its process is killed and reaped, and nobody can reach it any more.
//!
//! A time-out, the end of the process or a kill ends the environment, and the next invocation starts another one with another
//! number. AWS restarts the process within the same environment; a function cannot tell one from the other.

mod run;
mod start;

use super::Core;
use super::api::{self, Asked, Call, Reply};
use super::process::{Journal, Process};
use crate::http;
use crate::interfere::{Interference, Place, Point};
use crate::invoke::{Invocation, Invoked};
use crate::lock::lock;
use crate::stack::Function;
use run::Running;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How often the memory of a running process is looked at.
const MEMORY_PAUSE: Duration = Duration::from_millis(20);

/// One invocation for an environment.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) invocation: Invocation,
    pub(super) request_id: Arc<str>,
    pub(super) answer: oneshot::Sender<Settled>,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Settled {
    /// It was run, or could not be.
    Done(Invoked),
    /// The environment ended before its process had the event: nobody has seen it.
    NotRun(Invocation),
}

/// What reaches an environment from outside.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    /// Takes one invocation, which only whoever took the environment out of the pool may send.
    pub(super) work: mpsc::Sender<Work>,
    /// Ends the environment.
    pub(super) end: watch::Sender<bool>,
    /// Closed once the environment has ended.
    pub(super) ended: watch::Receiver<()>,
}

/// What an environment waits for.
#[derive(Debug)]
enum Event {
    Call(Asked),
    Work(Work),
    Ended(ExitStatus),
    Killed,
    Closing,
    Deadline,
    TooMuchMemory,
}

/// The task's own side.
#[derive(Debug)]
pub(super) struct Environment {
    core: Arc<Core>,
    function: Arc<Function>,
    number: u32,
    token: Arc<str>,
    journal: Journal,
    handle: Handle,
    work: mpsc::Receiver<Work>,
    end: watch::Receiver<bool>,
    closing: watch::Receiver<bool>,
    /// Dropped last of all that tells of the end.
    _ended: watch::Sender<()>,
    calls: Option<mpsc::Receiver<Asked>>,
    server: JoinSet<()>,
    process: Option<Process>,
    /// The process waits here for its next event.
    next: Option<oneshot::Sender<Reply>>,
    /// The invocation that was answered last.
    answered: Option<Arc<str>>,
}

impl Environment {
    /// An environment that is about to start, and how it is reached.
    pub(super) fn new(
        core: Arc<Core>,
        function: Arc<Function>,
        number: u32,
        token: Arc<str>,
    ) -> (Self, Handle) {
        let (work, works) = mpsc::channel(1);
        let (end, is_ended) = watch::channel(false);
        let (ended, has_ended) = watch::channel(());
        let handle = Handle { work, end, ended: has_ended };
        let journal = Journal {
            function: Arc::clone(&function.name),
            environment: number,
            request_id: Arc::default(),
            observer: Arc::clone(&core.observer),
        };
        let environment = Self {
            closing: core.closing.clone(),
            core,
            function,
            number,
            token,
            journal,
            handle: handle.clone(),
            work: works,
            end: is_ended,
            _ended: ended,
            calls: None,
            server: JoinSet::new(),
            process: None,
            next: None,
            answered: None,
        };
        (environment, handle)
    }

    /// Lives until something ends it.
    pub(super) async fn live(mut self) {
        if let Some(first) = self.work.recv().await {
            let mut settle_by = self.begin(first).await;
            while let Some(by) = settle_by {
                settle_by = match self.next_work(by).await {
                    Some(work) => self.run_warm(work).await,
                    None => None,
                };
            }
        }
        self.close().await;
    }

    /// Opens the Runtime API and gives its address.
    async fn open_api(&mut self) -> std::io::Result<String> {
        let listener = http::bind(0).await?;
        let address = listener.local_addr()?.to_string();
        let (serving, calls) = api::serve(listener);
        // A second attempt gets an address of its own, so that nothing of the first one is heard.
        self.server = JoinSet::new();
        self.server.spawn(serving);
        self.calls = Some(calls);
        Ok(address)
    }

    /// Waits until the process has asked for its next event and there is one. Without one of both, there is none when the
    /// environment has to end: its process must ask by `settle_by`, which is when its last invocation had to be over.
    async fn next_work(&mut self, mut settle_by: Instant) -> Option<Work> {
        let mut pending = None;
        loop {
            if self.next.as_ref().is_some_and(oneshot::Sender::is_closed) {
                // It asked and hung up; it may ask again.
                self.next = None;
                settle_by = Instant::now() + self.function.timeout;
            }
            let is_ready = self.next.is_some();
            if is_ready && pending.is_some() && !self.has_died() {
                return pending;
            }
            self.freeze(is_ready && self.core.settings.freeze);
            let until = if is_ready { None } else { Some(settle_by) };
            match self.event(until, pending.is_none()).await {
                Event::Work(work) => pending = Some(work),
                Event::Call(asked) => {
                    if self.between(asked).await {
                        break;
                    }
                }
                Event::Deadline
                | Event::Ended(_)
                | Event::Killed
                | Event::Closing
                | Event::TooMuchMemory => break,
            }
        }
        if let Some(Work { invocation, answer, .. }) = pending {
            self.leave_pool();
            drop(answer.send(Settled::NotRun(invocation)));
        }
        None
    }

    /// A call between two invocations. Answers whether it ended the process.
    async fn between(&mut self, Asked { call, answer }: Asked) -> bool {
        let refused = match call {
            Call::Next => {
                self.next = Some(answer);
                return false;
            }
            Call::Point(name) => return self.point(&name, answer, None).await,
            Call::Response { id, .. } | Call::Error { id, .. } => self.not_running(&id),
            Call::InitError { .. } => api::wrong_state("Ready", "InitError"),
        };
        drop(answer.send(refused.into()));
        false
    }

    /// What an answer to an invocation that does not run is refused with.
    fn not_running(&self, id: &str) -> http::Answer {
        match &self.answered {
            Some(answered) if **answered == *id => {
                api::wrong_state("ResponseSent", "InvocationResponse")
            }
            _ => api::wrong_id(),
        }
    }

    /// The function is at a point of its own. Answers whether it was killed there, and then it gets no answer.
    async fn point(
        &mut self,
        name: &str,
        answer: oneshot::Sender<Reply>,
        running: Option<&Running>,
    ) -> bool {
        let point = Point::Named(name);
        let place = match running {
            Some(running) => running.place(point),
            None => Place {
                point,
                function: &self.function.name,
                mapping: "",
                shard: "",
                key: "",
                attempt: 1,
            },
        };
        let mut reply = Reply::from(api::go_on());
        match self.core.interfere.at(&place) {
            Interference::Kill => {
                self.fault(&format!("killed at its point `{name}`"));
                self.kill().await;
                return true;
            }
            Interference::Delay(time) => {
                self.fault(&format!("delayed by {time:?} at its point `{name}`"));
                reply.after = time;
            }
            _ => {}
        }
        drop(answer.send(reply));
        false
    }

    /// Waits for whatever comes first.
    async fn event(&mut self, until: Option<Instant>, takes_work: bool) -> Event {
        let limit = self.function.memory_mb;
        let watches_memory = self.core.settings.enforce_memory && self.next.is_none();
        let Self { process, calls, work: works, end, closing, .. } = self;
        loop {
            let ended = async {
                match process.as_mut() {
                    Some(process) => process.ended().await,
                    None => std::future::pending().await,
                }
            };
            let call = async {
                match calls.as_mut() {
                    Some(calls) => calls.recv().await,
                    None => None,
                }
            };
            tokio::select! {
                biased;
                _ = closing.wait_for(|is_closing| *is_closing) => return Event::Closing,
                _ = end.wait_for(|is_ended| *is_ended) => return Event::Killed,
                Some(asked) = call => return Event::Call(asked),
                status = ended => return Event::Ended(status),
                Some(work) = works.recv(), if takes_work => return Event::Work(work),
                () = sleep_until(until) => return Event::Deadline,
                () = tokio::time::sleep(MEMORY_PAUSE), if watches_memory => {}
            }
            let used = process.as_mut().and_then(Process::measure);
            if used.is_some_and(|used| used > limit) {
                return Event::TooMuchMemory;
            }
        }
    }

    fn has_died(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_ended)
    }

    fn freeze(&mut self, freeze: bool) {
        if let Some(process) = &mut self.process {
            process.freeze(freeze);
        }
    }

    /// Kills the process and reaps it.
    async fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().await;
        }
    }

    /// Tells that something was done to it on purpose.
    fn fault(&self, what: &str) {
        self.core.fault(format!("environment {} of `{}` {what}", self.number, self.function.name));
    }

    fn leave_pool(&self) {
        lock(&self.core.pool).remove(&self.function.name, self.number);
    }

    async fn close(mut self) {
        self.leave_pool();
        self.kill().await;
        if let Some(process) = &self.process {
            process.drain().await;
        }
        self.work.close();
        while let Ok(Work { invocation, answer, .. }) = self.work.try_recv() {
            drop(answer.send(Settled::NotRun(invocation)));
        }
        lock(&self.core.environments).remove(&self.token);
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
