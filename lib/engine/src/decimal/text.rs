//! The text of a JSON number, taken apart without ever going through a float.
//!
//! Values, thresholds and epoch times are all numbers in JSON text, and all are kept as scaled
//! integers. [`NumberText::scaled`] answers the one question behind them: what is this number times a
//! power of ten, as a whole number, and what was cut off? `12.3456e-2` times 10^3 is 123, and what was
//! cut off (0.456) is below half.
//!
//! The work is bounded by the length of the text, whatever its exponent says: `1e999999999` is found
//! too large after 39 steps, and `0e999999999` is zero.

/// A larger exponent than this is as good as this one: no text is long enough to make up for it.
const EXPONENT_MAX: i64 = 1_000_000_000;

/// A JSON number (RFC 8259, section 6), split at its point and its exponent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberText<'t> {
    negative: bool,
    integer: &'t [u8],
    fraction: &'t [u8],
    exponent: i64,
}

/// A number times a power of ten, cut to a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// Whether the text begins with a minus sign (`-0` does too).
    pub(crate) negative: bool,
    /// The size of the whole part.
    pub(crate) whole: u128,
    /// What was cut off.
    pub(crate) rest: Rest,
}

/// The fraction that is left after a number was cut to a whole one, as far as rounding needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Zero,
    BelowHalf,
    Half,
    AboveHalf,
}

impl<'t> NumberText<'t> {
    /// Splits a JSON number; `None` if the text is anything else.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, bytes),
        };
        let (integer, bytes) = split_digits(bytes);
        if matches!(integer, [] | [b'0', _, ..]) {
            return None;
        }
        let (fraction, bytes) = match bytes {
            [b'.', rest @ ..] => {
                Some(split_digits(rest)).filter(|(digits, _)| !digits.is_empty())?
            }
            _ => (&[][..], bytes),
        };
        let exponent = match bytes {
            [] => 0,
            [b'e' | b'E', rest @ ..] => parse_exponent(rest)?,
            _ => return None,
        };
        Some(Self { negative, integer, fraction, exponent })
    }

    /// This number times 10^`places`, cut toward zero; `None` if that is over 128 bits.
    pub(crate) fn scaled(&self, places: i64) -> Option<Scaled> {
        // How many digits stand before the point after the scaling; less than none means zeros behind it.
        let integer_digits = i64::try_from(self.integer.len()).ok()?;
        let mut ahead = integer_digits.saturating_add(self.exponent).saturating_add(places);
        let mut whole = 0_u128;
        let mut rest = Rest::Zero;
        if ahead < 0 {
            ahead = 0;
            rest = Rest::BelowHalf; // every digit stands behind a zero; see the end for a number that is 0
        }
        let mut first_behind = rest == Rest::Zero;
        for digit in self.integer.iter().chain(self.fraction).map(|byte| byte - b'0') {
            if ahead > 0 {
                whole = whole.checked_mul(10)?.checked_add(u128::from(digit))?;
                ahead -= 1;
            } else if first_behind {
                rest = Rest::of_first_digit(digit);
                first_behind = false;
            } else {
                rest = rest.with_digit(digit);
            }
        }
        if whole == 0 && self.is_zero() {
            return Some(Scaled { negative: self.negative, whole: 0, rest: Rest::Zero });
        }
        while ahead > 0 {
            whole = whole.checked_mul(10)?;
            ahead -= 1;
        }
        Some(Scaled { negative: self.negative, whole, rest })
    }

    fn is_zero(&self) -> bool {
        self.integer.iter().chain(self.fraction).all(|&byte| byte == b'0')
    }
}

impl Scaled {
    /// The whole number nearest to what the text said, half to even.
    pub(crate) fn rounded(self) -> Option<u128> {
        let up = match self.rest {
            Rest::Zero | Rest::BelowHalf => false,
            Rest::Half => self.whole % 2 == 1,
            Rest::AboveHalf => true,
        };
        self.whole.checked_add(u128::from(up))
    }
}

impl Rest {
    fn of_first_digit(digit: u8) -> Self {
        match digit {
            0 => Self::Zero,
            1..=4 => Self::BelowHalf,
            5 => Self::Half,
            _ => Self::AboveHalf,
        }
    }

    /// The rest with one more digit behind it.
    fn with_digit(self, digit: u8) -> Self {
        match self {
            Self::Zero if digit > 0 => Self::BelowHalf,
            Self::Half if digit > 0 => Self::AboveHalf,
            same => same,
        }
    }
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.split_at(digits)
}

fn parse_exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let (digits, tail) = split_digits(bytes);
    if digits.is_empty() || !tail.is_empty() {
        return None;
    }
    let size = digits
        .iter()
        .fold(0, |size: i64, byte| (size * 10 + i64::from(byte - b'0')).min(EXPONENT_MAX));
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, places: i64, expect: Option<(u128, Rest)>) {
        let scaled = NumberText::parse(text).unwrap().scaled(places);
        assert_eq!(
            scaled.map(|scaled| (scaled.whole, scaled.rest)),
            expect,
            "{text} times 10^{places}"
        );
    }

    #[test]
    fn scaling_cuts_and_says_what_it_cut() {
        check("12.3456e-2", 3, Some((123, Rest::BelowHalf)));
        check("12", 3, Some((12_000, Rest::Zero)));
        check("0.5", 0, Some((0, Rest::Half)));
        check(
            "0.50000000000000000000000000000000000000000000000001",
            0,
            Some((0, Rest::AboveHalf)),
        );
        check(
            "0.49999999999999999999999999999999999999999999999999",
            0,
            Some((0, Rest::BelowHalf)),
        );
        check("0.05", 0, Some((0, Rest::BelowHalf)));
        check("5e-1", 0, Some((0, Rest::Half)));
        check("5e-2", 0, Some((0, Rest::BelowHalf)));
        check("9e-2", 0, Some((0, Rest::BelowHalf)));
        check("9.9e-1", 0, Some((0, Rest::AboveHalf)));
        check("0.0e-5", 0, Some((0, Rest::Zero)));
        check("1.0000", 0, Some((1, Rest::Zero)));
        check("1.0001", 0, Some((1, Rest::BelowHalf)));
    }

    #[test]
    fn no_exponent_makes_work() {
        check("1e999999999999999999999999", 0, None);
        check("0e999999999999999999999999", 0, Some((0, Rest::Zero)));
        check("1e-999999999999999999999999", 9, Some((0, Rest::BelowHalf)));
        check(&format!("0.{}1e50", "0".repeat(50)), 0, Some((0, Rest::BelowHalf)));
        check(&format!("0.{}1e51", "0".repeat(50)), 0, Some((1, Rest::Zero)));
        check(&format!("{}e-400", format_args!("1{}", "0".repeat(400))), 0, Some((1, Rest::Zero)));
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in [
            "", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "1.e5", "1e5.0", "0x1", "1_0",
            " 1", "1 ", "NaN", "--1", "١",
        ] {
            assert!(NumberText::parse(text).is_none(), "{text:?}");
        }
        for text in ["0", "-0", "10", "0.10", "1e5", "1E+5", "1.5e-05", "-0.0e0"] {
            assert!(NumberText::parse(text).is_some(), "{text:?}");
        }
    }
}
