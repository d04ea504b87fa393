//! Splits and merges: children come after their parents.

use super::bench::Bench;
use super::stand::Stand;

/// Fails some times, so that whoever does not wait for it is seen to pass.
const LATE_2: &str = r#"{"2":{"do":"fail","times":4}}"#;

fn shard(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// The shards in the order in which the function first met a record of theirs.
fn order(stand: &Stand) -> Vec<String> {
    let mut order = Vec::new();
    for line in stand.journal() {
        if !order.contains(&line.shard) {
            order.push(line.shard);
        }
    }
    order
}

/// Asserts that nothing of a child was met before the last record of a parent was done.
#[track_caller]
fn check_after(stand: &Stand, child: usize, parent: usize) {
    let journal = stand.journal();
    let last = journal.iter().rposition(|line| line.shard == shard(parent)).unwrap();
    let first = journal.iter().position(|line| line.shard == shard(child)).unwrap();
    assert!(last < first, "shard {child} came before the end of shard {parent}: {journal:?}");
}

#[tokio::test]
async fn the_children_of_a_split_come_after_their_parent() {
    let bench = Bench::new(1).doing(LATE_2).retries(None).put("1 2 3");
    bench.world.orders().split_evenly(&shard(0).into()).unwrap();
    bench.world.put(0, "4 5");
    bench.world.put(1, "6 7");
    let stand = bench.drained().await;
    assert_eq!(stand.batches_of(&shard(0)), ["1 2 3"; 5]);
    assert_eq!(stand.batches_of(&shard(1)), ["4 5"]);
    assert_eq!(stand.batches_of(&shard(2)), ["6 7"]);
    check_after(&stand, 1, 0);
    check_after(&stand, 2, 0);
}

#[tokio::test]
async fn the_child_of_a_merge_comes_after_both_parents() {
    let bench = Bench::new(2).doing(LATE_2).retries(None);
    bench.world.put(0, "1 2");
    bench.world.put(1, "3 4");
    bench.world.orders().merge(&shard(0).into(), &shard(1).into()).unwrap();
    bench.world.put(0, "5 6");
    let stand = bench.drained().await;
    assert_eq!(stand.batches_of(&shard(2)), ["5 6"]);
    check_after(&stand, 2, 0);
    check_after(&stand, 2, 1);
    assert_eq!(order(&stand).last(), Some(&shard(2)));
}

#[tokio::test]
async fn grandchildren_wait_for_all_before_them() {
    let bench = Bench::new(1).doing(LATE_2).retries(None).put("1 2");
    let orders = bench.world.orders();
    let (low, high) = orders.split_evenly(&shard(0).into()).unwrap();
    bench.world.put(0, "3");
    bench.world.put(1, "4");
    let merged = orders.merge(&low, &high).unwrap();
    bench.world.put(0, "5");
    let stand = bench.drained().await;
    assert_eq!(*merged, *shard(3));
    for (child, parent) in [(1, 0), (2, 0), (3, 1), (3, 2)] {
        check_after(&stand, child, parent);
    }
    assert_eq!(stand.batches_of(&shard(3)), ["5"]);
}

#[tokio::test]
async fn a_split_while_the_function_works_loses_and_doubles_nothing() {
    let bench = Bench::new(1).mapping(|mapping| mapping.batch_records_max = 2);
    let stand = bench.put("1 2 3 4").start().await;
    stand.world.read(1).await;
    stand.world.orders().split_evenly(&shard(0).into()).unwrap();
    stand.world.put(0, "5 6");
    stand.world.put(1, "7 8");
    stand.simulator.drained().await;
    let mut met = stand.met();
    met.sort_unstable();
    assert_eq!(met, [1, 2, 3, 4, 5, 6, 7, 8]);
    check_after(&stand, 1, 0);
    check_after(&stand, 2, 0);
}

#[tokio::test]
async fn a_batch_never_mixes_parent_and_child() {
    let bench = Bench::new(1).put("1 2");
    bench.world.orders().split_evenly(&shard(0).into()).unwrap();
    bench.world.put(0, "3");
    let stand = bench.drained().await;
    assert_eq!(stand.batches(), ["1 2", "3"]);
}

/// With a bad record that is never given up, children never begin.
#[tokio::test]
async fn a_blocked_parent_blocks_its_children() {
    use streamgauge_lambda::happening::Happening;
    let bench = Bench::new(1).doing(r#"{"2":{"do":"fail"}}"#).retries(None).put("1 2");
    bench.world.orders().split_evenly(&shard(0).into()).unwrap();
    bench.world.put(0, "3");
    let stand = bench.start().await;
    let is_end = |happening: &Happening| matches!(happening, Happening::Invoked { .. });
    stand.watch.wait(6, |happening| is_end(happening).then_some(())).await;
    assert_eq!(order(&stand), [shard(0)]);
}
