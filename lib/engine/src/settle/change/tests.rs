//! Changes of the rules: what goes over, what ends, what begins.

use crate::aggregate::Aggregator;
use crate::aggregate::samples::{Sample, TIMING, batch};
use crate::alert::{Aggregate, Over};
use crate::calendar::Window;
use crate::delta::Delta;
use crate::output::{Point, Values};
use crate::plan::{Plan, Timing};
use crate::settle::Settler;
use crate::settle::samples::{JOURNEY, Told, after, deltas, plan, runs, settle};
use crate::time::Timestamp;
use crate::transition::{Reason, Transition, TransitionKind};
use proptest::prelude::*;
use std::sync::Arc;

/// The metric without dimensions that publishes zeros.
const ZEROS: usize = 6;
/// A live metric with more series than names.
const CROWDED: usize = 7;

/// The plan in which the metrics at these places are defined otherwise: their windows are half as long.
fn changed(plan: &Plan, places: &[usize]) -> Plan {
    let mut plan = plan.clone();
    for &place in places {
        let metric = &mut plan.metrics[place];
        metric.definition.push_str(", changed");
        metric.window = Window::Fixed(500);
    }
    plan
}

/// Two plans, and what is between them.
struct Change {
    plans: [Arc<Plan>; 2],
    settlers: [Settler; 2],
    /// A settler for each plan that is fed with everything from the beginning on and hears of no change.
    alone: [Settler; 2],
    told: [Told; 2],
    told_alone: [Told; 2],
    /// From when on the new plan is in force.
    from: Timestamp,
}

impl Change {
    /// Runs the events: from the batch `announced` on both plans are fed, and after the batch `known` the old one hands over.
    fn run(
        plans: [Plan; 2],
        samples: &[Sample],
        length: usize,
        [announced, known]: [usize; 2],
    ) -> Self {
        let plans = plans.map(Arc::new);
        let all = plans.each_ref().map(|plan| deltas(plan, samples, length));
        let new = || plans.each_ref().map(|plan| Settler::new(Arc::clone(plan)));
        let mut run = Self {
            settlers: new(),
            alone: new(),
            told: Default::default(),
            told_alone: Default::default(),
            from: latest(&all[0][..announced.min(all[0].len())]).plus(1),
            plans,
        };
        let mut in_force = false;
        for number in 0..all[0].len() {
            for (place, deltas) in all.iter().enumerate() {
                run.alone[place].take(deltas[number].clone());
                if place == 0 || number >= announced {
                    run.settlers[place].take(deltas[number].clone());
                }
            }
            run.settle(all[0][number].watermark, in_force);
            if number == known {
                run.hand_over();
                in_force = true;
            }
        }
        if !in_force {
            run.hand_over();
        }
        run.settle(Some(after(&all[0])), true);
        run
    }

    fn hand_over(&mut self) {
        let [old, new] = &mut self.settlers;
        self.from = old.watermark().map_or(self.from, |watermark| watermark.max(self.from));
        old.hand_over(new, self.from);
    }

    fn settle(&mut self, watermark: Option<Timestamp>, in_force: bool) {
        for place in 0..2 {
            self.told_alone[place].add(settle(&mut self.alone[place], watermark));
            if place == 0 || in_force {
                self.told[place].add(settle(&mut self.settlers[place], watermark));
            }
        }
    }

    /// From where on the metric of the new plan takes windows.
    fn begins(&self, place: usize) -> Timestamp {
        self.settlers[1].metrics[place].as_ref().unwrap().range.from.unwrap()
    }
}

/// The latest event of these deltas.
fn latest(deltas: &[Delta]) -> Timestamp {
    deltas.iter().filter_map(|delta| Some(delta.span?.latest)).max().unwrap_or_default()
}

/// What is told of a metric's windows that begin in a part of time.
fn windows(told: &Told, metric: usize, wanted: impl Fn(Timestamp) -> bool) -> Told {
    let mut told = told.only(|place| place == metric);
    told.points.retain(|point| wanted(point.window_start));
    told.increments.retain(|increment| wanted(increment.window_start));
    told.transitions.clear();
    told
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Kinds of all sorts stay, among them a live one and the journey; live ones and zeros change.
    #[test]
    fn a_change_loses_nothing_and_mixes_nothing(
        (samples, length, _) in runs(), announced in 0..8_usize, later in 0..4_usize,
    ) {
        const CHANGED: [usize; 3] = [1, ZEROS, CROWDED];
        let plans = [plan(), changed(&plan(), &CHANGED)];
        let run = Change::run(plans, &samples, length, [announced, announced + later]);
        let [told_old, told_new] = &run.told;
        let [alone_old, alone_new] = &run.told_alone;
        let mut both = Told::default();
        for told in [told_old, told_new] {
            let Told { points, increments, transitions } =
                told.only(|place| !CHANGED.contains(&place));
            both.points.extend(points);
            both.increments.extend(increments);
            both.transitions.extend(transitions);
        }
        prop_assert_eq!(both, alone_old.only(|place| !CHANGED.contains(&place)));
        for place in CHANGED {
            let begins = run.begins(place);
            let (old, new) = (windows(told_old, place, |_| true), windows(told_new, place, |_| true));
            prop_assert!(old.points.iter().all(|point| point.window_start < begins));
            prop_assert!(new.points.iter().all(|point| point.window_start >= begins));
            // Which series have a name when there are too many depends on all windows of the day.
            if place != CROWDED {
                prop_assert_eq!(old, windows(alone_old, place, |start| start < begins));
                prop_assert_eq!(new, windows(alone_new, place, |start| start >= begins));
            }
        }
        let changed = |place| CHANGED.contains(&place);
        let (old, new) = (told_old.only(changed).transitions, told_new.only(changed).transitions);
        prop_assert!(old.iter().all(|told| told.at <= run.from));
        prop_assert!(new.iter().all(|told| told.at >= run.from));
        let ended = old.iter().filter(|told| told.reason == Reason::AlertChanged);
        prop_assert!(ended.clone().all(|told| told.at == run.from));
        let count = |kind| old.iter().filter(|told| told.kind == kind).count();
        prop_assert_eq!(count(TransitionKind::Firing), count(TransitionKind::Resolved));
        let before = |told: &&Transition| told.at < run.from;
        let alone = alone_old.only(changed).transitions;
        prop_assert_eq!(
            old.iter().filter(before).collect::<Vec<_>>(), alone.iter().filter(before).collect::<Vec<_>>()
        );
        prop_assert!(run.settlers[0].is_finished());
        let stored = run.settlers[1].encode();
        let loaded = Settler::decode(Arc::clone(&run.plans[1]), |_| true, &stored).unwrap();
        prop_assert_eq!(loaded.encode(), stored, "limits are stored too");
    }
}

/// An event of all metrics that the bits of `metrics` name, counted and not late.
const fn event(identity: u64, time: i64, metrics: u8, value: i64) -> Sample {
    Sample { identity, time, delay: None, metrics, value, group: 0 }
}

/// One shard and the settlers of the plans that it works for.
struct Stack {
    fed: Vec<(Settler, Aggregator)>,
    told: Vec<Told>,
}

impl Stack {
    fn new(plan: &Plan) -> Self {
        let mut stack = Self { fed: Vec::new(), told: Vec::new() };
        stack.announce(plan);
        stack
    }

    fn announce(&mut self, plan: &Plan) {
        let plan = Arc::new(plan.clone());
        self.fed.push((Settler::new(Arc::clone(&plan)), Aggregator::new(plan)));
        self.told.push(Told::default());
    }

    /// The plan before the last one hands over to it.
    fn hand_over(&mut self, from: i64) {
        let [.., (old, _), (new, _)] = self.fed.as_mut_slice() else { panic!("no two plans") };
        old.hand_over(new, Timestamp::from_millis(from));
    }

    /// Everybody takes these events.
    fn take(&mut self, samples: &[Sample]) {
        for (settler, shard) in &mut self.fed {
            let batch = batch(settler.plan(), samples);
            settler.take(shard.fold(batch));
        }
    }

    /// All plans that are or were in force settle.
    fn settle(&mut self, plans: usize, watermark: i64) {
        for ((settler, _), told) in self.fed.iter_mut().zip(&mut self.told).take(plans) {
            told.add(settle(settler, Some(Timestamp::from_millis(watermark))));
        }
    }

    /// The final points of a metric by plan: start of the window in milliseconds, and the value.
    #[track_caller]
    fn check(&self, metric: usize, expect: &[&[(i64, &str)]]) {
        let shown = |point: &Point| {
            let value = match &point.values {
                Values::Count(count) => count.to_string(),
                values => format!("{values:?}"),
            };
            (point.window_start.as_millis(), value)
        };
        let of_metric = |told: &Told| -> Vec<_> {
            told.only(|place| place == metric).points.iter().map(shown).collect()
        };
        let told: Vec<_> = self.told.iter().map(of_metric).collect();
        let expect: Vec<Vec<_>> = expect
            .iter()
            .map(|points| points.iter().map(|&(start, value)| (start, value.to_owned())).collect())
            .collect();
        assert_eq!(told, expect);
    }
}

#[test]
fn a_changed_metric_begins_where_the_old_ones_last_window_ends() {
    let mut stack = Stack::new(&plan());
    stack.take(&[event(1, 10_300, 1 << ZEROS, 1)]);
    stack.announce(&changed(&plan(), &[ZEROS]));
    stack.take(&[event(2, 10_400, 1 << ZEROS, 1), event(3, 11_600, 1 << ZEROS, 1)]);
    stack.settle(1, 10_400);
    stack.hand_over(10_301);
    stack.take(&[event(4, 11_700, 1 << ZEROS, 1)]);
    stack.settle(2, 12_200);
    stack.check(ZEROS, &[&[(10_000, "2")], &[(11_000, "0"), (11_500, "2")]]);
    assert!(stack.fed[0].0.is_finished());
    assert!(!stack.fed[1].0.is_finished());
}

#[test]
fn a_new_metric_begins_after_the_change_and_one_that_is_gone_ends_with_it() {
    let without = |place: usize| {
        let mut plan = plan();
        plan.metrics[place].name = "other".to_owned();
        plan
    };
    let mut stack = Stack::new(&plan());
    stack.announce(&without(ZEROS));
    stack.take(&[event(1, 10_300, 1 << ZEROS, 1), event(2, 11_600, 1 << ZEROS, 1)]);
    stack.hand_over(10_301);
    stack.settle(2, 12_200);
    stack.check(ZEROS, &[&[(10_000, "1")], &[(11_000, "1")]]);
}

#[test]
fn what_is_decided_stays_decided_if_the_change_is_before_it() {
    let mut stack = Stack::new(&plan());
    stack.take(&[event(1, 10_300, 1 << ZEROS, 1)]);
    stack.announce(&changed(&plan(), &[ZEROS]));
    stack.settle(1, 12_150);
    stack.hand_over(10_301);
    stack.settle(2, 14_000);
    let old: &[_] = &[(10_000, "1"), (11_000, "0"), (12_000, "0")];
    stack.check(ZEROS, &[old, &[(13_000, "0")]]);
}

/// The value is the key: 3 and 7 are starts and finishes at once, 4 is a start.
#[test]
fn a_start_belongs_to_the_definition_of_its_window_and_a_finish_to_its_start() {
    const BIT: u8 = 1 << JOURNEY;
    let mut stack = Stack::new(&plan());
    stack.take(&[event(1, 10_300, BIT, 3)]);
    stack.announce(&changed(&plan(), &[JOURNEY]));
    stack.take(&[event(2, 10_900, BIT, 7), event(3, 10_950, BIT, 4)]);
    stack.settle(1, 10_400);
    stack.hand_over(10_301);
    // Finishes one of the old plan and, as it finds none of the new one, begins one there.
    stack.take(&[event(4, 11_050, BIT, 3), event(5, 11_060, BIT, 4)]);
    stack.settle(2, 14_000);
    let cohorts = |told: &Told| -> Vec<_> {
        let cohort = |point: &Point| match &point.values {
            Values::Journey(cohort) => {
                (point.window_start.as_millis(), cohort.started, cohort.finished)
            }
            values => panic!("{values:?}"),
        };
        told.only(|place| place == JOURNEY).points.iter().map(cohort).collect()
    };
    assert_eq!(cohorts(&stack.told[0]), [(10_000, 3, 1)]);
    assert_eq!(cohorts(&stack.told[1]), [(11_000, 2, 0)]);
    assert!(stack.fed[0].0.is_finished());
}

#[test]
fn a_definition_that_never_began_has_no_window() {
    let mut stack = Stack::new(&plan());
    stack.take(&[event(1, 10_300, 1 << ZEROS, 1)]);
    stack.announce(&changed(&plan(), &[ZEROS]));
    stack.hand_over(10_301);
    stack.announce(&plan());
    stack.hand_over(10_302);
    stack.take(&[event(2, 10_500, 1 << ZEROS, 1), event(3, 11_400, 1 << ZEROS, 1)]);
    stack.settle(3, 12_200);
    stack.check(ZEROS, &[&[(10_000, "2")], &[], &[(11_000, "1")]]);
    assert!(stack.fed[1].0.is_finished());
}

#[test]
fn a_plan_is_finished_when_its_last_window_is_handed_out() {
    let mut stack = Stack::new(&plan());
    stack.take(&[event(1, 10_300, 0xff, 1)]);
    stack.announce(&changed(&plan(), &[0, ZEROS]));
    stack.hand_over(10_301);
    for (watermark, expect) in [(11_099, false), (11_100, false), (11_101, true)] {
        stack.settle(2, watermark);
        assert_eq!(stack.fed[0].0.is_finished(), expect, "at {watermark}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// With another allowed lateness a window is final once all the same, and every event is in a point or counted as late.
    #[test]
    fn another_lateness_opens_no_window_again(
        (samples, length, _) in runs(), announced in 0..8_usize, lateness_ms in 0..1_500_i64,
    ) {
        let old = plan();
        let timing = Timing { allowed_lateness: lateness_ms, ..TIMING };
        let new = Plan { timing, ..old.clone() };
        let run = Change::run([old, new], &samples, length, [announced, announced]);
        let mut finals = std::collections::BTreeSet::new();
        let mut counted = [0; 8];
        for point in run.told.iter().flat_map(|told| &told.points) {
            if let Values::Count(count) = point.values {
                counted[point.metric] += count;
            }
            let window = (point.metric, point.series.values().collect::<Vec<_>>().join("/"), point.window_start);
            prop_assert!(
                point.status != crate::output::Status::Final || finals.insert(window), "{:?}", point
            );
        }
        let counters = run.settlers[1].counters();
        for place in [0, ZEROS] {
            prop_assert_eq!(counted[place], counters[place].matched - counters[place].late_dropped);
        }
        prop_assert!(run.settlers[0].is_finished());
    }
}

/// Each partition hands over its own.
#[test]
fn partitions_hand_over_what_they_own() {
    let (old, new) = (Arc::new(plan()), Arc::new(changed(&plan(), &[ZEROS])));
    let all = deltas(&old, &[event(1, 10_300, 0xff, 1)], 1);
    for place in 0..old.metrics.len() {
        let owns = |metric: &crate::plan::Metric| metric.name == place.to_string();
        let mut from = Settler::of(Arc::clone(&old), owns);
        let mut to = Settler::of(Arc::clone(&new), owns);
        from.take(all[0].clone());
        from.hand_over(&mut to, Timestamp::from_millis(10_301));
        assert_eq!(from.is_finished(), place != ZEROS);
        assert_eq!(to.counters()[place].matched, u64::from(place != ZEROS));
    }
}

#[test]
fn what_is_told_ahead_of_the_watermark_is_told_under_one_plan() {
    let mut old = plan();
    let count = crate::alert::samples::at_least(Aggregate::Sum, Over::Sliding(1_000), "2");
    let mut alert = crate::alert::samples::alert(0, vec![count]);
    alert.steps[0].early = true;
    old.alerts = vec![alert];
    let mut stays = old.clone();
    stays.hash = "other texts".to_owned();
    let mut changes = stays.clone();
    changes.alerts[0].definition.push_str(", changed");
    for (new, reason) in [(&stays, Reason::NothingHolds), (&changes, Reason::AlertChanged)] {
        let mut stack = Stack::new(&old);
        stack.announce(new);
        // Both settlers see that it cannot fail, and one of them tells.
        stack.take(&[event(1, 10_000, 1, 1), event(2, 10_100, 1, 1)]);
        stack.hand_over(10_500);
        stack.settle(2, 20_000);
        let told = stack.told.iter().flat_map(|told| &told.transitions);
        let mut told: Vec<_> = told.map(|one| (one.kind, one.reason)).collect();
        told.sort_unstable();
        let firing = (TransitionKind::Firing, Reason::ConditionCannotFail);
        assert_eq!(told, [firing, (TransitionKind::Resolved, reason)]);
    }
}
