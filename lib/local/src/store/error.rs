//! What can go wrong with a store's file, by what is to be done about it.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A store that could not be opened, read or written. Nothing that it had acknowledged is lost by that, unless it is damaged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder does not exist, or a file that was open before is gone.
    #[error(
        "found neither the store `{}` nor a place to make it; make its folder, or correct the path",
        path.display()
    )]
    NotFound {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Cause,
    },
    /// Somebody has it open.
    #[error(
        "the store `{}` is open already; stop the process that has it, or name another file",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It may not be written.
    #[error(
        "had no right to write the store `{}`; give it to the user that runs this",
        path.display()
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Cause,
    },
    /// There is no room for it.
    #[error(
        "found no room for the store `{}`; make some on its disk: what was acknowledged is still there",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Cause,
    },
    /// The file is something else.
    #[error("`{}` is not a store of events; name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: Cause,
    },
    /// A later version wrote it.
    #[error(
        "the store `{}` was written by a later version; use that one, or name another file",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: Cause,
    },
    /// It holds what was never written so.
    #[error(
        "the store `{}` is damaged; put a copy in its place, or move it away to begin anew",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: Cause,
    },
    /// Something else about the file or its disk.
    #[error("could not read or write the store `{}`; look at its disk and try again", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: Cause,
    },
}

/// The error below.
type Cause = Box<dyn Error + Send + Sync>;

/// How redb's message begins when a file has a format that is not its own, which has no type of its own.
const NEWER_FILE: &str = "Expected file format version";

/// A format that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("found format {found}; formats up to {known} are known")]
pub(super) struct UnknownFormat {
    pub(super) found: u64,
    pub(super) known: u64,
}

impl StoreError {
    /// What an error of the file means.
    pub(super) fn of(path: &Path, error: redb::Error) -> Self {
        use redb::Error as Found;
        let path = path.to_owned();
        let source = |found: Found| -> Cause {
            match found {
                Found::Io(io) => io.into(),
                other => other.into(),
            }
        };
        match &error {
            Found::DatabaseAlreadyOpen | Found::LockProtocolMismatch => Self::InUse { path },
            Found::Io(io) => match io.kind() {
                ErrorKind::NotFound => Self::NotFound { path, source: source(error) },
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    Self::ReadOnly { path, source: source(error) }
                }
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    Self::Full { path, source: source(error) }
                }
                ErrorKind::InvalidData | ErrorKind::IsADirectory => {
                    Self::Foreign { path, source: source(error) }
                }
                // Asking for bytes after the end: a file that was cut.
                ErrorKind::UnexpectedEof => Self::Damaged { path, source: source(error) },
                _ => Self::File { path, source: source(error) },
            },
            Found::Corrupted(message) if message.starts_with(NEWER_FILE) => {
                Self::Newer { path, source: source(error) }
            }
            Found::Corrupted(_) => Self::Damaged { path, source: source(error) },
            Found::UpgradeRequired(_)
            | Found::TableTypeMismatch { .. }
            | Found::TableIsMultimap(_)
            | Found::TypeDefinitionChanged { .. }
            | Found::TableDoesNotExist(_) => Self::Foreign { path, source: source(error) },
            _ => Self::File { path, source: source(error) },
        }
    }
}
