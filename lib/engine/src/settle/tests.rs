//! Random runs: when a settle comes, what it may leave out, in how many portions it hands out, and who owns what.

use super::portion::Portion;
use super::samples::{Told, after, deltas, plan, runs, settle, settles_after};
use super::*;
use crate::delta::{Delta, DeltaSeries, Names, Partial};
use crate::newest::Newest;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// At rising watermarks a settle that is not due gives nothing, and without it the rest is the same.
    #[test]
    fn a_settle_that_is_not_due_can_be_left_out(
        (samples, length, settles) in runs(), steps in proptest::collection::vec(1..700_i64, 1..20),
    ) {
        let plan = Arc::new(plan());
        let all = deltas(&plan, &samples, length);
        let mut eager = Settler::new(plan);
        let half = all.len() / 2;
        for (number, delta) in all.iter().enumerate() {
            eager.take(delta.clone());
            if number < half && settles_after(settles, number) {
                settle(&mut eager, delta.watermark);
            }
        }
        let mut watermark = eager.watermark().unwrap_or(Timestamp::from_millis(9_000));
        settle(&mut eager, Some(watermark));
        let mut lazy = eager.clone();
        let (mut told_eager, mut told_lazy) = (Told::default(), Told::default());
        for step in steps {
            watermark = watermark.plus(step);
            let is_due = eager.is_due(watermark);
            prop_assert!(is_due == eager.next_moment().is_some_and(|moment| moment < watermark));
            let decisions = settle(&mut eager, Some(watermark));
            prop_assert!(is_due || decisions.points.is_empty() && decisions.increments.is_empty() && decisions.transitions.is_empty());
            told_eager.add(decisions);
            if is_due {
                told_lazy.add(settle(&mut lazy, Some(watermark)));
            }
        }
        let end = Some(after(&all).max(watermark));
        told_eager.add(settle(&mut eager, end));
        told_lazy.add(settle(&mut lazy, end));
        prop_assert_eq!(told_eager, told_lazy);
        prop_assert_eq!(eager.encode(), lazy.encode());
    }

    /// Partitions together tell what one settler tells, each of its own metrics, and nothing else costs them anything.
    #[test]
    fn partitions_tell_together_what_one_settler_tells(
        (samples, length, settles) in runs(), partition_of in proptest::collection::vec(0..3_usize, 8),
    ) {
        let plan = Arc::new(plan());
        let all = deltas(&plan, &samples, length);
        let mut whole = Settler::new(Arc::clone(&plan));
        let told = Told::of(&mut whole, &all, settles);
        for partition in 0..3 {
            let owns = |place: usize| partition_of[place] == partition;
            let mut part = Settler::of(Arc::clone(&plan), |metric| owns(metric.name.parse().unwrap()));
            prop_assert_eq!(Told::of(&mut part, &all, settles), told.only(owns));
            for (place, (own, full)) in part.counters().iter().zip(whole.counters()).enumerate() {
                prop_assert_eq!(*own, if owns(place) { full } else { MetricCounters::default() });
            }
            prop_assert!(part.metrics.iter().enumerate().all(|(place, state)| state.is_some() == owns(place)));
        }
    }

    /// Whatever a portion holds, all comes out, in the same order; and what is left over is stored with the rest.
    #[test]
    fn small_portions_change_neither_what_comes_out_nor_its_order(
        (samples, length, settles) in runs(), portion_bytes in 1..600_usize,
    ) {
        let plan = Arc::new(plan());
        let all = deltas(&plan, &samples, length);
        let mut whole = Settler::new(Arc::clone(&plan));
        let mut cut = whole.clone();
        let (mut told, mut told_cut) = (Told::default(), Told::default());
        let mut told_to = None;
        for (number, delta) in all.iter().enumerate() {
            whole.take(delta.clone());
            cut.take(delta.clone());
            let (true, Some(watermark)) = (settles_after(settles, number), delta.watermark)
            else {
                continue;
            };
            told.add(settle(&mut whole, Some(watermark)));
            loop {
                let mut decisions = Decisions::default();
                let portion = Portion::of(portion_bytes);
                let progress = cut.settle_within(watermark, portion, &mut decisions);
                // Whoever is told of transitions has heard of all before this.
                for one in &decisions.transitions {
                    let moment = one.at.plus(plan.lag_of(&plan.alerts[one.alert]));
                    prop_assert!(Some(moment) >= told_to, "{:?} was told to {:?}", one, told_to);
                }
                told_to = cut.told_to();
                told_cut.add(decisions);
                let stored = cut.encode();
                cut = Settler::decode(Arc::clone(&plan), |_| true, &stored).unwrap();
                prop_assert_eq!(cut.encode(), stored);
                if progress == Progress::Done {
                    break;
                }
                prop_assert!(cut.is_due(watermark));
            }
        }
        prop_assert_eq!(told, told_cut);
        prop_assert_eq!(whole.encode(), cut.encode());
    }
}

/// A moment at which many series are decided comes out in portions, and what it decided is final for what comes between.
#[test]
fn a_moment_larger_than_a_portion_is_decided_once() {
    let plan = Arc::new(Plan { metrics: plan().metrics.drain(..1).collect(), ..plan() });
    let window = WindowSpan { start: Timestamp::EPOCH, end: Timestamp::from_millis(1_000) };
    let series = |number: u32| DeltaSeries {
        metric: 0,
        key: Arc::new(SeriesKey::new([number.to_string().as_str(), ""])),
    };
    let partial = |number| Partial {
        series: number,
        window: 0,
        events: 1,
        latest: window.start,
        accumulator: Accumulator::Count(1),
        newest: Newest::default(),
    };
    let delta = Delta {
        names: Names { series: (0..50).map(series).collect(), windows: vec![window] },
        partials: (0..50).map(partial).collect(),
        ..Delta::default()
    };
    let mut settler = Settler::new(plan);
    settler.take(delta.clone());
    let final_at = Timestamp::from_millis(1_100);
    let mut decisions = Decisions::default();
    let progress = settler.settle_within(final_at.plus(1), Portion::of(500), &mut decisions);
    assert_eq!((progress, decisions.points.len()), (Progress::More, 10));
    assert_eq!(settler.watermark(), Some(final_at.plus(1)));
    settler.take(delta);
    let rest = settle(&mut settler, Some(final_at.plus(2)));
    assert_eq!(rest.points.len(), 40 + 50, "the rest, and a correction of each");
}
