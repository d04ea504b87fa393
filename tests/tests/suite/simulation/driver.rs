//! What happens next, and time; `invocation`: functions side by side.

mod invocation;

use super::chaos::Chaos;
use super::cloud::{Cloud, TakenPoint};
use super::dice::Dice;
use super::outcome;
use super::stream::{SOURCE, SimulatedStream, UPSTREAM};
use super::told::Told;
use super::workload::{Front, START, Shape, Workload};
use super::world::Shared;
use invocation::{Environments, Task};
use std::sync::atomic::Ordering;
use streamgauge_engine::output::Counters;
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Timestamp};
use streamgauge_pipeline::aggregate::Settings;
use streamgauge_pipeline::control::{Control, announce};
use streamgauge_pipeline::memory::{MemoryChannel, MemoryChannels, VirtualClock, block_on};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::LogId;
use streamgauge_pipeline::port::snapshots::Snapshots;
use streamgauge_pipeline::port::wake::Function;

/// How long time goes on after the input, in minutes: longer than an unknown call takes to be resolved, twice.
const MINUTES_AFTER: usize = 30;
/// For how long a filter that halts stands still at most.
const HALT_MS: i64 = 10 * MINUTE_MS;

/// What came out of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) points: Vec<TakenPoint>,
    pub(super) counters: Counters,
    /// What the logs of upstream shards say that they counted.
    pub(super) counted_upstream: Counters,
    pub(super) rejects: Vec<String>,
    /// When the first plan was announced.
    pub(super) begins: Timestamp,
    /// The plans that came in force, with their event times.
    pub(super) in_force: Vec<(String, Timestamp)>,
    pub(super) dead: usize,
    /// What settle decided of alerts.
    pub(super) told: Told,
    pub(super) story: Vec<String>,
}

/// Drives a run.
pub(super) struct Driver<'w> {
    workload: &'w Workload,
    chaos: &'w Chaos,
    dice: Dice,
    clock: VirtualClock,
    /// What aggregate reads.
    stream: SimulatedStream,
    /// What the filter reads and forwards to that, if there is one.
    upstream: Option<SimulatedStream>,
    shared: Shared,
    cloud: Cloud,
    channels: MemoryChannels,
    tasks: Vec<Task>,
    warm: Environments,
    put: usize,
    changed: usize,
    ticked_at: Timestamp,
    invocations: usize,
    settings: Settings,
    is_unwoken: bool,
    has_paused: bool,
    told: Told,
    story: Vec<String>,
}

impl<'w> Driver<'w> {
    pub(super) fn new(seed: u64, workload: &'w Workload, chaos: &'w Chaos) -> Self {
        let dice = Dice::new(seed ^ 0x5EED);
        let clock = VirtualClock::new(START);
        let shards = u16::try_from(1 + dice.below(3)).unwrap();
        let stream = SimulatedStream::new(SOURCE, clock.clone(), shards);
        let upstream_shards = workload.front.map(|front| match front {
            Front::Halting => 1,
            Front::Covered => u16::try_from(1 + dice.below(3)).unwrap(),
        });
        let upstream =
            upstream_shards.map(|number| SimulatedStream::new(UPSTREAM, clock.clone(), number));
        let shared = Shared::new(&clock, &dice, workload);
        let cloud = Cloud::new(&dice);
        Self {
            workload,
            chaos,
            cloud,
            channels: MemoryChannels::new(|_, _| {
                Some(MemoryChannel { receivers: vec![String::new()], knows_repeats: true })
            }),
            tasks: Vec::new(),
            warm: Environments::default(),
            put: 0,
            changed: 0,
            ticked_at: START,
            invocations: 0,
            settings: settings(workload, &dice),
            is_unwoken: dice.per_mille(chaos.unwoken),
            has_paused: false,
            told: Told::default(),
            story: vec![format!(
                "{shards} shards, {} partitions, {upstream_shards:?} upstream shards, items of {} bytes, deltas of {}",
                workload.partitions, workload.item_bytes_max, workload.delta_bytes_max
            )],
            dice,
            clock,
            stream,
            upstream,
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
        self.must_be_drained();
        self.outcome()
    }

    fn must_be_drained(&self) {
        let is_drained = self.streams().all(SimulatedStream::is_drained);
        assert!(is_drained, "records are left:\n{}", self.story.join("\n"));
    }

    /// All streams that functions read.
    fn streams(&self) -> impl Iterator<Item = &SimulatedStream> {
        [&self.stream].into_iter().chain(&self.upstream)
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
            self.told.follow(&self.shared, self.workload.partitions);
            steps += 1;
            if is_remade && steps == 2 {
                self.must_be_drained();
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
            self.upstream.as_ref().unwrap_or(&self.stream).put(put.place, &put.payload);
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
        if let Some((stream, shard)) = task.shard {
            stream.answer(&shard, None);
        }
    }

    /// The snapshots of a log are deleted, or what the streams said is.
    fn forget(&mut self) {
        let keys = self.streams().flat_map(SimulatedStream::keys);
        let mut logs: Vec<_> = keys.map(|key| LogId::shard(&key)).collect();
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
        let ((stream, shard), what) = (task.shard.take().unwrap(), task.what.clone());
        stream.answer(&shard, None);
        self.tell(format!("{what} is given up, and goes on"));
    }

    /// Something of the shards of a stream changes.
    fn reshard(&mut self) {
        let is_front = self.upstream.is_some() && self.dice.per_mille(500);
        let stream = self.upstream.as_ref().filter(|_| is_front).unwrap_or(&self.stream);
        let halts = is_front && self.workload.front == Some(Front::Halting);
        let what = match self.dice.below(4) {
            0 if !halts => format!("split {:?}", stream.split(&self.dice)),
            1 if !halts => format!("merge {:?}", stream.merge()),
            _ => {
                let longest = if halts {
                    HALT_MS
                } else if self.workload.shape == Shape::Held {
                    90_000
                } else {
                    40_000
                };
                let until = self.clock.now().plus(self.dice.millis(longest));
                format!("{} lags until {until}", stream.lag(&self.dice, until))
            }
        };
        let name = stream.name;
        self.tell(format!("{name}: {what}"));
    }

    fn tell(&mut self, what: impl AsRef<str>) {
        self.story.push(format!("{} {}", self.clock.now(), what.as_ref()));
    }

    fn outcome(mut self) -> Run {
        let partitions = self.workload.partitions;
        self.told.follow(&self.shared, partitions);
        let logs = outcome::read(&self.shared, &self.stream, self.upstream.as_ref(), partitions);
        Run {
            points: self.cloud.points(),
            counters: logs.counters,
            counted_upstream: logs.counted_upstream,
            rejects: logs.rejects,
            begins: logs.begins,
            in_force: logs.in_force,
            dead: logs.dead,
            told: self.told,
            story: self.story,
        }
    }
}

/// How aggregate puts its snapshots.
fn settings(workload: &Workload, dice: &Dice) -> Settings {
    let Workload { partitions, delta_bytes_max, .. } = *workload;
    let mut settings = Settings { partitions, delta_bytes_max, ..Settings::default() };
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
