//! Where a mapping begins, and where it goes on.

use super::bench::Bench;
use super::stand::Stand;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::kinesis::Checkpoints;
use streamgauge_lambda::stream::Start;

fn from(start: Start) -> Bench {
    Bench::new(1).mapping(|mapping| mapping.start = start)
}

#[tokio::test]
async fn trim_horizon_begins_with_the_oldest_record() {
    from(Start::TrimHorizon).check("1 2", &["1 2"]).await;
}

#[tokio::test]
async fn latest_begins_with_what_comes_after_the_mapping() {
    let stand = from(Start::Latest).put("1 2").start().await;
    stand.world.read(1).await;
    stand.world.put(0, "3 4");
    stand.simulator.drained().await;
    assert_eq!(stand.met(), [3, 4]);
}

#[tokio::test]
async fn a_timestamp_begins_with_what_arrived_then_or_later() {
    let bench = from(Start::TrimHorizon).put("1 2");
    let moment = bench.clock.now() + SignedDuration::from_millis(1);
    bench.clock.sleep_until(moment).await;
    let bench = bench.mapping(|mapping| mapping.start = Start::AtTimestamp(moment));
    bench.check("3 4", &["3 4"]).await;
}

/// The file of checkpoints of a bench.
fn file(bench: &Bench) -> PathBuf {
    PathBuf::from(bench.folder.text("checkpoints.json"))
}

/// Waits for a batch that fails, and again.
async fn failed(stand: &Stand) {
    let is_failure = |happening: &Happening| match happening {
        Happening::Invoked { ending: Ending::Partial { .. } | Ending::Error { .. }, .. } => {
            Some(())
        }
        _ => None,
    };
    stand.watch.wait(2, is_failure).await;
}

/// Ends a simulator in order and begins another one on its checkpoints; its function fails at nothing.
async fn restarted(stand: Stand, path: &Path) -> Stand {
    let Stand { simulator, world, clock, folder, .. } = stand;
    assert!(simulator.stop().await.unwrap());
    std::fs::remove_file(folder.text("events")).unwrap();
    let bench = Bench::after(world, clock, folder);
    bench.checkpoints(Checkpoints::open(path).unwrap()).drained().await
}

#[tokio::test]
async fn a_restart_goes_on_behind_what_is_done() {
    let bench = Bench::new(1).reporting("first").retries(None).doing(r#"{"4":{"do":"fail"}}"#);
    let path = file(&bench);
    let bench = bench.checkpoints(Checkpoints::open(&path).unwrap());
    let stand = bench.put("1 2 3 4 5 6").start().await;
    failed(&stand).await;
    stand.world.put(0, "7");
    assert_eq!(restarted(stand, &path).await.batches(), ["4 5 6 7"]);
}

#[tokio::test]
async fn a_restart_does_not_read_a_parent_again_that_is_done() {
    let bench = Bench::new(1).retries(None).doing(r#"{"4":{"do":"fail"}}"#).put("1 2");
    bench.world.orders().split_evenly(&"shardId-000000000000".into()).unwrap();
    bench.world.put(0, "3");
    bench.world.put(1, "4 5");
    let path = file(&bench);
    let stand = bench.checkpoints(Checkpoints::open(&path).unwrap()).start().await;
    stand.watch.standing(|shard| shard.shard.ends_with('1') && shard.position.is_some()).await;
    failed(&stand).await;
    assert_eq!(restarted(stand, &path).await.batches(), ["4 5"]);
}

/// Positions in the file may be behind, and are never ahead.
#[tokio::test]
async fn a_simulator_that_ends_in_the_middle_loses_nothing() {
    let ids: Vec<String> = (0..300).map(|id| id.to_string()).collect();
    let bench = Bench::new(1).mapping(|mapping| mapping.batch_records_max = 10);
    let path = file(&bench);
    let bench = bench.checkpoints(Checkpoints::open(&path).unwrap()).put(&ids.join(" "));
    let Stand { simulator, watch, world, clock, folder } = bench.start().await;
    let is_end = |happening: &Happening| matches!(happening, Happening::Invoked { .. });
    watch.wait(10, |happening| is_end(happening).then_some(())).await;
    drop(simulator);
    let again = Bench::after(world, clock, folder);
    let stand = again.checkpoints(Checkpoints::open(&path).unwrap()).drained().await;
    let mut met = BTreeSet::new();
    let first: Vec<usize> = stand.met().into_iter().filter(|id| met.insert(*id)).collect();
    assert!(first.into_iter().eq(0..300));
}
