//! The open file. What fails closes it, and the next call opens it again.
//!
//! After an error of the disk redb takes no more calls, and an error of ours may be a bit that has flipped in memory. Opening
//! reads and verifies the whole file, so what is there after it is what the disk has.

use super::error::{StoreError, UnknownFormat};
use super::tables::{ABOUT, FORMAT_KEY, Tables, damaged};
use redb::backends::FileBackend;
use redb::{Builder, Database, ReadTransaction, ReadableDatabase, StorageBackend, TableError};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// The format that this version writes, and the newest that it reads.
pub(super) const FORMAT: u64 = 1;
/// What redb may keep of the file in memory, in bytes. A laptop's store is written far more than it is read.
const CACHE_BYTES: usize = 64 << 20;
/// A file that is not larger than this, in bytes, may be one whose making was interrupted; redb begins with 72 KiB.
const UNBORN_BYTES_MAX: u64 = 1 << 20;
/// The first page, in bytes. It is written before anything else, and its first bytes, which say what the file is, after all else.
const FIRST_PAGE_BYTES: usize = 4 << 10;
/// The bytes that say what the file is
/// (<https://github.com/cberner/redb/blob/master/docs/design.md#super-header>).
const MAGIC_BYTES: usize = 9;

type Opener = Box<dyn Fn() -> Result<Database, redb::Error> + Send + Sync>;

/// A store's file.
pub(super) struct Held {
    path: PathBuf,
    open: Opener,
    opened: RwLock<Opened>,
}

/// A file that is open, or was.
#[derive(Default)]
struct Opened {
    /// How often it was opened: an error of what was begun in an earlier one says nothing of this one.
    times: u64,
    database: Option<Database>,
}

/// A transaction that sees what was there when it was begun.
pub(crate) struct Reading {
    transaction: ReadTransaction,
    /// How often the file had been opened by then.
    times: u64,
}

impl Held {
    /// Opens a file, or makes it. When it was open once it is not made again: then it would be empty without an error.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let (owned, was_open) = (path.to_owned(), AtomicBool::new(false));
        let open = move || {
            let opened = open_file(&owned, !was_open.load(Ordering::SeqCst))?;
            was_open.store(true, Ordering::SeqCst);
            Ok(opened)
        };
        Self::by(path, Box::new(open))
    }

    /// Opens what `open` opens; `path` is what messages call it.
    pub(super) fn by(path: &Path, open: Opener) -> Result<Self, StoreError> {
        let held = Self { path: path.to_owned(), open, opened: RwLock::default() };
        held.reopen()?;
        Ok(held)
    }

    /// Does some work with the database.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.with_times(|database, _| work(database))
    }

    /// Begins to read.
    pub(super) fn begin_read(&self) -> Result<Reading, StoreError> {
        self.with_times(|database, times| {
            Ok(Reading { transaction: database.begin_read()?, times })
        })
    }

    /// Goes on with what was begun.
    pub(super) fn read_in<T>(
        &self,
        reading: &Reading,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        work(&reading.transaction).map_err(|error| self.fails(reading.times, error))
    }

    fn with_times<T>(
        &self,
        work: impl FnOnce(&Database, u64) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let (times, outcome) = loop {
            let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = &opened.database {
                break (opened.times, work(database, opened.times));
            }
            drop(opened);
            self.reopen()?;
        };
        outcome.map_err(|error| self.fails(times, error))
    }

    /// Something went wrong with what was opened that time, which is closed if it still is what is open.
    fn fails(&self, times: u64, error: redb::Error) -> StoreError {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.times == times {
            opened.database = None;
        }
        StoreError::of(&self.path, error)
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.database.is_none() {
            let database = (self.open)().map_err(|error| StoreError::of(&self.path, error))?;
            let format = prepare(&database).map_err(|error| StoreError::of(&self.path, error))?;
            if format != FORMAT {
                let source = UnknownFormat { found: format, known: FORMAT };
                return Err(StoreError::Newer { path: self.path.clone(), source: source.into() });
            }
            *opened = Opened { times: opened.times + 1, database: Some(database) };
        }
        Ok(())
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Held").field(&self.path).finish()
    }
}

/// A database over something that stores bytes, verified as a whole: redb itself trusts one that was closed in order.
pub(super) fn over(backend: impl StorageBackend) -> Result<Database, redb::Error> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    Ok(builder.create_with_backend(backend)?)
}

fn open_file(path: &Path, may_make: bool) -> Result<Database, redb::Error> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(may_make).truncate(false).open(path)?;
    if file.metadata()?.len() == 0 {
        if !may_make {
            return Err(damaged("a file that was emptied"));
        }
        // The name of a new file is durable only when its folder is.
        sync_folder(path)?;
    }
    match over(FileBackend::new(file)?) {
        Err(redb::Error::Io(error)) if may_make && error.kind() == io::ErrorKind::InvalidData => {
            clear_unborn(path)?;
            over(FileBackend::new(OpenOptions::new().read(true).write(true).open(path)?)?)
        }
        outcome => outcome,
    }
}

/// Empties a file whose making was interrupted: too early for anything to have been acknowledged, and redb does not take it.
fn clear_unborn(path: &Path) -> Result<(), redb::Error> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if file.try_lock().is_err() {
        return Err(redb::Error::DatabaseAlreadyOpen);
    }
    if is_unborn(&file)? {
        file.set_len(0)?;
    }
    Ok(())
}

/// Nothing but the first page was written, and of that not what makes it one.
fn is_unborn(file: &File) -> io::Result<bool> {
    if file.metadata()?.len() > UNBORN_BYTES_MAX {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    file.take(UNBORN_BYTES_MAX).read_to_end(&mut bytes)?;
    let magic = bytes.iter().take(MAGIC_BYTES);
    Ok(magic.chain(bytes.iter().skip(FIRST_PAGE_BYTES)).all(|&byte| byte == 0))
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The file's format. One that was never written to gets today's, and its tables.
fn prepare(database: &Database) -> Result<u64, redb::Error> {
    let read = database.begin_read()?;
    match read.open_table(ABOUT) {
        Ok(about) => {
            let format = about.get(FORMAT_KEY)?.map(|format| format.value());
            format.ok_or_else(|| redb::Error::TableDoesNotExist(FORMAT_KEY.to_owned()))
        }
        Err(TableError::TableDoesNotExist(_)) if read.list_tables()?.next().is_none() => {
            let write = database.begin_write()?;
            write.open_table(ABOUT)?.insert(FORMAT_KEY, FORMAT)?;
            drop(Tables::open(&write)?);
            write.commit()?;
            Ok(FORMAT)
        }
        Err(error) => Err(error.into()),
    }
}
