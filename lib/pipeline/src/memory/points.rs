//! A place that adds points up and knows no identity of a call, as `CloudWatch` does.

use super::{MEMORY_CALLS_MAX, lock, step};
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::points::{Packed, Points, Queued, Receipt};
use crate::port::sink::Delivery;
use crate::publication::PointKind;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::Values;
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, Timestamp};

/// How old a point may be, in milliseconds.
const AGE_MS_MAX: Millis = 14 * DAY_MS;
/// How far ahead a point may be, in milliseconds.
const AHEAD_MS_MAX: Millis = 2 * HOUR_MS;
/// After this time what was put can be read, in milliseconds.
const VISIBLE_AFTER_MS: Millis = 4 * MINUTE_MS;

/// What points are added up under: namespace, metric, dimension values, time.
pub type SumKey = (String, String, Vec<String>, Timestamp);

/// What was put under one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many points.
    pub samples: u64,
    /// The sum of their values: of counts, values, parts of ratios, journeys that started.
    pub sum: Decimal,
}

/// One call.
#[derive(Clone, Debug)]
pub struct MemoryCall {
    receipt: Receipt,
    points: Vec<(SumKey, Decimal)>,
}

/// Adds up points.
#[derive(Debug)]
pub struct MemoryPoints<C> {
    clock: C,
    call_points_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<(Delivery, bool)>,
    poison: BTreeSet<String>,
    refused: BTreeSet<String>,
    totals: BTreeMap<SumKey, Total>,
    /// Of each call that was taken: its namespace, partition and minute, and when.
    receipts: Vec<((String, u8, Timestamp), Timestamp)>,
}

impl<C: Clock> MemoryPoints<C> {
    /// Takes so many points per call, and goes by this clock.
    pub fn new(clock: C, call_points_max: usize) -> Self {
        Self { clock, call_points_max, state: Mutex::default() }
    }

    /// Scripts the outcome of a coming call, after those scripted before, and whether it is taken.
    pub fn script(&self, outcome: Delivery, taken: bool) {
        lock(&self.state).script.push_back((outcome, taken));
    }

    /// From now on a call is rejected that holds a point with this dimension value.
    pub fn poison(&self, value: &str) {
        lock(&self.state).poison.insert(value.to_owned());
    }

    /// From now on a point with this dimension value is never packed.
    pub fn refuse(&self, value: &str) {
        lock(&self.state).refused.insert(value.to_owned());
    }

    /// All that was taken.
    pub fn totals(&self) -> BTreeMap<SumKey, Total> {
        lock(&self.state).totals.clone()
    }

    /// How many calls were taken.
    pub fn calls(&self) -> usize {
        lock(&self.state).receipts.len()
    }

    fn refusal(&self, queued: &Queued<'_>, now: Timestamp) -> Option<String> {
        let stamp = queued.point.stamp();
        if stamp < now.minus(AGE_MS_MAX) {
            return Some("it is over two weeks old".to_owned());
        }
        if stamp > now.plus(AHEAD_MS_MAX) {
            return Some("it is more than two hours ahead".to_owned());
        }
        let state = lock(&self.state);
        let value = queued.point.series.values().find(|value| state.refused.contains(*value))?;
        Some(format!("`{value}` is no value of a dimension"))
    }
}

impl State {
    fn take(&mut self, call: &MemoryCall, now: Timestamp) {
        for (key, value) in &call.points {
            let total = self.totals.entry(key.clone()).or_default();
            total.samples += 1;
            total.sum = total.sum.checked_add(*value).unwrap_or(total.sum);
        }
        self.receipts.push((receipt_key(&call.receipt), now));
    }
}

impl<C: Clock> Points for MemoryPoints<C> {
    type Call = MemoryCall;

    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<MemoryCall> {
        let mut call = MemoryCall { receipt: receipt.clone(), points: Vec::new() };
        let mut refused = Vec::new();
        let mut covered = 0;
        for (place, queued) in points.iter().enumerate() {
            if queued.metric.namespace != receipt.namespace
                || call.points.len() == self.call_points_max
            {
                break;
            }
            covered = place + 1;
            if queued.point.kind == PointKind::Recorded {
                continue;
            }
            match self.refusal(queued, now) {
                Some(reason) => refused.push((place, reason)),
                None => call.points.push((key(queued), value(&queued.point.values))),
            }
        }
        let call = Some(call).filter(|call| !call.points.is_empty());
        Packed { call, points: covered, refused }
    }

    async fn put(&self, call: &MemoryCall) -> Delivery {
        step().await;
        let outcome = {
            let mut state = lock(&self.state);
            let is_poisoned = call.points.iter().any(|((_, _, values, _), _)| {
                values.iter().any(|value| state.poison.contains(value))
            });
            let taken = if is_poisoned {
                (Delivery::Rejected { reason: "a value is poison".to_owned() }, false)
            } else if state.totals.len() >= MEMORY_CALLS_MAX {
                let reason = format!("{MEMORY_CALLS_MAX} points are kept");
                (Delivery::Rejected { reason }, false)
            } else {
                state.script.pop_front().unwrap_or((Delivery::Delivered, true))
            };
            if taken.1 {
                state.take(call, self.clock.now());
            }
            taken.0
        };
        step().await;
        outcome
    }

    async fn was_taken(&self, receipt: &Receipt) -> Result<bool, Retryable> {
        step().await;
        let readable = self.clock.now().minus(VISIBLE_AFTER_MS);
        let key = receipt_key(receipt);
        let state = lock(&self.state);
        let samples = state.receipts.iter().filter(|(other, at)| *other == key && *at <= readable);
        Ok(u32::try_from(samples.count()).is_ok_and(|samples| samples >= receipt.number))
    }
}

fn receipt_key(receipt: &Receipt) -> (String, u8, Timestamp) {
    (receipt.namespace.clone(), receipt.partition.number(), receipt.minute)
}

fn key(queued: &Queued<'_>) -> SumKey {
    let values = queued.point.series.values().map(str::to_owned).collect();
    let metric = queued.metric;
    (metric.namespace.clone(), metric.name.clone(), values, queued.point.stamp())
}

fn value(values: &Values) -> Decimal {
    let whole = |count: u64| Decimal::from_u64(count).unwrap_or_default();
    match values {
        Values::Count(count) | Values::Unique(count) => whole(*count),
        Values::Sum(sum) => sum.sum,
        Values::Distribution(distribution) => distribution.exact.sum,
        Values::Ratio { part, .. } => whole(*part),
        Values::Journey(journey) => whole(journey.started),
    }
}
