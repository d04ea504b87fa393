//! Buckets by hand; percentiles against sorted values; merges in any order.

use super::*;
use proptest::prelude::*;

const LARGEST: i128 = 999_999_999_999_999_999_999_999_999;

fn of(values: &[i128]) -> Distribution {
    let mut distribution = Distribution::default();
    for &value in values {
        distribution.add(Decimal::from_billionths(value));
    }
    distribution
}

#[test]
fn buckets_by_hand() {
    fn check(billionths: i128, expect: i32) {
        assert_eq!(index_of(billionths), expect, "{billionths}");
        assert_eq!(index_of(-billionths), -expect, "-{billionths}");
    }
    check(0, 0);
    check(1, 1);
    check(127, 127);
    check(128, 128);
    check(255, 255);
    check(256, 256);
    check(257, 256);
    check(258, 257);
    check(511, 383);
    check(512, 384);
    check(515, 384);
    check(516, 385);
    check(LARGEST, 10_702);
    check(i128::MAX, 15_487);
    assert_eq!(index_of(i128::MIN).unsigned_abs(), INDEX_MAX);
    assert_eq!(BUCKETS_MAX, 30_977);
}

#[test]
fn nothing_has_no_percentile() {
    let empty = Distribution::default();
    assert_eq!(empty.percentile(500), None);
    assert_eq!((empty.min(), empty.max(), empty.sum()), (None, None, Decimal::ZERO));
    let mut same = Distribution::default();
    same.add_n(Decimal::from_billionths(5), 0);
    same.merge(&empty);
    assert_eq!(same, empty);
}

#[test]
fn ranks_are_nearest() {
    fn check(tenths_of_percent: u32, count: u64, expect: u64) {
        assert_eq!(rank(tenths_of_percent, count), Some(expect), "p{tenths_of_percent} of {count}");
    }
    check(500, 1, 1);
    check(500, 2, 1);
    check(500, 3, 2);
    check(900, 10, 9);
    check(901, 10, 10);
    check(999, 1000, 999);
    check(999, 1001, 1000);
    check(0, 10, 1);
    check(1000, 10, 10);
    check(5000, 10, 10);
    check(999, u64::MAX, 18_428_297_329_635_842_064);
    assert_eq!(rank(500, 0), None);
}

#[test]
fn equal_values_are_exact() {
    let mut prices = Distribution::default();
    prices.add_n(Decimal::parse("19.99").unwrap(), 1000);
    prices.add_n(Decimal::parse("4.5").unwrap(), 10);
    prices.add_n(Decimal::parse("250").unwrap(), 10);
    assert_eq!(prices.percentile(500).unwrap().to_string(), "19.99");
    assert_eq!(prices.percentile(1).unwrap().to_string(), "4.5");
    assert_eq!(prices.percentile(999).unwrap().to_string(), "250");
    assert_eq!(prices.sum().to_string(), "22535");
    assert_eq!(
        prices.buckets().map(|bucket| bucket.mean().to_string()).collect::<Vec<_>>(),
        ["4.5", "19.99", "250"]
    );
}

#[test]
fn the_extremes_are_exact_inside_a_bucket() {
    let bucket = of(&[1000, 1001, 1003, 1003]);
    assert_eq!(bucket.buckets().len(), 1);
    let percentiles = [1, 500, 1000].map(|tenths| bucket.percentile(tenths).unwrap().billionths());
    assert_eq!(percentiles, [1000, 1002, 1003]);
}

#[test]
fn means_are_half_to_even() {
    fn check(sum: i128, count: u64, expect: i128) {
        assert_eq!(mean(sum, count).billionths(), expect, "{sum} / {count}");
        assert_eq!(mean(-sum, count).billionths(), -expect, "-{sum} / {count}");
    }
    check(5, 2, 2);
    check(7, 2, 4);
    check(10, 3, 3);
    check(11, 3, 4);
    check(i128::MAX, 1, i128::MAX);
}

#[test]
fn sums_that_leave_the_room_and_come_back_are_right() {
    let mut distribution = Distribution::default();
    let half = Decimal::from_billionths(i128::MAX / 2);
    distribution.add_n(half, 3);
    distribution.add_n(Decimal::from_billionths(-(i128::MAX / 2)), 3);
    distribution.add(Decimal::from_billionths(7));
    assert_eq!(distribution.sum(), Decimal::from_billionths(7));
}

#[test]
fn the_largest_and_the_smallest_values_fit() {
    let values = [i128::MIN, i128::MIN + 1, -LARGEST, -1, 0, 1, LARGEST, i128::MAX];
    let distribution = of(&values);
    assert_eq!(distribution.min(), Some(Decimal::from_billionths(i128::MIN)));
    assert_eq!(distribution.max(), Some(Decimal::from_billionths(i128::MAX)));
    assert_eq!(distribution.percentile(500), Some(Decimal::from_billionths(-1)));
}

#[test]
fn what_is_no_distribution_is_not_restored() {
    let decimal = Decimal::from_billionths;
    let bucket = |count, sum| Bucket { count, sum: decimal(sum) };
    assert_eq!(Distribution::from_buckets(decimal(1001), decimal(1000), [bucket(2, 2001)]), None);
    assert!(
        Distribution::from_buckets(decimal(5), decimal(9), [bucket(1, 5), bucket(1, 9)]).is_some()
    );
    assert_eq!(Distribution::from_buckets(decimal(5), decimal(9), []), None);
    assert_eq!(Distribution::from_buckets(decimal(5), decimal(5), [bucket(0, 0)]), None);
    assert_eq!(
        Distribution::from_buckets(decimal(9), decimal(5), [bucket(1, 5), bucket(1, 9)]),
        None
    );
    assert_eq!(
        Distribution::from_buckets(decimal(4), decimal(9), [bucket(1, 5), bucket(1, 9)]),
        None
    );
    assert_eq!(
        Distribution::from_buckets(decimal(5), decimal(8), [bucket(1, 5), bucket(1, 9)]),
        None
    );
}

/// The true nearest-rank value.
fn exact(sorted: &[i128], tenths_of_percent: u32) -> i128 {
    let rank = rank(tenths_of_percent, u64::try_from(sorted.len()).unwrap()).unwrap();
    sorted[usize::try_from(rank).unwrap() - 1]
}

fn check_percentiles(mut values: Vec<i128>) {
    let distribution = of(&values);
    values.sort_unstable();
    let mut last = distribution.min().unwrap();
    for tenths in [0, 1, 10, 100, 250, 500, 750, 900, 950, 990, 999, 1000] {
        let expect = exact(&values, tenths);
        let shown = distribution.percentile(tenths).unwrap();
        let error = shown.billionths().abs_diff(expect);
        assert!(
            error * 100 <= expect.unsigned_abs(),
            "p{tenths} of {} is {shown:?}, not {expect}",
            values.len()
        );
        assert!(last <= shown, "p{tenths} is below a lower percentile");
        last = shown;
    }
    assert_eq!(distribution.max().unwrap().billionths(), *values.last().unwrap());
    assert_eq!(distribution.sum().billionths(), values.iter().sum::<i128>());
    assert_eq!(
        distribution.buckets().map(|bucket| bucket.sum.billionths()).sum::<i128>(),
        distribution.sum().billionths()
    );
}

/// A value as events have them: of any size, some of them equal, zero, tiny or negative.
fn value() -> impl Strategy<Value = i128> {
    prop_oneof![
        4 => (0_i128..100_000).prop_map(|cents| cents * 10_000_000),
        2 => (0_u32..90, 0..=LARGEST).prop_map(|(shift, size)| size >> shift),
        1 => (0_u32..90, 0..=LARGEST).prop_map(|(shift, size)| -(size >> shift)),
        1 => prop_oneof![Just(0), Just(1), Just(-1), Just(LARGEST), Just(-LARGEST), Just(990_000_000_000_000_000_000_000_000)],
    ]
}

/// Numbers that look random, from a seed.
fn scatter(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

#[test]
fn percentiles_of_long_lists_are_within_a_percent() {
    for count in [1_u64, 2, 3, 99, 100, 101, 999, 1000, 1001, 5000] {
        let random = |index: u64| scatter(index * 31 + count) >> 20;
        let values = |of: fn(i128) -> i128| {
            (0..count).map(|index| of(random(index).into())).collect::<Vec<_>>()
        };
        check_percentiles(values(|bits| bits));
        check_percentiles(values(|bits| 1 << (bits % 89)));
        check_percentiles(values(|bits| (bits % 1000) * 1_000_000_000));
        check_percentiles(values(|bits| bits % 7 - 3));
        check_percentiles(values(|bits| if bits % 10 == 0 { LARGEST - bits } else { -bits }));
        check_percentiles(values(|bits| 1 + bits % 2));
    }
}

proptest! {
    #[test]
    fn percentiles_are_within_a_percent(values in prop::collection::vec(value(), 1..300)) {
        check_percentiles(values);
    }

    /// W2: how values were split, and in which order the parts were merged, cannot be seen.
    #[test]
    fn merging_in_any_order_is_adding(
        parts in prop::collection::vec(prop::collection::vec(value(), 0..30), 1..6),
        order in any::<u64>(),
    ) {
        let expect = of(&parts.concat());
        let mut forward = Distribution::default();
        let mut shuffled = parts.clone();
        shuffled.sort_by_key(|part| scatter(order ^ u64::try_from(part.len()).unwrap()));
        for part in &shuffled {
            forward.merge(&of(part));
        }
        prop_assert_eq!(&forward, &expect);
        let nested = parts.iter().rev().fold(Distribution::default(), |inner, part| {
            let mut outer = of(part);
            outer.merge(&inner);
            outer
        });
        prop_assert_eq!(&nested, &expect);
    }

    #[test]
    fn adding_many_times_is_adding_often(value in value(), count in 1_u8..20) {
        let mut at_once = Distribution::default();
        at_once.add_n(Decimal::from_billionths(value), count.into());
        prop_assert_eq!(at_once, of(&vec![value; count.into()]));
    }

    #[test]
    fn what_was_stored_is_restored(values in prop::collection::vec(value(), 1..100)) {
        let distribution = of(&values);
        let (min, max) = (distribution.min().unwrap(), distribution.max().unwrap());
        prop_assert_eq!(Distribution::from_buckets(min, max, distribution.buckets()), Some(distribution));
    }

    /// A bucket holds values that differ by less than 1/128 of the smallest.
    #[test]
    fn buckets_are_narrow_and_in_order(size in 0_u128..(1 << 127), step in 1_u128..(1 << 100)) {
        let (low, high) = (i128::try_from(size).unwrap(), i128::try_from(size.saturating_add(step).min(i128::MAX.unsigned_abs())).unwrap());
        prop_assert!(index_of(low) <= index_of(high));
        if index_of(low) == index_of(high) {
            prop_assert!(high - low < low / 128);
        }
    }
}
