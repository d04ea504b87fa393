//! From registers to a number: Ertl's improved raw estimator.
//!
//! Otmar Ertl, *New cardinality estimation algorithms for `HyperLogLog` sketches* (arXiv:1702.01284, 2017). It
//! needs no table of biases and no switch between small and large sets, as the estimator of 2007 does, and is as good
//! over the whole range. With m registers, C(k) of them at rank k, ranks 0 to q + 1:
//!
//! ```text
//! z = m tau(1 - C(q+1)/m) / 2^q  +  C(q)/2^q + ... + C(2)/4 + C(1)/2  +  m sigma(C(0)/m)
//! estimate = m^2 / (2 ln 2 z)
//! ```
//!
//! Everything is `+ - * /` and square roots, which IEEE 754 rounds the same everywhere: the estimate is the same on every platform.

use super::{EXACT_MAX, REGISTERS};

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many ranks there are, 0 among them.
const RANKS: usize = 51;

/// How many different values lead to registers with these ranks; registers at zero are left out of them.
///
/// Registers are only used when there are more than [`EXACT_MAX`] values, so that is the least.
pub(super) fn from_ranks(ranks: impl Iterator<Item = u8>) -> u64 {
    let mut counts = [0_u32; RANKS];
    let mut zeros = u32::from(REGISTERS);
    for rank in ranks {
        if let Some(count) = counts.get_mut(usize::from(rank)) {
            *count += 1;
            zeros -= 1;
        }
    }
    let [_, middle @ .., highest] = &counts;
    let registers = f64::from(REGISTERS);
    let mut z = registers * tau(1.0 - f64::from(*highest) / registers);
    for count in middle.iter().rev() {
        z = (z + f64::from(*count)) * 0.5;
    }
    z += registers * sigma(f64::from(zeros) / registers);
    let estimate = ALPHA * registers * registers / z;
    round(estimate).max(u64::from(EXACT_MAX) + 1)
}

/// The nearest whole number; a cast stops at the ends of the range.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of a positive double cuts its fraction and saturates: that is what is wanted"
)]
fn round(estimate: f64) -> u64 {
    (estimate + 0.5) as u64
}

/// x + x^2 + 2 x^4 + 4 x^8 + ...: what the registers that are still zero tell. Infinite for 1.
fn sigma(x: f64) -> f64 {
    let (mut power, mut weight, mut sum) = (x, 1.0, x);
    loop {
        power *= power;
        let last = sum;
        sum += power * weight;
        weight += weight;
        if sum <= last {
            return sum;
        }
    }
}

/// (1 - x - (1 - x^(1/2))^2 / 2 - (1 - x^(1/4))^2 / 4 - ...) / 3: what the registers at the highest rank tell.
fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        root = root.sqrt();
        let last = sum;
        weight *= 0.5;
        sum -= (1.0 - root) * (1.0 - root) * weight;
        if sum >= last {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::RANK_MAX;
    use super::*;

    /// The sums that Ertl's loops stand for, as far as they change anything.
    #[test]
    fn sigma_and_tau_are_their_series() {
        fn check(got: f64, expect: f64) {
            assert!((got - expect).abs() <= 1e-12 * expect.abs(), "{got}, not {expect}");
        }
        for x in [0.0_f64, 0.1, 0.5, 0.9, 0.999] {
            let series = |k: i32| x.powf(2_f64.powi(k)) * 2_f64.powi(k - 1);
            check(sigma(x), x + (1..40).map(series).sum::<f64>());
        }
        assert!(sigma(1.0).is_infinite());
        for x in [0.1_f64, 0.5, 0.9, 0.999] {
            let series = |k: i32| (1.0 - x.powf(2_f64.powi(-k))).powi(2) * 2_f64.powi(-k);
            check(tau(x), (1.0 - x - (1..60).map(series).sum::<f64>()) / 3.0);
        }
        check(tau(0.0), 0.0);
        check(tau(1.0), 0.0);
    }

    #[test]
    fn the_ends_of_the_range_are_numbers() {
        assert_eq!(RANKS, usize::from(RANK_MAX) + 1);
        assert_eq!(from_ranks(std::iter::empty()), 257);
        assert_eq!(from_ranks(std::iter::repeat_n(RANK_MAX, usize::from(REGISTERS))), u64::MAX);
        assert_eq!(from_ranks(std::iter::repeat_n(1, 257)), 258);
    }

    /// Worked out from the formula, elsewhere: nearly all registers have seen a hash whose 49 bits are zero.
    #[test]
    fn the_highest_rank_counts() {
        let registers = usize::from(REGISTERS);
        let ranks =
            std::iter::repeat_n(RANK_MAX, registers - 1024).chain(std::iter::repeat_n(40, 1024));
        assert!(from_ranks(ranks).abs_diff(822_612_938_022_623_600) < 1_000_000);
    }
}
