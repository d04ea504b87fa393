//! Places that points are put to.

use super::{check, clock};
use crate::contract::{PointsBench, PointsFault, points_contract};
use crate::memory::{MemoryCall, MemoryPoints, VirtualClock, block_on};
use crate::port::Retryable;
use crate::port::clock::Clock;
use crate::port::points::{Packed, Points, Queued, READ_BACK_MS, Receipt};
use crate::port::sink::Delivery;
use streamgauge_engine::time::Timestamp;

/// How an adapter is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    MixesNamespaces,
    PutsWhatIsRecorded,
    RefusesNothing,
    PutsTwice,
    Answers(PointsFault, Option<bool>),
    FindsAnything,
    KnowsNoPartitions,
}

struct Far(MemoryPoints<VirtualClock>, VirtualClock, Wrong);

impl Clock for Far {
    fn now(&self) -> Timestamp {
        self.1.now()
    }
}

impl PointsBench for Far {
    fn arm(&self, fault: PointsFault) -> bool {
        let (outcome, taken) = match fault {
            PointsFault::Unreachable | PointsFault::Busy => {
                (Delivery::Retry { after_ms: 1 }, false)
            }
            PointsFault::Refused => (Delivery::Rejected { reason: "no".to_owned() }, false),
            PointsFault::AnswerLost => (Delivery::Unknown, true),
            PointsFault::CallLost => (Delivery::Unknown, false),
        };
        match self.2 {
            Wrong::Answers(other, None) if other == fault => {
                self.0.script(Delivery::Delivered, taken);
            }
            Wrong::Answers(other, Some(taken_too)) if other == fault => {
                self.0.script(outcome, taken_too);
            }
            _ => self.0.script(outcome, taken),
        }
        true
    }

    async fn pass(&self) {
        self.1.advance(READ_BACK_MS);
    }

    async fn taken(&self) -> usize {
        let samples = self.0.totals().values().map(|total| total.samples).sum::<u64>();
        samples.try_into().unwrap()
    }
}

impl Points for Far {
    type Call = MemoryCall;

    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<MemoryCall> {
        let bent: Vec<_> = points.iter().map(|queued| queued.point.clone()).collect();
        let bent: Vec<_> = bent
            .into_iter()
            .map(|mut point| {
                if self.2 == Wrong::PutsWhatIsRecorded {
                    point.kind = crate::publication::PointKind::Final;
                }
                if self.2 == Wrong::RefusesNothing {
                    (point.window_start, point.window_end) = (now, now);
                }
                point
            })
            .collect();
        let metric = points[0].metric;
        let bent: Vec<_> = points
            .iter()
            .zip(&bent)
            .map(|(queued, point)| Queued {
                metric: if self.2 == Wrong::MixesNamespaces { metric } else { queued.metric },
                point,
            })
            .collect();
        self.0.pack(&bent, receipt, now)
    }

    async fn put(&self, call: &MemoryCall) -> Delivery {
        if self.2 == Wrong::PutsTwice {
            assert_eq!(self.0.put(call).await, Delivery::Delivered);
        }
        self.0.put(call).await
    }

    async fn was_taken(&self, receipt: &Receipt) -> Result<bool, Retryable> {
        let mut asked = receipt.clone();
        match self.2 {
            Wrong::FindsAnything => asked.number -= 1,
            Wrong::KnowsNoPartitions => asked.partition = crate::port::Partition::default(),
            _ => {}
        }
        self.0.was_taken(&asked).await
    }
}

fn check_points(wrong: Wrong, broken_rule: &str) {
    let clock = clock();
    let far = Far(MemoryPoints::new(clock.clone(), 1_000), clock, wrong);
    check(block_on(points_contract(&far, &far)), broken_rule);
}

#[test]
fn the_memory_points_keep_the_contract_and_wrong_ones_are_found() {
    use PointsFault::{AnswerLost, Busy, CallLost, Refused, Unreachable};
    check_points(Wrong::Nothing, "");
    let covers = "a call covers points of one namespace, from the front, at least one";
    check_points(Wrong::MixesNamespaces, covers);
    check_points(Wrong::PutsWhatIsRecorded, "what is recorded gives no call");
    check_points(Wrong::RefusesNothing, "what is too old or too far ahead is refused, and why");
    let delivered = "what is delivered was taken, once, and its receipt says so";
    check_points(Wrong::PutsTwice, delivered);
    check_points(Wrong::FindsAnything, delivered);
    let retried = "what is to be retried was not taken, and says when";
    check_points(Wrong::Answers(Unreachable, None), retried);
    check_points(Wrong::Answers(Busy, Some(true)), retried);
    let rejected = "what is rejected was not taken, and says why";
    check_points(Wrong::Answers(Refused, Some(true)), rejected);
    let found = "without an answer, a call that was taken is found";
    check_points(Wrong::Answers(AnswerLost, Some(false)), found);
    let not_found = "without an answer, one that was not is not found";
    check_points(Wrong::Answers(CallLost, Some(true)), not_found);
    check_points(Wrong::KnowsNoPartitions, "a receipt is found only for its partition and minute");
}
