//! Entries: put if absent in a write, read in order.

use super::form::Head;
use super::tables::{
    CHUNKS, ENTRIES, Sealed, Tables, damaged, pieces, place, read_pieces, remove_pieces, seal,
    unseal,
};
use redb::{ReadTransaction, ReadableTable};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::{
    Append, Chunks, Entry, Label, Logged, READ_BYTES_MAX, Version, Wanted,
};

fn entry_place(log: &str, version: u64) -> u64 {
    place("entries", log, &[version])
}

fn chunk_place(log: &str, version: u64, label: Label, number: u16) -> u64 {
    place("chunks", log, &[version, label.0.into(), number.into()])
}

/// Puts an entry on a version that is free, or whose entry has expired.
pub(super) fn put(
    tables: &mut Tables<'_>,
    now: Timestamp,
    (log, version): (&str, Version),
    entry: &Entry,
) -> Result<Append, redb::Error> {
    if version == Version::START {
        return Ok(Append::Conflict);
    }
    if let Some(held) = head(tables, log, version.0)? {
        if held.expires_at > now {
            return Ok(Append::Conflict);
        }
        remove(tables, log, version.0, &held)?;
    }
    let version = version.0;
    let head = Head::of(entry);
    tables.tally.put(log, &head);
    tables.entries.insert((log, version), &*seal(entry_place(log, version), &head.write()))?;
    for (&label, chunk) in entry.chunks() {
        for (number, piece) in pieces(chunk) {
            let sealed = seal(chunk_place(log, version, label, number), piece);
            tables.chunks.insert((log, version, label.0, number), &*sealed)?;
        }
    }
    tables.expiries.insert((entry.expires_at().as_millis(), log, version), ())?;
    Ok(Append::Appended)
}

/// The head on a version, expired or not.
pub(super) fn head(
    tables: &Tables<'_>,
    log: &str,
    version: u64,
) -> Result<Option<Head>, redb::Error> {
    let sealed = tables.entries.get((log, version))?;
    sealed.map(|sealed| unsealed(log, version, sealed.value())).transpose()
}

/// The head on a version, as it stands in its table.
pub(super) fn unsealed(log: &str, version: u64, sealed: &[u8]) -> Result<Head, redb::Error> {
    Head::read(unseal(entry_place(log, version), sealed)?)
}

/// Removes an entry, and says how many keys it had.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    log: &str,
    version: u64,
    head: &Head,
) -> Result<usize, redb::Error> {
    tables.tally.removed(log, head);
    let mut keys = 2;
    for &(label, length) in &head.chunks {
        keys +=
            remove_pieces(&mut tables.chunks, length, |number| (log, version, label.0, number))?;
    }
    tables.entries.remove((log, version))?;
    tables.expiries.remove((head.expires_at.as_millis(), log, version))?;
    Ok(keys)
}

/// Entries after a version that have not expired, up to the first gap or [`READ_BYTES_MAX`].
pub(crate) fn read(
    read: &ReadTransaction,
    now: Timestamp,
    log: &str,
    after: Version,
    wanted: Wanted<'_>,
) -> Result<Vec<Logged>, redb::Error> {
    let entries = read.open_table(ENTRIES)?;
    let chunks = read.open_table(CHUNKS)?;
    let mut logged = Vec::new();
    let (mut last, mut bytes) = (None, 0);
    for item in entries.range((log, after.0)..=(log, u64::MAX))? {
        let (key, sealed) = item?;
        let version = Version(key.value().1);
        let head = unsealed(log, version.0, sealed.value())?;
        if head.expires_at <= now {
            continue;
        }
        let follows = last.is_none_or(|last: Version| last.next() == version);
        if !follows || bytes >= READ_BYTES_MAX {
            break;
        }
        last = Some(version);
        if version > after {
            let entry = entry(&chunks, log, version.0, head, wanted)?;
            bytes += entry.bytes();
            logged.push(Logged { version, entry });
        }
    }
    Ok(logged)
}

/// The entry of a head, with the chunks that are wanted.
fn entry(
    chunks: &impl ReadableTable<super::tables::ChunkKey, Sealed>,
    log: &str,
    version: u64,
    head: Head,
    wanted: Wanted<'_>,
) -> Result<Entry, redb::Error> {
    let mut found = Chunks::new();
    for (label, length) in head.chunks.into_iter().filter(|&(label, _)| wanted.includes(label)) {
        let chunk = read_pieces(chunks, length, |number| {
            ((log, version, label.0, number), chunk_place(log, version, label, number))
        })?;
        found.insert(label, chunk);
    }
    Entry::new(head.header, found, head.expires_at).map_err(|error| damaged(&error.to_string()))
}
