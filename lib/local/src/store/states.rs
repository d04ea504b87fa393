//! Snapshots: a state in pieces, and the root that names the two newest.

use super::form::{KEPT, Root};
use super::tables::{
    ROOTS, STATES, Sealed, Tables, damaged, pieces, place, read_pieces, remove_pieces, seal, unseal,
};
use redb::{ReadTransaction, ReadableTable};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::port::snapshots::{Put, Snapshot};

/// The version under which `expiries` has a root.
pub(super) const ROOT: u64 = Version::START.0;

fn state_place(log: &str, version: Version, number: u16) -> u64 {
    place("states", log, &[version.0, number.into()])
}

/// A log's root, expired or not; one without snapshots if there is none.
pub(super) fn root(
    roots: &impl ReadableTable<&'static str, Sealed>,
    log: &str,
) -> Result<Root, redb::Error> {
    let Some(sealed) = roots.get(log)? else { return Ok(Root::default()) };
    Root::read(unseal(place("roots", log, &[]), sealed.value())?)
}

fn write_root(tables: &mut Tables<'_>, log: &str, root: &Root) -> Result<(), redb::Error> {
    tables.roots.insert(log, &*seal(place("roots", log, &[]), &root.write()))?;
    Ok(())
}

fn remove_state(
    tables: &mut Tables<'_>,
    log: &str,
    (version, length): (Version, usize),
) -> Result<usize, redb::Error> {
    remove_pieces(&mut tables.states, length, |number| (log, version.0, number))
}

/// Removes a root with its snapshots, and says how many keys they had.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    log: &str,
    root: &Root,
) -> Result<usize, redb::Error> {
    let mut keys = 2;
    for &snapshot in &root.snapshots {
        keys += remove_state(tables, log, snapshot)?;
    }
    tables.roots.remove(log)?;
    if let Some(expires_at) = root.expires_at {
        tables.expiries.remove((expires_at.as_millis(), log, ROOT))?;
    }
    Ok(keys)
}

/// Puts a snapshot in the place of the newest, if that is the expected one.
pub(super) fn swing(
    tables: &mut Tables<'_>,
    now: Timestamp,
    log: &str,
    expected: Option<Version>,
    snapshot: &Snapshot,
) -> Result<Put, redb::Error> {
    let mut root = root(&tables.roots, log)?;
    let is_expired = !root.lives(now);
    let newest = root.snapshots.first().map(|&(version, _)| version).filter(|_| !is_expired);
    if newest != expected || newest >= Some(snapshot.version()) {
        return Ok(Put::Conflict);
    }
    if is_expired {
        remove(tables, log, &root)?;
        root = Root::default();
    }
    let version = snapshot.version();
    for (number, piece) in pieces(snapshot.state()) {
        let sealed = seal(state_place(log, version, number), piece);
        tables.states.insert((log, version.0, number), &*sealed)?;
    }
    root.snapshots.insert(0, (version, snapshot.state().len()));
    if let Some(oldest) = (root.snapshots.len() > KEPT).then(|| root.snapshots.pop()).flatten() {
        remove_state(tables, log, oldest)?;
    }
    write_root(tables, log, &root)?;
    Ok(Put::Swung)
}

/// Notes from when on a log's snapshots are ignored.
pub(super) fn expire(
    tables: &mut Tables<'_>,
    now: Timestamp,
    log: &str,
    at: Timestamp,
) -> Result<(), redb::Error> {
    let mut root = root(&tables.roots, log)?;
    if !root.lives(now) {
        remove(tables, log, &root)?;
        root = Root::default();
    }
    if let Some(before) = root.expires_at.replace(at) {
        tables.expiries.remove((before.as_millis(), log, ROOT))?;
    }
    tables.expiries.insert((at.as_millis(), log, ROOT), ())?;
    write_root(tables, log, &root)
}

/// A log's root, unless it has expired.
pub(super) fn living(
    read: &ReadTransaction,
    now: Timestamp,
    log: &str,
) -> Result<Root, redb::Error> {
    let root = root(&read.open_table(ROOTS)?, log)?;
    Ok(if root.lives(now) { root } else { Root::default() })
}

/// A snapshot, if it is one of those that are kept.
pub(super) fn load(
    read: &ReadTransaction,
    now: Timestamp,
    log: &str,
    version: Version,
) -> Result<Option<Snapshot>, redb::Error> {
    let root = living(read, now, log)?;
    let named = root.snapshots.iter().find(|&&(named, _)| named == version);
    let Some(&(_, length)) = named else { return Ok(None) };
    let state = read_pieces(&read.open_table(STATES)?, length, |number| {
        ((log, version.0, number), state_place(log, version, number))
    })?;
    Snapshot::new(version, state).map(Some).map_err(|error| damaged(&error.to_string()))
}
