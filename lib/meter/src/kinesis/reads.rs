//! Reads: which shard an iterator reads, whether the shard may be read now, and what was read.
//!
//! An iterator does not say its shard, so the proxy remembers those that it saw being given out. One that it never saw, as
//! after a restart of the proxy, is read without a limit and teaches nothing.

use super::puts::{ShardKey, THROUGHPUT, no_room};
use crate::answer::Refusal;
use crate::bucket::Buckets;
use crate::unit::{Charge, Unit, base64_bytes, count};
use jiff::Timestamp;
use rapidhash::v3::rapidhash_v3;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// `GetRecords` calls per second and shard.
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>
pub const CALLS_PER_SECOND: u32 = 5;
/// Bytes per second out of a shard. Same page: a read of 10 MiB throttles the next 5 seconds.
pub const BYTES_PER_SECOND: u32 = 2 * 1024 * 1024;
/// The most iterators that are remembered; the oldest are forgotten first.
pub const ITERATORS_MAX: usize = 65_536;

/// What the shards still give, and the iterators on them.
#[derive(Debug)]
pub struct Reads {
    calls: Buckets<ShardKey>,
    bytes: Buckets<ShardKey>,
    /// By the hash of (account, iterator).
    iterators: BTreeMap<u64, ShardKey>,
    ages: VecDeque<u64>,
}

impl Default for Reads {
    fn default() -> Self {
        let (calls, bytes) = (Buckets::new(CALLS_PER_SECOND), Buckets::new(BYTES_PER_SECOND));
        Self { calls, bytes, iterators: BTreeMap::new(), ages: VecDeque::new() }
    }
}

fn hash(account: &str, iterator: &str) -> u64 {
    rapidhash_v3(format!("{account}/{iterator}").as_bytes())
}

impl Reads {
    /// Remembers what an iterator reads.
    pub fn learn(&mut self, account: &str, iterator: &str, shard: ShardKey) {
        let hash = hash(account, iterator);
        if self.iterators.insert(hash, shard).is_none() {
            self.ages.push_back(hash);
        }
        if self.ages.len() > ITERATORS_MAX
            && let Some(oldest) = self.ages.pop_front()
        {
            self.iterators.remove(&oldest);
        }
    }

    /// The shard of an iterator that was seen.
    pub fn shard(&self, account: &str, iterator: &str) -> Option<&ShardKey> {
        self.iterators.get(&hash(account, iterator))
    }

    /// Takes the place of a call, if no bytes are owed.
    pub fn take(&mut self, shard: &ShardKey, now: Timestamp) -> bool {
        self.bytes.at(shard, now).has(1, now) && self.calls.at(shard, now).take(1, now)
    }

    /// Charges the bytes that a call read. More than a second's worth does not profit from what had been left over, so that
    /// 10 MiB close a shard for the 5 seconds that AWS says.
    pub fn owe(&mut self, shard: &ShardKey, bytes: u64, now: Timestamp) {
        let bucket = self.bytes.at(shard, now);
        if bytes > u64::from(BYTES_PER_SECOND) {
            bucket.empty(now);
        }
        bucket.owe(bytes, now);
    }
}

/// The error of a shard that is read too much.
pub fn refusal(shard: &ShardKey) -> Refusal {
    let (_, stream, shard) = shard;
    Refusal::new(400, THROUGHPUT, no_room(stream, shard))
}

/// What an answer of `GetRecords` gave.
pub fn charges(answer: &Value) -> Vec<Charge> {
    let records = answer.get("Records").and_then(Value::as_array).into_iter().flatten();
    let sizes = records
        .map(|record| base64_bytes(record.get("Data").and_then(Value::as_str).unwrap_or_default()));
    let sizes: Vec<u64> = sizes.collect();
    vec![(Unit::RecordsOut, count(sizes.len())), (Unit::BytesOut, sizes.iter().sum())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use serde_json::json;

    fn shard(id: &str) -> ShardKey {
        ("1".into(), "s".into(), id.into())
    }

    #[test]
    fn a_shard_is_read_5_times_a_second() {
        let (mut reads, now) = (Reads::default(), Timestamp::UNIX_EPOCH);
        assert!((0..5).all(|_| reads.take(&shard("a"), now)));
        assert!(!reads.take(&shard("a"), now));
        assert!(reads.take(&shard("b"), now));
        assert!(reads.take(&shard("a"), now + SignedDuration::from_millis(200)));
    }

    #[test]
    fn ten_mib_close_a_shard_for_five_seconds() {
        let (mut reads, now) = (Reads::default(), Timestamp::UNIX_EPOCH);
        assert!(reads.take(&shard("a"), now));
        reads.owe(&shard("a"), 10 * 1024 * 1024, now);
        assert!(!reads.take(&shard("a"), now + SignedDuration::from_millis(5000)));
        assert!(reads.take(&shard("a"), now + SignedDuration::from_millis(5001)));
    }

    #[test]
    fn iterators_are_remembered_by_account() {
        let mut reads = Reads::default();
        reads.learn("1", "it", shard("a"));
        assert_eq!(reads.shard("1", "it"), Some(&shard("a")));
        assert_eq!(reads.shard("2", "it"), None);
    }

    #[test]
    fn the_oldest_iterators_are_forgotten() {
        let mut reads = Reads::default();
        for number in 0..=ITERATORS_MAX {
            reads.learn("1", &number.to_string(), shard("a"));
        }
        assert_eq!((reads.shard("1", "0"), reads.shard("1", "1")), (None, Some(&shard("a"))));
    }

    #[test]
    fn data_are_counted() {
        let answer = json!({"Records": [{"Data": "AQID"}, {"Data": "AQ=="}]});
        assert_eq!(charges(&answer), [(Unit::RecordsOut, 2), (Unit::BytesOut, 3 + 1)]);
    }
}
