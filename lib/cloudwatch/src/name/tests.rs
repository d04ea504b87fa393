//! Values are taken as they are or can be read back, and never meet.

use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(value: &str, expect: &str) {
    assert_eq!(dimension_value(value), expect);
    assert_eq!(decode(expect).as_deref(), Some(value));
}

/// Reads an encoded value back; `None` for one that was cut.
fn decode(encoded: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), encoded.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [b'#', ..]) => return None,
            (b'%', [high, low, after @ ..]) if is_digit(*high) && is_digit(*low) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

/// What `CloudWatch` takes as a dimension value.
fn is_taken(value: &str) -> bool {
    (1..=1_024).contains(&value.len())
        && value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        && !value.trim().is_empty()
}

#[test]
fn plain_values_stay_as_they_are() {
    for value in ["noon", "AE", "a b", "50%", "50% off", "%", "%%", "%4", "%4z", "%c3", "__other__"]
    {
        check(value, value);
        assert!(matches!(dimension_value(value), Cow::Borrowed(_)));
    }
}

#[test]
fn what_cloudwatch_does_not_take_is_encoded() {
    check("Zürich", "Z%C3%BCrich");
    check("دبي", "%D8%AF%D8%A8%D9%8A");
    check("a\nb\0\u{7f}", "a%0Ab%00%7F");
    check("%é", "%%C3%A9");
}

#[test]
fn what_would_be_read_as_an_escape_is_encoded() {
    check("%41", "%2541");
    check("%C3%BC", "%25C3%25BC");
    check("a%#b", "a%25#b");
}

#[test]
fn spaces_at_the_ends_are_encoded() {
    check(" a ", "%20a%20");
    check(" ", "%20");
    check("   ", "%20 %20");
}

#[test]
fn an_empty_value_is_a_missing_one() {
    assert_eq!(dimension_value(""), MISSING);
}

#[test]
fn the_longest_values_are_kept_and_longer_ones_cut() {
    check(&"x".repeat(1_024), &"x".repeat(1_024));
    check(&"é".repeat(170), &"%C3%A9".repeat(170));
    let cut = dimension_value(&"x".repeat(1_025)).into_owned();
    assert_eq!(cut, format!("{}%#{:016x}", "x".repeat(1_006), hash::stable(&[b'x'; 1_025])));
    // 1,006 is no multiple of 3: an escape is kept whole or not at all.
    let escapes = dimension_value(&"é".repeat(171)).into_owned();
    assert_eq!(escapes.len(), 1_005 + 18);
    assert!(escapes.starts_with(&"%C3%A9".repeat(167)), "{escapes}");
}

proptest! {
    #[test]
    fn any_value_is_taken_and_can_be_read_back(value in ".{0,400}|[%#A-F0-9 a]{0,12}") {
        let encoded = dimension_value(&value);
        prop_assert!(is_taken(&encoded), "{encoded:?}");
        match decode(&encoded) {
            Some(read) if value.is_empty() => prop_assert_eq!(read, MISSING),
            Some(read) => prop_assert_eq!(read, value),
            None => prop_assert!(encoded.len() > 1_000),
        }
    }

    #[test]
    fn long_values_stay_apart(value in "[ab%#0 é]{900,1100}", other in "[ab%#0 é]{900,1100}") {
        let (encoded, encoded_other) = (dimension_value(&value), dimension_value(&other));
        prop_assert!(is_taken(&encoded), "{encoded:?}");
        prop_assert_eq!(encoded == encoded_other, value == other);
        // One that was cut is no fixed point: another value looks like it, and is encoded otherwise.
        prop_assert!(decode(&encoded).is_some() || dimension_value(&encoded) != encoded);
    }
}

#[test]
fn names_are_looked_at_again() {
    let fits = |name: Name, text: &str| name.check(text).is_ok();
    for name in [Name::Namespace, Name::Metric, Name::Dimension] {
        assert!(fits(name, "Shop/Orders") && fits(name, "a b%"));
        for text in ["", " ", ":a", "é", "a\n", &"x".repeat(256)] {
            assert!(!fits(name, text), "{name} {text:?}");
        }
    }
    assert!(!fits(Name::Namespace, "AWS/Lambda") && fits(Name::Metric, "AWS/Lambda"));
    assert!(fits(Name::Dimension, &"x".repeat(255)));
    assert!(fits(Name::Metric, &"x".repeat(245)) && !fits(Name::Metric, &"x".repeat(246)));
}
