//! An adversary: random mappings on random streams with random functions, faults, troubles, restarts and crashes, against a naive
//! model of what AWS documents and of what we promise.
//!
//! Each run is drawn from its number. `STREAMGAUGE_CASES=100000` makes more of them, `STREAMGAUGE_SEED=7` begins with another
//! number; a failure names the one to repeat.

mod model;
mod plan;
mod world;

use super::bench::arn;
use crate::clock::Clock;
use crate::embedded::stream::{EmbeddedStream, RECORD_BYTES_MAX, StreamOptions};
use crate::faults::Faults;
use crate::invoke::Invoke;
use crate::kinesis::{Checkpoints, KinesisPoller, Surroundings};
use crate::stack::KinesisMapping;
use crate::stream::{ShardId, Start};
use crate::testing::Folder;
use jiff::{SignedDuration, Timestamp};
use model::{Comes, Model, Put, RETENTION};
use plan::{Begin, Plan, Step};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use world::{Shared, World};

const CASES: u64 = 30;
/// It ends after so many runs that went wrong.
const WRONGS_MAX: usize = 10;
/// In the simulator's time: more than any run needs.
const HANGS_AFTER: Duration = Duration::from_hours(40 * 24);

struct Run {
    shared: Arc<Shared>,
    mapping: KinesisMapping,
    checkpoints: Checkpoints,
    folder: Option<Folder>,
    /// What the file held a while ago.
    kept: Option<Vec<u8>>,
    poller: Option<KinesisPoller>,
    begun: Option<Timestamp>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let plan = Plan::random(seed);
        let clock = Clock::real();
        let options = StreamOptions {
            retention: Duration::try_from(RETENTION).unwrap(),
            record_bytes_max: RECORD_BYTES_MAX,
            ..StreamOptions::default()
        };
        let stream = EmbeddedStream::new(arn(), plan.shards, clock.clone(), options);
        let folder = plan.has_file.then(Folder::new);
        let shared = Shared {
            rng: Mutex::new(fastrand::Rng::with_seed(!seed)),
            faults: Faults::parse(&plan.faults, seed).unwrap(),
            trouble_until: Mutex::new(Timestamp::MIN),
            deaf_until: Mutex::new(Timestamp::MIN),
            lists: Mutex::new(0),
            model: Mutex::default(),
            stream,
            clock,
            plan,
        };
        Self {
            mapping: shared.plan.mapping.clone(),
            checkpoints: Self::checkpoints(folder.as_ref()),
            shared: Arc::new(shared),
            folder,
            kept: None,
            poller: None,
            begun: None,
        }
    }

    fn checkpoints(folder: Option<&Folder>) -> Checkpoints {
        folder.map_or_else(Checkpoints::in_memory, |folder| {
            Checkpoints::open(&folder.file("checkpoints")).unwrap()
        })
    }

    fn start(&mut self, is_well: bool) {
        self.shared.model.lock().unwrap().begin_life(is_well);
        let world = World { shared: Arc::clone(&self.shared), life: self.life() };
        let around = Surroundings {
            services: world.clone(),
            invoke: world.clone(),
            interfere: Arc::new(world.clone()),
            observer: Arc::new(world),
            clock: self.shared.clock.clone(),
            region: "eu-west-1".into(),
            account: "000000000000".into(),
        };
        self.begin(around);
    }

    fn begin(&mut self, around: Surroundings<World, impl Invoke>) {
        let poller = KinesisPoller::start(self.mapping.clone(), around, self.checkpoints.clone());
        self.poller = Some(poller.unwrap());
    }

    fn life(&self) -> u32 {
        self.shared.model.lock().unwrap().life
    }

    /// Whether a record that is put now is to come.
    fn comes(&self) -> Comes {
        let Some(begun) = self.begun else {
            let is_all = self.shared.plan.begin == Begin::Oldest;
            return if is_all { Comes::Surely } else { Comes::Never };
        };
        let is_at_once = self.now() <= begun + SignedDuration::from_millis(1);
        let is_new = self.shared.plan.begin == Begin::Latest;
        if is_new && is_at_once { Comes::Maybe } else { Comes::Surely }
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn put(&self, count: usize, bytes_max: usize) {
        let Shared { stream, plan, .. } = &*self.shared;
        for _ in 0..count {
            let mut rng = self.shared.rng.lock().unwrap();
            let mut model = self.shared.model.lock().unwrap();
            let id = model.puts.len();
            let key = rng.usize(..plan.keys);
            let size = if rng.u8(..3) == 0 { bytes_max } else { rng.usize(..=bytes_max) };
            let data = format!("{id} {}", " ".repeat(size));
            let (bytes, at) = (data.len(), self.now());
            let arrival =
                at - SignedDuration::from_millis(rng.i64(0..=plan.jitter_ms.try_into().unwrap()));
            let (shard, number) = stream.put(format!("key {key}"), None, data).unwrap();
            model.put(Put { shard, number, key, at, arrival, bytes, comes: self.comes() });
        }
    }

    fn bear(&self, parents: &[&ShardId], children: &[ShardId]) {
        let mut model = self.shared.model.lock().unwrap();
        for child in children {
            let parents = parents.iter().map(|parent| ShardId::clone(parent)).collect();
            model.parents.insert(ShardId::clone(child), parents);
        }
    }

    async fn step(&mut self, step: &Step) {
        let stream = self.shared.stream.clone();
        let open = stream.open_shards();
        let later = |ms: u64| self.now() + SignedDuration::from_millis(ms.try_into().unwrap());
        match *step {
            Step::Put(count, bytes_max) => self.put(count, bytes_max),
            Step::Split(which) => {
                let parent = &open[which % open.len()];
                let (one, other) = stream.split_evenly(parent).unwrap();
                self.bear(&[parent], &[one, other]);
            }
            Step::Merge(which) => {
                let low = which % open.len();
                if let Some(next) = open.get(low + 1) {
                    let child = stream.merge(&open[low], next).unwrap();
                    self.bear(&[&open[low], next], &[child]);
                }
            }
            Step::Wait(ms) => self.shared.clock.sleep(Duration::from_millis(ms)).await,
            Step::Trouble(ms) => *self.shared.trouble_until.lock().unwrap() = later(ms),
            Step::Deaf(ms) => *self.shared.deaf_until.lock().unwrap() = later(ms),
            Step::Restart(_) | Step::Drop | Step::Kill | Step::Drain => self.turn(step).await,
        }
        if let Some(folder) = &self.folder
            && self.shared.rng.lock().unwrap().bool()
        {
            self.kept = std::fs::read(folder.file("checkpoints")).ok();
        }
    }

    async fn turn(&mut self, step: &Step) {
        let Some(poller) = self.poller.take() else { return };
        match step {
            Step::Drain => {
                self.poller = Some(poller);
                self.drain().await;
            }
            Step::Drop => {
                drop(poller);
                self.start(false);
            }
            Step::Restart(ms) => {
                let ended = poller.stop(Duration::from_millis(*ms)).await.unwrap();
                self.checkpoints = match &self.folder {
                    None => self.checkpoints.clone(),
                    folder => Self::checkpoints(folder.as_ref()),
                };
                self.start(ended && self.mapping.parallelization_factor == 1);
            }
            _ => {
                poller.stop(Duration::ZERO).await.unwrap();
                if let Some(folder) = &self.folder {
                    match &self.kept {
                        Some(kept) => std::fs::write(folder.file("checkpoints"), kept).unwrap(),
                        None => drop(std::fs::remove_file(folder.file("checkpoints"))),
                    }
                    self.checkpoints = Self::checkpoints(Some(folder));
                }
                self.start(false);
            }
        }
    }

    async fn drain(&self) {
        let Some(poller) = &self.poller else { return };
        let drained = tokio::time::timeout(HANGS_AFTER, poller.drained()).await;
        let now = self.now();
        let mut model = self.shared.model.lock().unwrap();
        match drained {
            Ok(()) if !poller.is_drained() => model.wrong("drained, and not so".to_owned()),
            Ok(()) => model.check_ended(&self.shared.plan, now),
            Err(_) => model.wrong("drained() hangs".to_owned()),
        }
    }

    async fn run(mut self) -> Totals {
        let begun = self.now();
        self.put(self.shared.plan.keys, 9);
        self.shared.clock.sleep(Duration::from_secs(1)).await;
        self.begun = Some(self.now());
        self.mapping.start = match self.shared.plan.begin {
            Begin::Oldest => Start::TrimHorizon,
            Begin::Latest => Start::Latest,
            Begin::Moment => Start::AtTimestamp(self.now()),
        };
        self.start(false);
        if self.shared.plan.begin == Begin::Latest {
            // The first listing decides what is new.
            self.shared.clock.sleep(Duration::from_millis(1)).await;
        }
        for number in 0..self.shared.plan.steps.len() {
            let step = self.shared.plan.steps[number].clone();
            self.step(&step).await;
        }
        self.drain().await;
        let poller = self.poller.take().unwrap();
        let ended = poller.stop(Duration::from_mins(10)).await.unwrap();
        let seconds = self.now().duration_since(begun).as_secs();
        let lists = *self.shared.lists.lock().unwrap();
        let mut model = self.shared.model.lock().unwrap();
        if !ended {
            model.wrong("it did not stop".to_owned());
        }
        let shards =
            u64::try_from(self.shared.plan.steps.len() * 2 + self.shared.plan.shards).unwrap();
        if lists > u64::try_from(seconds).unwrap() + 10 * shards + 10 {
            model.wrong(format!("{lists} listings in {seconds} s"));
        }
        Totals::of(&model, u64::try_from(seconds).unwrap())
    }
}

#[derive(Debug, Default)]
struct Totals {
    records: usize,
    asked: usize,
    gave_up: usize,
    lives: u32,
    seconds: u64,
    wrongs: Vec<String>,
}

impl Totals {
    fn of(model: &Model, seconds: u64) -> Self {
        Self {
            records: model.puts.len(),
            asked: model.asked,
            gave_up: model.gave_up,
            lives: model.life,
            seconds,
            wrongs: model.wrongs.clone(),
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_only_what_is_documented_is_seen() {
    let first = variable("STREAMGAUGE_SEED").unwrap_or(0);
    let cases = variable("STREAMGAUGE_CASES").unwrap_or(CASES);
    let mut all = Totals::default();
    for seed in first..first + cases {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let totals = runtime.block_on(async { Run::new(seed).run().await });
        if !totals.wrongs.is_empty() {
            let plan = Plan::random(seed);
            let wrongs = totals.wrongs.join("\n  ");
            all.wrongs.push(format!("STREAMGAUGE_SEED={seed}: {wrongs}\n{plan:?}"));
            if all.wrongs.len() >= WRONGS_MAX {
                break;
            }
        }
        all.records += totals.records;
        all.asked += totals.asked;
        all.gave_up += totals.gave_up;
        all.lives += totals.lives;
        all.seconds += totals.seconds;
    }
    assert!(all.wrongs.is_empty(), "{}", all.wrongs.join("\n\n"));
    assert!(all.gave_up > 0 || cases < CASES, "{all:?}");
}
