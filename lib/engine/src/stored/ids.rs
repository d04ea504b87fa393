//! Identities by generation: 8 bytes each, and a few for each generation.
//!
//! Format 1: a list of generations, each as its distance to the one before, with its hashes.

use super::StoredError;
use super::reader::{Reader, read};
use super::writer::Writer;
use crate::delta::Ids;
use minicbor::decode::Error;

const WHAT: &str = "list of identities";
const FORMAT: u64 = 1;

/// The bytes of the identities that a batch saw first.
pub fn write_ids(ids: &Ids) -> Vec<u8> {
    let mut writer = Writer::new(FORMAT);
    put_ids(&mut writer, ids);
    writer.finish()
}

/// The identities that a batch saw first, from their bytes.
pub fn read_ids(bytes: &[u8]) -> Result<Ids, StoredError> {
    read(WHAT, FORMAT, bytes, |reader, _| ids_from(reader))
}

/// Writes identities as a part of a larger form.
pub(crate) fn put_ids(writer: &mut Writer, ids: &Ids) {
    writer.list(ids.generations.len());
    let mut last = 0;
    for (generation, hashes) in &ids.generations {
        writer.signed(generation.wrapping_sub(last));
        writer.hashes(hashes.iter().copied());
        last = *generation;
    }
}

/// Reads what [`put_ids`] wrote.
pub(crate) fn ids_from(reader: &mut Reader<'_>) -> Result<Ids, Error> {
    let mut generations = Vec::new();
    let mut last = 0_i64;
    for _ in 0..reader.list()? {
        last = last.wrapping_add(reader.signed()?);
        generations.push((last, reader.hashes()?));
    }
    Ok(Ids { generations })
}
