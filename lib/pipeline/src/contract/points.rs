//! The contract of places that points are put to: what an outcome and a receipt say of a call is what became of it.

use super::{Broken, Deviation, Kept, ensure, rule, same};
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::points::{Packed, Points, Queued, Receipt};
use crate::port::sink::Delivery;
use crate::publication::{PointKind, PublishedMetric, PublishedPoint};
use std::sync::Arc;
use streamgauge_engine::output::Values;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, Timestamp};

/// How the other end can answer badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointsFault {
    /// There is no connection: nothing was sent.
    Unreachable,
    /// It is busy or down, and says so.
    Busy,
    /// It will not take this call.
    Refused,
    /// It takes the call, and its answer does not come.
    AnswerLost,
    /// The call does not reach it, and nobody can tell.
    CallLost,
}

/// What the suite needs beside the adapter. Its clock is the one that points are stamped by.
pub trait PointsBench: Clock {
    /// Makes the next call go wrong; false if this cannot happen at this other end.
    fn arm(&self, fault: PointsFault) -> bool;
    /// Lets pass the time after which what was taken can be read.
    fn pass(&self) -> impl Future<Output = ()> + Send;
    /// How many points of the suite the other end has taken: all are of the metric `points` in the namespace `contract`, count 1,
    /// and have the dimension `point`, each with a value of its own.
    fn taken(&self) -> impl Future<Output = usize> + Send;
}

/// What is packed, each outcome with what the other end has then, and what receipts say.
pub async fn points_contract<P: Points, B: PointsBench>(
    points: &P,
    bench: &B,
) -> Result<(), Broken> {
    let mut suite = Suite { points, bench, minute: whole_minute(bench.now()), taken: 0, made: 0 };
    rule("a call covers points of one namespace, from the front, at least one", suite.covers())?;
    rule("what is recorded gives no call", suite.recorded())?;
    rule("what is too old or too far ahead is refused, and why", suite.refused())?;
    rule("what is delivered was taken, once, and its receipt says so", suite.delivered().await)?;
    for fault in [PointsFault::Unreachable, PointsFault::Busy] {
        let kept = suite.retried(fault).await;
        rule("what is to be retried was not taken, and says when", kept)?;
    }
    rule("what is rejected was not taken, and says why", suite.rejected().await)?;
    rule("without an answer, a call that was taken is found", suite.answer_lost().await)?;
    rule("without an answer, one that was not is not found", suite.call_lost().await)?;
    rule("a receipt is found only for its partition and minute", suite.others().await)
}

struct Suite<'a, P, B> {
    points: &'a P,
    bench: &'a B,
    minute: Timestamp,
    /// How many calls were taken.
    taken: u32,
    /// How many points were made.
    made: u32,
}

impl<P: Points, B: PointsBench> Suite<'_, P, B> {
    /// A point of the suite, whose window began so long ago.
    fn point(&mut self, age_ms: Millis) -> PublishedPoint {
        self.made += 1;
        let window_start = self.minute.minus(age_ms);
        PublishedPoint {
            metric: 0,
            series: Arc::new(SeriesKey::new([self.made.to_string().as_str()])),
            window_start,
            window_end: window_start.plus(MINUTE_MS),
            kind: PointKind::Final,
            values: Values::Count(1),
        }
    }

    /// The receipt of the next call.
    fn receipt(&self) -> Receipt {
        Receipt {
            namespace: "contract".to_owned(),
            partition: Partition::default(),
            minute: self.minute,
            number: self.taken + 1,
        }
    }

    fn pack(&self, points: &[PublishedPoint]) -> Packed<P::Call> {
        let metric = metric("contract");
        let queued: Vec<_> = points.iter().map(|point| Queued { metric: &metric, point }).collect();
        self.points.pack(&queued, &self.receipt(), self.bench.now())
    }

    fn covers(&mut self) -> Kept {
        let [own, other] = ["contract", "other"].map(metric);
        let points: Vec<_> = (0..3).map(|_| self.point(0)).collect();
        let queued = |metrics: [_; 3]| -> Vec<Queued<'_>> {
            metrics
                .into_iter()
                .zip(&points)
                .map(|(metric, point)| Queued { metric, point })
                .collect()
        };
        let packed = |metrics| {
            let packed = self.points.pack(&queued(metrics), &self.receipt(), self.bench.now());
            (packed.call.is_some(), packed.points, packed.refused)
        };
        same(packed([&own, &own, &own]), (true, 3, Vec::new()))?;
        same(packed([&own, &own, &other]), (true, 2, Vec::new()))?;
        let many: Vec<_> = (0..5_000).map(|_| self.point(0)).collect();
        let mut rest = many.as_slice();
        while !rest.is_empty() {
            let Packed { call, points: covered, refused } = self.pack(rest);
            let is_whole = call.is_some() && covered > 0 && refused.is_empty();
            ensure(is_whole, (covered, refused))?;
            rest =
                rest.get(covered..).ok_or_else(|| Deviation::Saw(format!("{covered} points")))?;
        }
        Ok(())
    }

    fn recorded(&mut self) -> Kept {
        let recorded = PublishedPoint { kind: PointKind::Recorded, ..self.point(0) };
        let packed = self.pack(&[recorded]);
        same((packed.call.is_some(), packed.points, packed.refused), (false, 1, Vec::new()))
    }

    fn refused(&mut self) -> Kept {
        for age_ms in [15 * DAY_MS, -3 * HOUR_MS] {
            let points = [self.point(0), self.point(age_ms), self.point(0)];
            let packed = self.pack(&points);
            let places: Vec<_> = packed.refused.iter().map(|(place, _)| *place).collect();
            same((packed.call.is_some(), packed.points, places), (true, 3, vec![1]))?;
            ensure(packed.refused.iter().all(|(_, reason)| !reason.is_empty()), packed.refused)?;
            let [_, alone, _] = points;
            let packed_alone = self.pack(&[alone]);
            let refused = packed_alone.refused.len();
            let outline = (packed_alone.call.is_some(), packed_alone.points, refused);
            same(outline, (false, 1, 1))?;
        }
        Ok(())
    }

    /// Puts a call of two points, of which so many are to be taken.
    async fn put(&mut self, taken: usize) -> Result<Delivery, Deviation> {
        let points = [self.point(0), self.point(0)];
        let before = self.bench.taken().await;
        let packed = self.pack(&points);
        let call = packed.call.ok_or_else(|| Deviation::Saw("no call".to_owned()))?;
        let outcome = self.points.put(&call).await;
        same(self.bench.taken().await - before, taken)?;
        Ok(outcome)
    }

    /// What the receipt of the next call says; if the call is found, it counts.
    async fn finds(&mut self, expected: bool) -> Kept {
        self.bench.pass().await;
        same(self.points.was_taken(&self.receipt()).await?, expected)?;
        self.taken += u32::from(expected);
        Ok(())
    }

    async fn delivered(&mut self) -> Kept {
        for _ in 0..2 {
            self.finds(false).await?;
            same(self.put(2).await?, Delivery::Delivered)?;
            self.finds(true).await?;
        }
        Ok(())
    }

    async fn retried(&mut self, fault: PointsFault) -> Kept {
        if self.bench.arm(fault) {
            let outcome = self.put(0).await?;
            ensure(matches!(outcome, Delivery::Retry { after_ms } if after_ms > 0), outcome)?;
            self.finds(false).await?;
        }
        self.delivered().await
    }

    async fn rejected(&mut self) -> Kept {
        if self.bench.arm(PointsFault::Refused) {
            let outcome = self.put(0).await?;
            let is_told = matches!(&outcome, Delivery::Rejected { reason } if !reason.is_empty());
            ensure(is_told, outcome)?;
            self.finds(false).await?;
        }
        self.delivered().await
    }

    async fn answer_lost(&mut self) -> Kept {
        if self.bench.arm(PointsFault::AnswerLost) {
            same(self.put(2).await?, Delivery::Unknown)?;
            self.finds(true).await?;
        }
        self.delivered().await
    }

    async fn call_lost(&mut self) -> Kept {
        if self.bench.arm(PointsFault::CallLost) {
            same(self.put(0).await?, Delivery::Unknown)?;
            self.finds(false).await?;
        }
        self.delivered().await
    }

    async fn others(&mut self) -> Kept {
        let first = Receipt { number: 1, ..self.receipt() };
        let other = Partition::new(1).unwrap_or_default();
        let minute_before = self.minute.minus(MINUTE_MS);
        same(self.points.was_taken(&first).await?, true)?;
        for receipt in [
            Receipt { partition: other, ..first.clone() },
            Receipt { minute: minute_before, ..first.clone() },
        ] {
            same(self.points.was_taken(&receipt).await?, false)?;
        }
        Ok(())
    }
}

fn whole_minute(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS)
}

/// The suite's metric.
fn metric(namespace: &str) -> PublishedMetric {
    PublishedMetric {
        namespace: namespace.to_owned(),
        name: "points".to_owned(),
        dimensions: vec!["point".to_owned()],
        unit: Some("Count".to_owned()),
    }
}
