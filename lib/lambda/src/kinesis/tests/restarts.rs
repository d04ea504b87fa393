//! What a restart finds, and what a stop leaves.

use super::bench::{Bench, Function, check_numbers, mapping};
use crate::arn::Arn;
use crate::kinesis::{CheckpointError, Checkpoints};
use crate::stack::KinesisMapping;
use crate::stream::Start;
use crate::testing::{Folder, done, failed};
use std::time::Duration;

fn open(folder: &Folder) -> Checkpoints {
    Checkpoints::open(&folder.file("checkpoints.json")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_it_stopped() {
    let folder = Folder::new();
    let mut bench = Bench::new(3);
    let function = Function::new(|_| done());
    for round in 0..4 {
        bench.checkpoints = open(&folder);
        bench.put_numbers(round * 1000..(round + 1) * 1000);
        bench.run(mapping(), &function).await;
        bench.stream.split_evenly(&bench.stream.open_shards()[round]).unwrap();
    }
    check_numbers(&function, 0..4000);
}

#[tokio::test(start_paused = true)]
async fn a_restart_within_a_process_does_not_begin_at_latest_again() {
    let bench = Bench::new(1);
    bench.put("before");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let function = Function::new(|_| done());
    let latest = KinesisMapping { start: Start::Latest, ..mapping() };
    bench.run(latest.clone(), &function).await;
    bench.put("between");
    bench.run(latest, &function).await;
    assert_eq!(function.data(), ["between"]);
}

#[tokio::test(start_paused = true)]
async fn a_poller_that_was_dropped_does_not_take_the_position_back() {
    let bench = Bench::new(1);
    bench.put("a b c d");
    let slow = Function::new(|_| done()).taking(Duration::from_mins(1));
    let one = KinesisMapping { batch_records_max: 1, ..mapping() };
    drop(bench.start(one.clone(), &slow));
    let old = bench.start(one.clone(), &slow);
    slow.came.notified().await;
    drop(old);
    let function = Function::new(|_| done());
    bench.run(one.clone(), &function).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(slow.data(), ["a"], "it ended what it had in flight");
    bench.run(one, &function).await;
    assert_eq!(function.data(), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_too_long_comes_again() {
    let bench = Bench::new(1);
    bench.put("a b c");
    let slow = Function::new(|_| done()).taking(Duration::from_hours(1));
    let poller = bench.start(mapping(), &slow);
    slow.came.notified().await;
    assert!(!poller.stop(Duration::from_secs(1)).await.unwrap());
    assert_eq!(slow.data(), Vec::<String>::new());
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.data(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_what_is_in_flight_end_and_begins_nothing() {
    let bench = Bench::new(1);
    bench.put("a b c");
    let function = Function::new(|_| done()).taking(Duration::from_secs(5));
    let one = KinesisMapping { batch_records_max: 1, ..mapping() };
    let poller = bench.start(one.clone(), &function);
    function.came.notified().await;
    assert!(poller.stop(Duration::from_secs(10)).await.unwrap());
    assert_eq!(function.data(), ["a"]);
    bench.run(one, &function).await;
    assert_eq!(function.data(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_failed_before_the_stop_comes_again() {
    let bench = Bench::new(1);
    bench.put("a b");
    let broken = Function::new(|_| failed());
    let poller = bench.start(mapping(), &broken);
    broken.came.notified().await;
    assert!(poller.stop(Duration::from_secs(10)).await.unwrap());
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.data(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn latest_loses_nothing_between_two_runs() {
    let folder = Folder::new();
    let mut bench = Bench::new(2);
    bench.checkpoints = open(&folder);
    bench.put("before");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let latest = KinesisMapping { start: Start::Latest, ..mapping() };
    let function = Function::new(|_| done());
    bench.run(latest.clone(), &function).await;
    bench.put("between");
    bench.checkpoints = open(&folder);
    bench.run(latest, &function).await;
    assert_eq!(function.data(), ["between"]);
}

#[tokio::test(start_paused = true)]
async fn records_that_expired_between_two_runs_are_told() {
    let mut bench = Bench::keeping(1, Duration::from_hours(1));
    bench.put("a");
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    bench.put("lost");
    bench.stream.split_evenly(&bench.stream.open_shards()[0]).unwrap();
    tokio::time::sleep(Duration::from_hours(2)).await;
    bench.put("b");
    bench.watcher = std::sync::Arc::default();
    bench.run(mapping(), &function).await;
    assert_eq!(function.data(), ["a", "b"]);
    let troubles = bench.watcher.troubles();
    assert_eq!(troubles, ["the shard is listed no more: records that were not read have expired"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_made_anew_is_read_from_the_start_and_that_is_told() {
    let folder = Folder::new();
    let mut bench = Bench::new(1);
    bench.checkpoints = open(&folder);
    bench.put("old");
    bench.stream.split_evenly(&bench.stream.open_shards()[0]).unwrap();
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut bench = Bench::on(bench.clock, 1, Duration::from_hours(24));
    bench.checkpoints = open(&folder);
    bench.put("new");
    bench.run(mapping(), &function).await;
    assert_eq!(function.data(), ["old", "new"], "the first shard had ended, of the old stream");
    let [trouble] = &bench.watcher.troubles()[..] else { panic!("one thing is told") };
    assert!(trouble.starts_with("it was made anew"), "{trouble}");
}

#[tokio::test(start_paused = true)]
async fn checkpoints_of_another_stream_are_refused() {
    let bench = Bench::new(1);
    let function = Function::new(|_| done());
    bench.put("a");
    bench.run(mapping(), &function).await;
    let other = Arn::stream("eu-west-1", "000000000000", "payments");
    let error = bench.checkpoints.known("Aggregate/Orders", &other).unwrap_err();
    assert!(matches!(error, CheckpointError::OtherStream { .. }), "{error}");
}
