//! A shard's state: however it came about, it goes on in the same way.

use super::samples::{
    HORIZON_MS, OUT_OF_ORDER_MS, Sample, TIMING, batch, plan, plan_with_identity, samples,
};
use super::*;
use crate::delta::Ids;
use crate::output::Counters;
use crate::plan::Timing;
use crate::stored::{read_head, read_ids, write_head, write_ids};
use proptest::prelude::*;

/// The shard after these batches, with the last delta.
fn folded(plan: &Arc<Plan>, batches: &[&[Sample]]) -> Aggregator {
    let mut state = Aggregator::collecting(Arc::clone(plan));
    for samples in batches {
        state.fold(batch(plan, samples));
    }
    state
}

/// The state after what a log would hold of these batches.
fn taken_up(mut state: Aggregator, plan: &Arc<Plan>, batches: &[&[Sample]]) -> Aggregator {
    let mut folds = state.clone();
    for samples in batches {
        let delta = folds.fold(batch(plan, samples));
        let head = read_head(&write_head(&delta)).unwrap();
        state.take_up(&head, &read_ids(&write_ids(&delta.ids)).unwrap());
    }
    state
}

fn stored(state: &Aggregator) -> Aggregator {
    Aggregator::decode(Arc::clone(&state.plan), &state.encode()).unwrap()
}

/// Folds the same batches into all states: their deltas are the same, and so are their bytes afterwards.
#[track_caller]
fn check_same(mut states: Vec<Aggregator>, batches: &[&[Sample]]) {
    for samples in batches {
        let mut deltas = states.iter_mut().map(|state| state.fold(batch(&state.plan, samples)));
        let first = deltas.next().unwrap();
        for delta in deltas {
            assert_eq!(delta, first);
        }
    }
    let bytes: Vec<_> = states.iter().map(Aggregator::encode).collect();
    assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]), "{bytes:?}");
}

fn cut(samples: &[Sample], length: usize) -> Vec<&[Sample]> {
    samples.chunks(length).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_restored_state_goes_on_as_one_that_was_never_away(
        samples in samples(), length in 1..30_usize, at in 0..10_usize, snapshot in 0..10_usize,
        deduplicates in any::<bool>(),
    ) {
        let deduplicate = deduplicates.then_some(HORIZON_MS);
        let plan = Arc::new(plan(Timing { deduplicate, ..TIMING }));
        let batches = cut(&samples, length);
        let (before, after) = batches.split_at(at.min(batches.len()));
        let (first, then) = before.split_at(snapshot.min(before.len()));
        let whole = folded(&plan, before);
        let logged = taken_up(Aggregator::collecting(Arc::clone(&plan)), &plan, before);
        let cold = taken_up(stored(&folded(&plan, first)), &plan, then);
        check_same(vec![stored(&whole), stored(&logged), whole, logged, cold], after);
    }

    #[test]
    fn a_state_that_was_stored_without_identities_goes_on_once_it_has_recalled_them(
        samples in samples(), length in 1..30_usize, at in 0..10_usize,
    ) {
        let plan = Arc::new(plan(TIMING));
        let batches = cut(&samples, length);
        let (before, after) = batches.split_at(at.min(batches.len()));
        let mut whole = Aggregator::collecting(Arc::clone(&plan));
        let folded: Vec<_> =
            before.iter().map(|part| whole.fold(batch(&plan, part)).ids).collect();
        let thin = whole.encode_without_ids();
        prop_assert!(thin.len() < 100, "{} bytes", thin.len());
        let mut restored = Aggregator::decode(plan, &thin).unwrap();
        prop_assert_eq!(restored.remembered(), []);
        // Also those that are forgotten, and some twice.
        for ids in folded.iter().chain(folded.last()) {
            restored.recall(ids);
        }
        prop_assert_eq!(restored.remembered(), whole.remembered());
        prop_assert_eq!(restored.oldest_generation(), whole.oldest_generation());
        check_same(vec![restored, whole], after);
    }

    #[test]
    fn the_only_child_of_a_shard_and_the_same_plan_again_go_on_as_the_shard(
        samples in samples(), length in 1..30_usize, at in 0..10_usize,
    ) {
        let plan = Arc::new(plan(TIMING));
        let batches = cut(&samples, length);
        let (before, after) = batches.split_at(at.min(batches.len()));
        let parent = folded(&plan, before);
        let child = Aggregator::child(Arc::clone(&plan), &[stored(&parent)]);
        check_same(vec![parent.under(Arc::clone(&plan)), stored(&child), parent, child], after);
    }

    #[test]
    fn collecting_changes_nothing_else(samples in samples(), length in 1..30_usize) {
        let plan = Arc::new(plan(TIMING));
        let mut collecting = Aggregator::collecting(Arc::clone(&plan));
        let mut plain = Aggregator::new(Arc::clone(&plan));
        for part in cut(&samples, length) {
            let mut delta = collecting.fold(batch(&plan, part));
            let Counters { counted, late, .. } = delta.counters;
            prop_assert!((counted..=counted + late).contains(&events(delta.ids.len())));
            delta.ids = Ids::default();
            prop_assert_eq!(delta, plain.fold(batch(&plan, part)));
        }
    }

    #[test]
    fn a_merged_shard_finds_copies_as_a_list_of_all_events_does(
        one in samples(), other in samples(), behind in -6_000..6_000_i64, child in samples(),
    ) {
        let plan = Arc::new(plan(TIMING));
        let moved = |by: i64| move |sample: &Sample| Sample { time: sample.time + by, ..*sample };
        let other: Vec<_> = other.iter().map(moved(behind)).collect();
        let child: Vec<_> = child.iter().map(moved(behind.max(0))).collect();
        let parents = [folded(&plan, &[&one]), folded(&plan, &[&other])];
        let mut state = Aggregator::child(Arc::clone(&plan), &parents);
        let mut model = Model::merged(&[Model::folded(&one), Model::folded(&other)]);
        for sample in &child {
            let delta = state.fold(batch(&plan, &[*sample]));
            prop_assert_eq!(what_became(&delta), model.fold(sample), "{:?}", sample);
        }
        let again = stored(&state);
        prop_assert_eq!(again.watermark(), state.watermark());
        prop_assert_eq!(again.encode(), state.encode());
    }

    #[test]
    fn another_plan_takes_over_the_same_from_a_state_and_from_its_bytes(
        samples in samples(), horizon in 1..9_000_i64, out_of_order in 0..5_000_i64, after in samples(),
    ) {
        let timing = Timing { deduplicate: Some(horizon), out_of_order, ..TIMING };
        let (old, new) = (Arc::new(plan(TIMING)), Arc::new(plan(timing)));
        let state = folded(&old, &cut(&samples, 20));
        let under = state.under(Arc::clone(&new));
        check_same(vec![stored(&state).under(new), stored(&under), under], &cut(&after, 20));
    }
}

/// What became of the one event of a batch, as far as its identity decides.
#[derive(Debug, PartialEq)]
enum Became {
    Filtered,
    Duplicate,
    /// It could be a forgotten copy.
    TooOld,
    /// Its identity is remembered from now on.
    New,
}

fn what_became(delta: &Delta) -> Became {
    match delta.counters {
        Counters { filtered: 1, .. } => Became::Filtered,
        Counters { duplicate: 1, .. } => Became::Duplicate,
        _ if delta.ids.is_empty() => Became::TooOld,
        _ => Became::New,
    }
}

/// The rules of design: all identities that ever came, in a list.
#[derive(Default)]
struct Model {
    furthest: Option<i64>,
    /// The largest watermark of a parent.
    horizon_from: Option<i64>,
    seen: Vec<(u64, i64)>,
}

impl Model {
    fn folded(samples: &[Sample]) -> Self {
        let mut model = Self::default();
        for sample in samples {
            model.fold(sample);
        }
        model
    }

    fn merged(parents: &[Self]) -> Self {
        let watermarks = parents.iter().map(Self::watermark);
        Self {
            furthest: parents.iter().map(|parent| parent.furthest).min().flatten(),
            horizon_from: watermarks.max().flatten(),
            seen: parents.iter().flat_map(|parent| parent.seen.clone()).collect(),
        }
    }

    fn watermark(&self) -> Option<i64> {
        self.furthest.map(|furthest| furthest - OUT_OF_ORDER_MS)
    }

    fn fold(&mut self, sample: &Sample) -> Became {
        let end = self.watermark().max(self.horizon_from);
        let event = batch(&plan(TIMING), &[*sample]).events[0];
        self.furthest = self.furthest.max(Some(event.advance.as_millis()));
        if event.takes == 0 {
            return Became::Filtered;
        }
        if end.is_some_and(|end| sample.time < end - HORIZON_MS) {
            return Became::TooOld;
        }
        let generation_ms = HORIZON_MS / 10;
        let remembered = |time: i64| {
            let generation_end = (time.div_euclid(generation_ms) + 1) * generation_ms;
            end.is_none_or(|end| generation_end > end - HORIZON_MS)
        };
        if self.seen.iter().any(|&(known, time)| known == sample.identity && remembered(time)) {
            return Became::Duplicate;
        }
        self.seen.push((sample.identity, sample.time));
        Became::New
    }
}

/// One event that a count takes.
const fn event(identity: u64, time: i64) -> Sample {
    Sample { identity, time, delay: None, metrics: 1, value: 1, group: 0 }
}

/// Folds one event after the others, under another plan.
fn check_under(timing: Timing, before: &[Sample], then: Sample, expect: &Became) {
    let state = folded(&Arc::new(plan(TIMING)), &[before]);
    let plan = Arc::new(plan(timing));
    let delta = state.under(Arc::clone(&plan)).fold(batch(&plan, &[then]));
    assert_eq!(what_became(&delta), *expect, "{then:?}");
}

#[test]
fn a_longer_horizon_reaches_back_to_what_was_remembered_and_no_further() {
    let longer = Timing { deduplicate: Some(2 * HORIZON_MS), ..TIMING };
    // The watermark is at 9,700: remembered is what happened from 7,700 on.
    let before = [event(1, 7_000), event(2, 8_000), event(3, 10_000)];
    check_under(longer, &before, event(2, 8_000), &Became::Duplicate);
    check_under(longer, &before, event(4, 7_700), &Became::New);
    check_under(longer, &before, event(4, 7_699), &Became::TooOld);
}

#[test]
fn a_shorter_horizon_keeps_what_it_needs() {
    let shorter = Timing { deduplicate: Some(HORIZON_MS / 2), ..TIMING };
    let before = [event(2, 9_000), event(3, 10_000)];
    check_under(shorter, &before, event(2, 9_000), &Became::Duplicate);
    check_under(shorter, &before, event(4, 8_700), &Became::New);
    check_under(shorter, &before, event(4, 8_699), &Became::TooOld);
}

#[test]
fn a_wider_disorder_does_not_bring_back_what_was_forgotten() {
    let wider = Timing { out_of_order: OUT_OF_ORDER_MS + 1_000, ..TIMING };
    let before = [event(1, 7_000), event(3, 10_000)];
    check_under(wider, &before, event(1, 7_000), &Became::TooOld);
    check_under(wider, &before, event(4, 7_700), &Became::New);
}

#[test]
fn a_plan_that_tells_events_apart_by_other_fields_begins_without_memory_and_as_far_as_the_shard_is()
{
    let before = [event(1, 9_000), event(3, 10_000)];
    let state = folded(&Arc::new(plan(TIMING)), &[&before]);
    for (fields, expect) in [
        (&["id"][..], Became::New),
        (&["id", "source"], Became::New),
        (&["source", "id"], Became::Duplicate),
    ] {
        let plan = Arc::new(plan_with_identity(fields));
        let mut under = state.under(Arc::clone(&plan));
        assert_eq!(under.watermark(), state.watermark());
        assert_eq!(
            what_became(&under.fold(batch(&plan, &[event(1, 9_000)]))),
            expect,
            "{fields:?}"
        );
    }
}

#[test]
fn without_deduplication_nothing_is_remembered() {
    let off = Timing { deduplicate: None, ..TIMING };
    let state = folded(&Arc::new(plan(TIMING)), &[&[event(1, 9_000), event(3, 10_000)]]);
    let plan = Arc::new(plan(off));
    let delta =
        state.under(Arc::clone(&plan)).fold(batch(&plan, &[event(1, 9_000), event(1, 9_000)]));
    assert_eq!((delta.counters.counted, delta.ids.len()), (2, 0));
}

#[test]
fn stamps_of_a_merged_shard_go_on_from_the_smaller_watermark_of_its_parents() {
    let plan = Arc::new(plan(TIMING));
    let parents = [folded(&plan, &[&[event(1, 10_000)]]), folded(&plan, &[&[event(2, 11_000)]])];
    let child = Aggregator::child(Arc::clone(&plan), &parents);
    assert_eq!(child.watermark(), parents[0].watermark());
    let fresh = Aggregator::collecting(Arc::clone(&plan));
    let [first, _] = parents;
    assert_eq!(Aggregator::child(plan, &[first, fresh]).watermark(), None);
}

/// A shard that stood still for months, with a short horizon, is merged with one that went on.
#[test]
fn parents_that_are_far_apart_are_merged() {
    let plan = Arc::new(plan(TIMING));
    let month = 30 * 86_400_000;
    let parents = [folded(&plan, &[&[event(1, 10_000)]]), folded(&plan, &[&[event(2, month)]])];
    let mut child = Aggregator::child(Arc::clone(&plan), &parents);
    for (sample, expect) in [
        (event(1, 10_000), Became::TooOld),
        (event(2, month), Became::Duplicate),
        (event(1, month), Became::New),
    ] {
        assert_eq!(what_became(&child.fold(batch(&plan, &[sample]))), expect, "{sample:?}");
    }
}
