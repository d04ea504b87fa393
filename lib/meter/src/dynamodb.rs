//! `DynamoDB`: what a call costs, and what a request must be asked in addition so that its cost can be known.
//!
//! The order of a call: [`asked`] reads the request and adds to it what the meter wants to know; [`settled`] reads the
//! answer, takes the additions out again and says the units. [`item`] has AWS's formula for the size of an item,
//! [`keys`] finds the partition keys that a request touches, for the limit of a key's throughput, and [`refused`] says what
//! becomes of a call when a key is used too much.

pub mod asked;
pub mod item;
pub mod keys;
pub mod refused;
pub mod settled;

use crate::unit::KB;

/// The bytes of a write unit.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>
pub const WRITE_UNIT_BYTES: u64 = KB;
/// The bytes of a read unit.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>
pub const READ_UNIT_BYTES: u64 = 4 * KB;

/// How a read is done, as the halves of a read unit that 4 KB cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Half a unit.
    Eventual,
    /// One unit.
    Strong,
    /// Two units.
    Transactional,
}

impl Consistency {
    /// From `ConsistentRead` of a request.
    pub fn of(consistent_read: bool) -> Self {
        if consistent_read { Self::Strong } else { Self::Eventual }
    }

    /// Halves of a read unit for so many bytes, at least those of one unit.
    pub fn halves(self, bytes: u64) -> u64 {
        let halves = match self {
            Self::Eventual => 1,
            Self::Strong => 2,
            Self::Transactional => 4,
        };
        halves * bytes.div_ceil(READ_UNIT_BYTES).max(1)
    }
}

/// Write units for an item of so many bytes, at least one.
pub fn write_units(bytes: u64) -> u64 {
    bytes.div_ceil(WRITE_UNIT_BYTES).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_rounded_up_to_1_kb() {
        assert_eq!([0, 1, 1024, 1025, 3584].map(write_units), [1, 1, 1, 2, 4]);
    }

    #[test]
    fn reads_are_rounded_up_to_4_kb() {
        assert_eq!(
            [0, 4096, 4097, 8704].map(|bytes| Consistency::Strong.halves(bytes)),
            [2, 2, 4, 6]
        );
        // 8.5 KB are 3 blocks of 4 KB: 1.5 units eventually, 3 strong, 6 transactional.
        assert_eq!(Consistency::Eventual.halves(8704), 3);
        assert_eq!(Consistency::Transactional.halves(8704), 12);
    }
}
