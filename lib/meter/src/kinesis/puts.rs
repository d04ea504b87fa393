//! Puts: the sizes of a request, which of its records go through, and the answer to all of them.
//!
//! A batch is not refused as a whole: records that a shard has no room for fail alone, and the ones behind them may
//! succeed, so a retry of the failed ones arrives after its followers. That is AWS's documented way to lose the order.

use super::record_bytes;
use crate::answer::Refusal;
use crate::bucket::Buckets;
use crate::unit::count;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The most records of a `PutRecords`.
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>
pub const RECORDS_MAX: usize = 500;
/// The most bytes of a `PutRecords`, partition keys included. Same page.
pub const REQUEST_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// The most bytes of a record, its partition key included, of a stream whose maximum was not raised (up to 10 MiB).
/// Same page. A stand-in that has `MaxRecordSizeInKiB` checks raised streams better: leave the limit off for those.
pub const RECORD_BYTES_MAX: u64 = 1024 * 1024;
/// Records per second into a shard. Same page.
pub const RECORDS_PER_SECOND: u32 = 1_000;
/// Bytes per second into a shard. Same page; AWS writes 1 MB here and 1 MiB there, and this is the larger.
pub const BYTES_PER_SECOND: u32 = 1024 * 1024;
/// The error of a record for which its shard has no room.
pub const THROUGHPUT: &str = "ProvisionedThroughputExceededException";

/// The records of a request: many, or the request itself as one.
pub fn records<'a>(operation: &str, request: &'a Value) -> Vec<&'a Value> {
    match operation {
        "PutRecords" => {
            request.get("Records").and_then(Value::as_array).into_iter().flatten().collect()
        }
        "PutRecord" => vec![request],
        _ => vec![],
    }
}

/// The refusal of a request that is too large. (The names of the errors are those that clients report; AWS's page names
/// only `InvalidArgumentException`.)
pub fn too_large(records: &[&Value]) -> Option<Refusal> {
    if records.len() > RECORDS_MAX {
        let message = format!(
            "1 validation error detected: Value at 'records' failed to satisfy constraint: \
             Member must have length less than or equal to {RECORDS_MAX}"
        );
        return Some(Refusal::new(400, "ValidationException", message));
    }
    let sizes: Vec<u64> = records.iter().map(|record| record_bytes(record)).collect();
    if let Some(large) = sizes.iter().find(|size| **size > RECORD_BYTES_MAX) {
        let message = format!(
            "a record has {large} bytes, at most {RECORD_BYTES_MAX} with its partition key"
        );
        return Some(Refusal::new(400, "InvalidArgumentException", message));
    }
    let sum: u64 = sizes.iter().sum();
    (sum > REQUEST_BYTES_MAX).then(|| {
        let message = format!("the records have {sum} bytes, at most {REQUEST_BYTES_MAX}");
        Refusal::new(400, "InvalidArgumentException", message)
    })
}

/// A shard of a stream of an account.
pub type ShardKey = (Box<str>, Box<str>, Box<str>);

/// What the shards still take.
#[derive(Debug)]
pub struct Room {
    records: Buckets<ShardKey>,
    bytes: Buckets<ShardKey>,
}

impl Default for Room {
    fn default() -> Self {
        Self { records: Buckets::new(RECORDS_PER_SECOND), bytes: Buckets::new(BYTES_PER_SECOND) }
    }
}

impl Room {
    /// Takes the room of a record, if both its number and its bytes have room.
    pub fn take(&mut self, shard: &ShardKey, bytes: u64, now: Timestamp) -> bool {
        let there =
            self.bytes.at(shard, now).has(bytes, now) && self.records.at(shard, now).take(1, now);
        if there {
            self.bytes.at(shard, now).owe(bytes, now);
        }
        there
    }
}

/// What becomes of the records of a batch: for each the message with which it fails, or none.
pub type Fates = Vec<Option<String>>;

/// The request without the records that fail.
pub fn kept(request: &Value, fates: &[Option<String>]) -> Value {
    let mut kept = request.clone();
    if let Some(records) = kept.get_mut("Records").and_then(Value::as_array_mut) {
        let mut fates = fates.iter();
        records.retain(|_| fates.next().is_none_or(Option::is_none));
    }
    kept
}

/// The answer to the whole batch: the stand-in's results for the kept records, in the order of the request.
pub fn merge(answer: &Value, fates: &[Option<String>]) -> Value {
    let mut results = answer.get("Records").and_then(Value::as_array).into_iter().flatten();
    let missing = || json!({"ErrorCode": "InternalFailure", "ErrorMessage": "the answer has too few records"});
    let merged = fates.iter().map(|fate| match fate {
        Some(message) => json!({"ErrorCode": THROUGHPUT, "ErrorMessage": message}),
        None => results.next().cloned().unwrap_or_else(missing),
    });
    let merged: Vec<Value> = merged.collect();
    let failed = merged.iter().filter(|result| is_failed(result)).count();
    let mut whole = answer.clone();
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("FailedRecordCount".to_owned(), count(failed).into());
        whole.insert("Records".to_owned(), merged.into());
    }
    whole
}

/// Whether a result of a batch is a failure.
pub fn is_failed(result: &Value) -> bool {
    result.get("ErrorCode").is_some_and(|code| !code.is_null())
}

/// What AWS says of a shard without room.
pub fn no_room(stream: &str, shard: &str) -> String {
    format!("Rate exceeded for shard {shard} in stream {stream} under account 000000000000.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    /// A record of this many bytes, one of them its key.
    fn record(bytes: usize) -> Value {
        use base64::Engine;
        let data = base64::engine::general_purpose::STANDARD.encode(vec![0; bytes - 1]);
        json!({"Data": data, "PartitionKey": "k"})
    }

    #[track_caller]
    fn check_size(records: &[Value], refused: Option<&str>) {
        let records: Vec<&Value> = records.iter().collect();
        assert_eq!(too_large(&records).map(|refusal| refusal.name), refused);
    }

    #[test]
    fn requests_have_500_records_at_most() {
        check_size(&vec![record(10); 500], None);
        check_size(&vec![record(10); 501], Some("ValidationException"));
    }

    #[test]
    fn records_have_1_mib_with_their_key() {
        check_size(&[record(1024 * 1024)], None);
        check_size(&[record(1024 * 1024 + 1)], Some("InvalidArgumentException"));
    }

    #[test]
    fn requests_have_10_mib_at_most() {
        check_size(&vec![record(1024 * 1024); 10], None);
        let mut records = vec![record(1024 * 1024); 10];
        records.push(record(2));
        check_size(&records, Some("InvalidArgumentException"));
    }

    fn shard(id: &str) -> ShardKey {
        ("1".into(), "s".into(), id.into())
    }

    #[test]
    fn a_shard_takes_1000_records_a_second() {
        let (mut room, now) = (Room::default(), Timestamp::UNIX_EPOCH);
        assert!((0..1000).all(|_| room.take(&shard("a"), 1, now)));
        assert!(!room.take(&shard("a"), 1, now));
        assert!(room.take(&shard("b"), 1, now));
        assert!(room.take(&shard("a"), 1, now + SignedDuration::from_millis(1)));
    }

    #[test]
    fn a_shard_takes_1_mib_a_second() {
        let (mut room, now) = (Room::default(), Timestamp::UNIX_EPOCH);
        assert!(room.take(&shard("a"), 1024 * 1024 - 10, now));
        assert!(!room.take(&shard("a"), 11, now));
        assert!(room.take(&shard("a"), 10, now));
    }

    #[test]
    fn a_record_without_room_for_its_bytes_takes_no_place() {
        let (mut room, now) = (Room::default(), Timestamp::UNIX_EPOCH);
        assert!(room.take(&shard("a"), 1024 * 1024 - 999, now));
        assert!((0..5000).all(|_| !room.take(&shard("a"), 1000, now)));
        assert!((0..999).all(|_| room.take(&shard("a"), 1, now)));
    }

    fn fate(fails: bool) -> Option<String> {
        fails.then(|| "no room".to_owned())
    }

    #[test]
    fn failed_records_are_put_back_in_their_places() {
        let fates = [false, true, false, true].map(fate);
        let request = json!({"StreamName": "s", "Records": ["a", "b", "c", "d"]});
        assert_eq!(kept(&request, &fates), json!({"StreamName": "s", "Records": ["a", "c"]}));
        let answer = json!({"EncryptionType": "NONE", "FailedRecordCount": 0, "Records": [{"SequenceNumber": "1"}, {"SequenceNumber": "2"}]});
        let failed = json!({"ErrorCode": THROUGHPUT, "ErrorMessage": "no room"});
        let records = json!([{"SequenceNumber": "1"}, failed, {"SequenceNumber": "2"}, failed]);
        let merged = json!({"EncryptionType": "NONE", "FailedRecordCount": 2, "Records": records});
        assert_eq!(merge(&answer, &fates), merged);
    }

    #[test]
    fn failures_of_the_stand_in_are_counted_too() {
        let answer = json!({"FailedRecordCount": 1, "Records": [{"ErrorCode": "InternalFailure"}]});
        assert_eq!(merge(&answer, &[true, false].map(fate))["FailedRecordCount"], 2);
    }

    #[test]
    fn results_that_are_missing_are_failures() {
        let merged = merge(&json!({"Records": []}), &[false].map(fate));
        assert_eq!(merged["Records"][0]["ErrorCode"], "InternalFailure");
    }

    proptest! {
        /// Each record gets its own result back, whichever fail.
        #[test]
        fn results_stand_where_their_records_stood(fails in prop::collection::vec(any::<bool>(), 1..50)) {
            let numbers: Vec<Value> = (0..fails.len()).map(Value::from).collect();
            let fates: Fates = fails.iter().map(|fails| fate(*fails)).collect();
            let kept = kept(&json!({"Records": numbers}), &fates);
            let results: Vec<Value> =
                kept["Records"].as_array().unwrap().iter().map(|number| json!({"SequenceNumber": number})).collect();
            let merged = merge(&json!({"Records": results}), &fates);
            for (place, result) in merged["Records"].as_array().unwrap().iter().enumerate() {
                prop_assert_eq!(result.get("SequenceNumber") == Some(&json!(place)), !fails[place]);
                prop_assert_eq!(is_failed(result), fails[place]);
            }
        }
    }
}
