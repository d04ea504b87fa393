//! A mergeable distribution: exact sum, count and extremes, percentiles within 1 %.
//!
//! Values fall into log-linear buckets, as in `HdrHistogram` (<http://hdrhistogram.org>): each octave, from
//! 2^e to 2^(e+1) billionths, is cut into 128 buckets of the same width, so that a bucket is never wider
//! than 1/128 (0.78 %) of the values in it. Below 256 billionths every integer has its own. Negative values
//! mirror positive ones, and zero has one bucket. Only buckets that hold something take room.
//!
//! A bucket keeps the exact sum of its values beside their count. Its mean therefore lies among them, is
//! exact when they are equal (prices often are), and all means times their counts give the sum again.
//!
//! Bounds: a value read from an event is below 10^27 billionths, which is bucket 10,702; with both signs and
//! zero a distribution has at most 21,405 buckets ([`BUCKETS_MAX`] for any 128-bit value), 32 bytes
//! each. Amounts between 1 and 1,000 fall into 1,275 of them.
//!
//! ```
//! use streamgauge_engine::decimal::Decimal;
//! use streamgauge_engine::sketch::Distribution;
//!
//! let mut amounts = Distribution::default();
//! for text in ["3.5", "90.1", "400"] {
//!     amounts.add(Decimal::parse(text)?);
//! }
//! assert_eq!(amounts.percentile(500), Some(Decimal::parse("90.1")?));
//! assert_eq!(amounts.sum(), Decimal::parse("493.6")?);
//! # Ok::<(), streamgauge_engine::decimal::DecimalError>(())
//! ```

use crate::decimal::Decimal;

/// Bits of a value after its first that name its bucket: 2^7 = 128 buckets in an octave.
const MANTISSA_BITS: u32 = 7;

/// The bucket of the largest size there is, 2^127: so many buckets there are on each side of zero.
const INDEX_MAX: u32 = ((127 - MANTISSA_BITS) << MANTISSA_BITS) + (1 << MANTISSA_BITS);

/// The most buckets that a distribution can have, whatever is added: both signs, and zero.
#[expect(
    clippy::as_conversions,
    reason = "u32 to usize loses nothing on the platforms we build for"
)]
pub const BUCKETS_MAX: usize = 2 * INDEX_MAX as usize + 1;

/// Tenths of a percent in the whole.
const WHOLE: u64 = 1_000;

/// A mergeable summary of decimals.
///
/// Sums are kept in 128 bits and wrap: the order of additions cannot matter, and the sum is right whenever it
/// fits, which the sum of 1.7 * 10^11 of the largest values does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Sorted by index, no index twice, no count 0.
    buckets: Vec<Slot>,
    sum: i128,
    count: u64,
    /// Meaningless while the count is 0, and then always 0.
    min: i128,
    max: i128,
}

/// One bucket as it is kept. The index says how large its values are; see [`index_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    index: i32,
    count: u64,
    sum: i128,
}

/// One bucket as others see it: how many values it holds, and their exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many values; at least 1.
    pub count: u64,
    /// Their exact sum.
    pub sum: Decimal,
}

impl Bucket {
    /// The mean of the bucket's values to the billionth, half to even. It lies between the smallest and the
    /// largest of them, and is exact when they are equal.
    pub fn mean(self) -> Decimal {
        mean(self.sum.billionths(), self.count)
    }
}

impl Distribution {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: Decimal) {
        self.add_n(value, 1);
    }

    /// Adds the same value `count` times.
    pub fn add_n(&mut self, value: Decimal, count: u64) {
        if count == 0 {
            return;
        }
        let billionths = value.billionths();
        let sum = billionths.wrapping_mul(i128::from(count));
        self.widen(billionths, billionths);
        self.sum = self.sum.wrapping_add(sum);
        self.count = self.count.saturating_add(count);
        self.put(Slot { index: index_of(billionths), count, sum });
    }

    /// Adds all that `other` holds. The order and the grouping of merges do not matter.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.widen(other.min, other.max);
        self.sum = self.sum.wrapping_add(other.sum);
        self.count = self.count.saturating_add(other.count);
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
        } else {
            self.buckets = merged(&self.buckets, &other.buckets);
        }
    }

    /// How many values there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The exact sum; 0 of none.
    pub const fn sum(&self) -> Decimal {
        Decimal::from_billionths(self.sum)
    }

    /// The smallest value, exactly.
    pub fn min(&self) -> Option<Decimal> {
        (self.count > 0).then_some(Decimal::from_billionths(self.min))
    }

    /// The largest value, exactly.
    pub fn max(&self) -> Option<Decimal> {
        (self.count > 0).then_some(Decimal::from_billionths(self.max))
    }

    /// The percentile by nearest rank: the smallest value with at least so many tenths of a percent of the
    /// values at or below it, within 1 % of it. `None` of none.
    ///
    /// With n values that is the one of rank ceil(q * n), at least 1 (Hyndman and Fan, *Sample Quantiles in Statistical
    /// Packages*, 1996, definition 1). The first and the last rank are exact; of the others the answer is the mean of
    /// the bucket that holds them, which is less than 1/128 of the value away. `p99.9` is `percentile(999)`; over 1,000
    /// counts as 1,000.
    pub fn percentile(&self, tenths_of_percent: u32) -> Option<Decimal> {
        let rank = rank(tenths_of_percent, self.count)?;
        if rank == 1 {
            return self.min();
        }
        if rank == self.count {
            return self.max();
        }
        let mut at_or_below = 0_u64;
        let bucket = self.buckets().find(|bucket| {
            at_or_below = at_or_below.saturating_add(bucket.count);
            at_or_below >= rank
        })?;
        Some(bucket.mean())
    }

    /// The buckets that hold something, by rising value.
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = Bucket> {
        self.buckets.iter().copied().map(Slot::seen)
    }

    /// What [`buckets`](Self::buckets) gives, without a copy.
    pub fn into_buckets(self) -> Vec<Bucket> {
        self.buckets.into_iter().map(Slot::seen).collect()
    }

    /// The distribution that has these extremes and buckets: what [`min`](Self::min), [`max`](Self::max) and
    /// [`buckets`](Self::buckets) gave for one that was stored, in any order.
    ///
    /// `None` if they are none of a distribution: no bucket or one without values, or extremes that are not in the outermost buckets.
    pub fn from_buckets(
        min: Decimal,
        max: Decimal,
        buckets: impl IntoIterator<Item = Bucket>,
    ) -> Option<Self> {
        let mut restored = Self { min: min.billionths(), max: max.billionths(), ..Self::default() };
        for bucket in buckets {
            let Bucket { count, sum } = bucket;
            let index = index_of(bucket.mean().billionths());
            if count == 0 {
                return None;
            }
            restored.sum = restored.sum.wrapping_add(sum.billionths());
            restored.count = restored.count.saturating_add(count);
            restored.put(Slot { index, count, sum: sum.billionths() });
        }
        let first = restored.buckets.first()?.index;
        let last = restored.buckets.last()?.index;
        let fits = min <= max && first == index_of(restored.min) && last == index_of(restored.max);
        fits.then_some(restored)
    }

    fn widen(&mut self, min: i128, max: i128) {
        if self.count == 0 {
            (self.min, self.max) = (min, max);
        } else {
            (self.min, self.max) = (self.min.min(min), self.max.max(max));
        }
    }

    /// Adds to the bucket of that index, or makes it.
    #[inline]
    fn put(&mut self, slot: Slot) {
        match self.buckets.binary_search_by_key(&slot.index, |known| known.index) {
            Ok(place) => {
                if let Some(known) = self.buckets.get_mut(place) {
                    known.absorb(slot);
                }
            }
            Err(place) => self.buckets.insert(place, slot),
        }
    }
}

impl Slot {
    /// As others see it.
    const fn seen(self) -> Bucket {
        Bucket { count: self.count, sum: Decimal::from_billionths(self.sum) }
    }

    #[inline]
    fn absorb(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// Two sorted lists of buckets as one.
fn merged(left: &[Slot], right: &[Slot]) -> Vec<Slot> {
    let mut all = Vec::with_capacity(left.len().max(right.len()));
    let (mut left, mut right) = (left.iter().copied().peekable(), right.iter().copied().peekable());
    while let (Some(one), Some(other)) = (left.peek().copied(), right.peek().copied()) {
        let (from_left, from_right) = (one.index <= other.index, other.index <= one.index);
        let mut next = if from_left { one } else { other };
        if from_left && from_right {
            next.absorb(other);
        }
        all.push(next);
        left.next_if(|_| from_left);
        right.next_if(|_| from_right);
    }
    all.extend(left);
    all.extend(right);
    all
}

/// The rank of a percentile among `count` values: ceil(q * n), between 1 and n. `None` of none.
fn rank(tenths_of_percent: u32, count: u64) -> Option<u64> {
    let rank = (u128::from(count) * u128::from(tenths_of_percent)).div_ceil(u128::from(WHOLE));
    let rank = u64::try_from(rank).unwrap_or(count);
    (count > 0).then(|| rank.clamp(1, count))
}

/// `sum / count` to the nearest integer, half to even.
fn mean(sum: i128, count: u64) -> Decimal {
    let count = u128::from(count.max(1));
    let size = sum.unsigned_abs();
    let (whole, rest) = (size / count, size % count);
    let up = rest * 2 > count || (rest * 2 == count && whole % 2 == 1);
    let rounded = i128::try_from(whole.saturating_add(u128::from(up))).unwrap_or(i128::MAX);
    Decimal::from_billionths(if sum < 0 { -rounded } else { rounded })
}

/// The bucket of a value: 0 for 0, rising with the value, mirrored for negative ones.
///
/// | size in billionths | bucket |
/// | --- | --- |
/// | 1, 2 ... 255 | 1, 2 ... 255 |
/// | 256 and 257 | 256 |
/// | 258 and 259 | 257 |
/// | 512 to 515 | 384 |
#[inline]
fn index_of(billionths: i128) -> i32 {
    let size = billionths.unsigned_abs();
    // The position of the highest bit, and how far the first eight bits must move to stand at the right end.
    let octave = (u128::BITS - 1).saturating_sub(size.leading_zeros());
    let shift = octave.saturating_sub(MANTISSA_BITS);
    let leading = u32::try_from(size >> shift).unwrap_or(u32::MAX);
    let index = i32::try_from((shift << MANTISSA_BITS) + leading).unwrap_or(i32::MAX);
    if billionths < 0 { -index } else { index }
}

#[cfg(test)]
mod tests;
