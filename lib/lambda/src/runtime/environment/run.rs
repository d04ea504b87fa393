//! One invocation in an environment: AWS's `Invoke` phase.
//!
//! Time runs from the moment at which the process gets the event until its answer is here whole. The points
//! [`Point::Received`] and [`Point::Answered`] are asked once per invocation. A process whose caller was told that it timed out
//! ([`Interference::Abandon`]) goes on as a zombie: it may answer late, which nobody hears, and it dies when it has, or at its
//! deadline at the latest.

use super::{Asked, Call, Environment, Event, Settled, Work};
use crate::http;
use crate::interfere::{Interference, Place, Point};
use crate::invoke::{FunctionError, Invocation, Invoked, Outcome, Report};
use crate::lock::lock;
use crate::runtime::api::{self, Reply, Sent};
use crate::runtime::process::{Process, how_it_ended};
use crate::runtime::report::{self, Failure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The times of an invocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    pub(super) init: Option<Duration>,
}

impl Timing {
    /// It starts now.
    pub(super) fn from_now(timeout: Duration, init: Option<Duration>) -> Self {
        let started = Instant::now();
        Self { started, deadline: started + timeout, init }
    }
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum End {
    /// With an answer.
    Answered(Bytes),
    /// With an error that the function told.
    Told(FunctionError),
    /// With an error that the platform tells.
    Failed(Failure),
    /// With an answer that was dropped on purpose.
    Lost,
    /// Because the simulator stops.
    Closing,
}

impl End {
    /// The process was killed on purpose.
    pub(super) fn killed() -> Self {
        Self::Failed(Failure::Exited("signal: killed".to_owned()))
    }

    /// Whether the process is well and can go on.
    fn leaves_alive(&self) -> bool {
        match self {
            Self::Answered(_) | Self::Told(_) | Self::Lost => true,
            Self::Failed(failure) => {
                matches!(failure, Failure::ResponseTooLarge | Failure::ResponseMode)
            }
            Self::Closing => false,
        }
    }

    /// The type of the error, for the log.
    fn error_type(&self) -> Option<&str> {
        match self {
            // For AWS's log an error that the function told is none.
            Self::Answered(_) | Self::Told(_) | Self::Lost | Self::Closing => None,
            Self::Failed(failure) => Some(failure.error_type()),
        }
    }

    fn outcome(self, function: &str, request_id: &str) -> Outcome {
        match self {
            Self::Answered(body) => Outcome::Answered(body),
            Self::Told(error) => Outcome::Failed(error),
            Self::Failed(failure) => Outcome::Failed(failure.error(request_id)),
            Self::Lost => {
                Outcome::Unreachable(format!("the answer of `{function}` was lost on purpose"))
            }
            Self::Closing => {
                Outcome::Unreachable(format!("`{function}` was stopped with the simulator"))
            }
        }
    }
}

/// An invocation that runs.
#[derive(Debug)]
pub(super) struct Running {
    invocation: Invocation,
    request_id: Arc<str>,
    timing: Timing,
    /// Who waits for the answer; nobody for a zombie.
    answer: Option<oneshot::Sender<Settled>>,
    kill_at: Option<Instant>,
    is_delivered: bool,
}

impl Running {
    pub(super) fn place<'a>(&'a self, point: Point<'a>) -> Place<'a> {
        Place::of(&self.invocation, &self.request_id, point)
    }
}

impl Environment {
    /// Runs an invocation in a process that waits for one. Answers as [`Self::begin`] does.
    pub(super) async fn run_warm(&mut self, work: Work) -> Option<Instant> {
        self.freeze(false);
        self.run(work, Timing::from_now(self.function.timeout, None)).await
    }

    /// Runs an invocation. Answers as [`Self::begin`] does.
    pub(super) async fn run(&mut self, work: Work, timing: Timing) -> Option<Instant> {
        let mut running = self.announce(work, timing);
        if let Some(next) = self.next.take() {
            self.deliver(&mut running, next);
        }
        let end = match self.received(&mut running) {
            Some(end) => end,
            None => self.until_ended(&mut running).await,
        };
        let is_alive = end.leaves_alive();
        if !is_alive {
            self.kill().await;
        }
        let is_zombie = running.answer.is_none();
        self.finish(running, end, is_alive).await;
        if is_zombie && is_alive {
            self.settle(timing.deadline).await;
        }
        (is_alive && !is_zombie).then_some(timing.deadline)
    }

    /// Ends an invocation whose process never asked for it.
    pub(super) async fn fail_unstarted(&mut self, work: Work, timing: Timing, end: End) {
        let running = self.announce(work, timing);
        self.finish(running, end, false).await;
    }

    fn announce(&mut self, work: Work, timing: Timing) -> Running {
        let Work { invocation, request_id, answer } = work;
        self.journal.turn_to(Some(Arc::clone(&request_id)));
        self.journal.tell(report::start(&request_id));
        let answer = Some(answer);
        Running { invocation, request_id, timing, answer, kill_at: None, is_delivered: false }
    }

    /// Gives the process its event.
    fn deliver(&self, running: &mut Running, next: oneshot::Sender<Reply>) {
        let now = Timestamp::now();
        let left = running.timing.deadline.saturating_duration_since(Instant::now());
        let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        let deadline = now.as_millisecond().saturating_add(left);
        let headers = [
            ("lambda-runtime-aws-request-id", running.request_id.to_string()),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", self.function.arn.to_string()),
            ("lambda-runtime-trace-id", lock(&self.core.ids).trace(now)),
        ];
        let mut answer = Response::new(Full::new(running.invocation.payload.clone()));
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(CONTENT_TYPE, json);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().insert(name, value);
            }
        }
        running.is_delivered = next.send(answer.into()).is_ok();
    }

    /// Asks what is to go wrong now that the process has the event.
    fn received(&self, running: &mut Running) -> Option<End> {
        let place = running.place(Point::Received);
        match self.core.interfere.at(&place) {
            Interference::Kill => {
                self.fault("killed when it had received an event");
                Some(End::killed())
            }
            Interference::KillAfter(time) => {
                self.fault(&format!("to be killed {time:?} after it received an event"));
                running.kill_at = Some(Instant::now() + time);
                None
            }
            Interference::Abandon => {
                self.abandon(running);
                None
            }
            _ => None,
        }
    }

    /// Tells the caller that the invocation timed out, and lets the process go on.
    fn abandon(&self, running: &mut Running) {
        if !lock(&self.core.pool).abandon(&self.function.name, self.number) {
            self.fault("not abandoned: too many are already");
            return;
        }
        self.fault("abandoned: its caller is told that it timed out, and it goes on");
        let error = Failure::TimedOut(self.function.timeout).error(&running.request_id);
        let report = self.report(&running.timing, None);
        if let Some(answer) = running.answer.take() {
            drop(answer.send(Settled::Done(Invoked {
                request_id: Arc::clone(&running.request_id),
                outcome: Outcome::Failed(error),
                report,
            })));
        }
    }

    /// Waits for the answer, or for what comes instead.
    async fn until_ended(&mut self, running: &mut Running) -> End {
        loop {
            let until = running
                .kill_at
                .map_or(running.timing.deadline, |at| at.min(running.timing.deadline));
            match self.event(Some(until), false).await {
                Event::Call(asked) => {
                    if let Some(end) = self.during(running, asked).await {
                        return end;
                    }
                }
                Event::Ended(status) => return End::Failed(Failure::Exited(how_it_ended(status))),
                Event::TooMuchMemory => return End::Failed(Failure::OutOfMemory),
                Event::Killed => return End::killed(),
                // On purpose, as was told when it got the event.
                Event::Deadline if until < running.timing.deadline => return End::killed(),
                Event::Deadline => {
                    return End::Failed(Failure::TimedOut(self.function.timeout));
                }
                Event::Work(_) | Event::Closing => return End::Closing,
            }
        }
    }

    /// A call while an invocation runs.
    async fn during(&mut self, running: &mut Running, asked: Asked) -> Option<End> {
        let Asked { call, answer } = asked;
        match call {
            Call::Response { id, sent } if *id == *running.request_id => {
                Some(self.answered(running, sent, answer))
            }
            Call::Error { id, error_type, body } if *id == *running.request_id => {
                let end = End::Told(report::told(body, error_type.as_deref()));
                Some(self.take_answer(running, end, api::accepted(), answer))
            }
            Call::Response { id, .. } | Call::Error { id, .. } => {
                drop(answer.send(self.not_running(&id).into()));
                None
            }
            Call::Next if !running.is_delivered => {
                self.deliver(running, answer);
                None
            }
            Call::Next => {
                drop(answer.send(api::wrong_state("Running", "Ready").into()));
                None
            }
            Call::InitError { .. } => {
                drop(answer.send(api::wrong_state("Running", "InitError").into()));
                None
            }
            Call::Point(name) => {
                let killed = self.point(&name, answer, Some(running)).await;
                killed.then(End::killed)
            }
        }
    }

    /// The process has answered.
    fn answered(&self, running: &Running, sent: Sent, answer: oneshot::Sender<Reply>) -> End {
        let (end, reply) = match sent {
            Sent::Whole(body) => (End::Answered(body), api::accepted()),
            Sent::Failed { error_type, body } => {
                (End::Told(report::told(body, Some(&error_type))), api::accepted())
            }
            Sent::TooLarge => (End::Failed(Failure::ResponseTooLarge), api::too_large()),
            Sent::WrongMode => (End::Failed(Failure::ResponseMode), api::wrong_mode()),
        };
        self.take_answer(running, end, reply, answer)
    }

    /// Asks what is to go wrong with an answer that nobody has seen, and lets the process know that it was taken.
    fn take_answer(
        &self,
        running: &Running,
        end: End,
        reply: http::Answer,
        answer: oneshot::Sender<Reply>,
    ) -> End {
        let interference = match running.answer {
            Some(_) => self.core.interfere.at(&running.place(Point::Answered)),
            None => Interference::None,
        };
        let end = match interference {
            Interference::Kill => {
                self.fault("killed when it had answered, and its answer dropped");
                return End::killed();
            }
            Interference::LoseAnswer => {
                self.fault("answered, and its answer was dropped");
                End::Lost
            }
            _ => end,
        };
        drop(answer.send(reply.into()));
        end
    }

    /// Tells the log and the caller how an invocation ended.
    async fn finish(&mut self, running: Running, end: End, is_alive: bool) {
        let Running { request_id, timing, answer, .. } = running;
        let memory = self.process.as_mut().and_then(Process::measure);
        let report = self.report(&timing, memory);
        if let Some(process) = &self.process {
            process.drain().await;
        }
        if let End::Failed(failure) = &end
            && let Some(line) = failure.line(&request_id, Timestamp::now())
        {
            self.journal.tell(line);
        }
        self.journal.tell(report::end(&request_id));
        self.journal.tell(report::report(&request_id, &report, end.error_type()));
        self.journal.turn_to(None);
        self.answered = Some(Arc::clone(&request_id));
        let outcome = end.outcome(&self.function.name, &request_id);
        let Some(answer) = answer else { return };
        // The place is free before the caller knows, so that a caller who asks again at once finds it.
        if is_alive {
            let handle = self.handle.clone();
            lock(&self.core.pool).give_back(&self.function.name, self.number, handle);
        } else {
            self.leave_pool();
        }
        drop(answer.send(Settled::Done(Invoked { request_id, outcome, report })));
    }

    fn report(&self, timing: &Timing, memory_used_mb: Option<u32>) -> Report {
        let duration = timing.started.elapsed();
        Report {
            duration,
            billed: report::billed(timing.init, duration),
            init: timing.init,
            memory_mb: self.function.memory_mb,
            memory_used_mb,
            environment: self.number,
        }
    }

    /// Waits until a zombie that has answered asks for more, ends, or has to.
    async fn settle(&mut self, deadline: Instant) {
        loop {
            match self.event(Some(deadline), false).await {
                Event::Call(asked) => {
                    if self.between(asked).await || self.next.is_some() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}
