//! How far a file was read, for whoever asks whether there is more.
//!
//! What is compared with the file is the place up to which it was read, and never a length that it had at another moment. While a file that
//! was renamed may still be written to, the lines of the one that has its name now are not offered: there is more, and silence proves nothing.

use super::file::{Identity, identity, unless_absent};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far a file was read. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<SeenTo>>);

#[derive(Debug, Default)]
pub(super) enum SeenTo {
    /// It is being read.
    #[default]
    Reading,
    /// All of it was offered.
    End {
        /// The file that is open, and the place up to which it was read.
        open: Option<(Arc<File>, u64)>,
        /// The file that had the name.
        named: Option<Identity>,
    },
}

impl Seen {
    /// Whether the file has lines that were not offered.
    pub(crate) fn has_more(&self, path: &Path) -> bool {
        // What cannot be looked at may have more.
        self.lock().has_more(path).unwrap_or(true)
    }

    pub(super) fn set(&self, to: SeenTo) {
        *self.lock() = to;
    }

    fn lock(&self) -> MutexGuard<'_, SeenTo> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SeenTo {
    /// No file is open, since there is none or nothing is in it.
    pub(super) fn nothing_open(path: &Path) -> io::Result<Self> {
        let named = unless_absent(fs::metadata(path))?;
        Ok(Self::End { open: None, named: named.as_ref().map(identity) })
    }

    fn has_more(&self, path: &Path) -> io::Result<bool> {
        let Self::End { open, named: before } = self else { return Ok(true) };
        let named = unless_absent(fs::metadata(path))?;
        let now = named.as_ref().map(identity);
        let mut own = None;
        if let Some((file, read_to)) = open {
            let metadata = file.metadata()?;
            if metadata.len() != *read_to {
                return Ok(true);
            }
            own = Some(identity(&metadata));
        }
        let is_unread = now != own && named.is_some_and(|named| named.len() > 0);
        Ok(now != *before || is_unread)
    }
}
