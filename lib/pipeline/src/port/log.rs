//! Logs: append-only lists of entries with versions, the truth that everything else is computed from.
//!
//! A writer puts an entry on the version after the last that it knows, under the condition that nobody else has. Who loses
//! reads what it missed, folds it, and tries the version after that:
//!
//! ```text
//! one writer      append(log, 7, a) ──► Appended
//! another         append(log, 7, b) ──► Conflict, read(log, 6) ──► [7: a], append(log, 8, b') ──► Appended
//! ```
//!
//! An entry is a header and chunks, of which a reader asks for those that are its own. Stores keep small entries in one
//! piece. Of a large one they put the chunks first, in pieces of at most [`super::PIECE_BYTES_MAX`] under keys that carry the
//! attempt, so that two writers of one version never mix, and last, under the condition, the header, which names them.

use super::source::ShardKey;
use super::{Partition, Retryable, TooLarge};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::time::Timestamp;

/// The largest header, in bytes: it is one piece, together with the names of the chunks.
pub const HEADER_BYTES_MAX: usize = 256 << 10;
/// How many chunks an entry has at most, so that their names fit beside the header.
pub const CHUNKS_MAX: usize = 1_024;
/// The largest entry, in bytes: twice what a settle takes or puts out at most.
pub const ENTRY_BYTES_MAX: usize = 16 << 20;
/// A read ends with the entry that brings what it has read to this many bytes.
pub const READ_BYTES_MAX: usize = 8 << 20;

/// The name of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(Arc<str>);

impl LogId {
    /// The log of a source shard. A stream that is made anew under its old name has new logs. No name holds a slash.
    pub fn shard(shard: &ShardKey) -> Self {
        Self(format!("shard/{shard}").into())
    }

    /// The log of a settle partition.
    pub fn settle(partition: Partition) -> Self {
        Self(format!("settle/{}", partition.number()).into())
    }

    /// The control log: plans, silences, deploys.
    pub fn control() -> Self {
        Self("control".into())
    }

    /// The register of a lane: it is never appended to, its snapshots alone say how far the lane is.
    pub fn lane(lane: &str, partition: Partition) -> Self {
        Self(format!("lane/{lane}/{}", partition.number()).into())
    }

    /// What the lanes of a partition could not deliver.
    pub fn dead_letters(partition: Partition) -> Self {
        Self(format!("dead/{}", partition.number()).into())
    }

    /// The register of what the streams said when one partition asked, for the others: like that of a lane it has snapshots only.
    pub fn progress() -> Self {
        Self("progress".into())
    }

    /// The name as text, which stores use as key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The place of an entry in its log. The first entry has version 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// Before the first entry: reading after it begins at the beginning, and nothing can be appended at it.
    pub const START: Self = Self(0);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What a chunk of an entry is for, as the entry's author numbers it: for instance one per settle partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub u16);

/// The chunks of an entry.
pub type Chunks = BTreeMap<Label, Vec<u8>>;

/// A header, chunks, and until when they are kept. Within the limits, so every store takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    header: Vec<u8>,
    chunks: Chunks,
    expires_at: Timestamp,
}

impl Entry {
    /// Puts an entry together. From `expires_at` on it is ignored, whether the store has deleted it or not; entries of a log
    /// expire in their order.
    pub fn new(header: Vec<u8>, chunks: Chunks, expires_at: Timestamp) -> Result<Self, TooLarge> {
        let remedy = "cut the batch into more entries";
        TooLarge::check("the bytes of an entry's header", header.len(), HEADER_BYTES_MAX, remedy)?;
        TooLarge::check("the number of an entry's chunks", chunks.len(), CHUNKS_MAX, remedy)?;
        let entry = Self { header, chunks, expires_at };
        TooLarge::check("the bytes of an entry", entry.bytes(), ENTRY_BYTES_MAX, remedy)?;
        Ok(entry)
    }

    /// What every reader gets.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The chunks; in an entry that was read, those that were wanted.
    pub fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// From when on it is ignored.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The same with only the chunks that are wanted.
    #[must_use]
    pub fn with_only(&self, wanted: Wanted<'_>) -> Self {
        let chunks = self.chunks.iter().filter(|&(&label, _)| wanted.includes(label));
        let chunks = chunks.map(|(&label, bytes)| (label, bytes.clone())).collect();
        Self { header: self.header.clone(), chunks, expires_at: self.expires_at }
    }

    /// Its size in bytes, header and chunks.
    pub fn bytes(&self) -> usize {
        self.chunks.values().map(Vec::len).sum::<usize>() + self.header.len()
    }
}

/// Which chunks a reader wants; headers always come.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All of them.
    All,
    /// Those with these labels.
    Only(&'a [Label]),
}

impl Wanted<'_> {
    /// Whether a chunk with this label is wanted.
    pub fn includes(self, label: Label) -> bool {
        match self {
            Self::All => true,
            Self::Only(labels) => labels.contains(&label),
        }
    }
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its version.
    pub version: Version,
    /// The entry, with the chunks that were wanted.
    pub entry: Entry,
}

/// The outcome of an append; the third is [`Retryable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Append {
    /// The entry is in the log.
    Appended,
    /// The version is taken, perhaps by this very entry, if an earlier answer was lost: read, fold, and try the next.
    Conflict,
}

/// Keeps logs.
pub trait Log: Send + Sync {
    /// Puts an entry on a version unless there is one.
    ///
    /// `version` is the one after the last that the caller has read; of a log that is empty because all of it has expired,
    /// the one after what its reader has consumed. The entry is then visible with all its chunks, or not at all; chunks
    /// whose header never came expire. An expired entry does not hold its version.
    fn append(
        &self,
        log: &LogId,
        version: Version,
        entry: &Entry,
    ) -> impl Future<Output = Result<Append, Retryable>> + Send;

    /// Entries after a version, in order: none if there are none yet, else one or more, up to [`READ_BYTES_MAX`].
    ///
    /// Nothing is missing between them, and before the first only what has expired; while the entry at `after` lives, that
    /// is nothing. A store whose scans can overtake a writer, and so find an entry without the one before it, looks again or
    /// ends before the gap.
    fn read(
        &self,
        log: &LogId,
        after: Version,
        wanted: Wanted<'_>,
    ) -> impl Future<Output = Result<Vec<Logged>, Retryable>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(header_bytes: usize, chunks: u16, chunk_bytes: usize, message: &str) {
        let chunks = (0..chunks).map(|label| (Label(label), vec![0; chunk_bytes])).collect();
        let entry = Entry::new(vec![0; header_bytes], chunks, Timestamp::EPOCH);
        assert_eq!(entry.unwrap_err().to_string(), message);
    }

    #[test]
    fn entries_over_a_limit_are_refused() {
        let header = "the bytes of an entry's header: 262145 is over the limit of 262144; cut the batch into more entries";
        check_refused(HEADER_BYTES_MAX + 1, 0, 0, header);
        let chunks = "the number of an entry's chunks: 1025 is over the limit of 1024; cut the batch into more entries";
        check_refused(0, 1_025, 0, chunks);
        let all = "the bytes of an entry: 16777217 is over the limit of 16777216; cut the batch into more entries";
        check_refused(1, 2, ENTRY_BYTES_MAX / 2, all);
    }
}
