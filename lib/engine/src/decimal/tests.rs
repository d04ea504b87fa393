//! Decimals against texts that were worked out by hand, and against exact arithmetic done another way.

use super::*;
use proptest::prelude::*;

fn check(text: &str, expect: &str) {
    let shown = Decimal::parse(text).map(|value| value.to_string());
    assert_eq!(shown.as_deref(), Ok(expect), "{text}");
}

fn refused(text: &str, expect: DecimalError) {
    assert_eq!(Decimal::parse(text), Err(expect), "{text:?}");
}

#[test]
fn numbers_are_kept_as_written() {
    check("123.45", "123.45");
    check("0", "0");
    check("-0", "0");
    check("-0.0", "0");
    check("-0.000000000", "0");
    check("400.000", "400");
    check("-3.50", "-3.5");
    check("0.1", "0.1");
    check("0.000000001", "0.000000001");
    check("-0.000000001", "-0.000000001");
    check("1.5e-7", "0.00000015");
    check("1E3", "1000");
    check("12.5e+1", "125");
    check("999999999999999999", "999999999999999999");
    check("-999999999999999999.999999999", "-999999999999999999.999999999");
    check("123456789.123456789", "123456789.123456789");
    check("9.99e17", "999000000000000000");
}

#[test]
fn finer_than_nine_places_is_half_to_even() {
    check("0.1234567885", "0.123456788");
    check("0.1234567895", "0.12345679");
    check("0.12345678850000000000000000000000000000000000001", "0.123456789");
    check("0.12345678949999999999999999999999999999999999999", "0.123456789");
    check("5e-10", "0");
    check("-5e-10", "0");
    check("15e-10", "0.000000002");
    check("25e-10", "0.000000002");
    check("5.00000001e-10", "0.000000001");
    check("0.9999999995", "1");
    check("1e-999999999", "0");
}

#[test]
fn long_numbers_are_exact() {
    check(&format!("0.{}1", "0".repeat(500)), "0");
    check(&format!("1{}e-500", "0".repeat(500)), "1");
    check(&format!("0.{}12e501", "0".repeat(500)), "1.2");
    check(&format!("0.5{}", "0".repeat(700)), "0.5");
    check("0e999999999999999999999", "0");
}

#[test]
fn large_numbers_are_refused() {
    refused("1000000000000000000", DecimalError::OutOfRange);
    refused("-1000000000000000000", DecimalError::OutOfRange);
    refused("1e18", DecimalError::OutOfRange);
    refused("1e999999999999999999999", DecimalError::OutOfRange);
    refused("999999999999999999.9999999995", DecimalError::OutOfRange);
    refused(&"9".repeat(1000), DecimalError::OutOfRange);
    refused("1e38", DecimalError::OutOfRange);
    check("999999999999999999.9999999994", "999999999999999999.999999999");
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "", "-", ".", "-.", "+1", "01", "00", "-01", "00.5", ".5", "5.", "-5.", "1.2.3", "1,5",
        "1e", "e5", "abc", " 1", "0x10", "NaN", "Infinity", "1-2",
    ] {
        refused(text, DecimalError::Invalid);
    }
}

#[test]
fn integers_have_the_same_limit() {
    assert_eq!(Decimal::from_u64(999_999_999_999_999_999), Decimal::parse("999999999999999999"));
    assert_eq!(Decimal::from_u64(1_000_000_000_000_000_000), Err(DecimalError::OutOfRange));
    assert_eq!(Decimal::from_u64(u64::MAX), Err(DecimalError::OutOfRange));
}

#[test]
fn sums_stop_at_the_end_of_the_room() {
    let largest = Decimal::from_billionths(i128::MAX);
    assert_eq!(largest.checked_add(Decimal::from_billionths(1)), None);
}

#[test]
fn averages_are_rounded_once() {
    fn check(billionths: i128, count: u64, expect: &str) {
        let average = Decimal::from_billionths(billionths).divide(count);
        assert_eq!(Shortest(average).to_string(), expect, "{billionths} / {count}");
    }
    check(1_234_500_000_000, 10, "123.45");
    check(1, 3, "0.0000000003333333333333333");
    check(-1_000_000_000, 3, "-0.3333333333333333");
    check(0, 3, "0");
    check(4_000_000_000, 2, "2");
    // 2^53 + 1 lies between two doubles and goes to the even one; anything more goes up.
    check(9_007_199_254_740_993_000_000_000, 1, "9007199254740992");
    check(9_007_199_254_740_993_000_000_001, 1, "9007199254740994");
    check(i128::MAX, u64::MAX, "9223372036.854776");
    check(1, u64::MAX, "0.00000000000000000000000000005421010862427523");
}

proptest! {
    /// What is printed reads back as the same value.
    #[test]
    fn display_and_parse_agree(billionths in -999_999_999_999_999_999_999_999_999_i128..=999_999_999_999_999_999_999_999_999) {
        let value = Decimal::from_billionths(billionths);
        prop_assert_eq!(Decimal::parse(&value.to_string()), Ok(value));
    }

    /// The short way and the long way are one function.
    #[test]
    fn the_short_way_is_the_long_way(text in "-?(0|[1-9][0-9]{0,11})(\\.[0-9]{0,11})?") {
        prop_assert_eq!(Decimal::parse(&text), Decimal::parse_long(&text));
    }

    /// Moving the point and the exponent against each other changes nothing.
    #[test]
    fn exponents_move_the_point(digits in 1_u64..1_000_000_000_000_000_000, places in 0_usize..30, zeros in 0_usize..60) {
        let plain = format!("{digits}e-{places}");
        let shifted = format!("{digits}{}e-{}", "0".repeat(zeros), places + zeros);
        prop_assert_eq!(Decimal::parse(&plain), Decimal::parse(&shifted));
    }

    /// Rounding by hand: the quotient and the remainder of 128-bit integers.
    #[test]
    fn rounding_is_half_to_even(digits in 0_u64.., places in 10_u32..20) {
        let divisor = 10_u64.pow(places - 9);
        let (quotient, rest) = (digits / divisor, digits % divisor);
        let up = rest > divisor / 2 || (rest == divisor / 2 && quotient % 2 == 1);
        let expect = Decimal::from_billionths(i128::from(quotient) + i128::from(up));
        prop_assert_eq!(Decimal::parse(&format!("{digits}e-{places}")), Ok(expect));
    }

    /// Reading the shown text as a double is rounding once, too (the standard library rounds correctly).
    #[test]
    fn doubles_are_the_nearest(billionths in any::<i128>()) {
        let value = Decimal::from_billionths(billionths);
        let expect: f64 = value.to_string().parse().unwrap();
        prop_assert_eq!(value.to_f64().to_bits(), (expect + 0.0).to_bits());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,12}") {
        let standard: Result<f64, _> = text.parse();
        if Decimal::parse(&text).is_ok() {
            prop_assert!(standard.is_ok(), "{text}");
        }
    }
}
