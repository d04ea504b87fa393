//! What is in a store, as text: no other tool can read the file.
//!
//! ```text
//! shard/orders/1767607200000/0: versions 4-7 9, 5 entries (2 expired), 81920 bytes; snapshots 7 (1024 bytes) 4 (900 bytes)
//! ```

use super::form::{Head, Root};
use super::tables::{ENTRIES, ROOTS, place, unseal};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::Version;

/// The logs of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// By their names.
    pub logs: BTreeMap<String, ListedLog>,
}

/// What a store has of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedLog {
    /// The versions of its entries, in runs without a gap, also of the expired.
    pub versions: Vec<RangeInclusive<u64>>,
    /// How many entries there are.
    pub entries: u64,
    /// How many of them have expired and are not deleted yet.
    pub expired: u64,
    /// The bytes of the entries' headers and chunks.
    pub bytes: u64,
    /// The versions and bytes of its snapshots, the newest first.
    pub snapshots: Vec<(Version, u64)>,
    /// From when on its snapshots are ignored.
    pub snapshots_expire_at: Option<Timestamp>,
}

impl ListedLog {
    fn add(&mut self, version: u64, head: &Head, now: Timestamp) {
        match self.versions.last_mut() {
            Some(run) if run.end().checked_add(1) == Some(version) => {
                *run = *run.start()..=version;
            }
            _ => self.versions.push(version..=version),
        }
        self.entries += 1;
        self.expired += u64::from(head.expires_at <= now);
        self.bytes += u64::try_from(head.bytes()).unwrap_or(u64::MAX);
    }
}

/// Lists what is there; reads all heads and no chunk.
pub(super) fn list(read: &ReadTransaction, now: Timestamp) -> Result<Listing, redb::Error> {
    let mut listing = Listing::default();
    for item in read.open_table(ENTRIES)?.iter()? {
        let (key, sealed) = item?;
        let (log, version) = key.value();
        let head = Head::read(unseal(place("entries", log, &[version]), sealed.value())?)?;
        listing.logs.entry(log.to_owned()).or_default().add(version, &head, now);
    }
    for item in read.open_table(ROOTS)?.iter()? {
        let (key, sealed) = item?;
        let log = key.value();
        let root = Root::read(unseal(place("roots", log, &[]), sealed.value())?)?;
        let listed = listing.logs.entry(log.to_owned()).or_default();
        let snapshots = root.snapshots.iter();
        listed.snapshots = snapshots
            .map(|&(version, bytes)| (version, u64::try_from(bytes).unwrap_or(u64::MAX)))
            .collect();
        listed.snapshots_expire_at = root.expires_at;
    }
    Ok(listing)
}

impl fmt::Display for Listing {
    /// One line per log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.logs.iter().try_for_each(|(name, log)| writeln!(out, "{name}: {log}"))
    }
}

impl fmt::Display for ListedLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("versions")?;
        for run in &self.versions {
            match (run.start(), run.end()) {
                (start, end) if start == end => write!(out, " {start}")?,
                (start, end) => write!(out, " {start}-{end}")?,
            }
        }
        if self.versions.is_empty() {
            out.write_str(" none")?;
        }
        let Self { entries, expired, bytes, .. } = self;
        write!(out, ", {entries} entries ({expired} expired), {bytes} bytes; snapshots")?;
        for (version, length) in &self.snapshots {
            write!(out, " {} ({length} bytes)", version.0)?;
        }
        if self.snapshots.is_empty() {
            out.write_str(" none")?;
        }
        self.snapshots_expire_at
            .map_or(Ok(()), |at| write!(out, ", ignored from {} ms on", at.as_millis()))
    }
}
