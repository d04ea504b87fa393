//! Items of a table as the SDK has them, and the few shapes of attribute that the layout uses: text, whole numbers, bytes, maps.
//!
//! Reading never trusts what it finds: the table outlives any version of this code, and people can edit it by hand. An item is
//! taken apart, so that its bytes, of which there may be 400 KB, are moved and not copied.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use std::str::FromStr;

/// Attributes by name.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The largest item, names and values, in bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
pub(crate) const ITEM_BYTES_MAX: usize = 400 << 10;
/// What a write unit writes, in bytes
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>).
const WRITE_UNIT_BYTES: usize = 1 << 10;

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A newer version of this code wrote it.
    #[error(
        "the item has format {found} and this version reads up to {known}; update the function that reads it"
    )]
    Newer {
        /// Its format.
        found: u64,
        /// The newest format that is known.
        known: u64,
    },
    /// Something is missing in it, or is of another type.
    #[error("the item has no readable attribute `{name}`; was it changed by hand?")]
    Attribute {
        /// The attribute.
        name: String,
    },
    /// A piece is not there.
    #[error("the piece under the key \"{key}\" is missing; was it deleted by hand?")]
    Piece {
        /// Its partition key.
        key: String,
    },
    /// The parts do not make the whole.
    #[error(
        "the pieces have {found} bytes together and not {expected}; were they changed by hand?"
    )]
    Bytes {
        /// Their bytes.
        found: usize,
        /// What they should be.
        expected: usize,
    },
}

impl Unreadable {
    pub(crate) fn attribute(name: &str) -> Self {
        Self::Attribute { name: name.to_owned() }
    }
}

/// Text.
pub(crate) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A whole number.
pub(crate) fn number<N: Copy + ToString>(number: N) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Bytes.
pub(crate) fn bytes(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// Takes text out.
pub(crate) fn take_text(item: &mut Item, name: &str) -> Result<String, Unreadable> {
    match item.remove(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(Unreadable::attribute(name)),
    }
}

/// Takes a whole number out.
pub(crate) fn take_number<T: FromStr>(item: &mut Item, name: &str) -> Result<T, Unreadable> {
    let number = item.remove(name).and_then(|value| match value {
        AttributeValue::N(number) => number.parse().ok(),
        _ => None,
    });
    number.ok_or_else(|| Unreadable::attribute(name))
}

/// Takes bytes out.
pub(crate) fn take_bytes(item: &mut Item, name: &str) -> Result<Vec<u8>, Unreadable> {
    match item.remove(name) {
        Some(AttributeValue::B(blob)) => Ok(blob.into_inner()),
        _ => Err(Unreadable::attribute(name)),
    }
}

/// Takes a map out, if it is there.
pub(crate) fn take_map(item: &mut Item, name: &str) -> Result<Option<Item>, Unreadable> {
    match item.remove(name) {
        None => Ok(None),
        Some(AttributeValue::M(map)) => Ok(Some(map)),
        Some(_) => Err(Unreadable::attribute(name)),
    }
}

/// The bytes of an item as AWS counts them
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>); only of the shapes that
/// the layout has, and rounded up for numbers, of which AWS tells no exact rule.
pub(crate) fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::M(map) => 3 + map.len() + item_bytes(map),
        AttributeValue::L(list) => {
            3 + list.iter().map(|member| value_bytes(member) + 1).sum::<usize>()
        }
        _ => 0,
    }
}

/// The write units of an item of so many bytes.
pub(crate) fn write_units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(WRITE_UNIT_BYTES)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_the_bytes_of_its_names_and_values() {
        let map = Item::from([("v".to_owned(), number(12))]);
        let item = Item::from([
            ("pk".to_owned(), text("abc")),
            ("h".to_owned(), bytes(&[0; 10])),
            ("n".to_owned(), AttributeValue::M(map)),
            ("g".to_owned(), AttributeValue::L(vec![text("ab")])),
        ]);
        assert_eq!(item_bytes(&item), (2 + 3) + (1 + 10) + (1 + 3 + 1 + 1 + 2) + (1 + 3 + 2 + 1));
    }

    #[test]
    fn write_units_are_begun_kilobytes_and_at_least_one() {
        assert_eq!([0, 1, 1_024, 1_025, 409_600].map(write_units), [1, 1, 1, 2, 400]);
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        let mut item = Item::from([("a".to_owned(), text("x"))]);
        assert_eq!(take_number::<u64>(&mut item, "a"), Err(Unreadable::attribute("a")));
        assert_eq!(take_bytes(&mut item, "b"), Err(Unreadable::attribute("b")));
    }
}
