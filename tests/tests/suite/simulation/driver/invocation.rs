//! Invocations: how they start, go on poll by poll, and end.

use super::super::cloud::Cloud;
use super::super::stream::{SOURCE, SimulatedStream, UPSTREAM};
use super::super::world::{Faulty, Shared, SkewedClock};
use super::Driver;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use streamgauge_function::diagnostic::chain;
use streamgauge_pipeline::aggregate::filter::Filter;
use streamgauge_pipeline::aggregate::{Aggregate, Taken};
use streamgauge_pipeline::deliver::{Deliver, DeliverSettings};
use streamgauge_pipeline::memory::MemoryChannels;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::source::{Batch, SequenceNumber, ShardId};
use streamgauge_pipeline::port::wake::Function;
use streamgauge_pipeline::settle::Settle;

/// An invocation must end so long after it began.
const TIME_OUT_MS: i64 = 60_000;
/// How many polls an invocation may need: more is a loop.
const POLLS_MAX: usize = 100_000;

type Running = Pin<Box<dyn Future<Output = Ended>>>;

/// A function that runs, and what it ends with.
pub(super) struct Task {
    pub(super) what: String,
    /// Where its batch is from.
    pub(super) shard: Option<(SimulatedStream, ShardId)>,
    pub(super) polls: usize,
    future: Running,
}

/// The environment of an invocation that has ended, and how.
enum Ended {
    Aggregate(Warm<Aggregate<Shared>>, SequenceNumber, Result<Told, String>),
    Filter(Warm<Filtering>, SequenceNumber, Result<Told, String>),
    Settle(Warm<Settle<Shared>>, Result<String, String>),
    Deliver(Warm<Deliver<Shared, Cloud, MemoryChannels>>, Result<String, String>),
}

type Filtering = Filter<Shared, Faulty<SimulatedStream>>;

/// An environment: the function, and its clock.
struct Warm<F>(Box<F>, SkewedClock);

/// Environments that wait for their next invocation.
#[derive(Default)]
pub(super) struct Environments {
    aggregates: Vec<Warm<Aggregate<Shared>>>,
    filters: Vec<Warm<Filtering>>,
    settles: Vec<Warm<Settle<Shared>>>,
    delivers: Vec<Warm<Deliver<Shared, Cloud, MemoryChannels>>>,
}

impl Driver<'_> {
    /// Starts an invocation for a batch, if there is one.
    pub(super) fn start_batch(&mut self) -> bool {
        let of_stream = |stream: &SimulatedStream| {
            let shards = stream.ready().into_iter();
            shards.map(|shard| (stream.clone(), shard)).collect::<Vec<_>>()
        };
        let ready: Vec<_> = self.streams().flat_map(of_stream).collect();
        if ready.is_empty() {
            return false;
        }
        let (stream, shard) = self.dice.one_of(&ready).clone();
        let repeats = self.dice.per_mille(self.chaos.repeats);
        let batch = stream.batch(&shard, &self.dice, repeats);
        let last = batch.records.last().unwrap().sequence.clone();
        let is_front = stream.name == UPSTREAM;
        let function = if is_front { "filter" } else { "aggregate" };
        let what = self.name(&format!("{function} {shard} {} records", batch.records.len()));
        let future = if is_front { self.filter(batch, last) } else { self.aggregate(batch, last) };
        self.tasks.push(Task { what, shard: Some((stream, shard)), polls: 0, future });
        true
    }

    fn aggregate(&mut self, batch: Batch, last: SequenceNumber) -> Running {
        let settings = self.settings;
        let new = |world| Aggregate::new(world, settings);
        let streams = [self.stream.clone()];
        let mut warm =
            self.warm.aggregates.pop().unwrap_or_else(|| self.environment(&streams, new));
        self.skew(&warm);
        Box::pin(async move {
            let taken = warm.0.take(SOURCE, batch).await;
            let outcome = taken.map(|taken| {
                let problem = taken.problem.as_ref();
                told(&taken, &problem.map_or_else(String::new, |problem| chain(problem)))
            });
            Ended::Aggregate(warm, last, outcome.map_err(|error| chain(&error)))
        })
    }

    fn filter(&mut self, batch: Batch, last: SequenceNumber) -> Running {
        let settings = self.settings;
        let forward = self.shared.behind_dice(self.stream.clone());
        let new = |world| Filter::new(world, forward, settings);
        let streams: Vec<_> = self.upstream.iter().cloned().collect();
        let mut warm = self.warm.filters.pop().unwrap_or_else(|| self.environment(&streams, new));
        self.skew(&warm);
        Box::pin(async move {
            let filtered = warm.0.take(UPSTREAM, batch).await;
            let outcome = filtered.map(|filtered| {
                let problem = filtered.problem.as_ref();
                told(&filtered.taken, &problem.map_or_else(String::new, |problem| chain(problem)))
            });
            Ended::Filter(warm, last, outcome.map_err(|error| chain(&error)))
        })
    }

    /// A new environment of a function that knows these streams.
    fn environment<F>(
        &self,
        streams: &[SimulatedStream],
        new: impl FnOnce(Shared) -> F,
    ) -> Warm<F> {
        let world = self.shared.environment(streams);
        let clock = world.clock.clone();
        Warm(Box::new(new(world)), clock)
    }

    /// The clock of an environment is set anew, also back.
    fn skew<F>(&self, warm: &Warm<F>) {
        let most = self.chaos.skew_ms;
        warm.1.skew(self.dice.millis(2 * most + 1) - most);
    }

    /// Starts a function that was woken, if one was.
    pub(super) fn start_woken(&mut self) -> bool {
        let Some(wake_up) = self.shared.wake.inner.take() else { return false };
        if !self.is_unwoken {
            self.start(wake_up.function, wake_up.partition);
        }
        true
    }

    pub(super) fn start(&mut self, function: Function, partition: Partition) {
        let deadline = self.clock.now().plus(TIME_OUT_MS);
        let what = self.name(&format!("{function:?} {}", partition.number()));
        let future: Running = match function {
            Function::Settle => {
                let partitions = self.workload.partitions;
                let new = |world| Settle::new(world, "simulation", partitions);
                let streams: Vec<_> = self.streams().cloned().collect();
                let mut settle =
                    self.warm.settles.pop().unwrap_or_else(|| self.environment(&streams, new));
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
                let channels = self.channels.clone();
                let new = |world| Deliver::new(world, cloud, channels, DeliverSettings::default());
                let deliver =
                    self.warm.delivers.pop().unwrap_or_else(|| self.environment(&[], new));
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
    pub(super) fn poll_all(&mut self) -> bool {
        let any = !self.tasks.is_empty();
        while !self.tasks.is_empty() {
            let place = self.dice.below(self.tasks.len());
            self.poll(place);
        }
        any
    }

    pub(super) fn poll(&mut self, place: usize) {
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
                    self.warm.aggregates.push(aggregate);
                }
                self.answer(task, &last, &outcome)
            }
            Ended::Filter(filter, last, outcome) => {
                if stays_warm {
                    self.warm.filters.push(filter);
                }
                self.answer(task, &last, &outcome)
            }
            Ended::Settle(settle, outcome) => {
                if stays_warm {
                    self.warm.settles.push(settle);
                }
                format!("{outcome:?}")
            }
            Ended::Deliver(deliver, outcome) => {
                if stays_warm {
                    self.warm.delivers.push(deliver);
                }
                format!("{outcome:?}")
            }
        };
        self.tell(format!("{} ends: {outcome}", task.what));
    }

    /// The mapping gets the answer of a function to its batch, if that is not lost.
    fn answer(&self, task: &Task, last: &SequenceNumber, outcome: &Result<Told, String>) -> String {
        let is_lost = self.dice.per_mille(self.chaos.answers);
        match (outcome, &task.shard) {
            (_, None) => {}
            (Ok(Told { failed_from: None, .. }), Some((stream, shard))) if !is_lost => {
                stream.answer_all(shard, last);
            }
            (Ok(Told { failed_from: Some(failed), .. }), Some((stream, shard))) if !is_lost => {
                stream.answer(shard, Some(failed));
            }
            (_, Some((stream, shard))) => stream.answer(shard, None),
        }
        format!("{outcome:?}{}", if is_lost { ", and its answer is lost" } else { "" })
    }
}

/// What an aggregate or a filter tells of its batch.
#[derive(Debug)]
struct Told {
    failed_from: Option<SequenceNumber>,
    #[expect(dead_code, reason = "for the story")]
    more: String,
}

fn told(taken: &Taken, problem: &str) -> Told {
    let Taken { known, entries, conflicts, cuts, .. } = taken;
    let more =
        format!("known {known}, entries {entries}, conflicts {conflicts}, cuts {cuts}, {problem}");
    Told { failed_from: taken.failed_from.clone(), more }
}
