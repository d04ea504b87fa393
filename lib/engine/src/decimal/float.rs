//! From exact numbers to doubles: rounded once, to the nearest, the same on every platform.
//!
//! A sum is exact and a count is exact; only their quotient must be rounded, and it is rounded once.
//! Turning both into doubles first would round three times, and above 2^53 the answer would be off.
//! [`quotient`] divides integers to more than 53 bits, remembers whether anything is left, and rounds
//! that once (IEEE 754, to nearest, ties to even).

use std::fmt;

/// Integers up to here are doubles exactly, and IEEE 754 rounds the quotient of two doubles correctly.
const EXACT_MAX: u128 = 1 << 53;

/// One bit more than a double holds and one to round by: with fewer, what is left could not be told from a tie.
const QUOTIENT_MIN: u128 = 1 << 55;

/// How many bits one step of the long division adds.
const STEP_BITS: u32 = 32;

/// The largest divisor: what is left, below it, must have room for [`STEP_BITS`] more.
const DIVISOR_MAX: u128 = u128::MAX >> STEP_BITS;

/// `part / whole` as the nearest double: the rate of a ratio.
///
/// Without a whole there is no rate; the caller knows that, and gets NaN (0 / 0) or infinity.
///
/// ```
/// use streamgauge_engine::decimal::ratio;
///
/// assert_eq!(ratio(3, 17), 0.17647058823529413);
/// assert_eq!(ratio(7, 40), 0.175);
/// ```
pub fn ratio(part: u64, whole: u64) -> f64 {
    quotient(u128::from(part), u128::from(whole))
}

/// A double as the output prints it: the shortest decimal that reads back as the same double, without
/// an exponent; whole ones have no fraction, and minus zero is zero.
///
/// ```
/// use streamgauge_engine::decimal::Shortest;
///
/// assert_eq!(Shortest(0.175).to_string(), "0.175");
/// assert_eq!(Shortest(399.0).to_string(), "399");
/// assert_eq!(Shortest(-0.0).to_string(), "0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortest(pub f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding zero turns minus zero into zero and changes nothing else. `{}` of a double is the shortest form.
        write!(f, "{}", self.0 + 0.0)
    }
}

/// `numerator / divisor`, rounded once to the nearest double, ties to even.
///
/// The divisor is at most [`DIVISOR_MAX`].
pub(super) fn quotient(numerator: u128, divisor: u128) -> f64 {
    debug_assert!(divisor <= DIVISOR_MAX, "a divisor of {divisor} leaves no room for the division");
    if divisor == 0 || (numerator <= EXACT_MAX && divisor <= EXACT_MAX) {
        return to_double(numerator) / to_double(divisor);
    }
    let mut digits = numerator / divisor;
    let mut left = numerator % divisor;
    let mut exponent = 0;
    while digits < QUOTIENT_MIN && left != 0 {
        left <<= STEP_BITS;
        digits = (digits << STEP_BITS) | (left / divisor);
        left %= divisor;
        exponent -= 1;
    }
    // The lowest of 55 or more bits decides only whether a tie is a tie, so it can stand for all that is left.
    let sticky = digits | u128::from(left != 0);
    to_double(sticky) * power_of_two(exponent * i64::from(STEP_BITS))
}

/// The nearest double.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "rounding to nearest is what is wanted"
)]
fn to_double(integer: u128) -> f64 {
    integer as f64
}

/// 2^`exponent`, exactly.
fn power_of_two(exponent: i64) -> f64 {
    // 1023 is the bias of a double's exponent field, which begins at bit 52. Ours lie between -224 and 0.
    let field = u64::try_from(1023 + exponent).unwrap_or_default();
    f64::from_bits(field << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(part: u64, whole: u64, expect: &str) {
        assert_eq!(Shortest(ratio(part, whole)).to_string(), expect, "{part} / {whole}");
    }

    #[test]
    fn ratios_are_the_nearest_double() {
        check(0, 5, "0");
        check(5, 5, "1");
        check(1, 3, "0.3333333333333333");
        check(2, 3, "0.6666666666666666");
        check(3, 17, "0.17647058823529413");
        check(u64::MAX, u64::MAX, "1");
        check(u64::MAX, 1, "18446744073709552000");
        check(1, u64::MAX, "0.00000000000000000005421010862427522");
        // Dividing rounded doubles gives exactly 1.
        check((1 << 60) - 129, 1 << 60, "0.9999999999999999");
    }

    #[test]
    fn ties_go_to_even_and_anything_more_goes_up() {
        fn check(numerator: u128, divisor: u128, expect: u64) {
            assert_eq!(
                Shortest(quotient(numerator, divisor)).to_string(),
                expect.to_string(),
                "{numerator} / {divisor}"
            );
        }
        let tie = (1 << 53) + 1; // between two doubles
        check(tie, 1, 1 << 53);
        check(tie << 70, 1 << 70, 1 << 53);
        check((tie << 70) + 1, 1 << 70, (1 << 53) + 2);
        check((tie << 70) - 1, 1 << 70, 1 << 53);
        check((tie << 10) + 1, 1 << 10, (1 << 53) + 2);
    }

    #[test]
    fn no_whole_is_no_number() {
        assert!(ratio(0, 0).is_nan());
        assert!(ratio(1, 0).is_infinite());
    }

    #[test]
    fn doubles_print_shortest() {
        assert_eq!(Shortest(0.1 + 0.2).to_string(), "0.30000000000000004");
        assert_eq!(Shortest(1e21).to_string(), "1000000000000000000000");
        assert_eq!(Shortest(-2.5).to_string(), "-2.5");
        assert_eq!(Shortest(-0.0).to_string(), "0");
    }

    /// Twice the distance from `value` to the exact quotient, in units of 2^-`scale`, must not be over one step of the double.
    fn is_nearest(numerator: u128, divisor: u128, value: f64) -> bool {
        let exact = |candidate: f64| distance(numerator, divisor, candidate);
        let below = f64::from_bits(value.to_bits() - 1);
        let above = f64::from_bits(value.to_bits() + 1);
        exact(value) <= exact(below) && exact(value) <= exact(above)
    }

    /// `|numerator - candidate * divisor|` times a power of two that all three candidates share, exactly.
    fn distance(numerator: u128, divisor: u128, candidate: f64) -> u128 {
        // candidate = mantissa * 2^-shift, with values near 1 so that everything fits into 128 bits.
        let scaled = candidate * f64::from_bits((1023 + 56) << 52);
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and below 2^60"
        )]
        let mantissa = scaled as u128;
        (numerator << 56).abs_diff(mantissa * divisor)
    }

    proptest! {
        /// Quotients between 1/16 and 16 of 60-bit integers: every neighbour is at least as far off.
        #[test]
        fn quotients_are_nearest(divisor in (1_u128 << 56)..(1 << 60), factor in 1_u128..256, offset in 0_u128..(1 << 50)) {
            let numerator = divisor * factor / 16 + offset;
            let value = quotient(numerator, divisor);
            prop_assert!(is_nearest(numerator, divisor, value), "{numerator} / {divisor} = {value}");
        }

        #[test]
        fn small_quotients_are_ieee(part in 0_u32.., whole in 1_u32..) {
            let expect = f64::from(part) / f64::from(whole);
            prop_assert_eq!(ratio(part.into(), whole.into()).to_bits(), expect.to_bits());
        }
    }
}
