//! How far each shard of each mapping is done, in one file, so that a restart goes on.
//!
//! ```json
//! {
//!   "version": 1,
//!   "mappings": {
//!     "Aggregate/Orders": {
//!       "stream": "arn:aws:kinesis:eu-west-1:000000000000:stream/orders",
//!       "created": "2026-01-02T08:15:00Z",
//!       "shards": {
//!         "shardId-000000000000": {
//!           "start": "TRIM_HORIZON", "learned": "2026-01-05T10:00:00Z", "position": "4966…", "ended": true
//!         }
//!       }
//!     }
//!   }
//! }
//! ```
//!
//! The file is written whole and beside the old one, synced, and renamed over it: a crash leaves the old one or the new one.
//! Its positions may be behind, by [`SAVE_INTERVAL`] at most while all goes well, and never ahead: after a restart records may
//! come again, and none is passed over. A file that cannot be written does not stop anything; it is tried again.
//!
//! It belongs to its streams. One that is made anew, as those in this process are with each run, has the name and the shards'
//! names of the old one and other records: by the time at which it was made it is known, and the mapping begins afresh. That is
//! looked at when a mapping starts; a stream that is made anew while one runs is trouble until the next start.

mod stored;

use super::lineage::{Known, ShardProgress};
use crate::arn::Arn;
use crate::lock::lock;
use crate::stream::{ShardId, Start};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use thiserror::Error;
use tokio::time::Instant;

/// The file is written at most so often, in real time, and then only if a position moved.
pub(super) const SAVE_INTERVAL: Duration = Duration::from_millis(250);

/// Checkpoints could not be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file is there and could not be read.
    #[error("the checkpoints in `{path}` could not be read; check who may read the file")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what this program writes.
    #[error(
        "the checkpoints in `{path}` are damaged; put a copy back, or remove the file: shards then begin at their mapping's starting position"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// The file is of another version of this program.
    #[error(
        "the checkpoints in `{path}` have version {found}, and this program reads {}; use the program that wrote them, or remove the file",
        stored::VERSION
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
    },
    /// The file knows the mapping with another stream.
    #[error(
        "the checkpoints know the mapping `{mapping}` with the stream {found}, not with {wanted}; give the mapping another name, or begin a new file"
    )]
    OtherStream {
        /// The mapping.
        mapping: String,
        /// The stream in the file.
        found: Arn,
        /// The stream of the mapping.
        wanted: Arn,
    },
    /// The disk is full.
    #[error(
        "the checkpoints could not be written to `{path}`: the disk is full; free some space, it is tried again"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file could not be written.
    #[error(
        "the checkpoints could not be written to `{path}`; check that its folder exists and may be written, it is tried again"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The checkpoints of all mappings. Clones are the same.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// None: they are kept in memory only.
    path: Option<PathBuf>,
    state: Mutex<State>,
    /// Held while the file is written, so that an older state is never written last.
    writer: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    mappings: BTreeMap<String, MappingProgress>,
    has_moved: bool,
    saved: Option<Instant>,
}

/// How far the shards of a mapping are done.
#[derive(Clone, Debug, PartialEq)]
struct MappingProgress {
    stream: Arn,
    /// When the stream was made.
    created: Timestamp,
    shards: Known,
}

impl Checkpoints {
    /// Checkpoints that are forgotten with the process.
    pub fn in_memory() -> Self {
        Self::new(None, BTreeMap::new())
    }

    /// The checkpoints in a file; none are in it if it does not exist.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let mappings = match fs::read(path) {
            Ok(bytes) => stored::read(&bytes, path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(CheckpointError::Read { path: path.to_owned(), source }),
        };
        Ok(Self::new(Some(path.to_owned()), mappings))
    }

    fn new(path: Option<PathBuf>, mappings: BTreeMap<String, MappingProgress>) -> Self {
        let state = Mutex::new(State { mappings, ..State::default() });
        Self { shared: Arc::new(Shared { path, state, writer: Mutex::new(()) }) }
    }

    /// What is known of a mapping's shards. Says so if the mapping had another stream.
    pub(super) fn known(&self, mapping: &str, stream: &Arn) -> Result<Known, CheckpointError> {
        let state = self.state();
        let Some(progress) = state.mappings.get(mapping) else { return Ok(Known::new()) };
        if progress.stream != *stream {
            return Err(CheckpointError::OtherStream {
                mapping: mapping.to_owned(),
                found: progress.stream.clone(),
                wanted: stream.clone(),
            });
        }
        Ok(progress.shards.clone())
    }

    /// Takes down which stream a mapping has and when it was made. What is known of an older one of that name is forgotten:
    /// answers when that was made.
    pub(super) fn begin(
        &self,
        mapping: &str,
        stream: &Arn,
        created: Timestamp,
    ) -> Option<Timestamp> {
        let mut state = self.state();
        let before = state.mappings.get(mapping).map(|progress| progress.created);
        if before != Some(created) {
            let progress =
                MappingProgress { stream: stream.clone(), created, shards: Known::new() };
            state.mappings.insert(mapping.to_owned(), progress);
            state.has_moved = true;
        }
        before.filter(|before| *before != created)
    }

    /// Takes down how far shards of a mapping that was begun are done. Nothing goes back: a poller that was dropped may finish
    /// what it had in flight when another one is ahead. `LATEST` is now: whoever asks later gets the moment.
    pub(super) fn note(&self, mapping: &str, shards: Known) {
        let mut state = self.state();
        let Some(progress) = state.mappings.get_mut(mapping).filter(|_| !shards.is_empty()) else {
            return;
        };
        for (shard, mut noted) in shards {
            if noted.start == Start::Latest {
                noted.start = Start::AtTimestamp(noted.learned);
            }
            if let Some(before) = progress.shards.get(&shard) {
                noted.ended |= before.ended;
                noted.position = noted.position.max(before.position.clone());
            }
            progress.shards.insert(shard, noted);
        }
        state.has_moved = true;
    }

    /// Takes down how far one shard is done.
    pub(super) fn note_shard(&self, mapping: &str, shard: &ShardId, progress: &ShardProgress) {
        self.note(mapping, Known::from([(ShardId::clone(shard), progress.clone())]));
    }

    /// Forgets a shard.
    pub(super) fn forget(&self, mapping: &str, shard: &ShardId) {
        let mut state = self.state();
        let progress = state.mappings.get_mut(mapping);
        if progress.is_some_and(|progress| progress.shards.remove(shard).is_some()) {
            state.has_moved = true;
        }
    }

    /// Writes the file if something moved, and not more often than every [`SAVE_INTERVAL`].
    pub(super) async fn save_if_due(&self) -> Result<(), CheckpointError> {
        let is_due = {
            let state = self.state();
            state.has_moved && state.saved.is_none_or(|saved| saved.elapsed() >= SAVE_INTERVAL)
        };
        if is_due { self.save().await } else { Ok(()) }
    }

    /// Writes the file if something moved.
    pub async fn save(&self) -> Result<(), CheckpointError> {
        let this = self.clone();
        let saved = tokio::task::spawn_blocking(move || this.save_now()).await;
        saved.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends: nothing can be done any more.
            Err(_) => Ok(()),
        })
    }

    fn save_now(&self) -> Result<(), CheckpointError> {
        let Some(path) = &self.shared.path else { return Ok(()) };
        let _writer = lock(&self.shared.writer);
        let text = {
            let mut state = self.state();
            if !state.has_moved {
                return Ok(());
            }
            state.has_moved = false;
            state.saved = Some(Instant::now());
            stored::write(&state.mappings)
        };
        replace(path, &text).map_err(|source| {
            self.state().has_moved = true;
            write_error(path, source)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

fn write_error(path: &Path, source: io::Error) -> CheckpointError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => CheckpointError::Full { path, source },
        _ => CheckpointError::Write { path, source },
    }
}

/// Puts a new file in the place of another, so that there is always one of the two.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    write_synced(&beside, text)?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
