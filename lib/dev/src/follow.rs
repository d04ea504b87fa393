//! A file that others append to, as `tail -F` follows it: renamed and made anew, emptied, not there yet.
//!
//! A file is known by how it begins and not by its name, so that after a restart it is found again though it was renamed meanwhile. What was
//! read of it is known by the log ([`crate::intake::mark`]).

mod file;
mod seen;

use crate::cutter::{Cut, Cutter};
use crate::happening::{Happening, Teller};
use crate::intake::Followed;
use crate::intake::mark::{FileId, Mark};
use file::{Begun, fingerprint, identity, renamed_after, rotated, unless_absent, was_left};
pub(crate) use seen::Seen;
use seen::SeenTo;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use streamgauge_engine::hash;

/// What is read at once, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// How often a file is looked at that has nothing new.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A file that has another name now is left after so many looks at which it had nothing new: who writes it may do so until it opens the name again.
pub(crate) const QUIET_LOOKS: u32 = 50;
/// So long is that.
const QUIET: Duration = LOOK_EVERY.saturating_mul(QUIET_LOOKS);

/// Follows a file.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    /// Where to go on; absent once that was found, or cannot be.
    from: Option<Mark>,
    /// What comes next, if it was renamed too before it was read.
    next: Option<PathBuf>,
    open: Option<Open>,
    seen: Seen,
    teller: Teller,
    is_missing: bool,
    piece: Vec<u8>,
}

/// The file that is read.
#[derive(Debug)]
struct Open {
    file: Arc<File>,
    /// What it is known by; absent until its first line is whole.
    id: Option<FileId>,
    cutter: Cutter,
    /// At how many looks it had another name and nothing new.
    quiet_looks: u32,
}

impl Follower {
    /// Follows the file of this name from a mark on, or from its beginning.
    pub fn new(path: PathBuf, from: Option<Mark>, teller: Teller) -> Self {
        Self {
            path,
            from,
            next: None,
            open: None,
            seen: Seen::default(),
            teller,
            is_missing: false,
            piece: vec![0; PIECE_BYTES],
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    /// The next lines; absent: there are none now.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Cut, Followed)>> {
        self.seen.set(SeenTo::Reading);
        if let Some(from) = self.from {
            // The mark is kept while it is not certain what became of its file.
            if !self.find(from)? {
                self.seen.set(SeenTo::nothing_open(&self.path)?);
                return Ok(None);
            }
            self.from = None;
        }
        let mut looked = false;
        loop {
            let Some(open) = &mut self.open else {
                if !self.open_next()? {
                    self.seen.set(SeenTo::nothing_open(&self.path)?);
                    return Ok(None);
                }
                continue;
            };
            // What was cut is not there again if this fails.
            open.identify()?;
            if let Some(cut) = open.cutter.take() {
                let found = open.followed(cut);
                if found.0.records.is_empty() {
                    continue;
                }
                return Ok(Some(found));
            }
            if !looked {
                looked = true;
                if !open.is_as_it_was()? {
                    self.tell("was emptied; it is read from its beginning");
                    self.begin_again();
                    continue;
                }
            }
            let count = open.read(&mut self.piece)?;
            if count > 0 {
                continue;
            }
            match self.end()? {
                End::Waits => return Ok(None),
                End::Rest(found) => return Ok(Some(found)),
                End::GoesOn => looked = false,
            }
        }
    }

    /// Everything that is there was read.
    fn end(&mut self) -> io::Result<End> {
        let Some(open) = &mut self.open else { return Ok(End::GoesOn) };
        let own = open.file.metadata()?;
        let named = unless_absent(std::fs::metadata(&self.path))?;
        let has_name = named.as_ref().is_some_and(|named| identity(&own) == identity(named));
        let next = if has_name { None } else { renamed_after(&self.path, &own)? };
        let read_to = open.cutter.pushed_to();
        if own.len() > read_to {
            // It came after the last read, and is still being read for whoever asks.
            return Ok(End::Waits);
        }
        let is_over = open.quiet_looks >= QUIET_LOOKS || was_left(&own, named.as_ref(), QUIET);
        let has_next = next.is_some() || named.is_some();
        if has_name || !has_next || !is_over {
            open.quiet_looks = if has_name { 0 } else { open.quiet_looks.saturating_add(1) };
            if next.is_none() {
                let open = Some((Arc::clone(&open.file), read_to));
                self.seen.set(SeenTo::End { open, named: named.as_ref().map(identity) });
            }
            return Ok(End::Waits);
        }
        if let Some(cut) = open.cutter.finish() {
            let found = open.followed(cut);
            if !found.0.records.is_empty() {
                return Ok(End::Rest(found));
            }
        }
        (self.open, self.next) = (None, next);
        Ok(End::GoesOn)
    }

    /// Finds the file of a mark, under its name or another, or finds that it is not there any more; false: that is not known yet.
    fn find(&mut self, from: Mark) -> io::Result<bool> {
        let is_it = |begun: &Begun| begun.id == Some(from.file) && begun.length >= from.offset;
        // First the name, then the others: what is renamed in between is among them.
        let named = Begun::open(&self.path)?;
        let (is_missing, is_other) =
            (named.is_none(), named.as_ref().is_some_and(|begun| begun.length > 0));
        let mut found = named.filter(is_it);
        if found.is_none() {
            let others = rotated(&self.path)?;
            let mut others =
                others.iter().map(|path| Begun::beside(path)).filter_map(Result::transpose);
            found = others.find(|begun| begun.as_ref().map_or(true, is_it)).transpose()?;
        }
        if let Some(Begun { file, id, .. }) = found {
            self.is_missing = false;
            self.open = Some(Open::new(file, id, from.offset));
            return Ok(true);
        }
        if is_other {
            self.tell("is another file than before, or was emptied; it is read from its beginning");
        } else if is_missing {
            self.tell_missing();
        }
        Ok(is_other)
    }

    /// Opens the file that comes next, from its beginning; false: it is not there.
    fn open_next(&mut self) -> io::Result<bool> {
        if let Some(path) = &self.next {
            let next = Begun::beside(path)?;
            self.next = None;
            if next.is_some() {
                self.open = next.map(|Begun { file, id, .. }| Open::new(file, id, 0));
                return Ok(true);
            }
        }
        let Some(Begun { file, id, .. }) = Begun::open(&self.path)? else {
            self.tell_missing();
            return Ok(false);
        };
        self.is_missing = false;
        self.open = Some(Open::new(file, id, 0));
        Ok(true)
    }

    fn tell_missing(&mut self) {
        if !std::mem::replace(&mut self.is_missing, true) {
            self.tell("is not there; it is waited for");
        }
    }

    fn begin_again(&mut self) {
        if let Some(Open { file, .. }) = self.open.take() {
            self.open = Some(Open::new(file, None, 0));
        }
    }

    fn tell(&self, what: &str) {
        let told = format!("`{}` {what}", self.path.display());
        self.teller.tell(Happening::Followed(told));
    }
}

/// What comes after the end of a file.
enum End {
    /// More, perhaps.
    Waits,
    /// Nothing, but a line without its end.
    Rest((Cut, Followed)),
    /// The next file.
    GoesOn,
}

impl Open {
    fn new(file: impl Into<Arc<File>>, id: Option<FileId>, offset: u64) -> Self {
        Self { file: file.into(), id, cutter: Cutter::at(offset), quiet_looks: 0 }
    }

    /// Whether it begins as it did, and has all that was read of it.
    fn is_as_it_was(&mut self) -> io::Result<bool> {
        let is_long_enough = self.file.metadata()?.len() >= self.cutter.pushed_to();
        Ok(is_long_enough && (self.id.is_none() || fingerprint(&self.file)? == self.id))
    }

    /// Reads on; 0: at its end.
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.cutter.pushed_to()))?;
        let count = file.read(piece)?;
        if count > 0 {
            self.quiet_looks = 0;
        }
        self.cutter.push(piece.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// Notes what it is known by as soon as it is.
    fn identify(&mut self) -> io::Result<()> {
        if self.id.is_none() {
            self.id = fingerprint(&self.file)?;
        }
        Ok(())
    }

    /// Lines, with where they stand.
    fn followed(&mut self, cut: Cut) -> (Cut, Followed) {
        // Without one, its only line has no end and will not get one.
        let file = *self.id.get_or_insert_with(|| FileId(hash::stable(&cut.text)));
        let followed = Followed { file, start: cut.start, end: cut.end };
        (cut, followed)
    }
}

#[cfg(test)]
mod tests;
