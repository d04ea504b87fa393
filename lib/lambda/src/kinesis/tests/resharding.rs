//! Shards that come and go.

use super::bench::{Bench, Function, arn, check_numbers, mapping};
use crate::happening::Happening;
use crate::stack::KinesisMapping;
use crate::stream::{ShardId, Start};
use crate::testing::done;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::advance;

fn large() -> KinesisMapping {
    KinesisMapping { batch_records_max: 1000, ..mapping() }
}

/// The shards of all batches in order, each named once for as long as it goes on.
fn order(function: &Function) -> Vec<ShardId> {
    let mut shards: Vec<ShardId> = vec![];
    for batch in function.done.lock().unwrap().iter() {
        if shards.last() != Some(&batch.shard) {
            shards.push(Arc::clone(&batch.shard));
        }
    }
    shards
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_records_over_eight_shards_and_a_split_come_once_in_order() {
    let bench = Bench::new(8);
    let function = Function::new(|_| done()).taking(Duration::from_millis(20));
    let poller = bench.start(large(), &function);
    bench.put_numbers(0..50_000);
    function.came.notified().await;
    let children = bench.stream.split_evenly(&bench.stream.open_shards()[3]).unwrap();
    bench.put_numbers(50_000..100_000);
    poller.drained().await;
    check_numbers(&function, 0..100_000);
    let shards: BTreeSet<ShardId> = order(&function).into_iter().collect();
    assert!(shards.contains(&children.0) && shards.contains(&children.1));
    assert_eq!(shards.len(), 10);
    assert!(poller.stop(Duration::from_secs(1)).await.unwrap());
    assert_eq!(bench.watcher.troubles(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn children_begin_when_their_parents_are_done() {
    let bench = Bench::new(2);
    bench.put_numbers(0..200);
    let shards = bench.stream.open_shards();
    let (low, high) = bench.stream.split_evenly(&shards[0]).unwrap();
    bench.put_numbers(200..400);
    let merged = bench.stream.merge(&high, &shards[1]).unwrap();
    bench.put_numbers(400..600);
    let function = Function::new(|_| done()).taking(Duration::from_secs(3));
    bench.run(mapping(), &function).await;
    check_numbers(&function, 0..600);
    let order: Vec<ShardId> =
        function.done.lock().unwrap().iter().map(|batch| Arc::clone(&batch.shard)).collect();
    let first = |shard: &ShardId| order.iter().position(|other| other == shard).unwrap();
    let last = |shard: &ShardId| order.iter().rposition(|other| other == shard).unwrap();
    for (parent, child) in
        [(&shards[0], &low), (&shards[0], &high), (&high, &merged), (&shards[1], &merged)]
    {
        assert!(last(parent) < first(child), "{child} began before {parent} was done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_not_drained_while_children_wait_for_a_parent_with_nothing_to_read() {
    let bench = Bench::new(1);
    bench.stream.split_evenly(&bench.stream.open_shards()[0]).unwrap();
    bench.put("a b");
    *bench.services.stream.lingering.lock().unwrap() = 10;
    let function = Function::new(|_| done());
    bench.run(mapping(), &function).await;
    assert_eq!(function.data(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_double_and_halve_while_it_is_read() {
    let bench = Bench::new(2);
    let function = Function::new(|_| done());
    let poller = bench.start(large(), &function);
    let mut from = 0;
    for count in [4, 8, 5, 3, 6] {
        bench.put_numbers(from..from + 1000);
        bench.stream.update_shard_count(count).unwrap();
        from += 1000;
    }
    bench.put_numbers(from..from + 1000);
    poller.drained().await;
    check_numbers(&function, 0..6000);
    let ended = bench.watcher.all().iter().any(
        |happening| matches!(happening, Happening::Shard(standing) if standing.ended && &*standing.shard == "shardId-000000000000"),
    );
    assert!(ended);
}

#[tokio::test(start_paused = true)]
async fn latest_begins_with_what_comes_later_also_in_children() {
    let bench = Bench::new(1);
    bench.put("old");
    bench.stream.split_evenly(&bench.stream.open_shards()[0]).unwrap();
    bench.put("older");
    let function = Function::new(|_| done());
    let poller = bench.start(KinesisMapping { start: Start::Latest, ..mapping() }, &function);
    poller.drained().await;
    bench.put("new");
    for shard in bench.stream.open_shards() {
        bench.stream.split_evenly(&shard).unwrap();
    }
    bench.put("newer");
    poller.drained().await;
    assert_eq!(function.data(), ["new", "newer"]);
}

#[tokio::test(start_paused = true)]
async fn a_moment_is_where_all_shards_of_the_first_listing_begin() {
    let bench = Bench::new(1);
    bench.put("a");
    bench.stream.split_evenly(&bench.stream.open_shards()[0]).unwrap();
    bench.put("b");
    advance(Duration::from_secs(10)).await;
    let start = Start::AtTimestamp(bench.clock.now());
    bench.put("c");
    let function = Function::new(|_| done());
    bench.run(KinesisMapping { start, ..mapping() }, &function).await;
    assert_eq!(function.data(), ["c"]);
}

#[tokio::test(start_paused = true)]
async fn ended_shards_are_remembered_until_nobody_names_them() {
    let bench = Bench::keeping(1, Duration::from_hours(1));
    let function = Function::new(|_| done());
    let poller = bench.start(mapping(), &function);
    for data in ["a", "b"] {
        bench.put(data);
        for shard in bench.stream.open_shards() {
            bench.stream.split_evenly(&shard).unwrap();
        }
    }
    bench.put("c");
    poller.drained().await;
    let known = || bench.checkpoints.known("Aggregate/Orders", &arn()).unwrap();
    assert_eq!(known().len(), 1 + 2 + 4);
    assert!(known()["shardId-000000000000"].ended);
    tokio::time::sleep(Duration::from_hours(2)).await;
    let known = known();
    assert_eq!(known.len(), 2 + 4, "the parents of open shards are still named");
    assert!(!known.contains_key("shardId-000000000000"));
    bench.put("d");
    poller.drained().await;
    assert_eq!(function.data(), ["a", "b", "c", "d"]);
}
