//! What alerts hear: it does not depend on how events were cut into batches, and misses none.

use crate::accumulate::Accumulator;
use crate::aggregate::Aggregator;
use crate::aggregate::samples::{
    HORIZON_MS, OUT_OF_ORDER_MS, Sample, TIMING, batch, id_of, plan, samples, spread, watched,
};
use crate::delta::Delta;
use crate::newest::{NamedEvent, Newest};
use crate::place::{at, events};
use crate::plan::{LatePolicy, Plan, Timing};
use crate::time::{Millis, Timestamp};
use crate::transition::EVIDENCE_IDS_MAX;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A metric and the values of its dimensions.
type Series = (usize, Vec<String>);
/// Of a slice: series, length, end, place.
type SliceId = (Series, Millis, Timestamp, Option<Timestamp>);

/// What alerts heard of some batches, put together.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    samples: Vec<(Series, NamedEvent, Option<Timestamp>)>,
    copies: Vec<(Series, Timestamp)>,
    slices: BTreeMap<SliceId, (u64, Accumulator, Newest)>,
    windows: BTreeMap<(Series, Timestamp), Newest>,
    steps: Vec<(Series, NamedEvent)>,
    /// What the metrics took, by series.
    taken: BTreeMap<Series, (u64, Option<Accumulator>)>,
}

impl Heard {
    fn of(plan: &Arc<Plan>, batches: &[&[Sample]]) -> Self {
        let mut state = Aggregator::new(Arc::clone(plan));
        let mut heard = Self::default();
        for samples in batches {
            heard.add(&state.fold(batch(plan, samples)));
        }
        heard.samples.sort();
        heard.copies.sort();
        heard.steps.sort();
        heard
    }

    fn add(&mut self, delta: &Delta) {
        let series = |number: u32| {
            let series = at(&delta.names.series, number).unwrap();
            (series.metric, series.key.values().map(str::to_owned).collect::<Vec<_>>())
        };
        for sample in &delta.samples {
            self.samples.push((series(sample.series), sample.event.clone(), sample.overdue));
        }
        self.copies.extend(delta.copies.iter().map(|copy| (series(copy.series), copy.time)));
        for slice in &delta.slices {
            let id = (series(slice.series), slice.length_ms, slice.until, slice.overdue);
            let known = self.slices.entry(id);
            known
                .and_modify(|(events, accumulator, newest)| {
                    *events += slice.events;
                    accumulator.merge(&slice.accumulator);
                    newest.merge(&slice.newest);
                })
                .or_insert((slice.events, slice.accumulator.clone(), slice.newest.clone()));
        }
        for partial in &delta.partials {
            let (_, span) = delta.names.resolve(partial.series, partial.window).unwrap();
            let newest = self.windows.entry((series(partial.series), span.start)).or_default();
            newest.merge(&partial.newest);
        }
        for step in &delta.steps {
            let id = step.id.clone().expect("an alert looks at the journey");
            let event = NamedEvent { time: step.time, identity: step.identity, id };
            self.steps.push((series(step.series), event));
        }
        let late = delta.late.iter().map(|late| &late.partial);
        for partial in delta.partials.iter().chain(late) {
            let (events, sum) = self.taken.entry(series(partial.series)).or_default();
            *events += partial.events;
            match sum {
                Some(sum) => sum.merge(&partial.accumulator),
                None => *sum = Some(partial.accumulator.clone()),
            }
        }
    }

    /// What the slices of one length add up to, by series.
    fn sums(&self, length_ms: Millis) -> BTreeMap<Series, (u64, Option<Accumulator>)> {
        let mut sums: BTreeMap<Series, (u64, Option<Accumulator>)> = BTreeMap::new();
        let own = self.slices.iter().filter(|((_, length, ..), _)| *length == length_ms);
        for ((series, ..), (more, accumulator, _)) in own {
            let (events, sum) = sums.entry(series.clone()).or_default();
            *events += more;
            match sum {
                Some(sum) => sum.merge(accumulator),
                None => *sum = Some(accumulator.clone()),
            }
        }
        sums
    }

    fn taken_by(&self, metric: usize) -> BTreeMap<Series, (u64, Option<Accumulator>)> {
        let own = self.taken.iter().filter(|((of, _), _)| *of == metric);
        own.map(|(series, sum)| (series.clone(), sum.clone())).collect()
    }
}

fn timing(corrects: bool) -> Timing {
    let late = if corrects { LatePolicy::Correct } else { LatePolicy::Drop };
    Timing { late, ..TIMING }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_alerts_hear_does_not_depend_on_batches(
        samples in samples(), one in 1..20_usize, other in 20..120_usize, corrects in any::<bool>(),
    ) {
        let plan = Arc::new(watched(timing(corrects)));
        let whole = Heard::of(&plan, &[&samples]);
        for length in [one, other] {
            let cut: Vec<_> = samples.chunks(length).collect();
            prop_assert_eq!(&Heard::of(&plan, &cut), &whole);
        }
    }

    #[test]
    fn alerts_hear_of_each_event_that_a_metric_takes(samples in samples(), corrects in any::<bool>()) {
        let plan = Arc::new(watched(timing(corrects)));
        let heard = Heard::of(&plan, &[&samples]);
        for (metric, lengths) in
            [(0, &[20][..]), (1, &[100, 3_000]), (2, &[10_000]), (3, &[100]), (4, &[1_000])]
        {
            for &length in lengths {
                let sums = heard.sums(length);
                let own = sums.into_iter().filter(|((of, _), _)| *of == metric);
                prop_assert_eq!(own.collect::<BTreeMap<_, _>>(), heard.taken_by(metric));
            }
        }
        for metric in [0, 3] {
            for (series, (taken, _)) in heard.taken_by(metric) {
                let own = heard.samples.iter().filter(|(of, ..)| *of == series);
                prop_assert_eq!(events(own.count()), taken, "{:?}", series);
            }
        }
        for ((series, _), newest) in &heard.windows {
            prop_assert_eq!(!newest.is_empty(), [0, 2].contains(&series.0));
        }
        let by_slices = heard.slices.values().flat_map(|(_, _, newest)| newest.events());
        let by_windows = heard.windows.values().flat_map(Newest::events);
        let alone = heard.samples.iter().map(|(_, event, _)| event);
        let of_steps = heard.steps.iter().map(|(_, event)| event);
        for event in by_slices.chain(by_windows).chain(alone).chain(of_steps) {
            prop_assert_eq!(&*event.id, &*id_of(event.identity));
        }
    }

    #[test]
    fn slices_name_their_newest_events(samples in samples(), length in 1..60_usize) {
        let plan = Arc::new(watched(TIMING));
        let cut: Vec<_> = samples.chunks(length).collect();
        let heard = Heard::of(&plan, &cut);
        // Samples of the unique are all its events.
        for ((series, length_ms, until, overdue), (taken, _, newest)) in &heard.slices {
            if series.0 != 3 {
                continue;
            }
            let begins = until.minus(*length_ms);
            let place = |sample: Option<Timestamp>| sample.filter(|&place| place > *until);
            let own = heard.samples.iter().filter(|(of, event, sample)| {
                of == series && begins < event.time && event.time <= *until && place(*sample) == *overdue
            });
            let mut sorted: Vec<_> = own.map(|(_, event, _)| event.clone()).collect();
            prop_assert_eq!(events(sorted.len()), *taken);
            sorted.sort();
            let first = sorted.len().saturating_sub(EVIDENCE_IDS_MAX);
            prop_assert_eq!(newest.events(), &sorted[first..]);
        }
    }

    #[test]
    fn alerts_change_nothing_but_what_they_hear(samples in samples(), length in 1..60_usize) {
        let plans = [plan(TIMING), watched(TIMING)].map(Arc::new);
        let [mut plain, mut watching] = plans.each_ref().map(|plan| Aggregator::new(Arc::clone(plan)));
        for part in samples.chunks(length) {
            let mut delta = watching.fold(batch(&plans[1], part));
            delta.samples.clear();
            delta.slices.clear();
            delta.copies.clear();
            delta.partials.iter_mut().for_each(|partial| partial.newest = Newest::default());
            delta.steps.iter_mut().for_each(|step| step.id = None);
            let expect = plain.fold(batch(&plans[0], part));
            prop_assert_eq!(delta, expect);
        }
    }
}

/// An event that the count takes.
const fn event(identity: u64, time: i64) -> Sample {
    Sample { identity, time, delay: None, metrics: 1, value: 1, group: 0 }
}

fn fold(events: &[Sample]) -> Delta {
    let plan = Arc::new(watched(TIMING));
    Aggregator::new(Arc::clone(&plan)).fold(batch(&plan, events))
}

/// The watermark after an event at 10,000.
const WATERMARK_MS: i64 = 10_000 - OUT_OF_ORDER_MS;

#[test]
fn an_event_behind_its_stamp_is_overdue_and_one_at_it_is_not() {
    let places = |time| {
        let delta = fold(&[event(1, 10_000), event(2, time)]);
        let slice = delta.slices.iter().find(|slice| slice.until < Timestamp::from_millis(10_000));
        let place = |place: Option<Timestamp>| place.map(Timestamp::as_millis);
        (place(delta.samples[1].overdue), place(slice.unwrap().overdue))
    };
    assert_eq!(places(WATERMARK_MS), (None, None));
    // The slice of 20 ms that ends with the watermark is not decided yet.
    assert_eq!(places(WATERMARK_MS - 1), (Some(WATERMARK_MS), None));
    assert_eq!(places(WATERMARK_MS - 19), (Some(WATERMARK_MS), None));
    assert_eq!(places(WATERMARK_MS - 20), (Some(WATERMARK_MS), Some(WATERMARK_MS)));
}

#[test]
fn copies_are_told_where_the_event_would_be_taken() {
    let times = |last: Sample| {
        let delta = fold(&[event(1, 9_000), event(2, 10_000), last]);
        let metric = |series: u32| delta.names.series[usize::try_from(series).unwrap()].metric;
        let copies = delta.copies.iter();
        copies.map(|copy| (metric(copy.series), copy.time.as_millis())).collect::<Vec<_>>()
    };
    assert_eq!(times(event(1, 9_000)), [(0, 9_000)]);
    assert_eq!(times(Sample { metrics: 0b101, ..event(1, 9_000) }), [(0, 9_000), (2, 9_000)]);
    // A unique takes no corrections, and this window is final.
    assert_eq!(times(Sample { metrics: 0b1001, ..event(1, 8_000) }), [(0, 8_000)]);
    // It could be a forgotten copy, so it is late and nobody knows whether it is one.
    assert_eq!(times(event(1, WATERMARK_MS - HORIZON_MS - 1)), []);
    assert_eq!(times(event(3, 9_000)), []);
}

#[test]
fn what_no_alert_looks_at_is_not_heard() {
    let mut plan = watched(TIMING);
    plan.alerts.retain(|alert| alert.metric != 0);
    let plan = Arc::new(plan);
    let all = Sample { metrics: 0b11, ..event(1, 10_000) };
    let delta = Aggregator::new(Arc::clone(&plan)).fold(batch(&plan, &[all, all]));
    let metrics: Vec<_> = delta.names.series.iter().map(|series| series.metric).collect();
    assert_eq!((delta.partials.len(), delta.counters.duplicate, &metrics[..]), (2, 1, &[0, 1][..]));
    assert!(delta.samples.is_empty() && delta.partials.iter().all(|one| one.newest.is_empty()));
    assert!(delta.slices.iter().all(|slice| slice.series == 1) && delta.slices.len() == 2);
    assert!(delta.copies.iter().all(|copy| copy.series == 1) && delta.copies.len() == 1);
}

#[test]
fn of_many_events_in_a_slice_the_newest_are_named() {
    let many: Vec<_> = (0..100)
        .map(|number| Sample {
            metrics: 4,
            ..event(number, 10_001 + i64::try_from(number * 37 % 100).unwrap())
        })
        .collect();
    let delta = fold(&many);
    assert_eq!((delta.slices.len(), delta.slices[0].events), (1, 100));
    let named = |newest: &Newest| {
        let events = newest.events().iter();
        events.map(|event| (event.time.as_millis(), event.id.to_string())).collect::<Vec<_>>()
    };
    let mut expect: Vec<_> =
        many.iter().map(|sample| (sample.time, id_of(spread(sample.identity)))).collect();
    expect.sort();
    assert_eq!(named(&delta.slices[0].newest), expect[80..]);
    assert_eq!(named(&delta.partials[0].newest), expect[80..]);
}
