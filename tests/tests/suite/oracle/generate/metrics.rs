//! Random rules: metrics of every kind over random conditions.

use super::super::model::{Condition, Field, Kind, Late, Metric, Rules, Weekday};
use super::Scale;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::select;
use proptest::{option, prop_oneof};

/// UTC, and zones whose clocks change at midnight, a minute after it, or over a whole day, or that were seconds off UTC.
const ZONES: [&str; 9] = [
    "UTC",
    "Asia/Dubai",
    "America/New_York",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Monrovia",
];

/// Rules with lengths of one scale.
pub(super) fn rules(scale: &'static Scale) -> impl Strategy<Value = Rules> {
    let times =
        (select(scale.out_of_order), select(scale.allowed_lateness), select(scale.deduplicate));
    let choices = (
        select(vec![Late::Correct, Late::Drop]),
        any::<bool>(),
        select(ZONES.to_vec()),
        select(vec![Weekday::Monday, Weekday::Thursday, Weekday::Sunday]),
    );
    (times, choices, vec(metric(scale), 1..=4)).prop_map(|(times, choices, metrics)| {
        let (out_of_order_ms, allowed_lateness_ms, deduplicate_ms) = times;
        let (late, identity_has_source, time_zone, week_starts) = choices;
        Rules {
            out_of_order_ms,
            allowed_lateness_ms,
            late,
            deduplicate_ms,
            identity_has_source,
            time_zone,
            week_starts,
            metrics,
        }
    })
}

fn metric(scale: &'static Scale) -> impl Strategy<Value = Metric> {
    let dimensions = select(vec![
        vec![],
        vec![],
        vec![Field::Country],
        vec![Field::Partner],
        vec![Field::Country, Field::Partner],
    ]);
    let cap = select(vec![None, None, None, Some(1), Some(2), Some(3)]);
    let rest = (select(scale.windows), any::<bool>(), any::<bool>(), cap);
    (kind(scale), option::weighted(0.3, condition()), dimensions, rest).prop_map(
        |(kind, filter, dimensions, rest)| {
            let (window_ms, zero, live, max_series) = rest;
            let zero = zero && matches!(kind, Kind::Count(_) | Kind::Sum(_) | Kind::Unique(_));
            let live =
                live && matches!(kind, Kind::Count(_) | Kind::Sum(_) | Kind::Distribution(_));
            // Over the cap, the names of live series depend on the order of arrival.
            let max_series = max_series.filter(|_| !live);
            Metric { kind, filter, dimensions, window_ms, zero, live, max_series }
        },
    )
}

fn kind(scale: &'static Scale) -> impl Strategy<Value = Kind> {
    let ratio = (condition(), condition()).prop_map(|(part, whole)| Kind::Ratio { part, whole });
    let usual = (Just(Condition::TypeIs(2)), Just(Condition::TypeIs(0)));
    let starts_and_finishes = prop_oneof![4 => usual, 1 => (condition(), condition())];
    let journey = (starts_and_finishes, select(scale.within));
    let journey = journey.prop_map(|((start, finish), within_ms)| Kind::Journey {
        start,
        finish,
        key: Field::Order,
        within_ms,
    });
    prop_oneof![
        2 => condition().prop_map(Kind::Count),
        1 => Just(Kind::Sum(Field::Amount)),
        1 => Just(Kind::Distribution(Field::Amount)),
        1 => Just(Kind::Unique(Field::Customer)),
        1 => ratio,
        3 => journey,
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        2 => Just(Condition::True),
        6 => (0..4_usize).prop_map(Condition::TypeIs),
        2 => vec(0..4_usize, 1..3).prop_map(Condition::TypeIn),
        2 => (select(vec![Field::Country, Field::Partner]), select(vec!["AE", "noon", "DE"]))
            .prop_map(|(field, text)| Condition::TextIs(field, text)),
        1 => (0..1000_i32).prop_map(Condition::AmountOver),
        1 => select(Field::ALL.to_vec()).prop_map(Condition::Has),
    ];
    leaf.prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            (inner.clone(), inner.clone())
                .prop_map(|(left, right)| Condition::And(Box::new(left), Box::new(right))),
            (inner.clone(), inner)
                .prop_map(|(left, right)| Condition::Or(Box::new(left), Box::new(right))),
        ]
    })
}
