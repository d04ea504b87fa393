//! What a history shows of the past is what `replay` prints of the same events, byte by byte.
//!
//! Half an hour of orders goes through aggregate and settle on the embedded store, on a clock that is turned by hand; the
//! history follows, now and then from a process that was just started.

use super::replayed;
use std::fmt::Write as _;
use std::sync::Arc;
use streamgauge_engine::notify::Render;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Timestamp};
use streamgauge_local::history::{AlertsWanted, History, Limits, PointsWanted, Tier};
use streamgauge_local::input::Input;
use streamgauge_local::replay::Options;
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::aggregate::{Aggregate, Settings};
use streamgauge_pipeline::memory::{MemorySource, MemoryWake, VirtualClock, block_on};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::rules::{NoPlan, Rules, RulesText};
use streamgauge_pipeline::port::source::{Source, StreamId};
use streamgauge_pipeline::settle::Settle;
use streamgauge_pipeline::world::World;
use streamgauge_rules::template::Templates;

/// 2026-01-05T10:00:00Z
const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
const BYTES: usize = 1 << 28;
const SECONDS: i64 = 1_800;

const RULES: &str = r#"
version: 1
namespace: Shop
out_of_order: 10s
allowed_lateness: 1m
late: correct
metrics:
  created: {count: type == "created", dimensions: {partner: data.partner}, window: 1m}
  rejected: {count: type == "rejected", dimensions: {partner: data.partner}, window: 1m, emit: live}
  revenue: {sum: data.amount, where: type == "created", window: 5m, unit: None}
  amounts: {distribution: data.amount, where: type == "created", dimensions: {partner: data.partner}, window: 5m}
  customers: {unique: data.customer, window: 5m}
  rejection_rate: {ratio: {part: type == "rejected", whole: 'type in ["created", "rejected"]'}, window: 1m}
  checkouts:
    journey: {start: type == "started", finish: type == "created", key: data.customer, within: 2m}
    window: 5m
alerts:
  rejections:
    metric: rejected
    steps:
      reactive: {when: sum over 3m >= 12, severity: critical, notify: [oncall]}
      proactive: {when: sum over 5m >= 12, severity: warning, notify: [desk]}
    resolve: sum over 3m < 4
  rate: {metric: rejection_rate, when: rate over 5m > 0.3, severity: error}
  silence: {metric: created, by: [], when: absent for 5m, severity: info, notify: [oncall]}
notify: {together: 1s}
channels:
  oncall: {webhook: {url: "https://hooks.test/oncall"}}
  desk: {webhook: {url: "https://hooks.test/desk"}}
"#;

/// The world of a process on the embedded store.
struct Home {
    store: Arc<LocalStore<VirtualClock>>,
    streams: Vec<MemorySource<VirtualClock>>,
    wake: MemoryWake<VirtualClock>,
    clock: VirtualClock,
    rules: Deployed,
}

struct Deployed(RulesText, Arc<Plan>);

impl Rules for Deployed {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        assert_eq!(text, &self.0);
        Ok(Arc::clone(&self.1))
    }

    fn deployed(&self) -> Option<&RulesText> {
        Some(&self.0)
    }

    fn render(&self) -> &dyn Render {
        &Templates
    }
}

/// Functions share it.
#[derive(Clone)]
struct Shared(Arc<Home>);

impl World for Shared {
    type Log = LocalStore<VirtualClock>;
    type Snapshots = LocalStore<VirtualClock>;
    type Stream = MemorySource<VirtualClock>;
    type Wake = MemoryWake<VirtualClock>;
    type Clock = VirtualClock;
    type Rules = Deployed;

    fn log(&self) -> &Self::Log {
        &self.0.store
    }

    fn snapshots(&self) -> &Self::Snapshots {
        &self.0.store
    }

    fn streams(&self) -> &[Self::Stream] {
        &self.0.streams
    }

    fn wake(&self) -> &Self::Wake {
        &self.0.wake
    }

    fn clock(&self) -> &Self::Clock {
        &self.0.clock
    }

    fn rules(&self) -> &Self::Rules {
        &self.0.rules
    }
}

/// The event of a second. Rejections come in bursts; now and then one comes ten minutes late.
fn event(second: i64, now: Timestamp) -> String {
    let is_burst = second % 600 < 90;
    let kind = match second % 7 {
        0 | 3 if is_burst => "rejected",
        5 => "rejected",
        1 | 2 => "started",
        _ => "created",
    };
    let is_late = second % 97 == 96 && second > 700;
    let time = if is_late { now.minus(10 * MINUTE_MS) } else { now };
    let (partner, customer) = (["noon", "talabat"][usize::from(second % 3 == 0)], second % 41);
    let (whole, cents) = (second * 37 % 400, second % 10);
    let mut line = format!(r#"{{"id":"e{second}","source":"s","type":"{kind}","time":"{time}","#);
    write!(
        line,
        r#""data":{{"partner":"{partner}","customer":"c{customer}","amount":{whole}.{cents}}}}}"#
    )
    .unwrap();
    line
}

/// Runs the pipeline over the events, and long enough after them that everything is decided.
struct Running {
    home: Shared,
    aggregate: Aggregate<Shared>,
    settle: Settle<Shared>,
    history: History<VirtualClock>,
}

impl Running {
    fn new(path: &std::path::Path, plan: &Arc<Plan>) -> Self {
        let clock = VirtualClock::new(START);
        let stream = StreamId { name: "dev".into(), created_at: START.minus(MINUTE_MS) };
        let source = MemorySource::new(stream, clock.clone(), BYTES);
        source.open(&"one".into(), &[]);
        let files = vec![("rules.yaml".to_owned(), RULES.to_owned())];
        let store = Arc::new(LocalStore::open(path, clock.clone()).unwrap());
        let home = Shared(Arc::new(Home {
            store: Arc::clone(&store),
            streams: vec![source],
            wake: MemoryWake::new(clock.clone()),
            rules: Deployed(RulesText { files }, Arc::clone(plan)),
            clock,
        }));
        let settings = Settings { partitions: 1, ..Settings::default() };
        Self {
            aggregate: Aggregate::new(home.clone(), settings),
            settle: Settle::new(home.clone(), "dev", 1),
            history: History::new(store, Limits::default()),
            home,
        }
    }

    fn aggregate(&mut self) {
        let source = &self.home.0.streams[0];
        while let Some(batch) = block_on(source.next()).unwrap() {
            let (shard, last) = (Arc::clone(&batch.shard), batch.records.last().unwrap());
            let last = last.sequence.clone();
            let taken = block_on(self.aggregate.take("dev", batch)).unwrap();
            assert_eq!(taken.failed_from, None, "{:?}", taken.problem);
            block_on(source.taken(&shard, &last)).unwrap();
        }
    }

    fn settle(&mut self) {
        let deadline = self.home.0.clock.now().plus(MINUTE_MS);
        block_on(self.settle.run(Partition::default(), deadline)).unwrap();
    }

    /// All points of a tier, as lines.
    fn points(&self, tier: Tier) -> Vec<String> {
        let wanted = PointsWanted { tier: Some(tier), ..PointsWanted::default() };
        let (mut out, mut after) = (Vec::new(), None);
        loop {
            let page = self.history.points(&wanted, after.as_ref()).unwrap();
            page.json(&mut out);
            after = page.next;
            if after.is_none() {
                return lines(out);
            }
        }
    }

    fn alerts(&self) -> Vec<String> {
        let page = self.history.alerts(&AlertsWanted::default(), None).unwrap();
        assert_eq!(page.next, None);
        let mut out = Vec::new();
        page.json(&mut out);
        lines(out)
    }
}

fn lines(text: Vec<u8>) -> Vec<String> {
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_history_shows_what_replay_prints() {
    let name = format!("streamgauge-history-replay-{}.store", std::process::id());
    let path = std::env::temp_dir().join(name);
    let plan = replayed::plan(RULES);
    let mut running = Running::new(&path, &plan);
    let mut events = String::new();
    for second in 0..SECONDS {
        running.home.0.clock.advance(1_000);
        let line = event(second, running.home.0.clock.now());
        running.home.0.streams[0].put(&"one".into(), line.as_bytes()).unwrap();
        events.push_str(&line);
        events.push('\n');
        if second % 10 == 9 {
            running.aggregate();
            running.settle();
        }
        if second % 400 == 399 {
            running.history.step().unwrap();
        }
    }
    running.home.0.clock.advance(HOUR_MS);
    running.settle();
    while running.history.step().unwrap().entries > 0 {}
    let until = Some(running.home.0.clock.now().minus(10_000));
    let input = Input::bytes("events", events.into_bytes());
    let options = Options { until, ..Options::default() };
    let mut expected = replayed::replay_until(&plan, vec![input], &options);
    let kinds = ["final", "correction"].map(|kind| format!(r#""status":"{kind}""#));
    for kind in kinds {
        assert!(expected.points.iter().any(|line| line.contains(&kind)), "no {kind}");
    }
    for part in ["firing", "resolved", "reactive", "proactive", r#""rate""#, r#""silence""#] {
        assert!(expected.alerts.iter().any(|line| line.contains(part)), "no {part}");
    }
    assert_eq!(running.alerts(), expected.alerts);
    let mut found = running.points(Tier::Decided);
    found.sort();
    expected.points.sort();
    assert_eq!(found, expected.points);
    drop(running);
    std::fs::remove_file(path).unwrap();
}
