//! Random alerts on random events against the oracle; and that nothing but the events decides.

mod changes;
mod tables;
mod turns;

use super::oracle::{self, line};
use crate::aggregate::Aggregator;
use crate::aggregate::samples::{SECOND, Sample, TIMING, batch, plan};
use crate::alert::samples::{absent, alert};
use crate::alert::{Aggregate, Alert, Comparison, Condition, Over, Step};
use crate::decimal::Decimal;
use crate::delta::Delta;
use crate::plan::Plan;
use crate::settle::{Decisions, Progress, Settler};
use crate::time::Timestamp;
use crate::transition::{Reason, Transition, TransitionKind};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const COMPARISONS: [Comparison; 6] = [
    Comparison::AtLeast,
    Comparison::Above,
    Comparison::AtMost,
    Comparison::Below,
    Comparison::Equal,
    Comparison::NotEqual,
];

/// A condition on the metric at a place.
fn condition(metric: usize) -> impl Strategy<Value = Condition> {
    use Aggregate::{
        Abandoned, Average, Count, Finished, Max, Min, Open, Percentile, Rate, Started, Sum, Unique,
    };
    let aggregates: &[Aggregate] = match metric {
        0 => &[Sum, Count],
        1 => &[Sum, Count, Average, Min, Max],
        2 => &[Sum, Count, Average, Min, Max, Percentile(500), Percentile(900), Percentile(999)],
        3 => &[Unique],
        4 => &[Rate, Sum, Count],
        _ => &[Rate, Abandoned, Started, Finished, Open],
    };
    let aggregate = proptest::sample::select(aggregates);
    let over = prop_oneof![
        6 => proptest::sample::select(&[120_i64, 240, 600][..]).prop_map(Over::Sliding),
        1 => Just(Over::Window),
    ];
    let comparison = prop_oneof![2 => Just(Comparison::AtLeast), 1 => proptest::sample::select(&COMPARISONS[..])];
    let threshold = (0..8_i128, any::<bool>()).prop_map(|(halves, whole)| {
        Decimal::from_billionths(if whole {
            halves / 2 * 1_000_000_000
        } else {
            halves * 500_000_000
        })
    });
    let threshold = (aggregate, over, comparison, threshold).prop_map(
        |(aggregate, over, comparison, threshold)| {
            let over = if aggregate == Open { Over::Moment } else { over };
            let threshold = if aggregate == Rate {
                Decimal::from_billionths(threshold.billionths() / 4)
            } else {
                threshold
            };
            Condition::Threshold { aggregate, over, comparison, threshold }
        },
    );
    prop_oneof![5 => threshold, 1 => proptest::sample::select(&[100_i64, 250][..]).prop_map(absent)]
}

/// Some of the metric's dimensions, in any order.
fn by(metric: usize) -> impl Strategy<Value = Vec<usize>> {
    let all: Vec<usize> = (0..plan(TIMING).metrics[metric].dimensions.len()).collect();
    let most = all.len();
    proptest::sample::subsequence(all, 0..=most).prop_shuffle()
}

/// An alert on any metric.
fn alerts() -> impl Strategy<Value = Alert> {
    let alert = |metric: usize| {
        let steps = proptest::collection::vec(
            (condition(metric), prop_oneof![2 => Just(0), 1 => 1..200_i64]),
            1..3,
        );
        let rest = (
            proptest::option::of(condition(metric)),
            prop_oneof![2 => Just(0), 1 => 1..150_i64],
            proptest::option::of(1..4_u64),
            by(metric),
        );
        (steps, rest).prop_map(move |(steps, (resolve, keep, volume, by))| {
            let mut made = alert(metric, steps.iter().map(|(when, _)| when.clone()).collect());
            for (step, (_, hold)) in made.steps.iter_mut().zip(steps) {
                step.hold = hold;
            }
            made.resolve = resolve;
            made.keep_firing_for = keep;
            made.min_volume = volume.filter(|_| metric > 3);
            made.by = by;
            made
        })
    };
    (0..6_usize).prop_flat_map(alert)
}

/// Events that overtake each other by less than the bound, in the order of their arrival.
fn events() -> impl Strategy<Value = Vec<Sample>> {
    let event = (0..140_i64, 0..290_i64, any::<u8>(), -3..8_i64, 0..3_u8);
    proptest::collection::vec(event, 1..40).prop_map(|steps| {
        let (mut time, mut events) = (10_000, Vec::new());
        for (identity, (gap, late, metrics, value, group)) in (100..).zip(steps) {
            // Many come in the same millisecond, and now and then nothing comes for long.
            time += if gap > 130 {
                700
            } else if gap > 60 {
                gap - 60
            } else {
                0
            };
            let value = if metrics % 2 == 0 { 1 } else { value };
            events
                .push((time + late, Sample { identity, time, delay: None, metrics, value, group }));
        }
        events.sort_by_key(|&(arrival, _)| arrival);
        events.into_iter().map(|(_, made)| made).collect()
    })
}

/// How events come in: how many a batch has, on how many shards, after which batches a settle comes, and the state is restored.
#[derive(Clone, Copy, Debug)]
struct Way {
    length: usize,
    shards: usize,
    settles: u64,
    restores: u64,
}

fn ways() -> impl Strategy<Value = Way> {
    (1..12_usize, 1..3_usize, any::<u64>(), any::<u64>())
        .prop_map(|(length, shards, settles, restores)| Way { length, shards, settles, restores })
}

fn is_in(set: u64, number: usize) -> bool {
    set & (1 << (number % 64)) != 0
}

/// What is told of events that come in one way.
fn run(plan: &Arc<Plan>, events: &[Sample], way: Way) -> Vec<Transition> {
    let mut shards = vec![Aggregator::new(Arc::clone(plan)); way.shards];
    let mut watermarks: Vec<Option<Timestamp>> = vec![None; way.shards];
    let mut settler = Settler::new(Arc::clone(plan));
    let mut decisions = Decisions::default();
    for (number, chunk) in events.chunks(way.length).enumerate() {
        let shard = usize::from(chunk[0].group) * 7 % way.shards;
        // Each shard has its own part of the batch; a log is read in any order.
        for (place, aggregator) in shards.iter_mut().enumerate() {
            let own: Vec<_> = chunk
                .iter()
                .filter(|event| usize::try_from(event.identity).unwrap() % way.shards == place)
                .copied()
                .collect();
            let delta: Delta = aggregator.fold(batch(plan, &own));
            watermarks[place] = delta.watermark;
            settler.take(delta);
        }
        if way.restores > 0 && is_in(way.restores, number + shard) {
            settler = Settler::decode(Arc::clone(plan), |_| true, &settler.encode()).unwrap();
        }
        if is_in(way.settles, number)
            && let Some(watermark) = watermarks.iter().copied().min().flatten()
        {
            while settler.settle(watermark, &mut decisions) == Progress::More {}
        }
    }
    let stop = events.iter().map(|event| event.time).max().unwrap();
    while settler.finish(Timestamp::from_millis(stop), &mut decisions) == Progress::More {}
    decisions.transitions
}

const PLAIN: Way = Way { length: 1_000, shards: 1, settles: 0, restores: 0 };

fn plan_of(alerts: Vec<Alert>) -> Arc<Plan> {
    plan_with_room(alerts, 100)
}

/// A plan whose alerts have so many groups at most.
fn plan_with_room(alerts: Vec<Alert>, groups: usize) -> Arc<Plan> {
    let mut plan = plan(TIMING);
    plan.alerts = alerts;
    for (place, metric) in plan.metrics.iter_mut().enumerate() {
        metric.name = place.to_string();
        metric.max_series = groups;
        if let Some(second) = metric.dimensions.get_mut(1) {
            SECOND.clone_into(&mut second.name);
        }
    }
    Arc::new(plan)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn what_is_told_is_what_the_oracle_says(
        alerts in proptest::collection::vec(alerts(), 1..3), events in events(),
    ) {
        let plan = plan_of(alerts);
        let told = run(&plan, &events, PLAIN);
        let mut lines: Vec<_> = told.iter().map(|told| line(&plan, told)).collect();
        lines.sort();
        let stop = events.iter().map(|event| event.time).max().unwrap();
        prop_assert_eq!(lines, oracle::transitions(&plan, &events, stop));
    }

    #[test]
    fn cuts_shards_and_restoring_change_nothing(
        alerts in proptest::collection::vec(alerts(), 1..5), events in events(), way in ways(), room in 1..6_usize,
    ) {
        let plan = plan_with_room(alerts, room);
        let plain = run(&plan, &events, PLAIN);
        let mut sorted = events.clone();
        sorted.sort_by_key(|event| (event.time, event.identity));
        prop_assert_eq!(&run(&plan, &sorted, PLAIN), &plain);
        prop_assert_eq!(&run(&plan, &events, way), &plain);
        for (one, next) in told_of_each_step(&plain) {
            prop_assert!(one != next, "{:?} follows {:?}", next, one);
        }
    }
}

/// Alerts of one early step on a count.
fn early_alerts() -> impl Strategy<Value = Alert> {
    let over = |aggregate, length, comparison, threshold| Condition::Threshold {
        aggregate,
        over: Over::Sliding(length),
        comparison,
        threshold: Decimal::from_u64(threshold).unwrap(),
    };
    (1..4_u64, 50..600_i64, any::<bool>(), any::<bool>()).prop_map(
        move |(least, length, single, ends)| {
            let when = over(Aggregate::Sum, length, Comparison::AtLeast, least);
            let mut made = alert(0, vec![when]);
            made.steps[0].early = true;
            made.by = if single { Vec::new() } else { vec![0] };
            made.resolve = ends.then(|| over(Aggregate::Count, length * 2, Comparison::Below, 1));
            made
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    /// What is told early is true at its time; what fires and ends before that is a part of it, and all else is as without it.
    #[test]
    fn early_steps_tell_what_comes_true(alert in early_alerts(), events in events(), way in ways()) {
        let late = plan_of(vec![Alert { steps: vec![Step { early: false, ..alert.steps[0].clone() }], ..alert.clone() }]);
        let told = run(&plan_of(vec![alert]), &events, way);
        let expect = run(&late, &events, PLAIN);
        for early in told.iter().filter(|one| one.reason == Reason::ConditionCannotFail) {
            let before = expect.iter().filter(|one| one.group == early.group && one.at <= early.at);
            let state = before.max_by_key(|one| one.at).map(|one| one.kind);
            prop_assert_eq!(state, Some(TransitionKind::Firing), "{:?}", early);
        }
        for (one, next) in told_of_each_step(&told) {
            prop_assert!(one != next, "{:?} follows {:?}", next, one);
        }
        let ends = |all: &[Transition]| -> BTreeSet<_> {
            let ends = all.iter().filter(|one| one.kind == TransitionKind::Resolved);
            ends.map(|one| (Arc::clone(&one.group), one.at)).collect()
        };
        prop_assert!(ends(&told).is_subset(&ends(&expect)));
        let last = |all: &[Transition]| -> BTreeMap<_, _> {
            all.iter().map(|one| (Arc::clone(&one.group), one.kind)).collect()
        };
        prop_assert_eq!(last(&told), last(&expect));
    }
}

/// For each step and group, what follows what among firings and resolves; the first follows a resolve.
fn told_of_each_step(told: &[Transition]) -> Vec<(TransitionKind, TransitionKind)> {
    let mut last = BTreeMap::new();
    let sent = told.iter().filter(|told| told.kind != TransitionKind::Pending);
    sent.map(|one| {
        let key = (one.alert, one.step, Arc::clone(&one.group));
        (last.insert(key, one.kind).unwrap_or(TransitionKind::Resolved), one.kind)
    })
    .collect()
}
