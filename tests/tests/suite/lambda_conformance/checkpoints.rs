//! Where a mapping begins, where it goes on, and what an end loses.

use super::bench::Bench;
use super::stand::Stand;
use jiff::SignedDuration;
use std::path::PathBuf;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::happening::{Ending, Happening};
use streamgauge_lambda::interfere::{Interference, Place, Point};
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

/// Runs until the function has returned the fourth record, ends, and begins again with the file.
async fn restarted() -> Stand {
    let bench = Bench::new(1).reporting("first").retries(None);
    let path = file(&bench);
    let first = bench.doing(r#"{"4":{"do":"fail"}}"#).put("1 2 3 4 5 6");
    let stack = first.stack.clone();
    let stand = first.checkpoints(Checkpoints::open(&path).unwrap()).start().await;
    let is_partial = |happening: &Happening| match happening {
        Happening::Invoked { ending: Ending::Partial { .. }, .. } => Some(()),
        _ => None,
    };
    stand.watch.wait(2, is_partial).await;
    let Stand { simulator, world, clock, folder, .. } = stand;
    assert!(simulator.stop().await.unwrap());
    world.put(0, "7");
    let before = std::fs::read_to_string(folder.text("events")).unwrap();
    assert!(before.lines().count() >= 2);
    std::fs::remove_file(folder.text("events")).unwrap();
    let mut again = Bench::on(clock, 1).reporting("first");
    again.stack.functions[0].environment = stack.functions[0].environment.clone();
    again.stack.functions[0].environment.remove("PROBE_DO");
    again.folder = folder;
    again.world = world;
    again.checkpoints(Checkpoints::open(&path).unwrap()).drained().await
}

#[tokio::test]
async fn a_restart_goes_on_behind_what_is_done() {
    let stand = restarted().await;
    assert_eq!(stand.batches(), ["4 5 6 7"]);
}

#[tokio::test]
async fn asynchronous_events_that_a_stop_loses_are_told() {
    let refused = |place: &Place<'_>| match place.point {
        Point::Asked => Interference::Throttle,
        _ => Interference::None,
    };
    let stand = Bench::bare(Clock::real(), |_| {}).plan(refused).start().await;
    for event in ["1", "2"] {
        stand.simulator.asynchronous().send("probe", event.into(), None).unwrap();
    }
    let is_refused =
        |happening: &Happening| matches!(happening, Happening::Invoked { .. }).then_some(());
    stand.watch.wait(2, is_refused).await;
    assert!(stand.simulator.stop().await.unwrap());
    let told = stand.watch.pick(|_, happening| match happening {
        Happening::Trouble { place, error } => Some(format!("{place}: {error}")),
        _ => None,
    });
    assert_eq!(
        told,
        ["asynchronous invocations: 2 that were not done are lost, since the simulator stops"]
    );
}
