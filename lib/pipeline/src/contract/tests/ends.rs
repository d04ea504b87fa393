//! Sources, sinks, wake-ups and clocks.

use super::{check, clock};
use crate::contract::{
    SinkBench, SinkFault, SourceBench, WakeBench, clock_contract, polled_contract, sink_contract,
    source_contract, wake_contract,
};
use crate::memory::{Fate, MemorySink, MemorySource, MemoryWake, VirtualClock, block_on};
use crate::port::clock::Clock;
use crate::port::sink::Delivery;
use crate::port::source::{
    Batch, NotRead, Page, Place, Polled, Progress, SequenceNumber, Shard, ShardId, Source, Stream,
    StreamId,
};
use crate::port::wake::{Wake, WakeUp, When};
use crate::port::{Partition, Retryable};
use streamgauge_engine::time::{Millis, Timestamp};

/// A far end, and to which fault it has another answer than it should.
struct Far(MemorySink<u8>, Option<(SinkFault, Delivery, bool)>);

impl SinkBench for Far {
    fn arm(&self, fault: SinkFault) -> bool {
        let (outcome, taken) = match (fault, &self.1) {
            (fault, Some((other, outcome, taken))) if fault == *other => (outcome.clone(), *taken),
            (SinkFault::Unreachable | SinkFault::Busy, _) => {
                (Delivery::Retry { after_ms: 1 }, false)
            }
            (SinkFault::Refused, _) => (Delivery::Rejected { reason: "no".to_owned() }, false),
            (SinkFault::AnswerLost, _) => (Delivery::Unknown, true),
        };
        self.0.script(outcome, taken);
        true
    }

    fn taken(&self) -> usize {
        self.0.calls().iter().filter(|(_, _, taken)| *taken).count()
    }
}

fn check_sink(wrong: Option<(SinkFault, Delivery, bool)>, broken_rule: &str) {
    let far = Far(MemorySink::default(), wrong);
    check(block_on(sink_contract(&far.0, &7, &far)), broken_rule);
}

#[test]
fn the_memory_sink_keeps_the_contract_and_a_wrong_one_is_found() {
    use Delivery::{Delivered, Rejected, Retry, Unknown};
    check_sink(None, "");
    let check_wrong = |fault, outcome, taken, rule| check_sink(Some((fault, outcome, taken)), rule);
    check_wrong(
        SinkFault::Unreachable,
        Unknown,
        false,
        "what was not sent is retried, and says when",
    );
    check_wrong(
        SinkFault::Busy,
        Retry { after_ms: 0 },
        false,
        "what was not taken yet is retried, and says when",
    );
    let rejected = Rejected { reason: "no".to_owned() };
    check_wrong(SinkFault::Refused, rejected, true, "what is rejected was not taken, and says why");
    check_wrong(SinkFault::AnswerLost, Delivered, true, "without an answer nothing is known");
}

/// How a stream is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ProvesTheFuture,
    Reverses,
    TakesByItself,
    MixesShards,
    ProvesAnything,
    KeepsWhatIsGone,
    NeverEnds,
    ForgetsWhere,
    EndsWhatIsOpen,
    LosesTheLast,
}

struct Bent(MemorySource<VirtualClock>, VirtualClock, Wrong);

impl Clock for Bent {
    fn now(&self) -> Timestamp {
        self.1.now()
    }
}

impl SourceBench for Bent {
    async fn open(&self) -> ShardId {
        let id: ShardId = format!("parent-{}", self.0.shards().await.unwrap().len()).into();
        MemorySource::open(&self.0, &id, &[]);
        id
    }

    async fn put(&self, shard: &ShardId, bytes: &[u8]) -> SequenceNumber {
        self.0.put(shard, bytes).unwrap()
    }

    async fn split(&self, shard: &ShardId) -> Option<[ShardId; 2]> {
        self.0.close(shard);
        Some(["left", "right"].map(|side| {
            let child = format!("{shard}-{side}").into();
            self.0.open(&child, std::slice::from_ref(shard));
            child
        }))
    }
}

impl Source for Bent {
    async fn next(&self) -> Result<Option<Batch>, Retryable> {
        let Some(mut batch) = self.0.next().await? else { return Ok(None) };
        match self.2 {
            Wrong::Reverses => batch.records.reverse(),
            Wrong::TakesByItself => self.0.taken(&batch.shard, &batch.records[0].sequence).await?,
            Wrong::MixesShards => batch.shard = "parent-0".into(),
            _ => {}
        }
        Ok(Some(batch))
    }

    async fn taken(&self, shard: &ShardId, up_to: &SequenceNumber) -> Result<(), Retryable> {
        self.0.taken(shard, up_to).await
    }
}

impl Stream for Bent {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        self.0.describe().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        self.0.shards().await
    }

    async fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        let asked_at = self.now();
        Ok(match (self.2, self.0.progress(shard, after).await?) {
            (Wrong::ProvesTheFuture, Progress::Empty { .. }) => {
                Progress::Empty { asked_at: asked_at.plus(1) }
            }
            (Wrong::ProvesAnything, _) | (Wrong::NeverEnds, Progress::Ended) if after.is_some() => {
                Progress::Empty { asked_at }
            }
            (Wrong::KeepsWhatIsGone, Progress::Ended) if after.is_none() => Progress::Waiting,
            (_, progress) => progress,
        })
    }
}

impl Polled for Bent {
    async fn open(
        &self,
        shard: &ShardId,
        with: Option<&SequenceNumber>,
    ) -> Result<Option<Place>, Retryable> {
        match self.2 {
            Wrong::ForgetsWhere => Polled::open(&self.0, shard, None).await,
            Wrong::KeepsWhatIsGone => {
                Ok(Polled::open(&self.0, shard, with).await?.or(Some(Place::new())))
            }
            _ => Polled::open(&self.0, shard, with).await,
        }
    }

    async fn read(&self, shard: &ShardId, place: Place) -> Result<Page, NotRead> {
        let mut page = self.0.read(shard, place).await?;
        match self.2 {
            Wrong::Reverses => page.batch.records.reverse(),
            Wrong::EndsWhatIsOpen => page.next = None,
            Wrong::LosesTheLast if page.next.is_none() => page.batch.records.truncate(0),
            _ => {}
        }
        Ok(page)
    }
}

#[test]
fn the_memory_source_can_be_polled_and_a_wrong_one_is_found() {
    let check_polled = |wrong, broken_rule| {
        let id = StreamId { name: "contract".into(), created_at: clock().now() };
        let stream = Bent(MemorySource::new(id, clock(), 1 << 10), clock(), wrong);
        check(block_on(polled_contract(&stream, &stream)), broken_rule);
    };
    check_polled(Wrong::Nothing, "");
    check_polled(Wrong::EndsWhatIsOpen, "a shard without records is read to its tip");
    check_polled(Wrong::Reverses, "a shard is read in its order");
    check_polled(Wrong::ForgetsWhere, "reading with a record brings it and what follows");
    check_polled(Wrong::KeepsWhatIsGone, "a shard that is not listed is not opened");
    check_polled(Wrong::LosesTheLast, "a closed shard is read to its end");
}

fn check_source(wrong: Wrong, broken_rule: &str) {
    let id = StreamId { name: "contract".into(), created_at: clock().now() };
    let stream = Bent(MemorySource::new(id, clock(), 1 << 10), clock(), wrong);
    check(block_on(source_contract(&stream, &stream)), broken_rule);
}

#[test]
fn the_memory_source_keeps_the_contract_and_a_wrong_one_is_found() {
    check_source(Wrong::Nothing, "");
    check_source(
        Wrong::ProvesTheFuture,
        "an open shard is listed, and proven empty as of when it was asked",
    );
    check_source(Wrong::Reverses, "records come in the order of their shard");
    check_source(Wrong::TakesByItself, "what was not taken comes again, and only that");
    check_source(Wrong::MixesShards, "what children of a shard get comes as theirs");
    check_source(Wrong::KeepsWhatIsGone, "a shard that is not listed has ended");
    check_source(Wrong::ProvesAnything, "a proof is about the position that was asked for");
    check_source(
        Wrong::NeverEnds,
        "a closed shard ends with its last record, and its children name it",
    );
}

/// A queue, its clock, and what it makes of a wake-up.
struct Queue(MemoryWake<VirtualClock>, VirtualClock, fn(WakeUp, When) -> (WakeUp, When));

impl Clock for Queue {
    fn now(&self) -> Timestamp {
        self.1.now()
    }
}

impl WakeBench for Queue {
    fn advance(&self, by: Millis) {
        self.1.advance(by);
    }

    async fn take(&self) -> Vec<WakeUp> {
        std::iter::from_fn(|| self.0.take()).collect()
    }
}

impl Wake for Queue {
    async fn wake(&self, wake_up: WakeUp, when: When) -> Result<(), Retryable> {
        let (wake_up, when) = (self.2)(wake_up, when);
        self.0.wake(wake_up, when).await
    }
}

fn check_wake(fates: &[Fate], makes: fn(WakeUp, When) -> (WakeUp, When), broken_rule: &str) {
    let clock = clock();
    let queue = Queue(MemoryWake::new(clock.clone()), clock, makes);
    for &fate in fates {
        queue.0.script(fate);
    }
    check(block_on(wake_contract(&queue, &queue)), broken_rule);
}

#[test]
fn the_memory_queue_keeps_the_contract_and_a_wrong_one_is_found() {
    use Fate::{Comes, Lost, Repeats};
    check_wake(&[], |wake_up, when| (wake_up, when), "");
    check_wake(&[Repeats; 16], |wake_up, when| (wake_up, when), "");
    let mixes = |wake_up, when| (WakeUp { partition: Partition::new(1).unwrap(), ..wake_up }, when);
    check_wake(&[], mixes, "a wake-up for now comes");
    check_wake(
        &[Comes, Lost],
        |wake_up, when| (wake_up, when),
        "a wake-up for a time that has passed comes",
    );
    check_wake(
        &[],
        |wake_up, _| (wake_up, When::Now),
        "a wake-up comes at its time and not before",
    );
    let far_off = "a wake-up that is far off comes after the longest delay";
    check_wake(&[Comes, Comes, Comes, Lost], |wake_up, when| (wake_up, when), far_off);
}

/// A clock that goes back each time it is read.
struct Backwards(VirtualClock);

impl Clock for Backwards {
    fn now(&self) -> Timestamp {
        self.0.advance(-1);
        self.0.now()
    }
}

#[test]
fn a_clock_that_goes_back_is_found() {
    check(clock_contract(&clock()), "");
    check(clock_contract(&Backwards(clock())), "a clock does not go back");
}
