//! For tests: a plan with a metric of each kind, and batches of made-up events for it, without any JSON.

use crate::accumulate::Contribution;
use crate::alert::samples::{absent, alert, at_least};
use crate::calendar::{Calendar, Window};
use crate::decimal::Decimal;
use crate::decode::{Batch, Event, Take};
use crate::delta::DeltaSeries;
use crate::expression::{Node, Program, Value};
use crate::field::{FieldId, FieldTable};
use crate::hash;
use crate::notify::rules::Notifying;
use crate::place::{events, number};
use crate::plan::{Dimension, EventFields, LatePolicy, Metric, MetricKind, Plan, TimeUnit, Timing};
use crate::series::SeriesKey;
use crate::time::{Millis, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;

pub(crate) const HORIZON_MS: Millis = 2_000;
pub(crate) const OUT_OF_ORDER_MS: Millis = 300;

/// The timing of [`plan`].
pub(crate) const TIMING: Timing = Timing {
    out_of_order: OUT_OF_ORDER_MS,
    allowed_lateness: 100,
    late: LatePolicy::Correct,
    deduplicate: Some(HORIZON_MS),
    max_ahead: 500,
    hold: 1_000,
};

/// A plan with a metric of each kind, at the place of its kind's number.
pub(crate) fn plan(timing: Timing) -> Plan {
    let holds = || Program::new(Node::Constant(Value::Bool(true)));
    let kinds = [
        (MetricKind::Count(holds()), 2),
        (MetricKind::Sum(holds()), 1),
        (MetricKind::Distribution(holds()), 0),
        (MetricKind::Unique(holds()), 1),
        (MetricKind::Ratio { part: holds(), whole: holds() }, 1),
        (MetricKind::Journey { start: holds(), finish: holds(), key: holds(), within: 900 }, 2),
    ];
    let mut fields = FieldTable::default();
    let [source, id, kind, time] =
        ["source", "id", "type", "time"].map(|name| fields.intern(&[name]));
    let identity = vec![source, id];
    let event = EventFields { identity, id, kind, time, time_unit: TimeUnit::Rfc3339 };
    let metric = |(computes, dimensions)| Metric {
        name: String::new(),
        definition: String::new(),
        kind: computes,
        filter: None,
        dimensions: vec![Dimension { name: String::new(), value: holds() }; dimensions],
        window: Window::Fixed(1_000),
        live: false,
        zero: false,
        max_series: 100,
        unit: None,
    };
    Plan {
        hash: String::new(),
        namespace: String::new(),
        fields,
        event,
        timing,
        calendar: Calendar::utc(),
        metrics: kinds.into_iter().map(metric).collect(),
        alerts: Vec::new(),
        notifying: Notifying::default(),
    }
}

/// The same plan with alerts of every kind on its metrics.
pub(crate) fn watched(timing: Timing) -> Plan {
    use crate::alert::{Aggregate, Over};
    let over = |aggregate, length| at_least(aggregate, Over::Sliding(length), "2000");
    let exact = at_least(Aggregate::Sum, Over::Sliding(600), "3");
    let window = |aggregate| at_least(aggregate, Over::Window, "3");
    let mut plan = plan(timing);
    plan.alerts = vec![
        alert(0, vec![exact, window(Aggregate::Sum)]),
        alert(0, vec![over(Aggregate::Count, 1_200)]),
        alert(1, vec![over(Aggregate::Average, 6_000), over(Aggregate::Max, 180_000)]),
        // One that has more events in a slice than evidence names.
        alert(2, vec![over(Aggregate::Percentile(900), 600_000), window(Aggregate::Max)]),
        alert(3, vec![over(Aggregate::Unique, 6_000), absent(500)]),
        alert(4, vec![over(Aggregate::Rate, 60_000)]),
        alert(5, vec![over(Aggregate::Abandoned, 600)]),
    ];
    plan
}

/// A plan whose events are told apart by these fields.
pub(crate) fn plan_with_identity(names: &[&str]) -> Plan {
    let mut plan = plan(TIMING);
    plan.event.identity =
        names.iter().map(|name| plan.fields.intern(&[name])).collect::<Vec<FieldId>>();
    plan
}

/// An event; what it gives to metrics is made of its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) identity: u64,
    pub(crate) time: i64,
    /// How long after its time it arrived; as files have it: not known.
    pub(crate) delay: Option<i64>,
    /// Which metrics take it: a bit for each.
    pub(crate) metrics: u8,
    pub(crate) value: i64,
    pub(crate) group: u8,
}

/// Spreads small numbers over all 64 bits, as a hash does.
pub(crate) const fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The id of the event with this identity; an empty one is among them.
pub(crate) fn id_of(identity: u64) -> String {
    if identity == spread(7) { String::new() } else { format!("id-{identity:x}") }
}

/// The batch of these events; some of no metric, some without a value.
pub(crate) fn batch(plan: &Plan, samples: &[Sample]) -> Batch {
    let mut batch = Batch { received: events(samples.len()), ..Batch::default() };
    for (position, sample) in (0..).zip(samples) {
        let time = Timestamp::from_millis(sample.time);
        let places = (0..plan.metrics.len()).filter(|place| sample.metrics & (1 << place) != 0);
        let mut takes = 0;
        for place in places {
            let metric = &plan.metrics[place];
            let Some(contribution) = contribution(&metric.kind, sample) else {
                batch.no_value.push((place, number(batch.events.len())));
                continue;
            };
            let finishes = matches!(contribution, Contribution::Step { start: false, .. });
            let dimensions = if finishes { &[][..] } else { &metric.dimensions };
            let key = SeriesKey::new(dimensions.iter().map(|one| value_of(one, sample)));
            let series = batch
                .names
                .series
                .iter()
                .position(|known| known.metric == place && *known.key == key)
                .unwrap_or_else(|| {
                    batch.names.series.push(DeltaSeries { metric: place, key: Arc::new(key) });
                    batch.names.series.len() - 1
                });
            let span = plan.calendar.window(metric.window, time);
            let windows = &mut batch.names.windows;
            let window = windows.iter().position(|&known| known == span).unwrap_or_else(|| {
                windows.push(span);
                windows.len() - 1
            });
            batch.takes.push(Take { series: number(series), window: number(window), contribution });
            takes += 1;
        }
        let arrival = sample.delay.map_or(sample.time, |delay| sample.time + delay);
        batch.events.push(Event {
            time,
            advance: time.min(Timestamp::from_millis(arrival)),
            identity: spread(sample.identity),
            position,
            takes,
            id: batch.ids.push(&id_of(spread(sample.identity))),
        });
    }
    batch
}

/// The name of a dimension whose values do not follow from those of the others.
pub(crate) const SECOND: &str = "second";

/// What a sample has as a dimension.
pub(crate) fn value_of(dimension: &Dimension, sample: &Sample) -> &'static str {
    let second = u8::try_from(sample.identity % 2).unwrap_or_default();
    group_name(if dimension.name == SECOND { second } else { sample.group })
}

/// One of a few names; one is too long to be shared in a chunk.
fn group_name(group: u8) -> &'static str {
    const LONG: &str = "a name that is much longer than most: 0123456789 0123456789 0123456789";
    ["noon", "talabat", "عربي", LONG, "__missing__"][usize::from(group) % 5]
}

pub(crate) fn contribution(kind: &MetricKind, sample: &Sample) -> Option<Contribution> {
    let bit = |place: u32| sample.value & (1 << place) != 0;
    let hash = hash::stable(&sample.value.to_le_bytes());
    Some(match kind {
        MetricKind::Count(_) => Contribution::One,
        MetricKind::Sum(_) | MetricKind::Distribution(_) => {
            if sample.value == 0 {
                return None;
            }
            let scale = [1, 1_000_000, 10_000_000_000, 10_i128.pow(17)]
                [usize::from(bit(0)) * 2 + usize::from(bit(1))];
            Contribution::Number(Decimal::from_billionths(i128::from(sample.value) * scale))
        }
        MetricKind::Unique(_) => Contribution::Member(hash),
        MetricKind::Ratio { .. } => Contribution::Share { part: bit(0), whole: bit(1) },
        MetricKind::Journey { .. } => {
            Contribution::Step { key: hash, start: bit(0) || !bit(1), finish: bit(1) }
        }
    })
}

/// Events with copies, disorder, and some far too old.
pub(crate) fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = (0..60_u64, -2_500..600_i64, any::<bool>(), any::<u8>(), -9..10_i64, 0..5_u8);
    proptest::collection::vec((sample, 0..150_i64), 0..120).prop_map(|steps| {
        let mut clock = 10_000;
        let mut samples = Vec::new();
        for ((identity, offset, arrives, metrics, value, group), step) in steps {
            clock += step;
            // Old events are rarer than those of now.
            let offset = if identity % 4 > 0 { offset / 8 } else { offset };
            let delay = arrives.then_some(if offset > 0 { -offset / 2 } else { offset.abs() });
            samples.push(Sample { identity, time: clock + offset, delay, metrics, value, group });
        }
        samples
    })
}
