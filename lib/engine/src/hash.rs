//! Hashing that is the same on every machine and in every run.

use rapidhash::v3::rapidhash_v3;

/// The stable 64-bit hash (rapidhash v3, default secrets) that identities, keys and series are known by.
///
/// It is written to logs and decides which series keep their names, so it never changes.
pub fn stable(bytes: &[u8]) -> u64 {
    rapidhash_v3(bytes)
}
