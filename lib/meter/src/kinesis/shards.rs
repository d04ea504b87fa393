//! Which shard a record goes to: the MD5 of its partition key, or its explicit hash key, lies in one open shard's range.
//!
//! The ranges are learned from `ListShards` of the stand-in, and again after each call that changes them or whenever an
//! answer names another shard than was expected.

use md5::{Digest, Md5};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most streams whose shards are remembered; when there are more, all are learned anew.
pub const STREAMS_MAX: usize = 10_000;

/// An open shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: Box<str>,
    /// The first hash key.
    pub from: u128,
    /// The last hash key.
    pub to: u128,
}

/// The hash key of a record.
pub fn hash_key(record: &Value) -> Option<u128> {
    if let Some(explicit) = record.get("ExplicitHashKey").and_then(Value::as_str) {
        return explicit.parse().ok();
    }
    let digest = Md5::digest(record.get("PartitionKey")?.as_str()?.as_bytes());
    Some(u128::from_be_bytes(digest.into()))
}

/// The open shards in an answer of `ListShards`: those without a last sequence number.
pub fn open_shards(answer: &Value) -> Vec<Shard> {
    let shards = answer.get("Shards").and_then(Value::as_array).into_iter().flatten();
    let open = shards.filter(|shard| {
        shard.pointer("/SequenceNumberRange/EndingSequenceNumber").is_none_or(Value::is_null)
    });
    let shard = |shard: &Value| {
        let key = |name: &str| shard.get("HashKeyRange")?.get(name)?.as_str()?.parse().ok();
        let id = shard.get("ShardId")?.as_str()?.into();
        Some(Shard { id, from: key("StartingHashKey")?, to: key("EndingHashKey")? })
    };
    open.filter_map(shard).collect()
}

/// The shards of all streams.
#[derive(Debug, Default)]
pub struct Shards(BTreeMap<(Box<str>, Box<str>), Vec<Shard>>);

impl Shards {
    /// Whether a stream's shards are known.
    pub fn knows(&self, account: &str, stream: &str) -> bool {
        self.0.contains_key(&(account.into(), stream.into()))
    }

    /// Remembers a stream's open shards; none at all are not remembered.
    pub fn learn(&mut self, account: &str, stream: &str, open: Vec<Shard>) {
        if self.0.len() >= STREAMS_MAX {
            self.0.clear();
        }
        if !open.is_empty() {
            self.0.insert((account.into(), stream.into()), open);
        }
    }

    /// Forgets a stream whose shards change.
    pub fn forget(&mut self, account: &str, stream: &str) {
        self.0.remove(&(account.into(), stream.into()));
    }

    /// The shard of a record; none if the stream or the record's key is unknown.
    pub fn of_record(&self, account: &str, stream: &str, record: &Value) -> Option<Box<str>> {
        let key = hash_key(record)?;
        let shards = self.0.get(&(account.into(), stream.into()))?;
        shards
            .iter()
            .find(|shard| (shard.from..=shard.to).contains(&key))
            .map(|shard| shard.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MIDDLE: u128 = 1 << 127;

    /// Two shards of half the keys each, and their closed parent.
    fn answer() -> Value {
        let shard = |id: &str, from: u128, to: u128, end: Value| {
            json!({
                "ShardId": id,
                "HashKeyRange": {"StartingHashKey": from.to_string(), "EndingHashKey": to.to_string()},
                "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": end},
            })
        };
        json!({"Shards": [
            shard("s-0", 0, u128::MAX, "9".into()),
            shard("s-1", 0, MIDDLE - 1, Value::Null),
            shard("s-2", MIDDLE, u128::MAX, Value::Null),
        ]})
    }

    #[track_caller]
    fn check(record: &Value, shard: Option<&str>) {
        let mut shards = Shards::default();
        shards.learn("1", "s", open_shards(&answer()));
        assert_eq!(shards.of_record("1", "s", record).as_deref(), shard);
    }

    #[test]
    fn closed_shards_take_nothing() {
        let open = open_shards(&answer());
        assert_eq!(open.iter().map(|shard| &*shard.id).collect::<Vec<_>>(), ["s-1", "s-2"]);
    }

    #[test]
    fn a_partition_key_goes_where_its_md5_lies() {
        // MD5("a") begins with 0c, MD5("b") with 92.
        check(&json!({"PartitionKey": "a"}), Some("s-1"));
        check(&json!({"PartitionKey": "b"}), Some("s-2"));
    }

    #[test]
    fn an_explicit_hash_key_overrides() {
        check(&json!({"PartitionKey": "a", "ExplicitHashKey": MIDDLE.to_string()}), Some("s-2"));
        check(
            &json!({"PartitionKey": "b", "ExplicitHashKey": (MIDDLE - 1).to_string()}),
            Some("s-1"),
        );
        check(&json!({"PartitionKey": "a", "ExplicitHashKey": "x"}), None);
    }

    #[test]
    fn streams_are_learned_and_forgotten() {
        let mut shards = Shards::default();
        shards.learn("1", "s", vec![]);
        assert!(!shards.knows("1", "s"));
        shards.learn("1", "s", open_shards(&answer()));
        assert!(shards.knows("1", "s") && !shards.knows("2", "s"));
        shards.forget("1", "s");
        assert!(!shards.knows("1", "s"));
    }
}
