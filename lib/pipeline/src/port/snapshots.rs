//! Snapshots: the state that a fold has reached at a version of its log, so that it need not begin at the beginning.
//!
//! They are a cache: while the log is kept they can be deleted, and the results do not change. A state is put as immutable
//! pieces (of at most [`super::PIECE_BYTES_MAX`], spread over partition keys), and then the root, which names them, is swung
//! from the snapshot that the writer knows to the new one by compare-and-swap. Whoever still reads the one before can finish.

use super::log::{LogId, Version};
use super::{Retryable, TooLarge};
use streamgauge_engine::time::Timestamp;

/// The largest state, in bytes. What a function holds in memory is far smaller.
pub const STATE_BYTES_MAX: usize = 1 << 30;

/// How often the newest snapshot is looked for while others replace it.
const LOOKS_MAX: u32 = 8;

/// A state and where in its log it was reached. Within the limit, so every store takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    version: Version,
    state: Vec<u8>,
}

impl Snapshot {
    /// The state after the entry with this version.
    pub fn new(version: Version, state: Vec<u8>) -> Result<Self, TooLarge> {
        let remedy = "shorten `deduplicate`, `over` or `within`";
        TooLarge::check("the bytes of a snapshot", state.len(), STATE_BYTES_MAX, remedy)?;
        Ok(Self { version, state })
    }

    /// The version of the last entry that it covers.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The state.
    pub fn state(&self) -> &[u8] {
        &self.state
    }
}

/// The outcome of a put; the third is [`Retryable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Put {
    /// It is the newest snapshot.
    Swung,
    /// The newest is not the expected one, or is as new as this one: nothing has changed.
    Conflict,
}

/// The newest snapshot was replaced again and again while it was read.
pub fn replaced(log: &LogId) -> Retryable {
    let log = log.as_str();
    Retryable::new(format!(
        "could not load the newest snapshot of \"{log}\" before it was replaced"
    ))
}

/// Keeps the snapshots of logs.
pub trait Snapshots: Send + Sync {
    /// The versions of a log's snapshots, the newest first: at most two, and these never expire while the log lives.
    fn versions(&self, log: &LogId)
    -> impl Future<Output = Result<Vec<Version>, Retryable>> + Send;

    /// The snapshot of this version; absent if it was never put, or is not one of the two newest any more.
    fn load(
        &self,
        log: &LogId,
        version: Version,
    ) -> impl Future<Output = Result<Option<Snapshot>, Retryable>> + Send;

    /// The newest snapshot; absent: there is none.
    fn newest(
        &self,
        log: &LogId,
    ) -> impl Future<Output = Result<Option<Snapshot>, Retryable>> + Send {
        async move {
            for _ in 0..LOOKS_MAX {
                let Some(&version) = self.versions(log).await?.first() else { return Ok(None) };
                // It may have been replaced twice since; then the next look finds another.
                if let Some(snapshot) = self.load(log, version).await? {
                    return Ok(Some(snapshot));
                }
            }
            Err(replaced(log))
        }
    }

    /// Puts a snapshot newer than `expected`, the newest that there is (absent: there is none), in its place.
    fn put(
        &self,
        log: &LogId,
        expected: Option<Version>,
        snapshot: &Snapshot,
    ) -> impl Future<Output = Result<Put, Retryable>> + Send;

    /// The log's shard has left the stream's list: from `at` on its snapshots are ignored, also those put meanwhile.
    fn expire(
        &self,
        log: &LogId,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), Retryable>> + Send;
}
