//! Deletes what has expired, a little with each write, so that no write waits for the deletion of a day.
//!
//! A write brings one entry and takes up to [`SWEPT_MAX`] away: the sweep catches up however far it was behind.

use super::tables::{Tables, damaged};
use super::{logs, states};
use redb::ReadableTable;
use streamgauge_engine::time::Timestamp;

/// How many entries and roots a write deletes at most.
pub(super) const SWEPT_MAX: usize = 16;
/// After this many keys a write deletes no more. The last that it began has up to twice 1,029 (two states).
pub(super) const SWEPT_KEYS_MAX: usize = 1_024;

/// Deletes some of what has expired.
pub(super) fn sweep(tables: &mut Tables<'_>, now: Timestamp) -> Result<(), redb::Error> {
    let mut expired = Vec::new();
    for row in tables.expiries.range(..(now.as_millis().saturating_add(1), "", 0))?.take(SWEPT_MAX)
    {
        let (key, _) = row?;
        let (at, log, version) = key.value();
        expired.push((at, log.to_owned(), version));
    }
    let mut keys = 0;
    for (at, log, version) in expired {
        if keys >= SWEPT_KEYS_MAX {
            break;
        }
        keys += delete(tables, at, &log, version)?;
    }
    Ok(())
}

/// Deletes what a row of `expiries` stands for, with the row, and says how many keys that were.
fn delete(tables: &mut Tables<'_>, at: i64, log: &str, version: u64) -> Result<usize, redb::Error> {
    if version == states::ROOT {
        let root = states::root(&tables.roots, log)?;
        if root.expires_at.map(Timestamp::as_millis) == Some(at) {
            return states::remove(tables, log, &root);
        }
    } else if let Some(head) = logs::head(tables, log, version)?
        && head.expires_at.as_millis() == at
    {
        return logs::remove(tables, log, version, &head);
    }
    Err(damaged("an expiry of nothing"))
}
