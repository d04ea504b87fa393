//! Sequence numbers in AWS's look: 56 digits that begin with 49, as 47 hexadecimal digits inside.
//!
//! | digits | what |
//! | --- | --- |
//! | 1 | `2` |
//! | 9 | when the shard was made, in seconds |
//! | 1 | the last digit of the shard's number |
//! | 16 | counts the records of the shard |
//! | 11 | when the record arrived, in seconds |
//! | 8 | the shard's number |
//! | 1 | `2` |
//!
//! The look is what public stand-ins found out; AWS documents only that numbers increase within a shard.

use crate::stream::SequenceNumber;
use jiff::Timestamp;

/// The numbers of one shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    shard: u64,
    made_seconds: u64,
}

impl Numbers {
    pub(super) fn new(shard: usize, made: Timestamp) -> Self {
        Self { shard: u64::try_from(shard).unwrap_or(0), made_seconds: seconds(made) }
    }

    /// The number of the record with an ordinal.
    pub(super) fn number(self, ordinal: u64, arrival: Timestamp) -> SequenceNumber {
        let mut wide = Wide::default();
        wide.push(2, 1);
        wide.push(self.made_seconds, 9);
        wide.push(self.shard, 1);
        wide.push(ordinal, 16);
        wide.push(seconds(arrival), 11);
        wide.push(self.shard, 8);
        wide.push(2, 1);
        wide.to_decimal()
    }
}

fn seconds(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_second()).unwrap_or(0)
}

/// A number of 192 bits, highest part first.
#[derive(Clone, Copy, Debug, Default)]
struct Wide([u64; 3]);

/// 10^19, the largest power of ten below 2^64.
const CHUNK: u128 = 10_000_000_000_000_000_000;

impl Wide {
    /// Appends the last `digits` hexadecimal digits of a value, 1 to 16.
    fn push(&mut self, value: u64, digits: u32) {
        let bits = digits * 4;
        let kept = if bits >= 64 { value } else { value & ((1 << bits) - 1) };
        let [high, middle, low] = self.0;
        self.0 = if bits >= 64 {
            [middle, low, kept]
        } else {
            let carry = |part: u64| part >> (64 - bits);
            [(high << bits) | carry(middle), (middle << bits) | carry(low), (low << bits) | kept]
        };
    }

    /// Divides by [`CHUNK`] and answers the rest.
    fn divide(&mut self) -> u64 {
        let mut rest: u128 = 0;
        for part in &mut self.0 {
            let value = (rest << 64) | u128::from(*part);
            // The rest is below the divisor, so the quotient fits.
            *part = u64::try_from(value / CHUNK).unwrap_or(u64::MAX);
            rest = value % CHUNK;
        }
        u64::try_from(rest).unwrap_or(u64::MAX)
    }

    fn to_decimal(mut self) -> SequenceNumber {
        let low = self.divide();
        let middle = self.divide();
        let high = self.divide();
        SequenceNumber::new(&format!("{high}{middle:019}{low:019}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn numbers_look_like_those_of_aws() {
        let number = Numbers::new(3, at(1_767_600_000)).number(0, at(1_767_600_000));
        assert_eq!(number.as_str().len(), 56);
        assert!(number.as_str().starts_with("49"), "{number}");
    }

    #[test]
    fn numbers_increase_with_the_ordinal_whatever_the_time() {
        let numbers = Numbers::new(20, at(1_767_600_000));
        let all: Vec<SequenceNumber> = [0, 1, 9, 10, 1 << 20, 1 << 40, u64::MAX]
            .iter()
            .zip([5, 4, 4, 3, 2, 1, 0])
            .map(|(&ordinal, seconds)| numbers.number(ordinal, at(seconds)))
            .collect();
        assert!(all.is_sorted() && all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
    }

    #[test]
    fn numbers_are_written_exactly() {
        let mut wide = Wide::default();
        wide.push(1, 1);
        for _ in 0..8 {
            wide.push(0, 4);
        }
        // 2^128 = 340282366920938463463374607431768211456
        assert_eq!(wide.to_decimal().as_str(), "340282366920938463463374607431768211456");
    }
}
