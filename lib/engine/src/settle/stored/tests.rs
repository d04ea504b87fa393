//! What is stored goes on as if it had not been, old forms stay readable, and bytes that nobody wrote are an error.

use super::*;
use crate::aggregate::samples::{Sample, TIMING};
use crate::settle::portion::Portion;
use crate::settle::samples::{Told, after, deltas, plan, runs, settle, settles_after};
use crate::settle::{Decisions, ShardId, ShardListing, Watermarks};
use proptest::prelude::*;

fn decode(plan: &Arc<Plan>, bytes: &[u8]) -> Result<Settler, StoredError> {
    Settler::decode(Arc::clone(plan), |_| true, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_settler_that_was_stored_goes_on_alike((samples, length, settles) in runs(), stored in any::<u64>()) {
        let plan = Arc::new(plan());
        let all = deltas(&plan, &samples, length);
        let mut kept = Settler::new(Arc::clone(&plan));
        let mut restored = kept.clone();
        let (mut told, mut told_restored) = (Told::default(), Told::default());
        for (number, delta) in all.iter().enumerate() {
            kept.take(delta.clone());
            restored.take(delta.clone());
            if settles_after(settles, number) {
                told.add(settle(&mut kept, delta.watermark));
                told_restored.add(settle(&mut restored, delta.watermark));
            }
            if settles_after(stored, number) {
                let bytes = restored.encode();
                prop_assert_eq!(&bytes, &kept.encode());
                restored = decode(&plan, &bytes).unwrap();
                prop_assert_eq!(bytes, restored.encode());
            }
        }
        let stop = after(&all).minus(4_000);
        prop_assert_eq!(kept.open_points(stop), restored.open_points(stop));
        told.add(settle(&mut kept, Some(after(&all))));
        told_restored.add(settle(&mut restored, Some(after(&all))));
        prop_assert_eq!(told, told_restored);
        prop_assert_eq!(kept.counters(), restored.counters());
    }

    #[test]
    fn bytes_that_nobody_wrote_are_an_error_or_another_state(
        (samples, length, settles) in runs(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let plan = Arc::new(plan());
        let all = deltas(&plan, &samples, length);
        let mut settler = Settler::new(Arc::clone(&plan));
        Told::of(&mut settler, &all, settles);
        for delta in all {
            settler.take(delta);
        }
        let mut bytes = settler.encode();
        let place = place.index(bytes.len());
        prop_assert!(decode(&plan, &bytes[..place]).is_err());
        bytes[place] ^= byte;
        if let Ok(other) = decode(&plan, &bytes) {
            other.encode();
        }
    }

    #[test]
    fn random_bytes_are_never_more_than_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let plan = Arc::new(plan());
        let with_version = [&[1], &bytes[..]].concat();
        for either in [&bytes, &with_version] {
            drop(decode(&plan, either));
            drop(Watermarks::decode(plan.timing, either));
        }
    }
}

#[test]
fn a_state_of_other_definitions_or_another_partition_is_refused() {
    let plan = Arc::new(plan());
    let stored = Settler::new(Arc::clone(&plan)).encode();
    assert!(decode(&plan, &stored).is_ok());
    assert!(Settler::decode(Arc::clone(&plan), |metric| metric.name != "3", &stored).is_err());
    let mut other = Plan::clone(&plan);
    other.metrics[3].definition = "another".to_owned();
    assert!(decode(&Arc::new(other), &stored).is_err());
}

#[test]
fn a_newer_format_is_told_apart() {
    let plan = Arc::new(plan());
    let mut stored = Settler::new(Arc::clone(&plan)).encode();
    stored[0] += 1;
    assert!(matches!(
        decode(&plan, &stored),
        Err(StoredError::Newer { version: 4, newest: 3, .. })
    ));
}

/// A state with something in every part: windows, corrections, names, steps, journeys, increments, points left over.
fn everything(plan: &Arc<Plan>) -> Settler {
    let sample = |(identity, time, metrics): (u64, i64, u8)| Sample {
        identity,
        time,
        delay: None,
        metrics,
        value: i64::try_from(identity % 7).unwrap() - 3,
        group: u8::try_from(identity % 5).unwrap(),
    };
    let times =
        (0..40).map(|number| 10_000 + i64::from(number) * 130 - i64::from(number % 4) * 600);
    let events: Vec<_> =
        (0..).zip(times).map(|(identity, time)| sample((identity, time, 0xff))).collect();
    let mut settler = Settler::new(Arc::clone(plan));
    let mut batches = deltas(plan, &events, 10).into_iter();
    for delta in batches.by_ref().take(3) {
        let watermark = delta.watermark;
        settler.take(delta);
        settle(&mut settler, watermark);
    }
    let later = settler.watermark().unwrap().plus(1_200);
    settler.settle_within(later, Portion::of(200), &mut Decisions::default());
    batches.for_each(|delta| settler.take(delta));
    settler
}

fn shards() -> Watermarks {
    let mut all = Watermarks::new(TIMING);
    let listing = |&(id, parents): &(&str, &[&str])| ShardListing {
        id: ShardId::from(id),
        parents: parents.iter().map(|&parent| ShardId::from(parent)).collect(),
    };
    let listed: [(&str, &[&str]); 5] =
        [("s/0", &[]), ("s/1", &[]), ("s/2", &["s/0", "s/1"]), ("s/3", &[]), ("s/4", &["s/9"])];
    all.list(&listed.iter().map(listing).collect::<Vec<_>>());
    let at = Timestamp::from_millis;
    for (shard, watermark) in [("s/0", 5_000), ("s/1", 4_000), ("s/3", 3_000)] {
        all.progress(&shard.into(), at(watermark), at(10_000));
    }
    all.finished(&"s/0".into());
    all.idle(&"s/4".into(), at(9_000));
    all.behind(&"s/3".into(), at(9_500));
    all.combined(at(10_600));
    all
}

#[test]
fn watermarks_that_were_stored_go_on_alike() {
    let mut kept = shards();
    let mut restored = Watermarks::decode(TIMING, &kept.encode()).unwrap();
    assert_eq!(kept, restored);
    assert_eq!(kept.left_out().count(), 1, "something is left out");
    let now = Timestamp::from_millis(20_000);
    assert_eq!(kept.combined(now), restored.combined(now));
    assert_eq!(kept, restored);
}

/// The bytes of a format that was ever written must load and mean what they meant.
///
/// Logs hold them: if this fails, the writer has changed. Give it a new version, and keep the reader of this one.
#[track_caller]
fn check_format(fixture: &str, written: &[u8]) {
    if bytes_of(fixture) != written {
        let line =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        let lines: Vec<_> = written.chunks(60).map(|bytes| line(bytes).concat()).collect();
        panic!("the format has changed; now it is\n{}", lines.join("\n"));
    }
}

fn bytes_of(fixture: &str) -> Vec<u8> {
    let hex: String = fixture.split_whitespace().collect();
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// It was written when there were no alerts yet: they begin when it is loaded.
#[test]
fn format_1_of_the_state_loads() {
    let plan = Arc::new(plan());
    let mut state = everything(&plan);
    let mut loaded = decode(&plan, &bytes_of(include_str!("fixtures/settler-1.hex"))).unwrap();
    let end = Some(Timestamp::from_millis(30_000));
    let (told, expect) = (settle(&mut loaded, end), settle(&mut state, end));
    assert_eq!((told.points, told.increments), (expect.points, expect.increments));
}

/// In it alerts without groups count from the first event.
#[test]
fn format_2_of_the_state_loads() {
    let plan = Arc::new(plan());
    let loaded = decode(&plan, &bytes_of(include_str!("fixtures/settler-2.hex"))).unwrap();
    assert_eq!(loaded.encode(), everything(&plan).encode());
}

#[test]
fn format_3_of_the_state_loads() {
    let plan = Arc::new(plan());
    let state = everything(&plan);
    assert!(!state.increments.is_empty() && !state.left_over.is_empty());
    assert!(!state.untold.is_empty() && state.evaluator.next_moment().is_some());
    assert!(state.agenda.iter().any(|&(.., closing)| closing == Closing::Correction));
    check_format(include_str!("fixtures/settler-3.hex"), &state.encode());
    let mut loaded = decode(&plan, &state.encode()).unwrap();
    let end = Some(Timestamp::from_millis(30_000));
    let (told, expect) = (settle(&mut loaded, end), settle(&mut state.clone(), end));
    assert_eq!((told.points, told.increments), (expect.points, expect.increments));
    assert_eq!(told.transitions, expect.transitions);
}

#[test]
fn format_1_of_the_watermarks_loads() {
    check_format(include_str!("fixtures/watermarks-1.hex"), &shards().encode());
}
