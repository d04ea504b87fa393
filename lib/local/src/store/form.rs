//! The bytes of heads and roots, format 1. Numbers are little-endian.
//!
//! ```text
//! head: expires_at i64 │ chunks u16 │ per chunk: label u16, bytes u32 │ the header
//! root: expires_at i64 (i64::MAX: never) │ snapshots u8 │ per snapshot, the newest first: version u64, bytes u64
//! ```
//!
//! They are read after their checksum was verified, and still trusted with nothing.

use super::tables::damaged;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::log::{
    CHUNKS_MAX, ENTRY_BYTES_MAX, Entry, HEADER_BYTES_MAX, Label, Version,
};
use streamgauge_pipeline::port::snapshots::STATE_BYTES_MAX;

/// How many snapshots of a log are kept.
pub(super) const KEPT: usize = 2;
/// The moment of a root that never expires.
const NEVER: i64 = i64::MAX;

/// An entry without its chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) expires_at: Timestamp,
    /// The labels of the chunks, and how many bytes each has.
    pub(super) chunks: Vec<(Label, usize)>,
    pub(super) header: Vec<u8>,
}

impl Head {
    pub(super) fn of(entry: &Entry) -> Self {
        let chunks = entry.chunks().iter().map(|(&label, bytes)| (label, bytes.len()));
        Self {
            expires_at: entry.expires_at(),
            chunks: chunks.collect(),
            header: entry.header().to_vec(),
        }
    }

    /// The bytes of header and chunks.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(|&(_, bytes)| bytes).sum::<usize>() + self.header.len()
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = self.expires_at.as_millis().to_le_bytes().to_vec();
        bytes.extend(u16::try_from(self.chunks.len()).unwrap_or(u16::MAX).to_le_bytes());
        for &(label, length) in &self.chunks {
            bytes.extend(label.0.to_le_bytes());
            bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
        bytes.extend(&self.header);
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, redb::Error> {
        Self::parse(bytes).ok_or_else(|| damaged("a head that is none"))
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let expires_at = Timestamp::from_millis(i64::from_le_bytes(take(rest)?));
        let mut chunks = Vec::new();
        for _ in 0..u16::from_le_bytes(take(rest)?) {
            let label = Label(u16::from_le_bytes(take(rest)?));
            chunks.push((label, usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?));
        }
        let head = Self { expires_at, chunks, header: rest.to_vec() };
        let is_within = head.chunks.len() <= CHUNKS_MAX
            && head.header.len() <= HEADER_BYTES_MAX
            && head.bytes() <= ENTRY_BYTES_MAX;
        is_within.then_some(head)
    }
}

/// The snapshots of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) expires_at: Option<Timestamp>,
    /// Their versions and bytes, the newest first.
    pub(super) snapshots: Vec<(Version, usize)>,
}

impl Root {
    pub(super) fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| expires_at > now)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let expires_at = self.expires_at.map_or(NEVER, Timestamp::as_millis);
        let mut bytes = expires_at.to_le_bytes().to_vec();
        bytes.push(u8::try_from(self.snapshots.len()).unwrap_or(u8::MAX));
        for &(version, length) in &self.snapshots {
            bytes.extend(version.0.to_le_bytes());
            bytes.extend(u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, redb::Error> {
        Self::parse(bytes).ok_or_else(|| damaged("a root that is none"))
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let expires_at = i64::from_le_bytes(take(rest)?);
        let mut snapshots = Vec::new();
        for _ in 0..u8::from_le_bytes(take(rest)?) {
            let version = Version(u64::from_le_bytes(take(rest)?));
            snapshots.push((version, usize::try_from(u64::from_le_bytes(take(rest)?)).ok()?));
        }
        let is_within = rest.is_empty()
            && snapshots.len() <= KEPT
            && snapshots.iter().all(|&(_, length)| length <= STATE_BYTES_MAX);
        let expires_at = (expires_at != NEVER).then(|| Timestamp::from_millis(expires_at));
        is_within.then_some(Self { expires_at, snapshots })
    }
}

/// Takes the next bytes, if there are so many.
fn take<const COUNT: usize>(rest: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (next, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*next)
}

#[cfg(test)]
mod tests;
