//! A place that adds up what it is sent, as `CloudWatch` does, and loses answers.

use super::dice::Dice;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::points::{Packed, Points, Queued, Receipt};
use streamgauge_pipeline::port::sink::Delivery;
use streamgauge_pipeline::port::{Partition, Retryable};
use streamgauge_pipeline::publication::{PointKind, PublishedMetric, PublishedPoint};

/// How many points one call takes.
const POINTS_MAX: usize = 7;

/// A point that was taken, with its metric.
pub(super) type TakenPoint = (PublishedMetric, PublishedPoint);

/// The place. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Cloud {
    state: Arc<Mutex<State>>,
    dice: Dice,
    pub(super) per_mille: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct State {
    points: Vec<TakenPoint>,
    samples: BTreeMap<(String, Partition, Timestamp), u32>,
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    points: Vec<TakenPoint>,
    receipt: Receipt,
}

impl Cloud {
    /// Nothing taken yet.
    pub(super) fn new(dice: &Dice) -> Self {
        Self { state: Arc::default(), dice: dice.clone(), per_mille: Arc::default() }
    }

    /// All that was taken.
    pub(super) fn points(&self) -> Vec<TakenPoint> {
        self.state.lock().unwrap().points.clone()
    }

    fn take(&self, call: &Call) {
        let mut state = self.state.lock().unwrap();
        state.points.extend(call.points.iter().cloned());
        let Receipt { namespace, partition, minute, .. } = &call.receipt;
        *state.samples.entry((namespace.clone(), *partition, *minute)).or_default() += 1;
    }
}

impl Points for Cloud {
    type Call = Call;

    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, _: Timestamp) -> Packed<Call> {
        let of_namespace =
            points.iter().take_while(|queued| queued.metric.namespace == receipt.namespace);
        let packed: Vec<_> = of_namespace.take(POINTS_MAX).collect();
        let put = packed.iter().filter(|queued| queued.point.kind != PointKind::Recorded);
        let put: Vec<_> = put.map(|queued| (queued.metric.clone(), queued.point.clone())).collect();
        let call = Call { points: put, receipt: receipt.clone() };
        Packed {
            call: (!call.points.is_empty()).then_some(call),
            points: packed.len(),
            refused: Vec::new(),
        }
    }

    async fn put(&self, call: &Call) -> Delivery {
        let per_mille = self.per_mille.load(Ordering::Relaxed);
        if self.dice.per_mille(per_mille) {
            return Delivery::Retry { after_ms: 1 + self.dice.millis(5_000) };
        }
        if self.dice.per_mille(per_mille) {
            return Delivery::Unknown;
        }
        self.take(call);
        if self.dice.per_mille(per_mille) { Delivery::Unknown } else { Delivery::Delivered }
    }

    async fn was_taken(&self, receipt: &Receipt) -> Result<bool, Retryable> {
        let Receipt { namespace, partition, minute, number } = receipt;
        let state = self.state.lock().unwrap();
        let samples = state.samples.get(&(namespace.clone(), *partition, *minute));
        Ok(samples.is_some_and(|samples| samples >= number))
    }
}
