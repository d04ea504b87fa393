//! Sources, sinks, wake-ups and clocks.

use super::{check, clock};
use crate::contract::{
    SinkBench, SinkFault, SourceBench, WakeBench, clock_contract, sink_contract, source_contract,
    wake_contract,
};
use crate::memory::{Fate, MemorySink, MemorySource, MemoryWake, VirtualClock, block_on};
use crate::port::clock::Clock;
use crate::port::sink::Delivery;
use crate::port::source::{Batch, Progress, SequenceNumber, Shard, ShardId, Source};
use crate::port::wake::{Wake, WakeUp, When};
use crate::port::{Partition, Retryable};
use streamgauge_engine::time::{Millis, Timestamp};

/// What the far end answers to a fault, and whether it takes the entry.
type Answers = fn(SinkFault) -> (Delivery, bool);

struct Far<'a>(&'a MemorySink<u8>, Answers);

impl SinkBench for Far<'_> {
    fn arm(&self, fault: SinkFault) -> bool {
        let (outcome, taken) = (self.1)(fault);
        self.0.script(outcome, taken);
        true
    }

    fn taken(&self) -> usize {
        self.0.taken().len()
    }
}

fn as_it_should(fault: SinkFault) -> (Delivery, bool) {
    match fault {
        SinkFault::Unreachable | SinkFault::Busy => (Delivery::Retry { after_ms: 1 }, false),
        SinkFault::Refused => (Delivery::Rejected { reason: "no".to_owned() }, false),
        SinkFault::AnswerLost => (Delivery::Unknown, true),
    }
}

fn check_sink(sink: &MemorySink<u8>, answers: Answers, broken_rule: &str) {
    check(block_on(sink_contract(sink, &7, &Far(sink, answers))), broken_rule);
}

#[test]
fn the_memory_sink_keeps_the_contract() {
    check_sink(&MemorySink::new(), as_it_should, "");
}

#[test]
fn a_wrong_sink_is_found() {
    let sink = MemorySink::new();
    sink.script(Delivery::Delivered, false);
    check_sink(&sink, as_it_should, "what is delivered was taken, once");
    let unreachable: Answers = |_| (Delivery::Unknown, false);
    check_sink(&MemorySink::new(), unreachable, "what was not sent is retried, and says when");
    let at_once: Answers = |fault| match fault {
        SinkFault::Busy => (Delivery::Retry { after_ms: 0 }, false),
        _ => as_it_should(fault),
    };
    check_sink(&MemorySink::new(), at_once, "what was not taken yet is retried, and says when");
    let takes_all: Answers = |fault| {
        (as_it_should(fault).0, matches!(fault, SinkFault::Refused | SinkFault::AnswerLost))
    };
    check_sink(&MemorySink::new(), takes_all, "what is rejected was not taken, and says why");
    let guesses: Answers = |fault| match fault {
        SinkFault::AnswerLost => (Delivery::Delivered, true),
        _ => as_it_should(fault),
    };
    check_sink(&MemorySink::new(), guesses, "without an answer nothing is known");
}

/// How a stream is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ProvesTheFuture,
    Reverses,
    TakesByItself,
    ProvesAnything,
    NeverEnds,
}

struct Stream(MemorySource<VirtualClock>, VirtualClock, Wrong);

impl Clock for Stream {
    fn now(&self) -> Timestamp {
        self.1.now()
    }
}

impl SourceBench for Stream {
    async fn open(&self) -> ShardId {
        let shard = ShardId::from("parent");
        self.0.open(&shard, &[]);
        shard
    }

    async fn put(&self, shard: &ShardId, bytes: &[u8]) {
        self.0.put(shard, bytes).unwrap();
    }

    async fn split(&self, shard: &ShardId) -> Option<[ShardId; 2]> {
        self.0.close(shard);
        let children = ["left", "right"].map(ShardId::from);
        for child in &children {
            self.0.open(child, std::slice::from_ref(shard));
        }
        Some(children)
    }
}

impl Source for Stream {
    async fn next(&self) -> Result<Option<Batch>, Retryable> {
        let mut batch = self.0.next().await?;
        if let Some(batch) = &mut batch {
            match self.2 {
                Wrong::Reverses => batch.records.reverse(),
                Wrong::TakesByItself => {
                    self.0.taken(&batch.shard, &batch.records[0].sequence).await?;
                }
                _ => {}
            }
        }
        Ok(batch)
    }

    async fn taken(&self, shard: &ShardId, up_to: &SequenceNumber) -> Result<(), Retryable> {
        self.0.taken(shard, up_to).await
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
            (Wrong::ProvesAnything, _) if after.is_some() => Progress::Empty { asked_at },
            (Wrong::NeverEnds, Progress::Ended) => Progress::Empty { asked_at },
            (_, progress) => progress,
        })
    }
}

fn check_source(wrong: Wrong, broken_rule: &str) {
    let stream = Stream(MemorySource::new(clock(), 1 << 10), clock(), wrong);
    check(block_on(source_contract(&stream, &stream)), broken_rule);
}

#[test]
fn the_memory_source_keeps_the_contract() {
    check_source(Wrong::Nothing, "");
}

#[test]
fn a_wrong_source_is_found() {
    check_source(
        Wrong::ProvesTheFuture,
        "an open shard is listed, and proven empty as of when it was asked",
    );
    check_source(Wrong::Reverses, "records come in the order of their shard");
    check_source(Wrong::TakesByItself, "what was not taken comes again, and only that");
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
fn the_memory_queue_keeps_the_contract_when_it_repeats_too() {
    check_wake(&[], |wake_up, when| (wake_up, when), "");
    check_wake(&[Fate::Repeats; 16], |wake_up, when| (wake_up, when), "");
}

#[test]
fn a_wrong_queue_is_found() {
    use Fate::{Comes, Lost};
    check_wake(&[Lost], |wake_up, when| (wake_up, when), "a wake-up for now comes");
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
    let mixes = |wake_up, when| (WakeUp { partition: Partition::new(1).unwrap(), ..wake_up }, when);
    check_wake(&[], mixes, "a wake-up for now comes");
    let last = "a wake-up that is far off comes after the longest delay";
    check_wake(&[Comes, Comes, Comes, Lost], |wake_up, when| (wake_up, when), last);
}

#[test]
fn a_clock_that_goes_back_is_found() {
    /// Goes back each time it is read.
    struct Backwards(VirtualClock);

    impl Clock for Backwards {
        fn now(&self) -> Timestamp {
            self.0.advance(-1);
            self.0.now()
        }
    }
    check(clock_contract(&clock()), "");
    check(clock_contract(&Backwards(clock())), "a clock does not go back");
}
