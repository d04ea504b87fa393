//! How long a batch takes from JSON to the bytes of its delta: `cargo bench -p streamgauge-engine --bench delta`.
//!
//! Each batch is 1,000 events of one count metric with two dimensions, under no alert and under one of each feed. Prints
//! nanoseconds and bytes per event for each step, the best of several rounds. Compare within one run only.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark measures time and prints it"
)]
#![expect(
    clippy::unwrap_used,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a benchmark's own data"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use streamgauge_engine::aggregate::Aggregator;
use streamgauge_engine::alert::{
    Aggregate, Alert, Comparison, Condition, Over, Severity, Step as Rung, Texts,
};
use streamgauge_engine::calendar::{Calendar, Window};
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::decode::{Decoder, Record};
use streamgauge_engine::delta::Delta;
use streamgauge_engine::expression::{Node, Program, Value};
use streamgauge_engine::field::FieldTable;
use streamgauge_engine::hash::combine;
use streamgauge_engine::notify::rules::Notifying;
use streamgauge_engine::plan::{
    Dimension, EventFields, LatePolicy, Metric, MetricKind, Plan, TimeUnit, Timing,
};
use streamgauge_engine::stored::{
    read_delta, read_head, read_ids, write_chunk, write_head, write_ids,
};
use streamgauge_engine::time::Timestamp;

const EVENTS: u64 = 1_000;
const BATCHES: u64 = 60;
/// 2026-01-05T10:00:00Z
const BEGINNING_MS: i64 = 1_767_607_200_000;

fn plan(alerts: Vec<Alert>) -> Plan {
    let mut fields = FieldTable::default();
    let [source, id, kind, time, brand, shop] =
        [&["source"][..], &["id"], &["type"], &["time"], &["data", "brand"], &["data", "shop"]]
            .map(|path| fields.intern(path));
    let dimension =
        |field| Dimension { name: String::new(), value: Program::new(Node::Field(field)) };
    let metric = Metric {
        name: "orders".to_owned(),
        definition: String::new(),
        kind: MetricKind::Count(Program::new(Node::Constant(Value::Bool(true)))),
        filter: None,
        dimensions: vec![dimension(brand), dimension(shop)],
        window: Window::Fixed(300_000),
        live: false,
        zero: false,
        max_series: 1_000,
        unit: None,
    };
    Plan {
        hash: String::new(),
        namespace: String::new(),
        event: EventFields {
            identity: vec![source, id],
            id,
            kind,
            time,
            time_unit: TimeUnit::Milliseconds,
        },
        fields,
        timing: Timing {
            out_of_order: 10_000,
            allowed_lateness: 60_000,
            late: LatePolicy::Correct,
            deduplicate: Some(3_600_000),
            max_ahead: 600_000,
            hold: 3_600_000,
        },
        calendar: Calendar::utc(),
        metrics: vec![metric],
        alerts,
        notifying: Notifying::default(),
    }
}

/// An alert on the metric: `sum over … >= …`.
fn alert(over: Over, threshold: u64) -> Vec<Alert> {
    let when = Condition::Threshold {
        aggregate: Aggregate::Sum,
        over,
        comparison: Comparison::AtLeast,
        threshold: Decimal::from_u64(threshold).unwrap(),
    };
    let step = Rung {
        name: None,
        when,
        hold: 0,
        severity: Severity::Critical,
        notify: Vec::new(),
        early: false,
    };
    vec![Alert {
        name: String::new(),
        definition: String::new(),
        metric: 0,
        by: vec![0],
        steps: vec![step],
        resolve: None,
        min_volume: None,
        keep_firing_for: 0,
        max_age: 3_600_000,
        texts: Texts::default(),
    }]
}

/// A batch of a second's events, of so many brands and shops.
fn events(batch: u64, brands: u64, shops: u64) -> (String, Vec<Record>) {
    let mut text = String::new();
    let mut records = Vec::new();
    for number in 0..EVENTS {
        let start = text.len();
        let id = combine(batch, number);
        let time = BEGINNING_MS + i64::try_from(batch * 1_000 + number).unwrap();
        let (brand, shop) = (number % brands, number / (EVENTS / shops));
        writeln!(
            text,
            "{{\"specversion\":\"1.0\",\"id\":\"{id:016x}\",\"source\":\"checkout\",\"type\":\"order.created\",\"time\":{time},\
             \"data\":{{\"brand\":\"brand-{brand:02}\",\"shop\":\"shop{shop:04}\",\"amount\":12.5}}}}",
        )
        .unwrap();
        let arrival = Some(Timestamp::from_millis(time + 30));
        records.push(Record { bytes: start..text.len() - 1, arrival, position: number });
    }
    (text, records)
}

/// One step of the way: its best time.
struct Step {
    name: &'static str,
    nanoseconds: f64,
    bytes: usize,
}

impl Step {
    const fn new(name: &'static str) -> Self {
        Self { name, nanoseconds: f64::INFINITY, bytes: 0 }
    }

    fn run<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let made = black_box(step());
        self.nanoseconds = self.nanoseconds.min(start.elapsed().as_nanos() as f64);
        made
    }

    fn print(&self) {
        let Self { name, nanoseconds, bytes } = self;
        let (time, bytes) = (nanoseconds / EVENTS as f64, *bytes as f64 / EVENTS as f64);
        println!("  {name:<22} {time:>7.1} ns, {bytes:>5.1} bytes per event");
    }
}

fn measure(name: &str, (brands, shops): (u64, u64), alerts: Vec<Alert>) {
    let plan = Arc::new(plan(alerts));
    let mut decoder = Decoder::new(Arc::clone(&plan));
    let mut plain = Aggregator::new(Arc::clone(&plan));
    let mut state = Aggregator::collecting(Arc::clone(&plan));
    let mut again = state.clone();
    let mut steps = [
        "decode",
        "fold",
        "fold, with identities",
        "write head",
        "write chunk",
        "write identities",
        "read delta",
        "take up",
        "write state",
        "read state",
    ]
    .map(Step::new);
    for batch in 0..BATCHES {
        let (text, records) = events(batch, brands, shops);
        let decoded = steps[0].run(|| decoder.decode(text.as_bytes(), records.into_iter()));
        steps[0].bytes = text.len();
        let copy = decoded.clone();
        steps[1].run(|| plain.fold(copy));
        let delta: Delta = steps[2].run(|| state.fold(decoded));
        let head = steps[3].run(|| write_head(&delta));
        let chunk = steps[4].run(|| write_chunk(&delta, &|_| true));
        let ids = steps[5].run(|| write_ids(&delta.ids));
        for (step, bytes) in steps[3..6].iter_mut().zip([&head, &chunk, &ids]) {
            step.bytes = bytes.len();
        }
        steps[6].run(|| read_delta(&plan, &head, &chunk).unwrap());
        steps[7].run(|| again.take_up(&read_head(&head).unwrap(), &read_ids(&ids).unwrap()));
    }
    let bytes = steps[8].run(|| state.encode());
    steps[8].bytes = bytes.len();
    steps[9].run(|| Aggregator::decode(plan, &bytes).unwrap());
    println!("{name} (the last two steps: {BATCHES} batches together)");
    steps.iter().for_each(Step::print);
}

fn main() {
    measure("1,000 series, of 40 brands and 25 shops", (40, 25), Vec::new());
    measure("1,000 series, of 10 brands and 1,000 shops", (10, 1_000), Vec::new());
    measure("40 series", (40, 1), Vec::new());
    measure("40 series, each event for an alert", (40, 1), alert(Over::Sliding(600_000), 3));
    measure("40 series, in slices for an alert", (40, 1), alert(Over::Sliding(600_000), 5_000));
    measure("40 series, an alert on the window", (40, 1), alert(Over::Window, 3));
}
