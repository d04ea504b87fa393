//! Where in a shard's log the identities stand that the shard remembers, so that its snapshots can leave them out.
//!
//! The log holds each identity anyway, in the entry that saw it first, for days longer than it is remembered. A snapshot of a busy
//! shard would repeat them, some megabytes again and again; instead it says where each *generation* of them begins, and who
//! restores it reads the log from the first of these places on:
//!
//! ```text
//! log       ... │ 41 │ 42 │ 43 │ ... │ 97 │ 98 │ 99 │
//! generations     g5   g5   g5 g6      g6   g6 g7      g5 begins with 41, g6 with 43, g7 with 98
//!               └────────── window ─────────┘    ▲
//!                                                 snapshot: 41, 43, 98, and what else the state is
//! ```
//!
//! Identities that came from elsewhere (a parent shard, another plan, a snapshot that did not say so) have no place in the log. While
//! any of them is remembered, snapshots hold all.

use crate::port::log::Version;
use crate::stored::{Reader, Writer};
use minicbor::decode::Error;
use std::collections::BTreeMap;

/// A window of so many bytes is read whatever it is worth.
const WINDOW_BYTES_MIN: u64 = 1 << 20;
/// At most so many times as many bytes as the identities have are read for them.
const WINDOW_PER_IDS: u64 = 8;
/// The largest window, in bytes of headers and identities: those of two hours of a full shard. With the deltas that stand between them,
/// these are some 250 pages of DynamoDB.
const WINDOW_BYTES_MAX: u64 = 64 << 20;

/// Where a generation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    /// The first entry that has an identity of it.
    pub(super) version: Version,
    /// What a restore reads of the log before that entry, in bytes.
    pub(super) bytes_before: u64,
}

impl Origin {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { version: Version(reader.take()?), bytes_before: reader.take()? })
    }
}

/// Where the generations begin that a section remembers; absent: not in this log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origins(BTreeMap<i64, Option<Origin>>);

impl Origins {
    /// What is remembered came from elsewhere.
    pub(super) fn elsewhere(generations: impl Iterator<Item = i64>) -> Self {
        Self(generations.map(|generation| (generation, None)).collect())
    }

    /// An entry has identities of these generations. Those before the oldest are remembered no longer; absent: none are.
    pub(super) fn saw(
        &mut self,
        generations: impl Iterator<Item = i64>,
        origin: Origin,
        oldest: Option<i64>,
    ) {
        for generation in generations {
            self.0.entry(generation).or_insert(Some(origin));
        }
        self.0.retain(|generation, _| oldest.is_some_and(|oldest| *generation >= oldest));
    }

    /// Whether the identities of this generation in the entry with this version are remembered.
    pub(super) fn holds(&self, generation: i64, version: Version) -> bool {
        self.0.get(&generation).copied().flatten().is_some_and(|origin| origin.version <= version)
    }

    /// Where the first of them begins, if there is any; an error: some came from elsewhere.
    pub(super) fn first(&self) -> Result<Option<Origin>, Elsewhere> {
        let all: Option<Vec<Origin>> = self.0.values().copied().collect();
        all.map(|all| all.into_iter().min()).ok_or(Elsewhere)
    }

    /// The first entry of this log that has any of them.
    pub(super) fn earliest(&self) -> Option<Version> {
        self.0.values().flatten().map(|origin| origin.version).min()
    }

    /// Writes them into a stored form.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.list(self.0.iter(), |writer, (&generation, &origin)| {
            writer.put(generation).option(origin, |writer, origin| {
                writer.put(origin.version.0).put(origin.bytes_before);
            });
        });
    }

    /// Reads them from a stored form.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let origins = reader.list(|reader| Ok((reader.take()?, reader.option(Origin::read)?)))?;
        Ok(Self(origins.into_iter().collect()))
    }
}

/// Some identities are not in this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere;

/// The part of a log that a restore reads for the identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Its first entry; absent: nothing is remembered.
    pub(super) first: Option<Version>,
    /// How many bytes it has, headers and identities.
    pub(super) bytes: u64,
}

/// Whether a snapshot leaves its identities, of so many bytes, to such a window: where they are worth it and it is not too long.
pub(super) fn leaves_out(ids_bytes: u64, ids_bytes_min: u64, window: Window) -> bool {
    let window_bytes_max = ids_bytes.saturating_mul(WINDOW_PER_IDS);
    ids_bytes >= ids_bytes_min
        && window.bytes <= window_bytes_max.clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(version: u64) -> Origin {
        Origin { version: Version(version), bytes_before: 10 * version }
    }

    #[test]
    fn a_generation_begins_with_its_first_entry_and_ends_with_its_time() {
        let mut origins = Origins::default();
        assert_eq!(origins.first(), Ok(None));
        origins.saw([5].into_iter(), at(41), Some(4));
        origins.saw([6, 5].into_iter(), at(43), Some(4));
        origins.saw([6, 7].into_iter(), at(98), Some(5));
        assert_eq!(origins.first(), Ok(Some(at(41))));
        origins.saw([7].into_iter(), at(99), Some(6));
        assert_eq!(origins.first(), Ok(Some(at(43))));
        let held = [(5, 41), (6, 42), (6, 43), (7, 98), (8, 99)];
        let held = held.map(|(generation, version)| origins.holds(generation, Version(version)));
        assert_eq!(held, [false, false, true, true, false]);
        origins.saw([].into_iter(), at(100), None);
        assert_eq!(origins.first(), Ok(None));
    }

    #[test]
    fn what_came_from_elsewhere_stays_so_until_it_is_forgotten() {
        let mut origins = Origins::elsewhere([5, 6].into_iter());
        origins.saw([6, 7].into_iter(), at(1), Some(5));
        assert_eq!(origins.first(), Err(Elsewhere));
        assert!(!origins.holds(6, Version(1)), "it may be in the log and was there before");
        origins.saw([7].into_iter(), at(2), Some(7));
        assert_eq!(origins.first(), Ok(Some(at(1))));
    }

    /// With so many bytes of identities, of which one needs so many, the largest window is so long; absent: none is.
    #[track_caller]
    fn check(ids_bytes: u64, ids_bytes_min: u64, expect: Option<u64>) {
        let leaves =
            |bytes| leaves_out(ids_bytes, ids_bytes_min, Window { first: Some(Version(1)), bytes });
        assert_eq!(leaves(expect.unwrap_or_default()), expect.is_some());
        assert!(!leaves(expect.unwrap_or_default() + 1));
    }

    #[test]
    fn identities_are_left_out_where_they_are_many_and_their_window_is_short() {
        check((1 << 20) - 1, 1 << 20, None);
        check(1 << 20, 1 << 20, Some(8 << 20));
        check(31 << 20, 1 << 20, Some(64 << 20));
        check(1 << 30, 1 << 20, Some(64 << 20));
        check(0, 0, Some(1 << 20));
    }
}
