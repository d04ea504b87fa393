//! Invocations side by side, crashes, wake-ups, and time.

use super::chaos::Chaos;
use super::cloud::{Cloud, TakenPoint};
use super::dice::Dice;
use super::stream::{NAME, SimulatedStream};
use super::workload::{START, Shape, Workload};
use super::world::{Shared, SkewedClock};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use streamgauge_engine::output::Counters;
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Timestamp};
use streamgauge_pipeline::aggregate::{Aggregate, Settings, Taken};
use streamgauge_pipeline::control::{Control, announce};
use streamgauge_pipeline::deliver::{Deliver, DeliverSettings};
use streamgauge_pipeline::memory::{VirtualClock, block_on};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::LogId;
use streamgauge_pipeline::port::snapshots::Snapshots;
use streamgauge_pipeline::port::source::{SequenceNumber, ShardId};
use streamgauge_pipeline::port::wake::Function;
use streamgauge_pipeline::settle::Settle;

/// An invocation must end so long after it began.
const TIME_OUT_MS: i64 = 60_000;
/// How many polls an invocation may need: more is a loop.
const POLLS_MAX: usize = 100_000;
/// How long time goes on after the input, in minutes: longer than an unknown call takes to be resolved, twice.
const MINUTES_AFTER: usize = 30;

/// What came out of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) points: Vec<TakenPoint>,
    pub(super) counters: Counters,
    pub(super) rejects: Vec<String>,
    /// The plans that came in force, with their event times.
    pub(super) in_force: Vec<(String, Timestamp)>,
    pub(super) dead: usize,
    pub(super) story: Vec<String>,
}

/// A function that runs, and what it ends with.
struct Task {
    what: String,
    shard: Option<ShardId>,
    polls: usize,
    future: Pin<Box<dyn Future<Output = Ended>>>,
}

/// The environment of an invocation that has ended, and how.
enum Ended {
    Aggregate(Warm<Aggregate<Shared>>, SequenceNumber, Result<Told, String>),
    Settle(Warm<Settle<Shared>>, Result<String, String>),
    Deliver(Warm<Deliver<Shared, Cloud>>, Result<String, String>),
}

/// An environment: the function, and its clock.
struct Warm<F>(Box<F>, SkewedClock);

/// Drives a run.
pub(super) struct Driver<'w> {
    workload: &'w Workload,
    chaos: &'w Chaos,
    dice: Dice,
    clock: VirtualClock,
    stream: SimulatedStream,
    shared: Shared,
    cloud: Cloud,
    tasks: Vec<Task>,
    aggregates: Vec<Warm<Aggregate<Shared>>>,
    settles: Vec<Warm<Settle<Shared>>>,
    delivers: Vec<Warm<Deliver<Shared, Cloud>>>,
    put: usize,
    changed: usize,
    ticked_at: Timestamp,
    invocations: usize,
    settings: Settings,
    is_unwoken: bool,
    has_paused: bool,
    story: Vec<String>,
}

impl<'w> Driver<'w> {
    pub(super) fn new(seed: u64, workload: &'w Workload, chaos: &'w Chaos) -> Self {
        let dice = Dice::new(seed ^ 0x5EED);
        let clock = VirtualClock::new(START);
        let shards = u16::try_from(1 + dice.below(3)).unwrap();
        let stream = SimulatedStream::new(clock.clone(), shards);
        let shared = Shared::new(&clock, &stream, &dice, workload);
        let cloud = Cloud::new(&dice);
        Self {
            workload,
            chaos,
            cloud,
            tasks: Vec::new(),
            aggregates: Vec::new(),
            settles: Vec::new(),
            delivers: Vec::new(),
            put: 0,
            changed: 0,
            ticked_at: START,
            invocations: 0,
            settings: settings(workload, &dice),
            is_unwoken: dice.per_mille(chaos.unwoken),
            has_paused: false,
            story: vec![format!("{shards} shards, {} partitions", workload.partitions)],
            dice,
            clock,
            stream,
            shared,
        }
    }

    /// Runs to the end, and on until nothing is left to do.
    pub(super) fn run(mut self) -> Run {
        self.set_faults(self.chaos.calls);
        while self.put < self.workload.puts.len() {
            let next = self.workload.puts[self.put].at;
            if self.workload.pause.is_some_and(|pause| pause < next) && !self.has_paused {
                self.pause(next);
            }
            self.step();
        }
        self.tell("the input is over, and so are the faults");
        self.settle_down();
        assert!(self.stream.is_drained(), "records are left:\n{}", self.story.join("\n"));
        self.outcome()
    }

    /// Faults end, and time goes on until all is done.
    fn settle_down(&mut self) {
        self.set_faults(0);
        for _ in 0..MINUTES_AFTER {
            self.advance(MINUTE_MS);
            while self.poll_all() || self.start_batch() || self.start_woken() {}
        }
    }

    /// Nothing comes until shortly before this time, once the pause has begun.
    fn pause(&mut self, until: Timestamp) {
        let Some(begins) = self.workload.pause.filter(|begins| *begins <= self.clock.now()) else {
            return;
        };
        self.has_paused = true;
        if until.as_millis() - begins.as_millis() < 2 * HOUR_MS
            && self.workload.shape == Shape::Silent
        {
            return;
        }
        self.tell("nothing comes for some time");
        self.set_faults(0);
        let is_remade = self.workload.shape == Shape::Remade;
        // The rest of the time in few steps.
        let mut steps = 0;
        while self.clock.now().plus(2 * MINUTE_MS) < until {
            let left = until.as_millis() - self.clock.now().as_millis() - MINUTE_MS;
            let long = if steps < 15 { MINUTE_MS } else { (6 * HOUR_MS).min(left).max(MINUTE_MS) };
            self.advance(long);
            while self.poll_all() || self.start_batch() || self.start_woken() {}
            steps += 1;
            if is_remade && steps == 2 {
                assert!(self.stream.is_drained(), "records are left:\n{}", self.story.join("\n"));
                self.stream.remake(u16::try_from(1 + self.dice.below(3)).unwrap());
                self.tell("the stream is made anew");
            }
        }
        self.set_faults(self.chaos.calls);
    }

    fn set_faults(&self, per_mille: usize) {
        self.shared.fail(per_mille);
        self.cloud.per_mille.store(per_mille, Ordering::Relaxed);
    }

    /// One small thing.
    fn step(&mut self) {
        let chance = self.dice.below(1_000);
        if chance < self.chaos.crash && !self.tasks.is_empty() {
            self.crash();
        } else if chance < self.chaos.crash + self.chaos.shards {
            self.reshard();
        } else if self.dice.per_mille(self.chaos.snapshots) {
            self.forget();
        } else if self.dice.per_mille(self.chaos.zombies) {
            self.leave();
        } else if chance < 600 && !self.tasks.is_empty() {
            let place = self.dice.below(self.tasks.len());
            self.poll(place);
        } else if chance < 750 {
            self.start_batch();
        } else if chance < 850 {
            self.start_woken();
        } else {
            self.advance(1 + self.dice.millis(1_000));
        }
    }

    /// Turns the clock on; what is due is put, and each minute the schedule ticks.
    fn advance(&mut self, by: i64) {
        self.clock.advance(by);
        let now = self.clock.now();
        while let Some(put) = self.workload.puts.get(self.put).filter(|put| put.at <= now) {
            self.stream.put(put.place, &put.payload);
            self.put += 1;
        }
        while self.workload.changes.get(self.changed).is_some_and(|change| *change <= now) {
            self.changed += 1;
            self.announce(self.changed % 2);
        }
        if now >= self.ticked_at.plus(MINUTE_MS) {
            self.ticked_at = now;
            for number in 0..self.workload.partitions {
                let partition = Partition::new(number).unwrap();
                self.start(Function::Settle, partition);
                self.start(Function::Deliver, partition);
            }
        }
    }

    /// A deploy announces the rules after the change, or those before it again; it tries until that is done.
    fn announce(&mut self, which: usize) {
        let text = self.shared.rules.text(which);
        let mut control = Control::default();
        let partitions = self.workload.partitions;
        let announced = std::iter::repeat_with(|| {
            block_on(announce(&self.shared, &mut control, partitions, text))
        });
        let plan = announced.take(100).find_map(Result::ok).unwrap();
        self.tell(format!("announces rules {which}, plan {plan}"));
    }

    fn crash(&mut self) {
        let place = self.dice.below(self.tasks.len());
        let task = self.tasks.swap_remove(place);
        self.tell(format!("{} dies at its poll {}", task.what, task.polls));
        if let Some(shard) = task.shard {
            self.stream.answer(&shard, None);
        }
    }

    /// The snapshots of a log are deleted, or what the streams said is.
    fn forget(&mut self) {
        let mut logs: Vec<_> = self.stream.keys().iter().map(LogId::shard).collect();
        let partitions = (0..self.workload.partitions).filter_map(Partition::new);
        logs.extend(partitions.map(LogId::settle));
        logs.push(LogId::progress());
        let log = self.dice.one_of(&logs).clone();
        self.tell(format!("the snapshots of {} are deleted", log.as_str()));
        block_on(self.shared.snapshots.inner.expire(&log, self.clock.now())).unwrap();
    }

    /// The mapping gives an invocation up that goes on all the same.
    fn leave(&mut self) {
        let mut tasks = self.tasks.iter_mut().filter(|task| task.shard.is_some());
        let Some(task) = tasks.next() else { return };
        let (shard, what) = (task.shard.take().unwrap(), task.what.clone());
        self.stream.answer(&shard, None);
        self.tell(format!("{what} is given up, and goes on"));
    }

    fn reshard(&mut self) {
        let what = match self.dice.below(4) {
            0 => format!("split {:?}", self.stream.split(&self.dice)),
            1 => format!("merge {:?}", self.stream.merge()),
            _ => {
                let longest = if self.workload.shape == Shape::Held { 90_000 } else { 40_000 };
                let until = self.clock.now().plus(self.dice.millis(longest));
                format!("{} lags until {until}", self.stream.lag(&self.dice, until))
            }
        };
        self.tell(what);
    }

    /// Starts an invocation for a batch, if there is one.
    fn start_batch(&mut self) -> bool {
        let ready = self.stream.ready();
        if ready.is_empty() {
            return false;
        }
        let shard = ShardId::clone(self.dice.one_of(&ready));
        let repeats = self.dice.per_mille(self.chaos.repeats);
        let batch = self.stream.batch(&shard, &self.dice, repeats);
        let last = batch.records.last().unwrap().sequence.clone();
        let what = self.name(&format!("aggregate {shard} {} records", batch.records.len()));
        let settings = self.settings;
        let mut warm = self
            .aggregates
            .pop()
            .unwrap_or_else(|| self.environment(|world| Aggregate::new(world, settings)));
        self.skew(&warm);
        let future = Box::pin(async move {
            let taken = warm.0.take(NAME, batch).await;
            let outcome = taken.map(told).map_err(|error| chain(&error));
            Ended::Aggregate(warm, last, outcome)
        });
        self.tasks.push(Task { what, shard: Some(shard), polls: 0, future });
        true
    }

    /// A new environment.
    fn environment<F>(&self, new: impl FnOnce(Shared) -> F) -> Warm<F> {
        let world = self.shared.environment(&self.stream);
        let clock = world.clock.clone();
        Warm(Box::new(new(world)), clock)
    }

    /// The clock of an environment is set anew, also back.
    fn skew<F>(&self, warm: &Warm<F>) {
        let most = self.chaos.skew_ms;
        warm.1.skew(self.dice.millis(2 * most + 1) - most);
    }

    /// Starts a function that was woken, if one was.
    fn start_woken(&mut self) -> bool {
        let Some(wake_up) = self.shared.wake.inner.take() else { return false };
        if !self.is_unwoken {
            self.start(wake_up.function, wake_up.partition);
        }
        true
    }

    fn start(&mut self, function: Function, partition: Partition) {
        let deadline = self.clock.now().plus(TIME_OUT_MS);
        let what = self.name(&format!("{function:?} {}", partition.number()));
        let future: Pin<Box<dyn Future<Output = Ended>>> = match function {
            Function::Settle => {
                let partitions = self.workload.partitions;
                let new = |world| Settle::new(world, "simulation", partitions);
                let mut settle = self.settles.pop().unwrap_or_else(|| self.environment(new));
                self.skew(&settle);
                Box::pin(async move {
                    let settled = settle.0.run(partition, deadline).await;
                    let outcome =
                        settled.map(|it| format!("{it:?}")).map_err(|error| chain(&error));
                    Ended::Settle(settle, outcome)
                })
            }
            Function::Deliver => {
                let cloud = self.cloud.clone();
                let new = |world| Deliver::new(world, cloud, DeliverSettings::default());
                let mut deliver = self.delivers.pop().unwrap_or_else(|| self.environment(new));
                self.skew(&deliver);
                let name = what.clone();
                Box::pin(async move {
                    let delivered = deliver.0.run(partition, &name, deadline).await;
                    let outcome =
                        delivered.map(|it| format!("{it:?}")).map_err(|error| chain(&error));
                    Ended::Deliver(deliver, outcome)
                })
            }
        };
        self.tasks.push(Task { what, shard: None, polls: 0, future });
    }

    fn name(&mut self, what: &str) -> String {
        self.invocations += 1;
        let name = format!("#{} {what}", self.invocations);
        self.tell(format!("{name} begins"));
        name
    }

    /// Polls all to their end; false if there was none.
    fn poll_all(&mut self) -> bool {
        let any = !self.tasks.is_empty();
        while !self.tasks.is_empty() {
            let place = self.dice.below(self.tasks.len());
            self.poll(place);
        }
        any
    }

    fn poll(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        task.polls += 1;
        assert!(task.polls < POLLS_MAX, "{} never ends\n{}", task.what, self.story.join("\n"));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(ended) = polled {
            let over = self.tasks.swap_remove(place);
            self.end(&over, ended);
        }
    }

    fn end(&mut self, task: &Task, ended: Ended) {
        // Now and then a warm environment is thrown away.
        let stays_warm = !self.dice.per_mille(100);
        let outcome = match ended {
            Ended::Aggregate(aggregate, last, outcome) => {
                if stays_warm {
                    self.aggregates.push(aggregate);
                }
                let is_lost = self.dice.per_mille(self.chaos.answers);
                match (&outcome, &task.shard) {
                    (_, None) => {}
                    (Ok(Told { failed_from: None, .. }), Some(shard)) if !is_lost => {
                        self.stream.answer_all(shard, &last);
                    }
                    (Ok(Told { failed_from: Some(failed), .. }), Some(shard)) if !is_lost => {
                        self.stream.answer(shard, Some(failed));
                    }
                    (_, Some(shard)) => self.stream.answer(shard, None),
                }
                format!("{outcome:?}{}", if is_lost { ", and its answer is lost" } else { "" })
            }
            Ended::Settle(settle, outcome) => {
                if stays_warm {
                    self.settles.push(settle);
                }
                format!("{outcome:?}")
            }
            Ended::Deliver(deliver, outcome) => {
                if stays_warm {
                    self.delivers.push(deliver);
                }
                format!("{outcome:?}")
            }
        };
        self.tell(format!("{} ends: {outcome}", task.what));
    }

    fn tell(&mut self, what: impl AsRef<str>) {
        self.story.push(format!("{} {}", self.clock.now(), what.as_ref()));
    }

    fn outcome(self) -> Run {
        let logs = super::outcome::read(&self.shared, &self.stream, self.workload.partitions);
        Run {
            points: self.cloud.points(),
            counters: logs.counters,
            rejects: logs.rejects,
            in_force: logs.in_force,
            dead: logs.dead,
            story: self.story,
        }
    }
}

/// How aggregate is set: it puts snapshots now and then, or all the time, with the identities in them, or with none.
fn settings(workload: &Workload, dice: &Dice) -> Settings {
    let mut settings = Settings { partitions: workload.partitions, ..Settings::default() };
    if dice.per_mille(700) {
        settings.snapshot_log_bytes_min = 0;
    }
    // After a silence that is longer than the log is kept, a copy counts as late where its identity was left to the log, and `replay`
    // says that it is a duplicate.
    if dice.per_mille(500) && workload.shape != Shape::Silent {
        settings.thin_ids_bytes_min = 0;
    }
    settings
}

/// What an aggregate tells of its batch.
#[derive(Debug)]
struct Told {
    failed_from: Option<SequenceNumber>,
    #[expect(dead_code, reason = "for the story")]
    more: String,
}

fn told(taken: Taken) -> Told {
    let problem = taken.problem.as_ref().map(|problem| chain(problem));
    let Taken { known, entries, conflicts, .. } = taken;
    let more = format!("known {known}, entries {entries}, conflicts {conflicts}, {problem:?}");
    Told { failed_from: taken.failed_from, more }
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
