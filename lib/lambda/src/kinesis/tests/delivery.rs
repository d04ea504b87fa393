//! What the function is asked, and what its answers do.

use super::bench::{Bench, Function, check_numbers, mapping};
use crate::happening::{Ending, Happening};
use crate::interfere::{Interference, Point};
use crate::invoke::Outcome;
use crate::stack::KinesisMapping;
use crate::testing::{Wrong, done, failed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_batch_comes_again_after_a_partial_failure() {
    let bench = Bench::new(1);
    bench.put("a b c d e");
    let function = Function::new(|batch| match batch.attempt {
        1 => {
            let last = &batch.cause.last;
            let answer = format!("{{\"batchItemFailures\":[{{\"itemIdentifier\":\"{last}\"}}]}}");
            Outcome::Answered(answer.into())
        }
        _ => done(),
    });
    let reporting = KinesisMapping { report_item_failures: true, ..mapping() };
    bench.run(reporting, &function).await;
    assert_eq!(function.words(), ["1: a b c d e", "2: e"]);
    let partial = |happening: &Happening| {
        matches!(happening, Happening::Invoked { ending: Ending::Partial { failed: 1 }, .. })
    };
    assert!(bench.watcher.all().iter().any(partial));
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_keeps_later_records_of_its_shard_waiting() {
    let bench = Bench::new(1);
    let function = Function::new(|batch| if batch.attempt < 3 { failed() } else { done() });
    bench.put("a b");
    let poller = bench.start(mapping(), &function);
    function.came.notified().await;
    bench.put("c");
    poller.drained().await;
    assert_eq!(function.words(), ["1: a b", "2: a b", "3: a b", "1: c", "2: c", "3: c"]);
}

#[tokio::test(start_paused = true)]
async fn throttles_are_tried_again_without_counting() {
    let bench = Bench::new(1);
    bench.put("a");
    let function =
        Function::new(|batch| if batch.attempt < 5 { Outcome::Throttled } else { done() });
    bench.run(KinesisMapping { retry_attempts_max: Some(0), ..mapping() }, &function).await;
    assert_eq!(function.data(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_answer_fails_the_batch_and_is_told() {
    let bench = Bench::new(1);
    bench.put("a b");
    let strange = Outcome::Answered("{\"batchItemFailures\":[{\"itemIdentifier\":\"7\"}]}".into());
    let function =
        Function::new(move |batch| if batch.attempt == 1 { strange.clone() } else { done() });
    bench.run(KinesisMapping { report_item_failures: true, ..mapping() }, &function).await;
    assert_eq!(function.words(), ["1: a b", "2: a b"]);
    assert_eq!(bench.watcher.troubles(), ["the `itemIdentifier` `7` is no record of the batch"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_can_be_delivered_again_on_purpose() {
    let mut bench = Bench::new(1);
    bench.interfere = Arc::new(Wrong(|place: &crate::interfere::Place<'_>| match place.point {
        Point::Done if place.attempt < 3 => Interference::Repeat,
        _ => Interference::None,
    }));
    bench.put("a b");
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.words(), ["1: a b", "2: a b", "3: a b"]);
    let fault =
        "a batch of shardId-000000000000 for `Aggregate/Orders` repeated although it succeeded";
    assert_eq!(bench.watcher.faults(), [fault, fault]);
}

#[tokio::test(start_paused = true)]
async fn with_a_factor_keys_are_in_order_and_lanes_at_once() {
    let bench = Bench::new(2);
    bench.put_numbers(0..10_000);
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let counted = (Arc::clone(&running), Arc::clone(&most));
    let function = Function::new(move |batch| {
        counted.1.fetch_max(counted.0.load(Ordering::Relaxed), Ordering::Relaxed);
        if batch.attempt == 1 && batch.records.len() % 7 == 0 { failed() } else { done() }
    })
    .taking(Duration::from_millis(50));
    let poller = bench.start(KinesisMapping { parallelization_factor: 10, ..mapping() }, &function);
    let watched = bench.watcher.until(
        |happening| matches!(happening, Happening::Shard(standing) if standing.in_flight == 10),
    );
    watched.await;
    poller.drained().await;
    check_numbers(&function, 0..10_000);
}

#[tokio::test(start_paused = true)]
async fn one_bad_shard_does_not_hold_up_the_others() {
    let bench = Bench::new(4);
    bench.put_numbers(0..400);
    let function = Function::new(|batch| {
        if &*batch.shard == "shardId-000000000002" && batch.attempt < 6 { failed() } else { done() }
    });
    bench.run(mapping(), &function).await;
    check_numbers(&function, 0..400);
    let done = function.done.lock().unwrap();
    assert_eq!(&*done.last().unwrap().shard, "shardId-000000000002");
}

#[tokio::test(start_paused = true)]
async fn iterator_age_is_that_of_the_last_record() {
    let bench = Bench::new(1);
    bench.put("a");
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.put("b");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.asked.lock().unwrap()[0].cause.iterator_age_ms, 2000);
}

#[tokio::test(start_paused = true)]
async fn a_batching_window_gathers_records() {
    let bench = Bench::new(1);
    let function = Function::new(|_| done());
    let windowed = KinesisMapping { batching_window: Duration::from_secs(30), ..mapping() };
    bench.put("a");
    let poller = bench.start(windowed, &function);
    for data in ["b", "c"] {
        tokio::time::sleep(Duration::from_secs(10)).await;
        bench.put(data);
    }
    poller.drained().await;
    assert_eq!(function.words(), ["1: a b c"]);
}
