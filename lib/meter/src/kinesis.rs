//! Kinesis: what puts and reads cost, and the limits of a shard.
//!
//! [`shards`] says which shard a record goes to, [`puts`] which records of a batch a shard still takes and how the answer
//! of the rest becomes the answer of the whole, [`reads`] which shard an iterator reads.

pub mod puts;
pub mod reads;
pub mod shards;

use crate::unit::{Charge, KB, Unit, base64_bytes, count};
use serde_json::Value;

/// The bytes of a PUT payload unit. <https://aws.amazon.com/kinesis/data-streams/pricing/>
pub const PAYLOAD_UNIT_BYTES: u64 = 25 * KB;

/// The stream that a request names, without the rest of its ARN.
pub fn stream_name(request: &Value) -> Option<Box<str>> {
    let by_arn =
        || request.get("StreamARN")?.as_str()?.split_once(":stream/").map(|(_, name)| name);
    let name = request.get("StreamName").and_then(Value::as_str).or_else(by_arn)?;
    Some(name.split('/').next().unwrap_or(name).into())
}

/// The bytes of a record as the limits count it: data and partition key. AWS's price page speaks of the data only, of which
/// a partition key is a small part; the larger number is billed here.
pub fn record_bytes(record: &Value) -> u64 {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    base64_bytes(text("Data")) + count(text("PartitionKey").len())
}

/// What records of these sizes cost when they have been put.
pub fn put_charges(sizes: impl Iterator<Item = u64>) -> Vec<Charge> {
    let (mut records, mut bytes, mut rounded, mut units) = (0, 0, 0, 0);
    for size in sizes {
        records += 1;
        bytes += size;
        rounded += size.div_ceil(KB).max(1) * KB;
        units += size.div_ceil(PAYLOAD_UNIT_BYTES).max(1);
    }
    vec![
        (Unit::PutPayloadUnits, units),
        (Unit::RecordsIn, records),
        (Unit::BytesIn, bytes),
        (Unit::RoundedBytesIn, rounded),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn amount(sizes: &[u64], unit: Unit) -> u64 {
        let charges = put_charges(sizes.iter().copied());
        charges.into_iter().find(|(of, _)| *of == unit).unwrap().1
    }

    #[test]
    fn payload_units_are_25_kb_of_each_record() {
        // AWS's own examples: 5 KB is one unit, 45 KB are two.
        assert_eq!(amount(&[5 * 1024], Unit::PutPayloadUnits), 1);
        assert_eq!(amount(&[45 * 1024], Unit::PutPayloadUnits), 2);
        assert_eq!(amount(&[25 * 1024, 25 * 1024 + 1], Unit::PutPayloadUnits), 1 + 2);
        assert_eq!(amount(&[100; 10], Unit::PutPayloadUnits), 10);
        assert_eq!(amount(&[0], Unit::PutPayloadUnits), 1);
    }

    #[test]
    fn on_demand_rounds_each_record_up_to_1_kb() {
        assert_eq!(amount(&[0, 1, 1024, 1025], Unit::RoundedBytesIn), (1 + 1 + 1 + 2) * 1024);
        assert_eq!(amount(&[1, 1024, 1025], Unit::BytesIn), 1 + 1024 + 1025);
    }

    #[test]
    fn a_record_is_its_data_and_its_key() {
        assert_eq!(record_bytes(&json!({"Data": "AQID", "PartitionKey": "é"})), 3 + 2);
    }

    #[test]
    fn streams_go_by_name_or_arn() {
        let check =
            |request: Value, name: Option<&str>| assert_eq!(stream_name(&request).as_deref(), name);
        check(json!({"StreamName": "s"}), Some("s"));
        check(json!({"StreamARN": "arn:aws:kinesis:us-east-1:1:stream/s"}), Some("s"));
        check(json!({"StreamARN": "arn:aws:kinesis:us-east-1:1:stream/s/consumer/c:1"}), Some("s"));
        check(json!({}), None);
    }

    proptest! {
        /// The oracle: units are counted by taking 25 KB away until nothing is left.
        #[test]
        fn payload_units_by_subtraction(sizes in prop::collection::vec(0u64..200_000, 0..20)) {
            let units = |size: u64| {
                let (mut left, mut units) = (size.max(1), 0);
                while left > 0 {
                    (left, units) = (left.saturating_sub(25_600), units + 1);
                }
                units
            };
            let expect: u64 = sizes.iter().map(|size| units(*size)).sum();
            prop_assert_eq!(amount(&sizes, Unit::PutPayloadUnits), expect);
        }
    }
}
