//! How often the stream is asked, and what happens when it does not answer.

use super::bench::{Bench, Function, check_numbers, mapping};
use crate::clock::Clock;
use crate::interfere::{Interference, Place, Point};
use crate::stack::KinesisMapping;
use crate::stream::{Start, StreamError};
use crate::testing::{Wrong, done};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How many reads a shard gets within some seconds, from the beginning.
async fn reads(bench: &Bench, seconds: u64) -> usize {
    let function = Function::new(|_| done());
    let poller = bench.start(mapping(), &function);
    sleep(Duration::from_secs(seconds)).await;
    let count = bench.services.stream.reads.lock().unwrap().len();
    assert!(poller.stop(Duration::from_secs(1)).await.unwrap());
    count
}

#[tokio::test(start_paused = true)]
async fn an_idle_shard_is_read_once_a_second() {
    let bench = Bench::new(1);
    let count = reads(&bench, 100).await;
    assert!((99..=101).contains(&count), "{count}");
}

#[tokio::test(start_paused = true)]
async fn on_a_hurried_clock_all_waits_are_shorter() {
    let bench = Bench::on(Clock::hurried(60), 1, Duration::from_hours(24));
    let count = reads(&bench, 10).await;
    // Timers tick once a millisecond, which is 60 ms of this clock.
    assert!((560..=601).contains(&count), "{count}");
}

#[tokio::test(start_paused = true)]
async fn a_shard_is_read_five_times_a_second_at_most() {
    let bench = Bench::new(1);
    let data = "x".repeat(900_000);
    for _ in 0..300 {
        bench.stream.put("key", None, data.clone()).unwrap();
    }
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.data().len(), 300);
    let reads = bench.services.stream.reads.lock().unwrap();
    assert!(reads.len() > 25, "10 MB a read at most");
    for pair in reads.windows(2) {
        let between = pair[1].0.duration_since(pair[0].0);
        assert!(between >= SignedDuration::from_millis(200), "{between:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_is_opened_again_at_the_position() {
    let bench = Bench::new(1);
    bench.put("a b");
    let function = Function::new(|_| done());
    let poller = bench.start(mapping(), &function);
    poller.drained().await;
    bench.services.stream.errors.lock().unwrap().push_back(StreamError::ExpiredIterator);
    bench.put("c");
    poller.drained().await;
    assert_eq!(function.data(), ["a", "b", "c"]);
    let starts = bench.services.stream.starts.lock().unwrap();
    assert!(matches!(starts.as_slice(), [Start::TrimHorizon, Start::After(_)]), "{starts:?}");
    assert_eq!(bench.watcher.troubles(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_iterator_at_latest_that_expires_loses_nothing() {
    let mut bench = Bench::new(1);
    // The first read waits for so long that its iterator is too old.
    bench.interfere = Arc::new(Wrong(|place: &Place<'_>| match place.point {
        Point::Read if place.attempt == 3 => Interference::Delay(Duration::from_mins(10)),
        _ => Interference::None,
    }));
    bench.put("before");
    sleep(Duration::from_secs(1)).await;
    let function = Function::new(|_| done());
    let poller = bench.start(KinesisMapping { start: Start::Latest, ..mapping() }, &function);
    sleep(Duration::from_mins(1)).await;
    bench.put("while it stood still");
    poller.drained().await;
    assert_eq!(function.data(), ["while", "it", "stood", "still"]);
    let fault = "a read of shardId-000000000000 for `Aggregate/Orders` delayed by 600s";
    assert_eq!(bench.watcher.faults(), [fault]);
}

/// A mapping from LATEST whose first read is delayed or fails gets what comes meanwhile.
async fn check_latest(bench: &Bench) {
    let function = Function::new(|_| done());
    let poller = bench.start(KinesisMapping { start: Start::Latest, ..mapping() }, &function);
    sleep(Duration::from_secs(1)).await;
    bench.put("a b");
    poller.drained().await;
    assert_eq!(function.data(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_first_read_at_latest_that_is_delayed_loses_nothing() {
    let mut bench = Bench::new(1);
    bench.interfere = Arc::new(Wrong(|place: &Place<'_>| match place.point {
        Point::Read if place.attempt == 1 => Interference::Delay(Duration::from_mins(1)),
        _ => Interference::None,
    }));
    check_latest(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_first_read_at_latest_that_fails_loses_nothing() {
    let bench = Bench::new(1);
    let errors = [StreamError::Throttled, StreamError::Throttled];
    bench.services.stream.errors.lock().unwrap().extend(errors);
    check_latest(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_is_not_read_at_once_when_its_iterator_expired() {
    let bench = Bench::new(1);
    let function = Function::new(|_| done());
    let poller = bench.start(mapping(), &function);
    sleep(Duration::from_millis(500)).await;
    bench.services.stream.errors.lock().unwrap().push_back(StreamError::ExpiredIterator);
    sleep(Duration::from_millis(550)).await;
    poller.drained().await;
    let reads = bench.services.stream.reads.lock().unwrap();
    let is_apart = |pair: &[(_, _)]| {
        jiff::Timestamp::duration_since(pair[1].0, pair[0].0) >= SignedDuration::from_millis(200)
    };
    assert!(reads.windows(2).all(is_apart), "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_stream_are_told_and_tried_again() {
    let bench = Bench::new(1);
    bench.put("a");
    let errors = [StreamError::Throttled, StreamError::Other("no network".to_owned())];
    bench.services.stream.errors.lock().unwrap().extend(errors);
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.data(), ["a"]);
    assert_eq!(
        bench.watcher.troubles(),
        ["the stream throttles reads", "the stream could not be read: no network"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_stands_still_does_not_stop_the_others() {
    let mut bench = Bench::new(2);
    bench.interfere = Arc::new(Wrong(|place: &Place<'_>| {
        let is_still = place.point == Point::Read && place.shard == "shardId-000000000000";
        if is_still && place.attempt == 1 && place.key.is_empty() {
            Interference::Delay(Duration::from_mins(2))
        } else {
            Interference::None
        }
    }));
    bench.put_numbers(0..400);
    let function = Function::new(|_| done());
    let poller = bench.start(mapping(), &function);
    sleep(Duration::from_mins(1)).await;
    let is_other = |done: &[super::bench::Batch]| {
        done.iter().all(|batch| &*batch.shard == "shardId-000000000001")
    };
    assert!(is_other(&function.done.lock().unwrap()) && !function.data().is_empty());
    assert!(!poller.is_drained());
    poller.drained().await;
    check_numbers(&function, 0..400);
}

#[tokio::test(start_paused = true)]
async fn drained_is_said_and_taken_back() {
    let bench = Bench::new(2);
    let function = Function::new(|_| done()).taking(Duration::from_secs(30));
    let poller = bench.start(mapping(), &function);
    poller.drained().await;
    assert!(poller.is_drained());
    bench.put("a");
    function.came.notified().await;
    assert!(!poller.is_drained());
    poller.drained().await;
    assert_eq!(function.data(), ["a"]);
    assert!(poller.is_drained());
}

#[tokio::test(start_paused = true)]
async fn what_was_put_before_the_question_is_done_with_the_answer() {
    let bench = Bench::new(3);
    let function = Function::new(|_| done());
    let poller = bench.start(mapping(), &function);
    for round in 0..20 {
        bench.put_numbers(round * 50..(round + 1) * 50);
        poller.drained().await;
        check_numbers(&function, 0..(round + 1) * 50);
    }
}
