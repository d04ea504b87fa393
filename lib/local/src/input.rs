//! Where events come from on one machine: a file, a pipe, standard input, or bytes in memory.
//!
//! What an input holds is seen from its first bytes and not only from its name: gzip (several members too) and
//! Zstandard (several frames too) are unpacked on the way, all else is read as it is. A folder, a missing file, one
//! that may not be read, or a packed one that is damaged is an [`InputError`] that names the input, the last line that
//! was read, and what to do.

use crate::block::{Block, Cutter, Sizes, widen};
use flate2::bufread::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod error;
mod format;

pub use error::InputError;
use format::Format;

/// How much of a packed file is read at a time, in bytes.
const PACKED_READ_BYTES: usize = 128 * 1024;

/// An input that is not open yet.
#[derive(Debug)]
pub struct Input {
    name: String,
    from: From,
}

#[derive(Debug)]
enum From {
    Path(PathBuf),
    Stdin,
    Bytes(Vec<u8>),
}

impl Input {
    /// A file or a named pipe.
    pub fn path(path: PathBuf) -> Self {
        Self { name: path.display().to_string(), from: From::Path(path) }
    }

    /// Standard input, named `-`.
    pub fn stdin() -> Self {
        Self { name: "-".to_owned(), from: From::Stdin }
    }

    /// Bytes in memory.
    pub fn bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), from: From::Bytes(bytes) }
    }

    /// What messages call it: the path as it was given, or `-`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size in bytes, as stored; `None` where that is not known before reading (a pipe).
    pub fn size_hint(&self) -> Option<u64> {
        match &self.from {
            From::Path(path) => {
                fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
            }
            From::Stdin => None,
            From::Bytes(bytes) => Some(widen(bytes.len())),
        }
    }

    /// Whether opening it would fail, without taking anything from a pipe.
    ///
    /// A run over many files asks this first, so that the last one's misspelt name is known before the first one is read.
    pub fn check(&self) -> Result<(), InputError> {
        let From::Path(path) = &self.from else { return Ok(()) };
        let metadata = fs::metadata(path).map_err(|source| InputError::open(&self.name, source))?;
        // Opening a pipe waits for its writer, and the writer would see the reader leave.
        if metadata.is_file() || metadata.is_dir() {
            open_file(&self.name, path).map(drop)
        } else {
            Ok(())
        }
    }

    /// Opens it and looks at its first bytes.
    pub(crate) fn open(self) -> Result<LineReader, InputError> {
        let Self { name, from } = self;
        let source: Box<dyn Read + Send> = match from {
            From::Path(path) => Box::new(open_file(&name, &path)?),
            From::Stdin => Box::new(io::stdin()),
            From::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        };
        LineReader::new(name, source)
    }
}

fn open_file(name: &str, path: &Path) -> Result<File, InputError> {
    let file = File::open(path).map_err(|source| InputError::open(name, source))?;
    // A folder opens like a file, and only reading it fails.
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(InputError::Folder { name: name.to_owned() }),
        Ok(_) => Ok(file),
        Err(source) => Err(InputError::open(name, source)),
    }
}

/// An open input: its text in blocks of whole lines.
pub(crate) struct LineReader {
    name: String,
    format: Format,
    source: Box<dyn Read + Send>,
    cutter: Cutter,
    /// Bytes of the packed file that were read; unused for plain ones.
    packed_bytes_read: Arc<AtomicU64>,
    head_bytes: u64,
}

impl LineReader {
    fn new(name: String, mut stored: Box<dyn Read + Send>) -> Result<Self, InputError> {
        let mut head = Vec::with_capacity(format::HEAD_BYTES);
        let result = stored.by_ref().take(widen(format::HEAD_BYTES)).read_to_end(&mut head);
        result.map_err(|source| InputError::while_reading(&name, Format::Plain, 1, source))?;
        let head_bytes = widen(head.len());
        let format = Format::detect(&name, &head)?;
        let packed_bytes_read = Arc::new(AtomicU64::new(0));
        let (source, head): (Box<dyn Read + Send>, _) = match format {
            Format::Plain => (stored, head),
            Format::Gzip => {
                let packed = packed(stored, head, &packed_bytes_read);
                (Box::new(MultiGzDecoder::new(packed)), Vec::new())
            }
            Format::Zstandard => {
                let decoder = zstd::stream::read::Decoder::with_buffer(packed(
                    stored,
                    head,
                    &packed_bytes_read,
                ));
                let decoder = decoder
                    .map_err(|source| InputError::while_reading(&name, format, 1, source))?;
                (Box::new(decoder), Vec::new())
            }
        };
        let cutter = Cutter::new(Sizes::default(), head);
        Ok(Self { name, format, source, cutter, packed_bytes_read, head_bytes })
    }

    /// Bytes read so far, as stored: of a packed file the packed ones, to be compared with [`Input::size_hint`].
    pub(crate) fn bytes_read(&self) -> u64 {
        self.head_bytes
            + match self.format {
                Format::Plain => self.cutter.bytes_read(),
                Format::Gzip | Format::Zstandard => self.packed_bytes_read.load(Ordering::Relaxed),
            }
    }

    /// Fills `into` with the next whole lines (or one line that is too long); false at the end of the input.
    ///
    /// The block's memory is used again. An error comes after all whole lines before it; after it, the input has ended.
    pub(crate) fn next_block(&mut self, into: &mut Block) -> Result<bool, InputError> {
        self.cutter.next_block(&mut self.source, into).map_err(|source| {
            InputError::while_reading(&self.name, self.format, self.cutter.next_line(), source)
        })
    }
}

/// A packed stream whose first bytes were read already, counted and buffered.
fn packed(
    stored: Box<dyn Read + Send>,
    head: Vec<u8>,
    count: &Arc<AtomicU64>,
) -> impl BufRead + Send + use<> {
    let counted = Counted { inner: stored, count: Arc::clone(count) };
    BufReader::with_capacity(PACKED_READ_BYTES, Cursor::new(head).chain(counted))
}

/// Counts what is read through it.
struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(widen(count), Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
