//! A record to be put, with the limits that Kinesis has for one and for a call.

use thiserror::Error;

/// The longest partition key, in Unicode characters
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html>).
pub const KEY_CHARACTERS_MAX: usize = 256;
/// How many records a call has at most
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>).
pub const CALL_RECORDS_MAX: usize = 500;
/// How many bytes a call has at most, partition keys included (the same page).
pub const CALL_BYTES_MAX: usize = 10 << 20;
/// How many bytes a record has at most, its partition key included, unless its stream was set to take more, up to 10 MiB
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateMaxRecordSize.html>).
pub const RECORD_BYTES_MAX_DEFAULT: usize = 1 << 20;

/// A record to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRecord {
    partition_key: String,
    explicit_hash_key: Option<u128>,
    data: Vec<u8>,
}

/// A partition key that Kinesis does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a partition key of {characters} characters; Kinesis takes 1 to {KEY_CHARACTERS_MAX}")]
pub struct KeyError {
    /// How long it is.
    pub characters: usize,
}

impl PutRecord {
    /// A record whose key decides the shard.
    pub fn new(partition_key: impl Into<String>, data: Vec<u8>) -> Result<Self, KeyError> {
        let partition_key = partition_key.into();
        let characters = partition_key.chars().count();
        if !(1..=KEY_CHARACTERS_MAX).contains(&characters) {
            return Err(KeyError { characters });
        }
        Ok(Self { partition_key, explicit_hash_key: None, data })
    }

    /// A record of an event: its key is the hash of the event's identity, so that copies meet in one shard and are found.
    ///
    /// Whatever puts events for this project uses this key: two ways to write it would be two shards.
    pub fn of_event(identity: u64, data: Vec<u8>) -> Self {
        Self { partition_key: format!("{identity:016x}"), explicit_hash_key: None, data }
    }

    /// The same record in the shard that has this hash key, whatever its partition key says. Order is kept by partition key
    /// still.
    #[must_use]
    pub fn at_hash_key(self, hash_key: u128) -> Self {
        Self { explicit_hash_key: Some(hash_key), ..self }
    }

    /// A record with the same keys that carries something else.
    #[must_use]
    pub fn with_data(&self, data: Vec<u8>) -> Self {
        Self { partition_key: self.partition_key.clone(), data, ..*self }
    }

    /// What decides its shard, and keeps its order.
    pub fn partition_key(&self) -> &str {
        &self.partition_key
    }

    /// What decides its shard instead, if it is set.
    pub fn explicit_hash_key(&self) -> Option<u128> {
        self.explicit_hash_key
    }

    /// What it carries.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Its size as Kinesis' limits count it: data and partition key, in bytes.
    pub fn bytes(&self) -> usize {
        self.data.len() + self.partition_key.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_to_256_characters() {
        let check = |key: &str, expect: Result<(), usize>| {
            let made = PutRecord::new(key, vec![]).map(drop).map_err(|error| error.characters);
            assert_eq!(made, expect);
        };
        check("", Err(0));
        check("k", Ok(()));
        check(&"\u{e9}".repeat(256), Ok(()));
        check(&"k".repeat(257), Err(257));
    }

    #[test]
    fn a_record_is_its_data_and_its_key() {
        assert_eq!(PutRecord::new("\u{e9}", vec![0; 3]).unwrap().bytes(), 5);
    }

    /// Records of earlier versions stand in streams under this key.
    #[test]
    fn the_key_of_an_event_never_changes() {
        assert_eq!(PutRecord::of_event(0xd1b4, vec![]).partition_key(), "000000000000d1b4");
    }
}
