//! Moments at which a condition turns though nothing comes, groups that make room, and what is not told early.

use super::tables::{check, count, delta, lines, moment, rejections, settler};
use super::{PLAIN, plan_of, run};
use crate::aggregate::samples::Sample;
use crate::alert::samples::{absent, alert, at_least};
use crate::alert::{Aggregate, Comparison, Condition, Over};
use crate::decimal::Decimal;
use crate::settle::Decisions;
use crate::time::{MINUTE_MS, SECOND_MS, Timestamp};
use std::sync::Arc;

/// An event of the metrics that these bits name.
const fn event(identity: u64, time: i64, metrics: u8) -> Sample {
    Sample { identity, time, delay: None, metrics, value: 4, group: 0 }
}

#[test]
fn a_count_that_is_equal_for_a_while_is_told_when_it_comes_back_to_that() {
    let mut two = alert(0, vec![count(10, Comparison::Equal, "2")]);
    two.by = vec![0];
    let told = ["12m 0+ noon ConditionHolds", "13m 0- noon NothingHolds"];
    let again = ["15m 0+ noon ConditionHolds", "22m 0- noon NothingHolds"];
    let events = ["1m noon AE", "5m noon AE", "12m noon AE", "13m noon AE"];
    check(two.clone(), &events, "1d", &[told, again].concat());
    // From too few to too many at once, and back to it as one leaves.
    let at_once = ["1m noon AE", "5m noon AE", "12m noon AE", "12m noon AE"];
    check(two, &at_once, "1d", &again);
}

#[test]
fn the_window_in_which_a_group_came_is_not_taken_for_a_whole_one() {
    let threshold = Decimal::from_u64(5).unwrap();
    let (aggregate, comparison, over) = (Aggregate::Sum, Comparison::Below, Over::Window);
    let few = Condition::Threshold { aggregate, over, comparison, threshold };
    // The other step makes the group known by its first event.
    let mut little = alert(0, vec![few, absent(1_200)]);
    little.by = vec![0];
    let events = [event(1, 10_500, 1), event(2, 11_500, 1), event(3, 13_000, 0)];
    let told = run(&plan_of(vec![little]), &events, PLAIN);
    let told: Vec<_> = told.iter().map(|told| (told.at.as_millis(), told.step)).collect();
    assert_eq!(told, [(12_000, 0), (12_700, 1)]);
}

#[test]
fn a_window_whose_zero_is_published_is_a_final_point() {
    let threshold = Decimal::from_u64(1).unwrap();
    let (aggregate, comparison, over) = (Aggregate::Sum, Comparison::Below, Over::Window);
    let none = Condition::Threshold { aggregate, over, comparison, threshold };
    let told = |zero| {
        let mut made = alert(0, vec![none.clone()]);
        made.by = vec![0];
        let mut plan = Arc::unwrap_or_clone(plan_of(vec![made]));
        plan.metrics[0].zero = zero;
        let events = [event(1, 10_500, 1), event(2, 11_500, 1), event(3, 13_200, 0)];
        let told = run(&Arc::new(plan), &events, PLAIN);
        told.iter().map(|told| (told.at.as_millis(), told.evidence.value)).collect::<Vec<_>>()
    };
    assert_eq!(told(true), [(13_000, Some(Decimal::ZERO))]);
    assert_eq!(told(false), []);
}

#[test]
fn a_group_that_was_seen_again_is_not_the_one_seen_longest_ago() {
    let mut thrice = alert(0, vec![count(60, Comparison::AtLeast, "3")]);
    thrice.by = vec![0];
    check(
        thrice,
        &["1m a AE", "2m b AE", "3m a AE", "4m c AE", "5m a AE", "6m b AE", "7m b AE"],
        "10m",
        &["5m 0+ a ConditionHolds"],
    );
}

#[test]
fn late_events_are_told_where_the_condition_covers_them() {
    let (_, mut settler) = settler(vec![rejections()], 2);
    let mut decisions = Decisions::default();
    settler.settle(moment("5m"), &mut decisions);
    settler.take(delta(&["3m noon AE", "13m30s noon AE", "14m noon AE", "14m30s noon AE"]));
    settler.settle(moment("15m"), &mut decisions);
    let told = &decisions.transitions;
    let began = ["14m 1+ noon ConditionHolds", "14m30s 0+ noon ConditionHolds"];
    assert_eq!(lines(told), began);
    assert_eq!([told[0].evidence.late, told[1].evidence.late], [1, 0]);
}

#[test]
fn slices_tell_the_copies_that_were_ignored() {
    let over = Over::Sliding(60 * SECOND_MS);
    let plan = plan_of(vec![alert(1, vec![at_least(Aggregate::Count, over, "2")])]);
    let events =
        [event(1, 10_000, 2), event(1, 10_000, 2), event(2, 10_100, 2), event(3, 12_000, 2)];
    let told = run(&plan, &events, PLAIN);
    assert_eq!(lines(&told).len(), 1);
    assert_eq!((told[0].evidence.events, told[0].evidence.duplicates), (2, 1));
}

#[test]
fn what_other_events_could_undo_is_not_told_early() {
    let early = |change: &dyn Fn(&mut crate::alert::Alert)| {
        let mut made = alert(0, vec![count(10, Comparison::AtLeast, "3")]);
        made.by = vec![0];
        made.steps[0].early = true;
        change(&mut made);
        let (_, mut settler) = settler(vec![made], 1);
        let mut decisions = Decisions::default();
        // One group is known, and there is room for no other.
        settler.take(delta(&["1m a AE"]));
        settler.settle(moment("2m"), &mut decisions);
        settler.take(delta(&["2m a AE", "3m a AE", "2m b AE", "2m b AE", "3m b AE"]));
        settler.settle(Timestamp::EPOCH, &mut decisions);
        lines(&decisions.transitions)
    };
    assert_eq!(early(&|_| {}), ["3m 0+ a ConditionCannotFail"]);
    assert_eq!(early(&|made| made.steps[0].hold = MINUTE_MS), [""; 0]);
    let ends = |comparison, threshold| {
        move |made: &mut crate::alert::Alert| {
            made.resolve = Some(count(20, comparison, threshold));
        }
    };
    assert_eq!(early(&ends(Comparison::Below, "1")), ["3m 0+ a ConditionCannotFail"]);
    assert_eq!(early(&ends(Comparison::Below, "5")), [""; 0]);
    assert_eq!(early(&ends(Comparison::AtLeast, "5")), [""; 0]);
}
