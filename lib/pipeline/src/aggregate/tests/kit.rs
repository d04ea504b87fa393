//! A small world: memory adapters, a stream `orders`, rules, and what a log must hold.

use crate::aggregate::{Aggregate, AggregateError, Settings, Taken};
use crate::memory::{MemoryPorts, MemorySource, MemoryWorld, VirtualClock, block_on};
use crate::port::clock::Clock;
use crate::port::log::{Label, Log, LogId, Logged, Version, Wanted};
use crate::port::rules::{NoPlan, Rules, RulesText};
use crate::port::source::{Batch, Record, SequenceNumber, ShardId, ShardKey, StreamId};
use crate::port::{PARTITIONS_MAX, Partition};
use crate::shard_entry::{REJECTS, Rejected, ShardEntry, delta_label, read_rejects};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use streamgauge_engine::accumulate::Accumulator;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::calendar::WindowSpan;
use streamgauge_engine::decode::{self, Decoder};
use streamgauge_engine::delta::Delta;
use streamgauge_engine::notify::Render;
use streamgauge_engine::output::Counters;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::stored::{read_delta, read_head};
use streamgauge_engine::time::Timestamp;

/// When the tests begin.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
/// Room for everything.
const BYTES: usize = 1 << 30;

/// Rules with metrics of several kinds, all of which take late events in some way.
pub(super) const RULES: &str = "
late: correct
out_of_order: 10s
allowed_lateness: 5s
deduplicate: 10m
metrics:
  orders: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
  value: {sum: data.amount, where: type == 'order', window: 5m}
  spread: {distribution: data.amount, where: type == 'order', window: 5m}
  buyers: {unique: data.buyer, where: type == 'order', window: 1m}
  bought:
    journey: {start: type == 'start', finish: type == 'order', key: data.buyer, within: 5m}
    window: 1m
";

/// What all functions share.
pub(crate) struct Town {
    ports: Arc<MemoryPorts>,
    /// What was put, by shard.
    records: Mutex<BTreeMap<ShardId, Vec<Kept>>>,
}

/// A record that was put: its number, arrival and payload.
type Kept = (SequenceNumber, Timestamp, Vec<u8>);

impl Deref for Town {
    type Target = MemoryPorts;

    fn deref(&self) -> &MemoryPorts {
        &self.ports
    }
}

/// The world of one function.
pub(crate) type Home = MemoryWorld<Compiled>;

/// Compiles rules with the real compiler.
pub(crate) struct Compiled(pub(crate) Option<RulesText>);

pub(crate) type Function = Aggregate<Home>;

pub(crate) fn text(rules: &str) -> RulesText {
    RulesText { files: vec![("rules.yaml".to_owned(), rules.to_owned())] }
}

pub(crate) fn plan(rules: &str) -> Arc<Plan> {
    Compiled(None).compile(&text(rules)).unwrap()
}

impl Rules for Compiled {
    fn compile(&self, text: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        let file = |(name, content): &(String, String)| streamgauge_rules::SourceFile {
            name: name.clone(),
            text: content.clone(),
        };
        let sources: Vec<_> = text.files.iter().map(file).collect();
        let outcome = streamgauge_rules::compile(&sources, &|_| None);
        let message = format!("{:?}", outcome.problems);
        outcome.rules.map(|rules| Arc::new(rules.plan)).ok_or(NoPlan { message, source: None })
    }

    fn deployed(&self) -> Option<&RulesText> {
        self.0.as_ref()
    }

    fn render(&self) -> &dyn Render {
        &streamgauge_rules::template::Templates
    }
}

pub(super) fn stream() -> StreamId {
    StreamId { name: "orders".into(), created_at: START }
}

pub(crate) fn shard(name: &str) -> ShardId {
    name.into()
}

/// An event, so many seconds after the start.
pub(crate) fn event(id: &str, kind: &str, seconds: i64) -> String {
    let time = START.plus(seconds * 1_000);
    let country = if id.len().is_multiple_of(2) { "AE" } else { "EG" };
    let buyer = id.bytes().map(u64::from).sum::<u64>() % 5;
    let amount = id.bytes().map(u64::from).sum::<u64>() % 90;
    format!(
        r#"{{"id":"{id}","source":"s","type":"{kind}","time":"{time}","data":{{"country":"{country}","amount":{amount},"buyer":"b{buyer}"}}}}"#
    )
}

/// So many orders, a second apart, from a number on.
pub(crate) fn orders(from: u64, count: u64) -> Vec<String> {
    let number = |number| i64::try_from(number).unwrap();
    (from..from + count).map(|it| event(&format!("o{it}"), "order", number(it))).collect()
}

impl Town {
    /// A stream `orders` with a shard `one`; the clock is an hour after the start.
    pub(crate) fn new() -> Arc<Self> {
        let clock = VirtualClock::new(START.plus(3_600_000));
        let orders = MemorySource::new(stream(), clock.clone(), BYTES);
        orders.open(&shard("one"), &[]);
        let ports = MemoryPorts::new(clock, vec![orders], BYTES);
        Arc::new(Self { ports, records: Mutex::default() })
    }

    /// A function that was deployed with these rules, without any memory.
    pub(crate) fn function(self: &Arc<Self>, rules: &str) -> Function {
        self.function_with(rules, Settings { partitions: 3, ..Settings::default() })
    }

    /// A function with these settings.
    pub(crate) fn function_with(self: &Arc<Self>, rules: &str, settings: Settings) -> Function {
        Aggregate::new(self.home(rules), settings)
    }

    /// The world of a function that was deployed with these rules.
    pub(crate) fn home(self: &Arc<Self>, rules: &str) -> Home {
        Home { ports: Arc::clone(&self.ports), rules: Compiled(Some(text(rules))) }
    }

    /// The world of one that was deployed with none.
    pub(crate) fn home_without_rules(self: &Arc<Self>) -> Home {
        Home { ports: Arc::clone(&self.ports), rules: Compiled(None) }
    }

    /// Puts records at the end of a shard.
    pub(crate) fn put(&self, name: &str, payloads: &[String]) {
        let shard = shard(name);
        for payload in payloads {
            let sequence = self.streams[0].put(&shard, payload.as_bytes()).unwrap();
            let record = (sequence, self.clock.now(), payload.as_bytes().to_vec());
            self.records.lock().unwrap().entry(ShardId::clone(&shard)).or_default().push(record);
        }
    }

    /// Some records of a shard, by their places.
    pub(crate) fn batch(&self, name: &str, places: std::ops::Range<usize>) -> Batch {
        let mut batch = Batch { shard: shard(name), text: Vec::new(), records: Vec::new() };
        for (sequence, arrival, payload) in &self.records.lock().unwrap()[&shard(name)][places] {
            let start = batch.text.len();
            batch.text.extend_from_slice(payload);
            batch.records.push(Record {
                sequence: sequence.clone(),
                sub_sequence: 0,
                arrival: Some(*arrival),
                bytes: start..batch.text.len(),
            });
        }
        batch
    }

    /// How many records were put into a shard.
    pub(crate) fn batch_end(&self, name: &str) -> usize {
        self.records.lock().unwrap()[&shard(name)].len()
    }

    /// The name of a shard's log.
    pub(super) fn log_of(name: &str) -> LogId {
        LogId::shard(&ShardKey { stream: stream(), shard: shard(name) })
    }

    /// The entries of a shard's log.
    pub(crate) fn entries(&self, name: &str) -> Vec<(Version, ShardEntry, Logged)> {
        let mut entries: Vec<(Version, ShardEntry, Logged)> = Vec::new();
        loop {
            let after = entries.last().map_or(Version::START, |(version, ..)| *version);
            let read = block_on(self.log.read(&Self::log_of(name), after, Wanted::All)).unwrap();
            if read.is_empty() {
                return entries;
            }
            entries.extend(read.into_iter().map(|logged| {
                let entry = ShardEntry::decode(logged.entry.header()).unwrap();
                (logged.version, entry, logged)
            }));
        }
    }

    /// The rejects in a shard's log.
    pub(super) fn rejects(&self, name: &str) -> Vec<Rejected> {
        let entries = self.entries(name);
        let chunks = entries.iter().filter_map(|(.., logged)| logged.entry.chunks().get(&REJECTS));
        chunks.flat_map(|chunk| read_rejects(chunk).unwrap()).collect()
    }

    /// What a shard's log holds for a plan.
    pub(super) fn held(&self, name: &str, plan: &Plan) -> Held {
        let mut held = Held::default();
        for (_, entry, logged) in self.entries(name) {
            let place = entry.sections.iter().position(|section| section.plan == plan.hash);
            let Some(place) = place else { continue };
            let head = &entry.sections[place].head;
            held.counters.add(&read_head(head).unwrap().counters);
            for partition in (0..PARTITIONS_MAX).filter_map(Partition::new) {
                let Label(label) = delta_label(u16::try_from(place).unwrap(), partition);
                if let Some(chunk) = logged.entry.chunks().get(&Label(label)) {
                    held.add(plan, &read_delta(plan, head, chunk).unwrap());
                }
            }
        }
        held
    }

    /// A shard's log holds each of its first records once, as one fold of them would.
    pub(super) fn check(&self, name: &str, rules: &str, records: usize) {
        let entries = self.entries(name);
        for pair in entries.windows(2) {
            assert_eq!(pair[1].0, pair[0].0.next(), "versions without gaps");
            assert!(pair[0].1.last < pair[1].1.first, "no record stands in two entries");
            let expire = |it: &Logged| it.entry.expires_at();
            assert!(expire(&pair[0].2) <= expire(&pair[1].2), "entries expire in their order");
        }
        let plan = plan(rules);
        assert_eq!(self.held(name, &plan), Held::of(&plan, &self.batch(name, 0..records)));
    }
}

/// Takes a batch; it must be no error.
pub(crate) fn take(function: &mut Function, batch: Batch) -> Taken {
    block_on(function.take("orders", batch)).unwrap()
}

/// Takes a batch all of which must be taken.
pub(crate) fn take_all(function: &mut Function, batch: Batch) -> Taken {
    let taken = take(function, batch);
    assert_eq!(taken.failed_from, None, "{:?}", taken.problem);
    taken
}

/// Takes a batch, and is killed after so many steps; absent: it was.
pub(super) fn take_steps(
    function: &mut Function,
    batch: Batch,
    steps: usize,
) -> Option<Result<Taken, AggregateError>> {
    let mut taking = pin!(function.take("orders", batch));
    for _ in 0..steps {
        if let Poll::Ready(taken) = taking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(taken);
        }
    }
    None
}

/// The state that a function keeps of a shard, as bytes.
pub(super) fn state(function: &mut Function, name: &str) -> Vec<u8> {
    let key = ShardKey { stream: stream(), shard: shard(name) };
    let shard = function.warm.take(&key).unwrap();
    let state = shard.state.encode();
    function.warm.put(key, shard);
    state
}

type Slot = (String, WindowSpan, Vec<u8>);
type Sum = (u64, Timestamp, Accumulator);

/// What deltas add up to, however they were cut.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Held {
    pub(super) counters: Counters,
    partials: BTreeMap<Slot, Sum>,
    late: BTreeMap<(Timestamp, Slot), Sum>,
    steps: Vec<(Timestamp, u64, String, u64, bool, bool)>,
    no_value: BTreeMap<String, u64>,
    refused: BTreeMap<(String, Vec<u8>), u64>,
}

impl Held {
    /// What one fold of the whole batch gives.
    pub(super) fn of(plan: &Arc<Plan>, batch: &Batch) -> Self {
        let records = batch.records.iter().zip(0..).map(|(record, position)| decode::Record {
            bytes: record.bytes.clone(),
            arrival: record.arrival,
            position,
        });
        let decoded = Decoder::new(Arc::clone(plan)).decode(&batch.text, records);
        let delta = Aggregator::new(Arc::clone(plan)).fold(decoded);
        let mut held = Self { counters: delta.counters, ..Self::default() };
        held.add(plan, &delta);
        held
    }

    /// The metrics that something came for.
    pub(super) fn metrics(&self) -> Vec<&str> {
        let partials = self.partials.keys().map(|slot| slot.0.as_str());
        let mut metrics: Vec<_> = partials.collect();
        metrics.dedup();
        metrics
    }

    /// How many events the partials of a metric are made of.
    pub(super) fn events(&self, metric: &str) -> u64 {
        let own = self.partials.iter().filter(|((name, ..), _)| name == metric);
        own.map(|(_, (events, ..))| events).sum()
    }

    fn add(&mut self, plan: &Plan, delta: &Delta) {
        let series = |series: u32| &delta.names.series[usize::try_from(series).unwrap()];
        let name = |metric: usize| plan.metrics[metric].name.clone();
        let window = |window: u32| delta.names.windows[usize::try_from(window).unwrap()];
        let slot = |at: u32, span: u32| {
            (name(series(at).metric), window(span), series(at).key.packed().to_vec())
        };
        let merge = |sum: &mut Sum, (events, latest, accumulator): Sum| {
            sum.0 += events;
            sum.1 = sum.1.max(latest);
            sum.2.merge(&accumulator);
        };
        for it in &delta.partials {
            let more = (it.events, it.latest, it.accumulator.clone());
            let kind = &plan.metrics[series(it.series).metric].kind;
            let empty = || (0, Timestamp::EPOCH, Accumulator::new(kind));
            merge(self.partials.entry(slot(it.series, it.window)).or_insert_with(empty), more);
        }
        for late in &delta.late {
            let it = &late.partial;
            let more = (it.events, it.latest, it.accumulator.clone());
            let kind = &plan.metrics[series(it.series).metric].kind;
            let empty = || (0, Timestamp::EPOCH, Accumulator::new(kind));
            let key = (late.stamp, slot(it.series, it.window));
            merge(self.late.entry(key).or_insert_with(empty), more);
        }
        self.steps.extend(delta.steps.iter().map(|step| {
            let metric = name(series(step.series).metric);
            (step.time, step.identity, metric, step.key, step.start, step.finish)
        }));
        self.steps.sort();
        for &(metric, events) in &delta.no_value {
            *self.no_value.entry(name(metric)).or_default() += events;
        }
        for &(at, events) in &delta.refused {
            let key = (name(series(at).metric), series(at).key.packed().to_vec());
            *self.refused.entry(key).or_default() += events;
        }
    }
}
