//! What each row of the table of rollups needs of each kind of metric.

use super::*;
use crate::aggregate::samples::{TIMING, plan};
use crate::alert::samples::{absent, alert, at_least};

const COUNT: usize = 0;
const SUM: usize = 1;
const DISTRIBUTION: usize = 2;
const UNIQUE: usize = 3;
const RATIO: usize = 4;
const JOURNEY: usize = 5;

const TEN_MINUTES: Over = Over::Sliding(600_000);

fn samples() -> Feed {
    Feed { is_watched: true, samples: true, ..Feed::default() }
}

fn slices(lengths: &[Millis]) -> Feed {
    Feed { is_watched: true, slices: lengths.to_vec(), ..Feed::default() }
}

fn windows() -> Feed {
    Feed { is_watched: true, windows: true, ..Feed::default() }
}

/// Nothing but the steps that the delta holds anyway.
fn steps() -> Feed {
    Feed { is_watched: true, ..Feed::default() }
}

#[track_caller]
fn check(metric: usize, conditions: &[Condition], expect: &Feed) {
    let mut plan = plan(TIMING);
    plan.alerts = vec![alert(metric, conditions.to_vec())];
    let feed = Feed::of(metric, &plan.metrics[metric], &plan.alerts);
    assert_eq!(feed, *expect, "metric {metric}: {conditions:?}");
    let mut feeds = vec![Feed::default(); plan.metrics.len()];
    feeds[metric] = feed;
    assert_eq!(plan.feeds(), feeds);
}

#[test]
fn counts_up_to_a_thousand_are_heard_event_by_event() {
    for aggregate in [Aggregate::Sum, Aggregate::Count] {
        for threshold in ["0", "3", "999.5", "1000"] {
            check(COUNT, &[at_least(aggregate, TEN_MINUTES, threshold)], &samples());
        }
        for threshold in ["1000.000000001", "1001", "1000000"] {
            check(COUNT, &[at_least(aggregate, TEN_MINUTES, threshold)], &slices(&[10_000]));
        }
    }
}

#[test]
fn every_other_aggregate_is_heard_in_slices_whatever_its_threshold() {
    use Aggregate::{Average, Count, Max, Min, Percentile, Rate, Sum, Unique};
    for (metric, aggregates) in [
        (SUM, &[Sum, Count, Average, Min, Max][..]),
        (DISTRIBUTION, &[Sum, Count, Average, Min, Max, Percentile(990)]),
        (UNIQUE, &[Unique]),
        (RATIO, &[Rate, Sum, Count]),
    ] {
        for &aggregate in aggregates {
            for threshold in ["3", "100000"] {
                check(metric, &[at_least(aggregate, TEN_MINUTES, threshold)], &slices(&[10_000]));
            }
        }
    }
}

#[test]
fn what_is_absent_is_heard_event_by_event() {
    for metric in [COUNT, SUM, DISTRIBUTION, UNIQUE, RATIO] {
        check(metric, &[absent(900_000)], &samples());
    }
    check(JOURNEY, &[absent(900_000)], &steps());
}

#[test]
fn a_condition_over_the_window_hears_its_newest_events() {
    use Aggregate::{Percentile, Rate, Sum, Unique};
    for (metric, aggregate) in
        [(COUNT, Sum), (SUM, Sum), (DISTRIBUTION, Percentile(500)), (UNIQUE, Unique), (RATIO, Rate)]
    {
        check(metric, &[at_least(aggregate, Over::Window, "5")], &windows());
    }
}

#[test]
fn journeys_are_heard_by_their_steps() {
    use Aggregate::{Abandoned, Finished, Open, Rate, Started};
    for aggregate in [Abandoned, Started, Finished, Rate] {
        for over in [TEN_MINUTES, Over::Window] {
            check(JOURNEY, &[at_least(aggregate, over, "5")], &steps());
        }
    }
    check(JOURNEY, &[at_least(Open, Over::Moment, "5000")], &steps());
}

#[test]
fn one_metric_is_heard_as_all_its_conditions_need() {
    let over = |length| at_least(Aggregate::Sum, Over::Sliding(length), "5000");
    let conditions = [over(1_200_000), over(60_000), absent(1), over(1_200_000)];
    check(COUNT, &conditions, &Feed { samples: true, ..slices(&[1_000, 20_000]) });
    check(
        SUM,
        &[over(60), over(120), at_least(Aggregate::Sum, Over::Window, "1")],
        &Feed { windows: true, ..slices(&[1, 2]) },
    );
}

#[test]
fn what_ends_an_episode_is_heard_too_and_alerts_add_up() {
    let mut plan = plan(TIMING);
    let resolve = at_least(Aggregate::Average, TEN_MINUTES, "1");
    let first = Alert { resolve: Some(resolve), ..alert(SUM, vec![absent(60_000)]) };
    plan.alerts = vec![
        first,
        alert(SUM, vec![at_least(Aggregate::Max, Over::Sliding(60_000), "7")]),
        alert(COUNT, vec![at_least(Aggregate::Sum, Over::Window, "7")]),
    ];
    let expect = Feed { samples: true, ..slices(&[1_000, 10_000]) };
    let feeds = plan.feeds();
    assert_eq!((&feeds[SUM], &feeds[COUNT]), (&expect, &windows()));
    assert!(feeds[2..].iter().all(|feed| *feed == Feed::default()), "{feeds:?}");
}

#[test]
fn without_alerts_nothing_is_heard() {
    assert_eq!(plan(TIMING).feeds(), []);
    let no_steps = alert(COUNT, Vec::new());
    assert_eq!(Feed::of(COUNT, &plan(TIMING).metrics[COUNT], &[no_steps]), Feed::default());
}

#[test]
fn a_slice_ends_with_its_last_moment() {
    let end = |time, length| slice_end(Timestamp::from_millis(time), length).as_millis();
    for (time, length, expect) in [
        (0, 10, 0),
        (1, 10, 10),
        (9, 10, 10),
        (10, 10, 10),
        (11, 10, 20),
        (-1, 10, 0),
        (-10, 10, -10),
        (1_767_607_200_000, 10_000, 1_767_607_200_000),
        (1_767_607_200_001, 10_000, 1_767_607_210_000),
        (7, 1, 7),
    ] {
        assert_eq!(end(time, length), expect, "{time} in slices of {length}");
    }
}
