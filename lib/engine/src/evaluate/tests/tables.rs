//! The examples of the rules, as timelines of a count metric with two dimensions and room for two groups.

use crate::aggregate::samples::{TIMING, plan};
use crate::alert::samples::{absent, alert, at_least};
use crate::alert::{Aggregate, Alert, Comparison, Condition, Over};
use crate::decimal::Decimal;
use crate::delta::{AlertCopy, AlertSample, Beginning, Delta, DeltaSeries, Names};
use crate::newest::NamedEvent;
use crate::plan::Plan;
use crate::series::SeriesKey;
use crate::settle::{Decisions, Progress, Settler};
use crate::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::transition::{Transition, TransitionKind};
use std::sync::Arc;

pub(super) fn moment(text: &str) -> Timestamp {
    let mut time = 1_000 * DAY_MS;
    let mut number = 0;
    for letter in text.chars() {
        let unit = match letter {
            'd' => DAY_MS,
            'm' => MINUTE_MS,
            's' => SECOND_MS,
            digit => {
                number = number * 10 + i64::from(digit.to_digit(10).unwrap());
                continue;
            }
        };
        time += number * unit;
        number = 0;
    }
    Timestamp::from_millis(time + number)
}

fn offset(time: Timestamp) -> String {
    let mut left = time.as_millis() - 1_000 * DAY_MS;
    let mut text = String::new();
    for (unit, letter) in [(DAY_MS, "d"), (MINUTE_MS, "m"), (SECOND_MS, "s"), (1, "ms")] {
        if left >= unit {
            text += &(left / unit).to_string();
            text += letter;
            left %= unit;
        }
    }
    text
}

pub(super) fn settler(alerts: Vec<Alert>, groups: usize) -> (Arc<Plan>, Settler) {
    let mut plan = plan(TIMING);
    plan.alerts = alerts;
    plan.metrics[0].max_series = groups;
    for (place, metric) in plan.metrics.iter_mut().enumerate() {
        metric.name = place.to_string();
    }
    let plan = Arc::new(plan);
    (Arc::clone(&plan), Settler::new(plan))
}

/// A delta of events `time aggregator country`; a `=` before the time makes a copy of one.
pub(super) fn delta(events: &[&str]) -> Delta {
    let mut delta = Delta { names: Names::default(), ..Delta::default() };
    for (number, event) in (0_u32..).zip(events) {
        let [time, aggregator, country] = event.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{event}")
        };
        let key = Arc::new(SeriesKey::new([aggregator, country]));
        delta.names.series.push(DeltaSeries { metric: 0, key });
        if let Some(time) = time.strip_prefix('=') {
            delta.copies.push(AlertCopy { series: number, time: moment(time) });
            continue;
        }
        let time = moment(time);
        let named = NamedEvent { time, identity: number.into(), id: format!("{number}").into() };
        delta.samples.push(AlertSample { series: number, event: named, overdue: None });
        delta.beginnings.push(Beginning { time, stamp: None });
    }
    delta
}

/// `at step+ group`, or `-` for a resolve and `?` for pending.
pub(super) fn lines(told: &[Transition]) -> Vec<String> {
    let line = |one: &Transition| {
        let kind = match one.kind {
            TransitionKind::Pending => '?',
            TransitionKind::Firing => '+',
            TransitionKind::Resolved => '-',
        };
        let group: Vec<_> = one.group.values().collect();
        format!("{} {}{kind} {} {:?}", offset(one.at), one.step, group.join(","), one.reason)
    };
    told.iter().map(line).collect()
}

#[track_caller]
pub(super) fn check(
    alert: Alert,
    events: &[&str],
    until: &str,
    expect: &[&str],
) -> Vec<Transition> {
    let (_, mut settler) = settler(vec![alert], 2);
    settler.take(delta(events));
    let mut decisions = Decisions::default();
    while settler.settle(moment(until).plus(1), &mut decisions) == Progress::More {}
    assert_eq!(lines(&decisions.transitions), expect);
    decisions.transitions
}

pub(super) fn count(minutes: i64, comparison: Comparison, threshold: &str) -> Condition {
    let threshold = Decimal::parse(threshold).unwrap();
    let over = Over::Sliding(minutes * MINUTE_MS);
    Condition::Threshold { aggregate: Aggregate::Sum, over, comparison, threshold }
}

/// Three in 10 minutes page, three in 20 minutes mail, none in 20 minutes ends it.
pub(super) fn rejections() -> Alert {
    let three = |minutes| at_least(Aggregate::Sum, Over::Sliding(minutes * MINUTE_MS), "3");
    let mut alert = alert(0, vec![three(10), three(20)]);
    alert.by = vec![0];
    alert.resolve = Some(count(20, Comparison::Below, "1"));
    alert
}

#[test]
fn three_in_ten_minutes_page_and_resolve_when_the_last_has_left() {
    let told = check(
        rejections(),
        &["10s noon AE", "4m noon AE", "9m50s noon AE"],
        "1d",
        &[
            "9m50s 0+ noon ConditionHolds",
            "9m50s 1+ noon ConditionHolds",
            "29m50s 0- noon ResolveHolds",
            "29m50s 1- noon ResolveHolds",
        ],
    );
    let ids: Vec<_> = told[0].evidence.ids.iter().map(|id| &**id).collect();
    assert_eq!(ids, ["0", "1", "2"]);
    assert_eq!(told[0].evidence.value, Some(Decimal::parse("3").unwrap()));
    assert_eq!(offset(told[0].evidence.until), "9m50s");
    assert_eq!(told[0].evidence.course.iter().flatten().count(), 3);
    assert!(told.iter().all(|told| told.episode == moment("9m50s")));
}

#[test]
fn the_first_moment_of_a_rollup_is_not_in_it() {
    check(
        rejections(),
        &["1m noon AE", "4m noon AE", "11m noon AE"],
        "12m",
        &["11m 1+ noon ConditionHolds"],
    );
    let told = ["10m59s999 0+ noon ConditionHolds", "10m59s999 1+ noon ConditionHolds"];
    let told = told.map(|line| line.replace("s999 ", "s999ms "));
    check(
        rejections(),
        &["1m noon AE", "4m noon AE", "10m59s999 noon AE"],
        "12m",
        &[&told[0], &told[1]],
    );
}

#[test]
fn fewer_dimensions_are_merged_over_the_rest() {
    check(
        rejections(),
        &["1m noon AE", "2m noon SA", "2m talabat AE", "3m noon EG"],
        "5m",
        &["3m 0+ noon ConditionHolds", "3m 1+ noon ConditionHolds"],
    );
}

#[test]
fn nobody_is_told_that_there_is_too_little_because_the_system_has_just_started() {
    let mut little = alert(0, vec![count(10, Comparison::Below, "2")]);
    little.by = vec![0];
    check(
        little,
        &["1m noon AE", "5m noon AE", "6m noon AE"],
        "1d",
        &["15m 0+ noon ConditionHolds"],
    );
}

#[test]
fn what_is_absent_is_told_when_the_time_is_over_and_again_after_it_came() {
    let mut silence = alert(0, vec![absent(15 * MINUTE_MS)]);
    silence.by = vec![0];
    check(
        silence,
        &["1m noon AE", "10m noon AE", "40m noon AE"],
        "60m",
        &["25m 0+ noon NoEvent", "40m 0- noon NothingHolds", "55m 0+ noon NoEvent"],
    );
}

#[test]
fn without_dimensions_silence_counts_from_the_first_event_of_any_kind() {
    let (_, mut settler) = settler(vec![alert(0, vec![absent(15 * MINUTE_MS)])], 2);
    let beginning = |time| Beginning { time: moment(time), stamp: None };
    settler.take(Delta { beginnings: vec![beginning("2m"), beginning("1m")], ..Delta::default() });
    let mut decisions = Decisions::default();
    settler.settle(moment("30d"), &mut decisions);
    assert_eq!(lines(&decisions.transitions), ["16m 0+  NoEvent"]);
}

#[test]
fn where_it_is_said_silence_counts_from_then_though_no_event_comes_or_an_older_one() {
    for (is_restored, events) in [(false, &[][..]), (true, &[]), (false, &["1m"]), (true, &["1m"])]
    {
        let (plan, mut settler) = settler(vec![alert(0, vec![absent(15 * MINUTE_MS)])], 2);
        settler.count_from(moment("2m"));
        if is_restored {
            settler = Settler::decode(plan, |_| true, &settler.encode()).unwrap();
        }
        let beginning = |time: &&str| Beginning { time: moment(time), stamp: None };
        let beginnings = events.iter().map(beginning).collect();
        settler.take(Delta { beginnings, ..Delta::default() });
        assert!(settler.next_moment().is_some(), "nothing else brings it on");
        let mut decisions = Decisions::default();
        settler.settle(moment("30d"), &mut decisions);
        assert_eq!(lines(&decisions.transitions), ["17m 0+  NoEvent"], "{events:?}");
    }
}

#[test]
fn a_group_that_is_forgotten_while_it_fires_resolves() {
    let mut once = alert(0, vec![at_least(Aggregate::Sum, Over::Sliding(60 * DAY_MS), "1")]);
    once.by = vec![0];
    check(
        once,
        &["1m noon AE"],
        "30d",
        &["1m 0+ noon ConditionHolds", "7d1m 0- noon GroupForgotten"],
    );
}

#[test]
fn each_group_is_forgotten_seven_days_after_it_was_seen_last() {
    for is_restored in [false, true] {
        let mut once = alert(0, vec![at_least(Aggregate::Sum, Over::Sliding(60 * DAY_MS), "1")]);
        once.by = vec![0];
        let (plan, mut settler) = settler(vec![once], 3);
        let mut decisions = Decisions::default();
        settler.take(delta(&["1m noon AE", "2m dusk AE", "3m dawn AE"]));
        settler.settle(moment("1d"), &mut decisions);
        if is_restored {
            settler = Settler::decode(plan, |_| true, &settler.encode()).unwrap();
        }
        // The one that would be forgotten first is seen again.
        settler.take(delta(&["3d noon AE"]));
        settler.settle(moment("30d"), &mut decisions);
        let forgotten = [
            "7d2m 0- dusk GroupForgotten",
            "7d3m 0- dawn GroupForgotten",
            "10d 0- noon GroupForgotten",
        ];
        assert_eq!(lines(&decisions.transitions)[3..], forgotten);
    }
}

#[test]
fn a_new_group_takes_the_place_of_the_one_seen_longest_ago_without_an_episode() {
    let mut twice = alert(0, vec![at_least(Aggregate::Sum, Over::Sliding(60 * MINUTE_MS), "2")]);
    twice.by = vec![0];
    // The first fires and stays; the second is forgotten, so its next event is its first again.
    check(
        twice,
        &["1m a AE", "2m a AE", "3m b AE", "4m c AE", "5m b AE", "6m b AE", "7m c AE"],
        "10m",
        &["2m 0+ a ConditionHolds", "6m 0+ b ConditionHolds"],
    );
}

#[test]
fn what_is_over_the_cap_of_the_metric_is_no_group() {
    check(
        rejections(),
        &["1m __other__ __other__", "2m __other__ __other__", "3m __other__ __other__"],
        "5m",
        &[],
    );
}

#[test]
fn evidence_tells_copies_and_late_events() {
    let (_, mut settler) = settler(vec![rejections()], 2);
    let mut decisions = Decisions::default();
    settler.take(delta(&["1m noon AE", "=1m noon AE", "2m noon AE"]));
    settler.settle(moment("5m"), &mut decisions);
    let mut late = delta(&["3m noon AE"]);
    late.samples[0].overdue = Some(moment("4m"));
    late.samples[0].event.identity = 9;
    settler.take(late);
    settler.settle(moment("30m"), &mut decisions);
    let told = &decisions.transitions;
    // It counts from its place on, and leaves at its own time.
    assert_eq!(lines(&told[..2]), ["5m 0+ noon ConditionHolds", "5m 1+ noon ConditionHolds"]);
    assert_eq!((told[0].evidence.late, told[0].evidence.duplicates), (1, 1));
    assert_eq!(lines(&told[2..]), ["23m 0- noon ResolveHolds", "23m 1- noon ResolveHolds"]);
}

#[test]
fn what_is_overdue_enters_an_alert_that_waits_for_points_when_its_place_is_decided_there() {
    let mut waiting = rejections();
    waiting.steps[1].when = at_least(Aggregate::Sum, Over::Window, "100");
    let (_, mut settler) = settler(vec![waiting], 2);
    let mut decisions = Decisions::default();
    settler.take(delta(&["1m noon AE", "2m noon AE"]));
    settler.settle(moment("5m"), &mut decisions);
    let mut late = delta(&["3m noon AE"]);
    late.samples[0].overdue = Some(moment("4m"));
    late.samples[0].event.identity = 9;
    settler.take(late);
    settler.settle(moment("6m"), &mut decisions);
    // By the watermark 5 m all is decided there that is 100 ms, the allowed lateness, before that.
    assert_eq!(lines(&decisions.transitions), ["4m59s900ms 0+ noon ConditionHolds"]);
}

#[test]
fn counts_beyond_the_limit_say_the_limit() {
    let events = vec!["1m noon AE"; 10_001];
    let mut thousand =
        alert(0, vec![at_least(Aggregate::Sum, Over::Sliding(20 * MINUTE_MS), "1000")]);
    thousand.by = vec![0];
    let told = check(thousand, &events, "2m", &["1m 0+ noon ConditionHolds"]);
    assert_eq!(told[0].evidence.value, Some(Decimal::from_u64(10_000).unwrap()));
}

#[test]
fn an_early_step_is_told_when_its_events_are_taken_and_only_once() {
    let mut early = rejections();
    early.steps[0].early = true;
    let (plan, mut settler) = settler(vec![early], 2);
    let mut decisions = Decisions::default();
    settler.take(delta(&["10s noon AE", "4m noon AE"]));
    settler.settle(Timestamp::EPOCH, &mut decisions);
    assert_eq!(lines(&decisions.transitions), [""; 0]);
    let mut third = delta(&["9m50s noon AE"]);
    third.samples[0].event.identity = 9;
    settler.take(third);
    settler.settle(Timestamp::EPOCH, &mut decisions);
    assert_eq!(lines(&decisions.transitions), ["9m50s 0+ noon ConditionCannotFail"]);
    assert_eq!(decisions.transitions[0].evidence.ids.len(), 3);
    let mut settler = Settler::decode(Arc::clone(&plan), |_| true, &settler.encode()).unwrap();
    let mut rest = Decisions::default();
    settler.settle(moment("1d"), &mut rest);
    assert_eq!(
        lines(&rest.transitions),
        [
            "9m50s 1+ noon ConditionHolds",
            "29m50s 0- noon ResolveHolds",
            "29m50s 1- noon ResolveHolds"
        ]
    );
    assert!(rest.transitions.iter().all(|told| told.episode == moment("9m50s")));
}

#[test]
fn what_ends_an_episode_before_an_early_step_has_begun_it_does_not_end_it() {
    let mut early = rejections();
    early.steps.truncate(1);
    early.steps[0].early = true;
    let (_, mut settler) = settler(vec![early], 2);
    let mut decisions = Decisions::default();
    // By 40 m the first event has left: `resolve` holds until the others come.
    settler.take(delta(&["10s noon AE", "50m noon AE", "51m noon AE", "52m noon AE"]));
    settler.settle(moment("45m"), &mut decisions);
    settler.settle(moment("1d"), &mut decisions);
    assert_eq!(
        lines(&decisions.transitions),
        ["52m 0+ noon ConditionCannotFail", "72m 0- noon ResolveHolds"]
    );
}
