//! What stands where in the file: six tables, and how a value is sealed.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `about` | `format` | the format of the file; one that is not known is not opened |
//! | `about` | `clock` | by which clock it is kept ([`KeptBy`](super::KeptBy)): 1 the machine's, 2 the events'; absent until somebody asks |
//! | `entries` | log, version | an entry's [`Head`](super::form::Head) |
//! | `chunks` | log, version, label, number | a piece of a chunk |
//! | `roots` | log | the [`Root`](super::form::Root) of its snapshots |
//! | `states` | log, version, number | a piece of a state |
//! | `expiries` | when, log, version | nothing: what the sweep looks at; version 0 stands for the root |
//!
//! Chunks stand beside their entry and not in it, so that a reader touches only those that it wants. Chunks and states are cut
//! into pieces, since a value gets a page of a power of two, and one write should not ask for a gigabyte in one place.
//!
//! A value ends with a checksum of its key and itself. redb verifies its pages when a file is opened; this finds what is
//! damaged after that, and what stands under a key that is not its own.

use super::bound::Tally;
use redb::{Key, ReadableTable, Table, TableDefinition, TableError, Value, WriteTransaction};
use streamgauge_engine::hash::{combine, stable};

/// What the file says about itself: its format, under [`FORMAT_KEY`], and its clock, under [`CLOCK_KEY`].
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
/// Where the format stands.
pub(super) const FORMAT_KEY: &str = "format";
/// Where the clock stands.
pub(super) const CLOCK_KEY: &str = "clock";

pub(super) type EntryKey = (&'static str, u64);
pub(super) type ChunkKey = (&'static str, u64, u16, u16);
pub(super) type StateKey = (&'static str, u64, u16);
/// Epoch milliseconds, log, version.
pub(super) type ExpiryKey = (i64, &'static str, u64);
pub(super) type Sealed = &'static [u8];

pub(super) const ENTRIES: TableDefinition<'_, EntryKey, Sealed> = TableDefinition::new("entries");
pub(super) const CHUNKS: TableDefinition<'_, ChunkKey, Sealed> = TableDefinition::new("chunks");
pub(super) const ROOTS: TableDefinition<'_, &str, Sealed> = TableDefinition::new("roots");
pub(super) const STATES: TableDefinition<'_, StateKey, Sealed> = TableDefinition::new("states");
pub(super) const EXPIRIES: TableDefinition<'_, ExpiryKey, ()> = TableDefinition::new("expiries");

/// The largest piece, in bytes: with its key and what redb adds it fills a page of 1 MiB.
pub(super) const PIECE_BYTES: usize = (1 << 20) - (4 << 10);

/// All tables but [`ABOUT`], open in one write.
pub(super) struct Tables<'txn> {
    pub(super) entries: Table<'txn, EntryKey, Sealed>,
    pub(super) chunks: Table<'txn, ChunkKey, Sealed>,
    pub(super) roots: Table<'txn, &'static str, Sealed>,
    pub(super) states: Table<'txn, StateKey, Sealed>,
    pub(super) expiries: Table<'txn, ExpiryKey, ()>,
    /// What was put and removed so far.
    pub(super) tally: Tally,
}

impl<'txn> Tables<'txn> {
    /// Opens them, and makes those that are not there yet.
    pub(super) fn open(write: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            entries: write.open_table(ENTRIES)?,
            chunks: write.open_table(CHUNKS)?,
            roots: write.open_table(ROOTS)?,
            states: write.open_table(STATES)?,
            expiries: write.open_table(EXPIRIES)?,
            tally: Tally::default(),
        })
    }
}

/// A key, as the checksum of its value knows it: its table, its log, and its numbers.
pub(crate) fn place(table: &str, log: &str, numbers: &[u64]) -> u64 {
    let start = combine(stable(table.as_bytes()), stable(log.as_bytes()));
    numbers.iter().fold(start, |place, &number| combine(place, number))
}

/// The value with its checksum.
pub(crate) fn seal(place: u64, value: &[u8]) -> Vec<u8> {
    let checksum = combine(place, stable(value)).to_le_bytes();
    [value, &checksum].concat()
}

/// The value without its checksum, if that is right.
pub(crate) fn unseal(place: u64, sealed: &[u8]) -> Result<&[u8], redb::Error> {
    let parts = sealed.split_last_chunk::<8>();
    parts
        .filter(|(value, checksum)| combine(place, stable(value)).to_le_bytes() == **checksum)
        .map(|(value, _)| value)
        .ok_or_else(|| damaged("a value that does not have its checksum"))
}

/// A file that holds what was never written so.
pub(crate) fn damaged(what: &str) -> redb::Error {
    redb::Error::Corrupted(what.to_owned())
}

/// Something large, in pieces that are numbered from 0.
pub(super) fn pieces(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    (0..).zip(bytes.chunks(PIECE_BYTES))
}

/// Reads something large that was put in pieces: `key` makes the key of one, and what its checksum knows of it.
pub(super) fn read_pieces<'k, K: Key + 'static>(
    table: &impl ReadableTable<K, Sealed>,
    length: usize,
    key: impl Fn(u16) -> (K::SelfType<'k>, u64),
) -> Result<Vec<u8>, redb::Error> {
    let mut bytes = Vec::new();
    for number in 0..=u16::MAX {
        if bytes.len() >= length {
            break;
        }
        let (piece_key, place) = key(number);
        let sealed = table.get(piece_key)?.ok_or_else(|| damaged("a piece is missing"))?;
        let piece = unseal(place, sealed.value())?;
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(piece);
    }
    if bytes.len() == length { Ok(bytes) } else { Err(damaged("pieces of another length")) }
}

/// Removes what was put in pieces, and says how many there were.
pub(super) fn remove_pieces<'k, K: Key + 'static, V: Value + 'static>(
    table: &mut Table<'_, K, V>,
    length: usize,
    key: impl Fn(u16) -> K::SelfType<'k>,
) -> Result<usize, redb::Error> {
    let count = length.div_ceil(PIECE_BYTES);
    for (number, _) in (0..=u16::MAX).zip(0..count) {
        table.remove(key(number))?;
    }
    Ok(count)
}
