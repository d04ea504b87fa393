//! Timelines of steps, and what becomes of the journeys.

use super::*;

const WITHIN_MS: Millis = 100;
const LATENESS_MS: Millis = 20;

/// What stands in a timeline: when, which key, and whether it is a start (`s`), a finish (`f`) or both (`b`).
type Step = (i64, u64, char);

fn step((time, key, kind): Step, identity: u64) -> JourneyStep {
    let (start, finish) = (kind != 'f', kind != 's');
    JourneyStep {
        series: 0,
        window: 0,
        key,
        time: Timestamp::from_millis(time),
        identity,
        id: None,
        start,
        finish,
    }
}

/// Takes the steps in this order of arrival, then everything before `until`; tells what became of the journeys by their starts' series.
fn run(steps: &[Step], until: i64) -> Vec<String> {
    let mut journeys = Journeys::new(WITHIN_MS, LATENESS_MS);
    let span = WindowSpan { start: Timestamp::EPOCH, end: Timestamp::from_millis(1_000) };
    for (identity, &known) in (0..).zip(steps) {
        let series = Arc::new(SeriesKey::new([format!("{}@{}", known.1, known.0).as_str()]));
        let step = step(known, identity);
        let start = step.start.then_some((series, span));
        assert!(journeys.wait(&step, start, None));
    }
    let mut told = Vec::new();
    let mut tell = |of: &Told<'_>| {
        let name: String = of.series().values().collect();
        told.push(match of.event {
            JourneyEvent::Started => format!("{name} started"),
            JourneyEvent::Finished(length) => format!("{name} finished in {length}"),
            JourneyEvent::Abandoned => format!("{name} abandoned"),
        });
    };
    // Cut the time at every millisecond or not at all: it makes no difference.
    let mut cut = journeys.clone();
    journeys.take_before(Timestamp::from_millis(until), &mut tell);
    let whole = std::mem::take(&mut told);
    let mut told_in_parts = 0;
    for time in 0..=until {
        cut.take_before(Timestamp::from_millis(time), &mut |_| told_in_parts += 1);
    }
    assert_eq!(told_in_parts, whole.len());
    whole
}

fn check(steps: &[Step], until: i64, expect: &[&str]) {
    assert_eq!(run(steps, until), expect);
}

#[test]
fn a_finish_in_time_closes_and_the_last_moment_counts() {
    check(&[(10, 1, 's'), (110, 1, 'f')], 500, &["1@10 started", "1@10 finished in 100"]);
    check(&[(10, 1, 's'), (111, 1, 'f')], 500, &["1@10 started", "1@10 abandoned"]);
}

#[test]
fn a_journey_is_given_up_when_its_time_is_over_and_not_before() {
    check(&[(10, 1, 's')], 111, &["1@10 started", "1@10 abandoned"]);
    check(&[(10, 1, 's')], 110, &["1@10 started"]);
    check(&[(10, 1, 's')], 10, &[]);
}

#[test]
fn arrival_order_does_not_matter() {
    check(&[(60, 1, 'f'), (10, 1, 's')], 500, &["1@10 started", "1@10 finished in 50"]);
}

#[test]
fn a_start_while_one_is_open_is_ignored_and_after_it_opens_another() {
    check(
        &[(10, 1, 's'), (20, 1, 's'), (30, 1, 'f'), (40, 1, 's'), (50, 1, 'f')],
        500,
        &["1@10 started", "1@10 finished in 20", "1@40 started", "1@40 finished in 10"],
    );
}

#[test]
fn at_one_time_starts_come_before_finishes() {
    check(&[(10, 1, 'f'), (10, 1, 's')], 500, &["1@10 started", "1@10 finished in 0"]);
}

#[test]
fn an_event_that_is_both_closes_an_open_journey_else_opens_one() {
    check(
        &[(10, 1, 'b'), (20, 1, 'b'), (30, 1, 'b')],
        200,
        &["1@10 started", "1@10 finished in 10", "1@30 started", "1@30 abandoned"],
    );
}

#[test]
fn keys_do_not_meet_and_a_finish_alone_is_nothing() {
    check(
        &[(10, 1, 's'), (20, 2, 'f'), (30, 1, 'f')],
        500,
        &["1@10 started", "1@10 finished in 20"],
    );
}

#[test]
fn a_journey_reopened_after_its_time_is_one_of_its_own() {
    check(
        &[(10, 1, 's'), (150, 1, 's'), (160, 1, 'f')],
        500,
        &["1@10 started", "1@10 abandoned", "1@150 started", "1@150 finished in 10"],
    );
}

#[test]
fn a_step_behind_the_watermark_by_more_than_the_lateness_is_late() {
    let span = WindowSpan { start: Timestamp::EPOCH, end: Timestamp::from_millis(1_000) };
    let mut journeys = Journeys::new(WITHIN_MS, LATENESS_MS);
    let mut wait = |time, watermark| {
        journeys.wait(
            &step((time, 1, 's'), 0),
            Some((Arc::default(), span)),
            Some(Timestamp::from_millis(watermark)),
        )
    };
    assert!(wait(100, 120), "the watermark has passed it by no more than the lateness");
    assert!(!wait(100, 121));
}

#[test]
fn what_is_held_grows_with_the_open_journeys_only() {
    let mut journeys = Journeys::new(1_000_000, LATENESS_MS);
    let span = WindowSpan { start: Timestamp::EPOCH, end: Timestamp::from_millis(1_000_000) };
    let mut open = 0_i64;
    for time in 0..20_000 {
        let key = u64::try_from(time).unwrap();
        // One in a hundred stays open.
        let kinds = if time % 100 == 0 { "s" } else { "sf" };
        for kind in kinds.chars() {
            let start = (kind == 's').then(|| (Arc::default(), span));
            assert!(journeys.wait(&step((time, key, kind), key), start, None));
        }
        journeys.take_before(Timestamp::from_millis(time), &mut |Told { event, .. }| {
            open += match event {
                JourneyEvent::Started => 1,
                _ => -1,
            };
        });
        assert!(journeys.deadlines.len() <= 2 * journeys.open.len() + DEADLINES_SPARE);
    }
    assert_eq!(open, 200);
    let mut abandoned = 0;
    journeys.take_before(Timestamp::from_millis(2_000_000), &mut |Told { event, .. }| {
        abandoned += i64::from(*event == JourneyEvent::Abandoned);
    });
    assert_eq!(abandoned, open, "none of these was forgotten");
}
