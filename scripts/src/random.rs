//! Random numbers that are the same on every machine: `SplitMix64`, and whole numbers only.
//!
//! There are no floats, because the last bit of `ln` or `cos` differs between platforms, and the sample events are
//! committed: the generator has to give the same bytes everywhere. Distributions are tables of whole weights.

/// `SplitMix64` (Steele, Lea and Flood, 2014), seeded.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The sequence of this seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 random bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, `bound`; 0 for a bound below 1.
    ///
    /// The remainder favours small numbers by less than one in 2^40 for the bounds used here.
    pub(crate) const fn below(&mut self, bound: i64) -> i64 {
        let bits = (self.bits() >> 1).cast_signed();
        if bound < 1 { 0 } else { bits % bound }
    }

    /// A number from `low` up to, but not including, `high`.
    pub(crate) const fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low)
    }

    /// True `count` times in 1,000.
    pub(crate) const fn per_mille(&mut self, count: i64) -> bool {
        self.below(1_000) < count
    }

    /// One of the items, each as likely as the others.
    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(items.len()).ok()?;
        items.get(usize::try_from(self.below(count)).ok()?)
    }

    /// One of the items, by weight.
    pub(crate) fn weighted<'a, T>(
        &mut self,
        items: &'a [T],
        weight: impl Fn(&T) -> i64,
    ) -> Option<&'a T> {
        items.get(Weights::new(items.iter().map(weight)).draw(self))
    }
}

/// Places that are drawn by weight.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// The sum of the weights up to and including each place.
    cumulative: Vec<i64>,
}

impl Weights {
    /// One place for each weight.
    pub(crate) fn new(weights: impl IntoIterator<Item = i64>) -> Self {
        let add = |sum: &mut i64, weight: i64| {
            *sum += weight;
            Some(*sum)
        };
        Self { cumulative: weights.into_iter().scan(0, add).collect() }
    }

    /// Zipf's law: the n-th place has a weight of 1/n.
    pub(crate) fn zipf(places: i64) -> Self {
        Self::new((1..=places).map(|place| 1_000_000 / place))
    }

    /// A place, from 0.
    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let drawn = random.below(total);
        self.cumulative.partition_point(|sum| *sum <= drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        // The first outputs for seed 0, as in the reference implementation.
        let mut random = Random::new(0);
        assert_eq!(random.bits(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.bits(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut random = Random::new(1);
        for _ in 0..1_000 {
            assert!((3..7).contains(&random.between(3, 7)));
        }
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn nothing_is_drawn_from_nothing() {
        assert_eq!(Random::new(1).one_of::<u8>(&[]), None);
    }

    #[test]
    fn places_are_drawn_by_weight() {
        let weights = Weights::new([0, 3, 1]);
        let mut random = Random::new(1);
        let mut drawn = [0; 3];
        for _ in 0..4_000 {
            drawn[weights.draw(&mut random)] += 1;
        }
        assert_eq!(drawn[0], 0);
        assert!((2_800..3_200).contains(&drawn[1]), "three in four, not {drawn:?}");
    }

    #[test]
    fn zipf_halves_the_second_place() {
        assert_eq!(Weights::zipf(3).cumulative, [1_000_000, 1_500_000, 1_833_333]);
    }
}
