//! Every form: what is written is read again, any other bytes are an error, and bytes of every version keep their meaning.

mod damaged;
pub(crate) mod versions;

use super::reader;
use super::writer::Writer;
use super::{accumulator, read_delta, read_head, read_ids, write_chunk, write_head, write_ids};
use crate::accumulate::{Accumulator, Cohort, Contribution};
use crate::aggregate::Aggregator;
use crate::aggregate::samples::{Sample, TIMING, batch, plan, samples, spread, watched};
use crate::calendar::WindowSpan;
use crate::decimal::Decimal;
use crate::delta::{AlertSample, AlertSlice, Delta, DeltaSeries, JourneyStep, Partial};
use crate::newest::{NamedEvent, Newest};
use crate::output::SumValues;
use crate::place::at;
use crate::plan::Plan;
use crate::series::SeriesKey;
use crate::sketch::{Distribution, Unique};
use crate::time::Timestamp;
use crate::transition::EVIDENCE_IDS_MAX;
use proptest::prelude::*;
use std::sync::Arc;

/// The deltas of a run of batches.
fn deltas(plan: &Arc<Plan>, samples: &[Sample], length: usize) -> Vec<Delta> {
    let mut state = Aggregator::collecting(Arc::clone(plan));
    samples.chunks(length).map(|samples| state.fold(batch(plan, samples))).collect()
}

fn shown_event(event: &NamedEvent) -> String {
    let NamedEvent { time, identity, id } = event;
    format!("{id:?} at {time} by {identity}")
}

fn shown_newest(newest: &Newest) -> String {
    let shown = newest.events().iter().map(|event| format!("; {}", shown_event(event)));
    shown.collect::<Vec<_>>().concat()
}

/// What alerts hear beside partials and steps, with the series.
fn heard(delta: &Delta) -> Vec<(u32, String)> {
    let overdue = |place: Option<Timestamp>| {
        place.map(|place| format!(", overdue at {place}")).unwrap_or_default()
    };
    let samples = delta.samples.iter().map(|sample| {
        let AlertSample { series, event, overdue: place } = sample;
        (*series, format!("sample {}{}", shown_event(event), overdue(*place)))
    });
    let slices = delta.slices.iter().map(|slice| {
        let AlertSlice { series, length_ms, until, overdue: place, events, accumulator, newest } =
            slice;
        let (place, newest) = (overdue(*place), shown_newest(newest));
        let line =
            format!("slice of {length_ms} until {until}{place}: {events}, {accumulator:?}{newest}");
        (*series, line)
    });
    let copies = delta.copies.iter().map(|copy| (copy.series, format!("copy at {}", copy.time)));
    samples.chain(slices).chain(copies).collect()
}

/// What a delta adds, by metric, with names for numbers: one line for each part, in the order of the delta.
fn lines(plan: &Plan, delta: &Delta) -> Vec<Vec<String>> {
    let name = |series: u32| {
        let DeltaSeries { metric, key } = at(&delta.names.series, series).unwrap();
        (*metric, key.values().collect::<Vec<_>>().join("/"))
    };
    let place = |series: u32, window: u32| {
        let WindowSpan { start, end } = at(&delta.names.windows, window).unwrap();
        let (metric, key) = name(series);
        (metric, format!("[{key}] {start} to {end}"))
    };
    let shown = |partial: &Partial| {
        let Partial { events, latest, accumulator, newest, .. } = partial;
        let (metric, place) = place(partial.series, partial.window);
        let newest = shown_newest(newest);
        (metric, format!("{place}: {events} events until {latest}, {accumulator:?}{newest}"))
    };
    let in_time = delta.partials.iter().map(shown);
    let late = delta.late.iter().map(|late| {
        let (metric, line) = shown(&late.partial);
        (metric, format!("late at {}: {line}", late.stamp))
    });
    let steps = delta.steps.iter().map(|step| {
        let &JourneyStep { series, window, key, time, identity, ref id, start, finish } = step;
        let (metric, place) = place(series, window);
        let id = id.as_ref().map(|id| format!(", {id:?}")).unwrap_or_default();
        (metric, format!("{place}: step of {key} at {time} by {identity}: {start} {finish}{id}"))
    });
    let refused = delta.refused.iter().map(|&(series, events)| {
        let (metric, key) = name(series);
        (metric, format!("[{key}] refused {events}"))
    });
    let mut lines = vec![Vec::new(); plan.metrics.len()];
    let heard = heard(delta).into_iter().map(|(series, line)| {
        let (metric, key) = name(series);
        (metric, format!("[{key}] {line}"))
    });
    for (metric, line) in in_time.chain(late).chain(steps).chain(refused).chain(heard) {
        lines[metric].push(line);
    }
    for (metric, of_metric) in lines.iter_mut().enumerate() {
        let without = delta.no_value.iter().filter(|&&(of, _)| of == metric);
        of_metric.push(format!("no value {}", without.map(|&(_, events)| events).sum::<u64>()));
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_is_written_of_a_delta_is_read_again(
        samples in samples(), length in 1..60_usize, is_watched in any::<bool>(),
    ) {
        let plan = Arc::new(if is_watched { watched(TIMING) } else { plan(TIMING) });
        for delta in deltas(&plan, &samples, length) {
            let (head, chunk) = (write_head(&delta), write_chunk(&delta, &|_| true));
            let again = read_delta(&plan, &head, &chunk).unwrap();
            prop_assert_eq!(lines(&plan, &delta), lines(&plan, &again));
            prop_assert_eq!(&write_chunk(&again, &|_| true), &chunk);
            prop_assert_eq!(read_ids(&write_ids(&delta.ids)).unwrap(), delta.ids.clone());
            let head = read_head(&head).unwrap();
            prop_assert_eq!(
                (head.counters, head.span, head.beginnings, head.leap, head.furthest, head.watermark),
                (delta.counters, delta.span, delta.beginnings, delta.leap, delta.furthest, delta.watermark)
            );
        }
    }

    #[test]
    fn the_chunks_of_partitions_make_the_whole(
        samples in samples(), partition_of in proptest::collection::vec(0..3_usize, 6), is_watched in any::<bool>(),
    ) {
        let plan = Arc::new(if is_watched { watched(TIMING) } else { plan(TIMING) });
        for delta in deltas(&plan, &samples, 60) {
            let head = write_head(&delta);
            let part = |partition: usize| {
                let chunk = write_chunk(&delta, &|metric| partition_of[metric] == partition);
                read_delta(&plan, &head, &chunk).unwrap()
            };
            let parts: Vec<_> = (0..3).map(part).collect();
            let (whole, nothing) = (lines(&plan, &delta), ["no value 0".to_owned()]);
            for (metric, &partition) in partition_of.iter().enumerate() {
                for (number, read) in parts.iter().enumerate() {
                    let expect = if number == partition { &whole[metric][..] } else { &nothing };
                    prop_assert_eq!(&lines(&plan, read)[metric], expect);
                }
            }
        }
    }
}

#[test]
fn more_samples_than_bytes_that_follow_them_are_read_again() {
    let plan = Arc::new(watched(TIMING));
    // All are of one series that the partials have named: the columns of the samples are one number each.
    let event = |identity: u64| {
        let time = i64::try_from(identity).unwrap();
        Sample { identity, time, delay: None, metrics: 1 << 3, value: 1, group: 0 }
    };
    let samples: Vec<_> = (1..200).map(event).collect();
    let delta = deltas(&plan, &samples, samples.len()).remove(0);
    let alone = Delta { slices: Vec::new(), ..delta };
    assert_eq!(alone.samples.len(), samples.len());
    let again = read_delta(&plan, &write_head(&alone), &write_chunk(&alone, &|_| true)).unwrap();
    assert_eq!(heard(&again), heard(&alone));
}

#[test]
fn what_adds_nothing_is_written_as_nothing() {
    let plan = Arc::new(plan(TIMING));
    let filtered = Sample { identity: 1, time: 0, delay: None, metrics: 0, value: 1, group: 0 };
    let one = Sample { metrics: 1, ..filtered };
    let deltas = deltas(&plan, &[filtered, one], 1);
    assert_eq!(write_chunk(&deltas[0], &|_| true), [0; 0]);
    assert_eq!(write_chunk(&deltas[1], &|metric| metric != 0), [0; 0]);
    let again = read_delta(&plan, &write_head(&deltas[1]), &[]).unwrap();
    assert_eq!(again.counters, deltas[1].counters);
}

#[test]
fn a_chunk_has_the_format_that_its_parts_need() {
    let one = Sample { identity: 1, time: 0, delay: None, metrics: 1, value: 1, group: 0 };
    let chunk = |plan: Plan, samples: &[Sample]| {
        let delta = deltas(&Arc::new(plan), samples, 9).remove(0);
        write_chunk(&delta, &|_| true)
    };
    let plain = chunk(plan(TIMING), &[one]);
    assert_eq!(plain[0], 1);
    assert_eq!(chunk(watched(TIMING), &[one])[0], 2);
    // A metric that no alert looks at costs the same bytes under a plan with alerts.
    let mut other = watched(TIMING);
    other.alerts.retain(|alert| alert.metric != 0);
    assert_eq!(chunk(other.clone(), &[one]), plain);
    // And one byte more beside a metric that an alert looks at.
    let added = |of: &Plan| {
        let bytes = |metrics| chunk(of.clone(), &[Sample { metrics, ..one }]).len();
        bytes(3) - bytes(2)
    };
    assert_eq!(added(&other), added(&plan(TIMING)) + 1);
}

/// 1,000 events of 1,000 series with two dimension values of 8 characters each, and their identities: 30 write units of a
/// kilobyte, whether series share their values or not.
#[test]
fn a_batch_of_many_series_is_small() {
    let bytes = |values: fn(usize) -> [String; 2]| {
        let plan = Arc::new(plan(TIMING));
        let events: Vec<_> = (0..1_000_u32)
            .map(|number| Sample {
                identity: u64::from(number),
                time: 1_767_607_200_000 + i64::from(number) % 990,
                delay: Some(20),
                metrics: 1,
                value: 1,
                group: 0,
            })
            .collect();
        let mut made = batch(&plan, &events);
        let series = made.names.series[0].clone();
        made.names.series = (0..1_000)
            .map(|number| {
                let key = SeriesKey::new(values(number).iter().map(String::as_str));
                DeltaSeries { key: Arc::new(key), ..series.clone() }
            })
            .collect();
        for (number, take) in (0..).zip(&mut made.takes) {
            take.series = number;
        }
        let delta = Aggregator::collecting(plan).fold(made);
        [
            write_head(&delta).len(),
            write_chunk(&delta, &|_| true).len(),
            write_ids(&delta.ids).len(),
        ]
        .iter()
        .sum::<usize>()
    };
    let shared = bytes(|number| [number / 25, number % 25].map(|part| format!("name-{part:03}")));
    let alone = bytes(|number| ["brand", "shop_"].map(|name| format!("{name}{number:03}")));
    assert!(shared < 16_000 && alone < 30_000, "{shared} and {alone} bytes");
}

/// Writes an accumulator and reads it again; as many bytes as expected.
#[track_caller]
fn check(accumulator: &Accumulator, bytes: usize) {
    let plan = plan(TIMING);
    let mut writer = Writer::new(1);
    accumulator::write(&mut writer, accumulator);
    let written = writer.finish();
    let kind = usize::try_from(accumulator::kind(accumulator)).unwrap();
    let kind = &plan.metrics[kind].kind;
    assert_eq!(accumulator::kind(accumulator), accumulator::kind_of(kind));
    let again =
        reader::read("sample", 1, &written, |reader, _| accumulator::read(reader, kind)).unwrap();
    assert_eq!((&again, written.len() - 1), (accumulator, bytes));
}

fn decimals(texts: &[&str]) -> Vec<Decimal> {
    texts.iter().map(|text| Decimal::parse(text).unwrap()).collect()
}

fn sum(texts: &[&str]) -> Accumulator {
    let plan = plan(TIMING);
    let mut sum = Accumulator::new(&plan.metrics[1].kind);
    for value in decimals(texts) {
        sum.add(Contribution::Number(value));
    }
    sum
}

fn distribution(texts: &[&str]) -> Distribution {
    let mut sketch = Distribution::default();
    for value in decimals(texts) {
        sketch.add(value);
    }
    sketch
}

fn unique(members: std::ops::Range<u64>) -> Accumulator {
    let mut sketch = Unique::default();
    members.for_each(|member| sketch.add_hash(spread(member)));
    Accumulator::Unique(Box::new(sketch))
}

#[test]
fn counts_and_ratios_are_read_again() {
    check(&Accumulator::Count(0), 1);
    check(&Accumulator::Count(u64::MAX), 9);
    check(&Accumulator::Ratio { part: 3, whole: 300 }, 4);
}

#[test]
fn sums_are_read_again_and_short_decimals_are_short() {
    check(&sum(&[]), 1);
    check(&sum(&["0"]), 2);
    check(&sum(&["1"]), 2);
    check(&sum(&["12.5"]), 4);
    check(&sum(&["-12.5"]), 4);
    check(&sum(&["250", "12.5"]), 1 + 3 + 3 + 3);
    check(&sum(&["0.000000001", "-0.000000001"]), 1 + 1 + 1 + 1);
    // What does not fit 64 bits: as it is.
    check(&sum(&["999999999999999999.999999999"]), 1 + 17);
    check(&sum(&["-999999999999999999.999999999"; 4]), 1 + 3 * 17);
    check(&sum(&["922337203.685477580"]), 1 + 9);
    check(&sum(&["922337203685.47758"]), 1 + 9);
    check(&sum(&["92233720368547758"]), 1 + 9);
    let extreme = |billionths| {
        let value = Decimal::from_billionths(billionths);
        Accumulator::Sum(SumValues { sum: value, count: 1, min: Some(value), max: Some(value) })
    };
    for billionths in [i128::MIN, i128::MAX] {
        check(&extreme(billionths), 1 + 17);
    }
}

#[test]
fn distributions_are_read_again() {
    let sketch = |texts: &[&str]| Accumulator::Distribution(Box::new(distribution(texts)));
    check(&sketch(&[]), 1);
    check(&sketch(&["12.5"]), 1 + 1 + 3);
    check(&sketch(&["12.5", "12.5"]), 1 + 1 + 3 + 3 + 3);
    check(&sketch(&["-1", "0", "1e-9", "999999999999999999"]), 1 + 2 + 2 + 2 + 18 + 1 + 17);
}

#[test]
fn unique_counts_are_read_again_in_each_of_their_forms() {
    check(&unique(0..0), 2);
    check(&unique(0..256), 1 + 3 + 256 * 8);
    check(&unique(0..257), 1 + 3 + 3 * 257);
    check(&unique(0..2_000), 1 + 3 + 3 * 2_000);
    check(&unique(0..300_000), 1 + 3 + 32_768);
}

#[test]
fn journeys_are_read_again() {
    let cohort = Cohort { started: 4, finished: 1, abandoned: 2, time: distribution(&["1800.25"]) };
    check(&Accumulator::Journey(Box::new(cohort)), 3 + 1 + 1 + 5);
}
