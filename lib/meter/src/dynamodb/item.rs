//! The size of an item, by AWS's formula.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>: names and values in
//! UTF-8; a number has a byte for two significant digits, and one; a binary value its raw bytes; null and Boolean 1; a list
//! or map 3 bytes and 1 for each element. AWS calls the formula for numbers approximate. It says nothing of sets: their
//! elements are summed here without overhead.

use crate::unit::{base64_bytes, count};
use serde_json::{Map, Value};

/// The largest item, names and values.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub const ITEM_BYTES_MAX: u64 = 400 * 1024;

/// The bytes of an item in `DynamoDB`'s JSON (`{"id": {"S": "a"}}`).
pub fn item_bytes(item: &Map<String, Value>) -> u64 {
    item.iter().map(|(name, value)| count(name.len()) + value_bytes(value)).sum()
}

/// The bytes of an item that may be missing.
pub(crate) fn bytes_of(item: Option<&Value>) -> u64 {
    item.and_then(Value::as_object).map_or(0, item_bytes)
}

/// The bytes of a typed value; 0 for what is none.
fn value_bytes(value: &Value) -> u64 {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    let each = |bytes: fn(&str) -> u64| {
        let values = value.as_array().into_iter().flatten();
        values.filter_map(Value::as_str).map(bytes).sum()
    };
    let text = value.as_str().unwrap_or_default();
    match kind.as_str() {
        "S" => count(text.len()),
        "N" => number_bytes(text),
        "B" => base64_bytes(text),
        "SS" => each(|element| count(element.len())),
        "NS" => each(number_bytes),
        "BS" => each(base64_bytes),
        "BOOL" | "NULL" => 1,
        "M" => {
            let members = value.as_object();
            3 + members.map_or(0, |members| item_bytes(members) + count(members.len()))
        }
        "L" => {
            3 + value
                .as_array()
                .into_iter()
                .flatten()
                .map(|value| value_bytes(value) + 1)
                .sum::<u64>()
        }
        _ => 0,
    }
}

/// A byte for two significant digits, and one.
fn number_bytes(number: &str) -> u64 {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    count(digits.trim_matches('0').len()).div_ceil(2) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(item: &Value, bytes: u64) {
        assert_eq!(bytes_of(Some(item)), bytes);
    }

    #[test]
    fn strings_are_counted_in_utf_8_with_their_name() {
        check(&json!({"id": {"S": "abc"}}), 2 + 3);
        check(&json!({"größe": {"S": "é"}}), 7 + 2);
        check(&json!({}), 0);
    }

    #[test]
    fn numbers_have_a_byte_for_two_digits_and_one() {
        check(&json!({"n": {"N": "0"}}), 1 + 1);
        check(&json!({"n": {"N": "7"}}), 1 + (1 + 1));
        check(&json!({"n": {"N": "123"}}), 1 + (2 + 1));
        check(&json!({"n": {"N": "-12300"}}), 1 + (2 + 1));
        check(&json!({"n": {"N": "0.00123"}}), 1 + (2 + 1));
        check(&json!({"n": {"N": "1.5E+10"}}), 1 + (1 + 1));
        check(&json!({"n": {"N": "12345678901234567890123456789012345678"}}), 1 + (19 + 1));
    }

    #[test]
    fn binary_values_have_their_raw_bytes() {
        check(&json!({"b": {"B": "AQID"}}), 1 + 3);
        check(&json!({"b": {"B": "AQ=="}}), 1 + 1);
    }

    #[test]
    fn flags_have_one_byte() {
        check(&json!({"t": {"BOOL": true}, "u": {"NULL": true}}), (1 + 1) + (1 + 1));
    }

    #[test]
    fn sets_are_the_sum_of_their_elements() {
        check(&json!({"s": {"SS": ["a", "bc"]}}), 1 + 1 + 2);
        check(&json!({"s": {"NS": ["12", "3"]}}), 1 + (1 + 1) + (1 + 1));
        check(&json!({"s": {"BS": ["AQID"]}}), 1 + 3);
    }

    #[test]
    fn lists_and_maps_have_overhead() {
        check(&json!({"l": {"L": []}}), 1 + 3);
        check(&json!({"l": {"L": [{"S": "ab"}, {"BOOL": false}]}}), 1 + 3 + (2 + 1) + (1 + 1));
        check(&json!({"m": {"M": {"k": {"S": "v"}}}}), 1 + 3 + (1 + 1 + 1));
        check(
            &json!({"m": {"M": {"k": {"L": [{"NULL": true}]}}}}),
            1 + 3 + (1 + (3 + (1 + 1)) + 1),
        );
    }

    #[test]
    fn what_is_no_value_has_no_size() {
        check(&json!({"a": "b"}), 1);
        assert_eq!(bytes_of(None), 0);
    }

    proptest! {
        /// The oracle: digits are counted by arithmetic, not as text.
        #[test]
        fn numbers_by_arithmetic(number in any::<u64>()) {
            let (mut rest, mut digits) = (number, 0);
            while rest > 0 && rest % 10 == 0 {
                rest /= 10;
            }
            while rest > 0 {
                (rest, digits) = (rest / 10, digits + 1);
            }
            prop_assert_eq!(number_bytes(&number.to_string()), digits / 2 + digits % 2 + 1);
        }

        /// Nesting an item in a map costs the map's name, 3, and 1 for each member.
        #[test]
        fn nesting_costs_its_overhead(names in prop::collection::btree_set("[a-z]{1,8}", 0..8)) {
            let item: Map<String, Value> = names.iter().map(|name| (name.clone(), json!({"S": "x"}))).collect();
            let nested = json!({"m": {"M": item}});
            prop_assert_eq!(bytes_of(Some(&nested)), item_bytes(&item) + 1 + 3 + count(names.len()));
        }
    }
}
