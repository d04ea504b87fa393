//! What alerts cost: `cargo bench -p streamgauge-engine --bench alerts`.
//!
//! 1,000 alerts, each `sum over 10m >= 3` with a second step over 20 minutes, on a metric of its own with 1,000 groups, all of which
//! are known. Prints microseconds per event that touches one alert, taken and settled: where the events are of any of the million
//! groups, which are in no cache, and where they are of the groups of one alert; and what a settle costs in which nothing comes and the
//! watermark goes on by two seconds. The best of several rounds.

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
    clippy::indexing_slicing,
    reason = "a benchmark's own data"
)]

use std::sync::Arc;
use std::time::Instant;
use streamgauge_engine::alert::{
    Aggregate, Alert, Comparison, Condition, Over, Severity, Step, Texts,
};
use streamgauge_engine::calendar::{Calendar, Window};
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::delta::{AlertSample, Delta, DeltaSeries, Names};
use streamgauge_engine::expression::{Node, Program, Value};
use streamgauge_engine::field::FieldTable;
use streamgauge_engine::hash::combine;
use streamgauge_engine::newest::NamedEvent;
use streamgauge_engine::notify::rules::Notifying;
use streamgauge_engine::plan::{
    Dimension, EventFields, LatePolicy, Metric, MetricKind, Plan, TimeUnit, Timing,
};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::settle::{Decisions, Progress, Settler};
use streamgauge_engine::time::{MINUTE_MS, Timestamp};

const ALERTS: usize = 1_000;
const GROUPS: usize = 1_000;
const EVENTS: u64 = 10_000;
const ROUNDS: u64 = 10;
/// 2026-01-05T10:00:00Z
const BEGINNING_MS: i64 = 1_767_607_200_000;

fn alert(metric: usize) -> Alert {
    let step = |minutes: i64, severity| Step {
        name: None,
        when: Condition::Threshold {
            aggregate: Aggregate::Sum,
            over: Over::Sliding(minutes * MINUTE_MS),
            comparison: Comparison::AtLeast,
            threshold: Decimal::from_u64(3).unwrap(),
        },
        hold: 0,
        severity,
        notify: Vec::new(),
        early: false,
    };
    Alert {
        name: metric.to_string(),
        definition: String::new(),
        metric,
        by: vec![0],
        steps: vec![step(10, Severity::Critical), step(20, Severity::Warning)],
        resolve: None,
        min_volume: None,
        keep_firing_for: 0,
        max_age: 60 * MINUTE_MS,
        texts: Texts::default(),
    }
}

fn plan() -> Plan {
    let mut fields = FieldTable::default();
    let [source, id, kind, time] =
        [&["source"][..], &["id"], &["type"], &["time"]].map(|path| fields.intern(path));
    let holds = || Program::new(Node::Constant(Value::Bool(true)));
    let metric = |number: usize| Metric {
        name: number.to_string(),
        definition: String::new(),
        kind: MetricKind::Count(holds()),
        filter: None,
        dimensions: vec![Dimension { name: String::new(), value: holds() }],
        window: Window::Fixed(MINUTE_MS),
        live: false,
        zero: false,
        max_series: GROUPS,
        unit: None,
    };
    let identity = vec![source, id];
    Plan {
        hash: String::new(),
        namespace: String::new(),
        event: EventFields { identity, id, kind, time, time_unit: TimeUnit::Milliseconds },
        fields,
        timing: Timing {
            out_of_order: 10_000,
            allowed_lateness: MINUTE_MS,
            late: LatePolicy::Correct,
            deduplicate: Some(60 * MINUTE_MS),
            max_ahead: 10 * MINUTE_MS,
            hold: 60 * MINUTE_MS,
        },
        calendar: Calendar::utc(),
        metrics: (0..ALERTS).map(metric).collect(),
        alerts: (0..ALERTS).map(alert).collect(),
        notifying: Notifying::default(),
    }
}

/// A delta of events, each of one alert and one group, a tenth of a millisecond apart.
fn delta(
    begin_ms: i64,
    keys: &[Arc<SeriesKey>],
    places: impl Iterator<Item = (usize, usize)>,
) -> Delta {
    let mut delta = Delta { names: Names::default(), ..Delta::default() };
    for (number, (metric, group)) in (0_u32..).zip(places) {
        delta.names.series.push(DeltaSeries { metric, key: Arc::clone(&keys[group]) });
        let time = Timestamp::from_millis(begin_ms + i64::from(number / 10));
        let identity = combine(u64::from(number), begin_ms.unsigned_abs());
        let event = NamedEvent { time, identity, id: format!("{identity:016x}").into() };
        delta.samples.push(AlertSample { series: number, event, overdue: None });
    }
    delta
}

fn settle(settler: &mut Settler, watermark_ms: i64) {
    let mut decisions = Decisions::default();
    let watermark = Timestamp::from_millis(watermark_ms);
    while settler.settle(watermark, &mut decisions) == Progress::More {}
}

fn main() {
    let keys: Vec<_> = (0..GROUPS)
        .map(|group| Arc::new(SeriesKey::new([format!("group-{group}").as_str()])))
        .collect();
    let mut settler = Settler::new(Arc::new(plan()));
    let mut now = BEGINNING_MS;
    for metric in 0..ALERTS {
        settler.take(delta(now, &keys, (0..GROUPS).map(|group| (metric, group))));
        now += 1_000;
        settle(&mut settler, now);
    }
    let random = |round: u64, number: u64| {
        let random = combine(round, number);
        let place = |bits: u64, of: usize| usize::try_from(bits % 1_000_000).unwrap() % of;
        (place(random, ALERTS), place(random >> 32, GROUPS))
    };
    let mut best = [f64::INFINITY; 3];
    for round in 0..ROUNDS {
        let everywhere = delta(now, &keys, (0..EVENTS).map(|number| random(round, number)));
        let costs_everywhere = settle_timed(&mut settler, everywhere, &mut now);
        let idle = settle_timed(&mut settler, Delta::default(), &mut now);
        let of_one = delta(now, &keys, (0..EVENTS).map(|number| (0, random(round, number).1)));
        let costs_of_one = settle_timed(&mut settler, of_one, &mut now);
        for (least, cost) in best.iter_mut().zip([costs_everywhere, costs_of_one, idle]) {
            *least = least.min(cost);
        }
    }
    let [everywhere, of_one, idle] = best;
    let per_event = |cost: f64| cost / EVENTS as f64;
    println!("{ALERTS} alerts with {GROUPS} groups each, {EVENTS} events a settle");
    println!("  {:.3} µs per event, each of any alert and any group", per_event(everywhere));
    println!("  {:.3} µs per event, all of one alert and any of its groups", per_event(of_one));
    println!("  {:.1} ms per settle with events of all alerts", everywhere / 1e3);
    println!("  {idle:.1} µs per settle in which nothing comes");
}

/// Takes and settles a delta, and gives the microseconds that it took.
fn settle_timed(settler: &mut Settler, delta: Delta, now: &mut i64) -> f64 {
    *now += 2_000;
    let begin = Instant::now();
    settler.take(delta);
    settle(settler, *now);
    begin.elapsed().as_secs_f64() * 1e6
}
