//! Exact decimals: the numbers that sums and distributions are made of.
//!
//! A [`Decimal`] is a whole number of billionths. It is read from the text of a JSON number, never
//! through a float, so that 0.1 is 0.1, sums are exact, and their order does not matter: that is what
//! lets a batch be split or repeated without changing a single published digit.
//!
//! | written | kept |
//! | --- | --- |
//! | `123.45` | 123.45 |
//! | `1.5e-7` | 0.00000015 |
//! | `0.1234567885` | 0.123456788 (finer than nine places: half to even) |
//! | `1e18` | refused |
//!
//! Room: a value is below 10^27 billionths, and 127 bits hold the sum of 1.7 * 10^11 of the largest.
//!
//! ```
//! use streamgauge_engine::decimal::Decimal;
//!
//! let sum = Decimal::parse("0.1")?.checked_add(Decimal::parse("0.2")?);
//! assert_eq!(sum.map(|sum| sum.to_string()), Some("0.3".to_owned()));
//! # Ok::<(), streamgauge_engine::decimal::DecimalError>(())
//! ```

mod float;
pub(crate) mod text;

use std::fmt::{self, Write as _};
use text::NumberText;
use thiserror::Error;

pub use float::{Shortest, ratio};

/// Billionths in one.
const ONE: i128 = 1_000_000_000;
/// Decimal places that are kept.
const PLACES: usize = 9;
/// 10^18 in billionths: a value that is read must be smaller in size.
const VALUE_LIMIT: u128 = 1_000_000_000_000_000_000_000_000_000;
/// A plain number of at most this many characters has a mantissa below 10^18, which fits into 64 bits.
const SHORT_MAX: usize = 18;
/// 10^(9 - n) for n places that are written.
const SCALES: [u64; PLACES + 1] =
    [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// A decimal as a whole number of billionths (nine places).
///
/// A value that is read from an event is below 10^18 in size, so that a sum of 10^11 such values still fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// Why a number is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// The text is not a number as JSON writes it.
    #[error("not a number; write it as JSON does, such as 123.45")]
    Invalid,
    /// The number is 10^18 or more in size.
    #[error("a number of 10^18 or more in size; values must be smaller, perhaps in a larger unit")]
    OutOfRange,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// The decimal of so many billionths.
    pub const fn from_billionths(billionths: i128) -> Self {
        Self(billionths)
    }

    /// So many billionths.
    pub const fn billionths(self) -> i128 {
        self.0
    }

    /// Reads the text of a JSON number exactly, to nine places; finer is rounded half to even.
    ///
    /// The work is bounded by the length of the text. It fails on what is not a JSON number, and on 10^18 and
    /// more in size (after rounding).
    #[inline]
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        parse_short(text.as_bytes()).map_or_else(|| Self::parse_long(text), Ok)
    }

    /// Any number, of any length and with any exponent.
    #[cold]
    fn parse_long(text: &str) -> Result<Self, DecimalError> {
        let number = NumberText::parse(text).ok_or(DecimalError::Invalid)?;
        let scaled = number.scaled(9).ok_or(DecimalError::OutOfRange)?;
        let size =
            scaled.rounded().filter(|&size| size < VALUE_LIMIT).ok_or(DecimalError::OutOfRange)?;
        let size = i128::try_from(size).map_err(|_over_127_bits| DecimalError::OutOfRange)?;
        Ok(Self(if scaled.negative { -size } else { size }))
    }

    /// A whole number; it fails on 10^18 and more.
    pub fn from_u64(value: u64) -> Result<Self, DecimalError> {
        let billionths = i128::from(value) * ONE;
        if billionths.unsigned_abs() < VALUE_LIMIT {
            Ok(Self(billionths))
        } else {
            Err(DecimalError::OutOfRange)
        }
    }

    /// The exact sum; `None` beyond 127 bits of billionths, about 1.7 * 10^29.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// This value divided by `count`, as the nearest double: an average. NaN or infinite if `count` is 0.
    ///
    /// ```
    /// use streamgauge_engine::decimal::{Decimal, Shortest};
    ///
    /// let average = Decimal::parse("1234.5")?.divide(10);
    /// assert_eq!(Shortest(average).to_string(), "123.45");
    /// # Ok::<(), streamgauge_engine::decimal::DecimalError>(())
    /// ```
    #[must_use]
    pub fn divide(self, count: u64) -> f64 {
        let size = float::quotient(self.0.unsigned_abs(), ONE.unsigned_abs() * u128::from(count));
        if self.0 < 0 { -size } else { size }
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.divide(1)
    }
}

/// A plain number such as `123.45` or `-7`: no exponent, at most 18 characters and nine places.
///
/// `None` does not mean that the text is wrong, only that the long way must look at it.
#[inline]
fn parse_short(bytes: &[u8]) -> Option<Decimal> {
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    // A leading zero is right only before the point, and at least one digit stands before it.
    match bytes {
        [b'1'..=b'9', ..] | [b'0'] | [b'0', b'.', ..] if bytes.len() <= SHORT_MAX => {}
        _ => return None,
    }
    let mut mantissa = 0_u64;
    let mut rest = bytes;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        mantissa = mantissa * 10 + u64::from(digit - b'0');
        rest = tail;
    }
    let fraction = match rest {
        [] => rest,
        [b'.', fraction @ ..] if !fraction.is_empty() => fraction,
        _ => return None,
    };
    for byte in fraction {
        if !byte.is_ascii_digit() {
            return None;
        }
        mantissa = mantissa * 10 + u64::from(byte - b'0');
    }
    let billionths = i128::from(mantissa) * i128::from(*SCALES.get(fraction.len())?);
    Some(Decimal(if negative { -billionths } else { billionths }))
}

/// As the output prints it: exactly, whole ones without a fraction, no zeros at the end, never `-0`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = ONE.unsigned_abs();
        let size = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_char('-')?;
        }
        write!(f, "{}", size / one)?;
        let mut fraction = size % one;
        if fraction == 0 {
            return Ok(());
        }
        let mut places = PLACES;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        write!(f, ".{fraction:0places$}")
    }
}

#[cfg(test)]
mod tests;
