//! The set only, and the error over many sets.

use super::*;
use proptest::prelude::*;

/// The number of that place in a sequence that looks random (`SplitMix64`).
fn scatter(place: u64) -> u64 {
    let seed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn of(places: impl IntoIterator<Item = u64>) -> Unique {
    let mut unique = Unique::default();
    places.into_iter().for_each(|place| unique.add_hash(scatter(place)));
    unique
}

#[test]
fn registers_by_hand() {
    fn check(hash: u64, expect: (u16, u8)) {
        assert_eq!(register_of(hash), expect, "{hash:#x}");
    }
    check(0, (0, 50));
    check(1, (0, 49));
    check(u64::MAX, (32_767, 1));
    check(1 << 49, (1, 50));
    check(1 << 48, (0, 1));
    check(0b101_0101_0101_0101_0001 << 45, (21_845, 4));
    assert_eq!(unpack((21_845 << RANK_BITS) + 50), (21_845, 50));
}

#[test]
fn small_sets_are_exact() {
    assert_eq!(Unique::default().estimate(), 0);
    for count in [1, 3, 255, 256] {
        let mut unique = of(0..count);
        unique.merge(&of(0..count));
        assert_eq!(unique.estimate(), count);
        assert_eq!(unique.hashes().map(<[u64]>::len), usize::try_from(count).ok());
    }
    assert!(of(0..257).hashes().is_none());
    assert!(of(0..257).estimate() >= 257);
}

#[test]
fn a_few_values_take_little_room() {
    assert!(size_of::<Unique>() <= 32);
    assert!(matches!(of(0..3).form, Form::Hashes(hashes) if hashes.capacity() <= 4));
}

#[test]
fn forms_change_with_the_set() {
    let form = |count| match of(0..count).form {
        Form::Hashes(_) => "hashes",
        Form::Sparse(_) => "sparse",
        Form::Dense(_) => "dense",
    };
    assert_eq!(
        [form(256), form(257), form(4_200), form(4_800)],
        ["hashes", "sparse", "sparse", "dense"]
    );
}

#[test]
fn what_was_stored_is_restored() {
    for count in [257, 1_000, 10_000] {
        let unique = of(0..count);
        assert_eq!(Unique::from_registers(unique.registers()), Some(unique));
    }
    assert_eq!(Unique::from_registers([(32_768, 1)]), None);
    assert_eq!(Unique::from_registers([(0, 0)]), None);
    assert_eq!(Unique::from_registers([(0, 51)]), None);
}

proptest! {
    /// W2: a set gives one state, whatever the order, the repeats and the tree of merges.
    #[test]
    fn only_the_set_matters(
        count in prop_oneof![0_u64..20, 250..264_u64, 0..700_u64, 4_300..4_500_u64],
        parts in 1_u64..6,
        start in any::<u32>(),
    ) {
        let places = u64::from(start)..u64::from(start) + count;
        let expect = of(places.clone());
        prop_assert_eq!(&of(places.clone().rev().chain(places.clone())), &expect);
        // Parts that overlap, merged one into the next and the other way round.
        let part = |part: u64| of(places.clone().filter(move |place| scatter(!place) % parts <= part));
        let mut forward = Unique::default();
        (0..parts).for_each(|index| forward.merge(&part(index)));
        prop_assert_eq!(&forward, &expect);
        let nested = (0..parts).fold(Unique::default(), |inner, index| {
            let mut outer = part(index);
            outer.merge(&inner);
            outer
        });
        prop_assert_eq!(&nested, &expect);
    }
}

/// The standard error over sets of the same size, and the mean error, both in percent.
fn errors_percent(estimates: &[u64], count: u64) -> (f64, f64) {
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "statistics of numbers below 2^53"
    )]
    let (errors, sets) = {
        let errors =
            estimates.iter().map(|&estimate| 100.0 * (estimate as f64 / count as f64 - 1.0));
        (errors.collect::<Vec<_>>(), estimates.len() as f64)
    };
    let mean = errors.iter().sum::<f64>() / sets;
    ((errors.iter().map(|error| error * error).sum::<f64>() / sets).sqrt(), mean)
}

/// Grows sets that have nothing in common, and looks at each when it reaches one of the sizes.
fn measure(sizes: &[u64], sets: u64, hash: impl Fn(u64) -> u64) {
    let largest = sizes.iter().copied().max().unwrap();
    let mut estimates = vec![Vec::new(); sizes.len()];
    for set in 0..sets {
        let mut unique = Unique::default();
        let mut place = set * largest;
        for (size, found) in sizes.iter().zip(&mut estimates) {
            while place < set * largest + size {
                unique.add_hash(hash(place));
                place += 1;
            }
            found.push(unique.estimate());
        }
    }
    let errors: Vec<_> = sizes
        .iter()
        .zip(&estimates)
        .map(|(&size, estimates)| (size, errors_percent(estimates, size)))
        .collect();
    let rows = errors
        .iter()
        .map(|(size, (standard, mean))| format!("{size:>9} {standard:>8.3} % {mean:>8.3} %"));
    let table = rows.collect::<Vec<_>>().join("\n");
    for (_, (standard, mean)) in errors {
        assert!(
            standard <= 0.8 && mean.abs() <= 0.3,
            "{sets} sets:\n     size  standard      mean\n{table}"
        );
    }
}

#[test]
fn the_standard_error_of_small_sets_is_below_the_promise() {
    measure(&[257, 1_000, 5_000, 20_000], 100, scatter);
}

#[test]
fn the_standard_error_of_large_sets_is_below_the_promise() {
    measure(&[100_000, 300_000, 1_000_000], 12, scatter);
}

/// Real values are numbered keys: the stable hash must spread them well enough.
#[test]
fn the_stable_hash_is_good_enough() {
    measure(&[257, 5_000, 40_000], 30, |place| {
        hash::stable(format!("customer-{place}").as_bytes())
    });
}
