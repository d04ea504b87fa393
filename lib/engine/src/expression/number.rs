//! CEL's three kinds of numbers: how a JSON number becomes one, how they compare and how they print.
//!
//! A JSON number without fraction or exponent is an int if it fits, else a double. Kinds never mix in
//! arithmetic (CEL has no `int + double`), but they do in comparisons, on one number line: `1 == 1.0` is
//! true, and 9007199254740993 is not 9007199254740992.0, although the nearest double of both is the same.

use std::borrow::Cow;
use std::cmp::Ordering;

/// 2^63, the first double above every int, and 2^64, the first above every uint.
const INT_END: f64 = 9_223_372_036_854_775_808.0;
const UINT_END: f64 = 18_446_744_073_709_551_616.0;
/// From here on (and below a millionth) doubles print with an exponent, as in JavaScript and RFC 8785.
const PLAIN_MAX: f64 = 1e21;
const PLAIN_MIN: f64 = 1e-6;

/// A number of one of the three kinds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Int(i64),
    Uint(u64),
    Double(f64),
}

impl Number {
    /// The order on the number line; `None` beside NaN.
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(left), Self::Int(right)) => Some(left.cmp(&right)),
            (Self::Uint(left), Self::Uint(right)) => Some(left.cmp(&right)),
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(&right),
            (Self::Int(left), Self::Uint(right)) => Some(i128::from(left).cmp(&i128::from(right))),
            (Self::Uint(left), Self::Int(right)) => Some(i128::from(left).cmp(&i128::from(right))),
            (Self::Int(left), Self::Double(right)) => {
                order_whole(i128::from(left), i128::from(i64::MAX), right)
            }
            (Self::Uint(left), Self::Double(right)) => {
                order_whole(i128::from(left), i128::from(u64::MAX), right)
            }
            (Self::Double(left), Self::Int(right)) => {
                order_whole(i128::from(right), i128::from(i64::MAX), left).map(Ordering::reverse)
            }
            (Self::Double(left), Self::Uint(right)) => {
                order_whole(i128::from(right), i128::from(u64::MAX), left).map(Ordering::reverse)
            }
        }
    }

    /// The number as an int that is equal to it, for keys and indexes.
    pub(super) fn exact(self) -> Option<i128> {
        match self {
            Self::Int(int) => Some(i128::from(int)),
            Self::Uint(uint) => Some(i128::from(uint)),
            Self::Double(double) => (double.trunc().total_cmp(&double).is_eq()
                && double.abs() < UINT_END)
                .then(|| truncate(double))
                .or_else(|| (double.to_bits() << 1 == 0).then_some(0)),
        }
    }
}

/// A JSON number without fraction or exponent that fits an int.
pub(super) fn read_int(written: &str) -> Option<i64> {
    // `parse` accepts a leading `+`, which JSON does not have, and stops at `.` and `e`.
    written.parse().ok()
}

/// The double nearest to a JSON number.
pub(super) fn read_double(written: &str) -> f64 {
    written.parse().unwrap_or(f64::NAN)
}

/// Compares a whole number with a double, exactly, by the double's whole part and then its fraction.
///
/// One point is not exact: the double just above the kind's largest number (2^63 for ints), which no such
/// number reaches, counts as that largest number. The published conformance cases ask for it.
fn order_whole(whole: i128, largest: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double.abs() > UINT_END {
        return Some(if double > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let part = truncate(double);
    let part = if part == largest + 1 { largest } else { part };
    Some(
        whole
            .cmp(&part)
            .then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)),
    )
}

/// The whole part of a double of at most 2^64 in size.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a double of at most 2^64 fits i128"
)]
fn truncate(double: f64) -> i128 {
    double as i128
}

/// The int that a double is cut to, as `int()` does it.
pub(super) fn double_to_int(double: f64) -> Option<i64> {
    // The published cases exclude -2^63 too.
    if double.abs() < INT_END { i64::try_from(truncate(double)).ok() } else { None }
}

/// The uint that a double is cut to, as `uint()` does it.
pub(super) fn double_to_uint(double: f64) -> Option<u64> {
    if double > -1.0 && double < UINT_END { u64::try_from(truncate(double)).ok() } else { None }
}

/// The double nearest to an int.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "`double()` means the nearest double"
)]
pub(super) fn int_to_double(int: i64) -> f64 {
    int as f64
}

/// The double nearest to a uint.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "`double()` means the nearest double"
)]
pub(super) fn uint_to_double(uint: u64) -> f64 {
    uint as f64
}

/// A double as the output prints it: the shortest text that reads back as the same double, whole ones without a fraction.
///
/// Very large and very small ones have an exponent (`1e+21`, `1e-7`): the form of JavaScript and RFC 8785.
pub fn number_text(number: f64) -> String {
    let size = number.abs();
    if size >= PLAIN_MAX || (size < PLAIN_MIN && size > 0.0) {
        if number.is_infinite() {
            return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
        }
        let text = format!("{number:e}");
        return if size >= PLAIN_MAX { text.replacen('e', "e+", 1) } else { text };
    }
    // Adding zero turns -0 into 0.
    (number + 0.0).to_string()
}

/// A JSON number as the output prints it: whole numbers as they are, others like [`number_text`].
///
/// A whole number that fits no int keeps its digits, so that two long order numbers never become one.
pub fn written_number_text(written: &str) -> Cow<'_, str> {
    if written == "-0" {
        Cow::Borrowed("0")
    } else if written.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        Cow::Borrowed(written)
    } else {
        Cow::Owned(number_text(read_double(written)))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Number, double_to_int, double_to_uint, number_text, read_int, written_number_text,
    };
    use std::cmp::Ordering;

    #[test]
    fn doubles_print_as_short_as_they_can() {
        for (number, expect) in [
            (0.0, "0"),
            (-0.0, "0"),
            (399.0, "399"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number_text(number), expect);
        }
    }

    #[test]
    fn written_numbers_print_canonically() {
        for (written, expect) in [
            ("42", "42"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("400.0", "400"),
            ("12345678901234567890", "12345678901234567890"),
        ] {
            assert_eq!(written_number_text(written), expect);
        }
    }

    #[test]
    fn kinds_share_one_number_line() {
        let check = |left: Number, right: Number, expect: Option<Ordering>| {
            assert_eq!(left.order(right), expect, "{left:?} against {right:?}");
            assert_eq!(
                right.order(left),
                expect.map(Ordering::reverse),
                "{right:?} against {left:?}"
            );
        };
        check(Number::Int(1), Number::Double(1.0), Some(Ordering::Equal));
        check(
            Number::Int(9_007_199_254_740_993),
            Number::Double(9_007_199_254_740_992.0),
            Some(Ordering::Greater),
        );
        check(
            Number::Int(-9_007_199_254_740_993),
            Number::Double(-9_007_199_254_740_992.0),
            Some(Ordering::Less),
        );
        check(Number::Int(0), Number::Double(0.5), Some(Ordering::Less));
        check(Number::Int(0), Number::Double(-0.5), Some(Ordering::Greater));
        check(Number::Int(-1), Number::Double(-1.5), Some(Ordering::Greater));
        check(
            Number::Int(i64::MIN),
            Number::Double(-9_223_372_036_854_775_808.0),
            Some(Ordering::Equal),
        );
        check(
            Number::Int(i64::MAX),
            Number::Double(9_223_372_036_854_775_808.0),
            Some(Ordering::Equal),
        );
        check(Number::Int(i64::MAX), Number::Double(f64::INFINITY), Some(Ordering::Less));
        check(Number::Int(0), Number::Double(f64::NAN), None);
        check(Number::Int(-1), Number::Uint(u64::MAX), Some(Ordering::Less));
        check(Number::Uint(7), Number::Double(7.0), Some(Ordering::Equal));
        check(Number::Uint(0), Number::Double(-1e300), Some(Ordering::Greater));
    }

    #[test]
    fn json_numbers_are_ints_if_they_fit() {
        for (written, expect) in [
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1.0", None),
            ("1e2", None),
            ("-0", Some(0)),
        ] {
            assert_eq!(read_int(written), expect, "{written}");
        }
    }

    #[test]
    fn doubles_are_cut_to_ints_in_range_only() {
        assert_eq!(double_to_int(-7.9), Some(-7));
        assert_eq!(double_to_int(9_223_372_036_854_775_808.0), None);
        assert_eq!(double_to_int(f64::NAN), None);
        assert_eq!(double_to_uint(-0.9), Some(0));
        assert_eq!(double_to_uint(-1.0), None);
        assert_eq!(double_to_uint(18_446_744_073_709_551_616.0), None);
    }

    #[test]
    fn whole_doubles_are_exact_keys() {
        assert_eq!(Number::Double(3.0).exact(), Some(3));
        assert_eq!(Number::Double(-0.0).exact(), Some(0));
        assert_eq!(Number::Double(3.1).exact(), None);
        assert_eq!(Number::Double(f64::INFINITY).exact(), None);
        assert_eq!(Number::Double(f64::NAN).exact(), None);
    }
}
