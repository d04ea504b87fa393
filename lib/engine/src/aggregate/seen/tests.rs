//! The table against a list that remembers everything and is asked one by one.

use super::*;
use proptest::prelude::*;

const HORIZON_MS: Millis = 1_000;
const OUT_OF_ORDER_MS: Millis = 300;

/// All that ever came, with the rule of the horizon applied to each question.
#[derive(Default)]
struct Everything {
    came: Vec<(u64, i64)>,
    furthest: Option<i64>,
}

impl Everything {
    fn insert(&mut self, identity: u64, time: i64) -> bool {
        let stamp = self.furthest.map(|furthest| furthest - OUT_OF_ORDER_MS);
        let generation_ms = HORIZON_MS / 10;
        let remembered = |at: i64| {
            let generation_end = (at.div_euclid(generation_ms) + 1) * generation_ms;
            stamp.is_none_or(|stamp| generation_end > stamp - HORIZON_MS)
        };
        let is_new = !self.came.iter().any(|&(came, at)| came == identity && remembered(at));
        self.furthest = self.furthest.max(Some(time));
        if is_new {
            self.came.push((identity, time));
        }
        is_new
    }
}

/// Asks both about a run of identities and times; events behind the horizon never get to the table.
fn check(run: impl IntoIterator<Item = (u64, i64)>) {
    let mut seen = Seen::new(HORIZON_MS, OUT_OF_ORDER_MS);
    let mut everything = Everything::default();
    for (identity, time) in run {
        let stamp = everything.furthest.map(|furthest| furthest - OUT_OF_ORDER_MS);
        if stamp.is_some_and(|stamp| stamp - HORIZON_MS > time) {
            continue;
        }
        let expected = everything.insert(identity, time);
        let watermark = everything.furthest.unwrap_or(time) - OUT_OF_ORDER_MS;
        let got = seen.insert(
            identity,
            Timestamp::from_millis(time),
            stamp.map(Timestamp::from_millis),
            Timestamp::from_millis(watermark),
        );
        assert_eq!(got.is_some(), expected, "identity {identity:#x} at {time}");
    }
}

/// Spreads small numbers over the whole table, as a hash does.
const fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[test]
fn a_copy_is_found_and_forgotten_with_its_generation() {
    check([(1, 0), (1, 0), (2, 1_299), (1, 100), (2, 1_400), (1, 1_400), (3, 2_699), (1, 1_400)]);
}

#[test]
fn identities_that_hash_to_zero_or_collide_in_a_bucket_are_kept_apart() {
    check([(0, 0), (2, 0), (0, 1), (2, 1)]);
    // All in one bucket and its neighbours: the top bits are the same.
    check((0..200_u64).chain(0..200).map(|number| (number + 2, 10)));
}

#[test]
fn a_jump_ahead_by_years_forgets_what_was_before() {
    check([
        (1, 0),
        (2, 50_000_000_000),
        (1, 50_000_000_000),
        (2, 50_000_000_001),
        (3, 90_000_000_000_000),
    ]);
}

#[test]
fn the_table_does_not_grow_with_the_length_of_the_stream() {
    let mut seen = Seen::new(HORIZON_MS, OUT_OF_ORDER_MS);
    let mut sizes = Vec::new();
    for number in 0..400_000_u64 {
        let time = Timestamp::from_millis(i64::try_from(number / 2).unwrap());
        let watermark = time.minus(OUT_OF_ORDER_MS);
        assert!(seen.insert(spread(number), time, Some(watermark), watermark).is_some());
        if number % 100_000 == 99_999 {
            sizes.push(seen.buckets.len());
        }
    }
    // About 2,800 identities are remembered at a time.
    assert!(sizes.iter().all(|&size| size * BUCKET_SLOTS < 20_000), "{sizes:?}");
}

proptest! {
    #[test]
    fn any_run_is_answered_as_by_a_list(run in proptest::collection::vec((0..40_u64, 0..4_000_i64), 1..400)) {
        let mut run: Vec<_> = run.into_iter().map(|(identity, time)| (spread(identity), time)).collect();
        check(run.iter().copied());
        run.sort_by_key(|&(_, time)| time / 500);
        check(run);
    }
}

/// What is stored is sorted, so a table that grew while it comes in would have it all at one end.
#[test]
fn many_stored_identities_are_remembered_again() {
    let watermark = Timestamp::from_millis(10_000);
    let mut hashes: Vec<u64> = (1..=60_000).map(spread).collect();
    hashes.sort_unstable();
    let ids = Ids { generations: vec![(100, hashes.clone()), (95, vec![7]), (89, vec![9])] };
    let mut seen = Seen::new(HORIZON_MS, OUT_OF_ORDER_MS);
    seen.remember(&ids, watermark);
    assert!(seen.buckets.len() * BUCKET_SLOTS < 4 * hashes.len());
    // The 89th ended before the horizon.
    let remembered = Ids { generations: vec![(95, vec![7]), (100, hashes)] };
    assert_eq!(seen.remembered(watermark), remembered);
}

#[test]
fn what_is_farther_ahead_than_can_be_held_is_remembered_as_long_as_can_be() {
    let watermark = Timestamp::from_millis(10_000);
    let hashes: Vec<u64> = (1..=200_u64).map(|number| number << 32).collect();
    let mut seen = Seen::new(HORIZON_MS, OUT_OF_ORDER_MS);
    seen.remember(&Ids { generations: vec![(i64::MAX, hashes.clone())] }, watermark);
    let last = 90 + i64::from(u16::MAX);
    assert_eq!(seen.remembered(watermark), Ids { generations: vec![(last, hashes)] });
}
