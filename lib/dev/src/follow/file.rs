//! What files are known by, and where those are that had a name before.

use crate::cutter::widen;
use crate::intake::mark::FileId;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;
use streamgauge_engine::hash;

/// A file is known by its first line, and by no more of it than this, in bytes: an event's id and time are in that.
const KNOWN_BY_BYTES: u64 = 1_024;
/// What a name gets when its file is rotated: a number or a date, or this.
const OLD: &str = ".old";

/// What a file is known by; absent until its first line is whole.
pub(super) fn fingerprint(mut file: &File) -> io::Result<Option<FileId>> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(KNOWN_BY_BYTES).read_to_end(&mut start)?;
    let end = memchr::memchr(b'\n', &start);
    let is_long = widen(start.len()) == KNOWN_BY_BYTES;
    let known_by = end.map(|end| end + 1).or(is_long.then_some(start.len()));
    Ok(known_by.and_then(|length| start.get(..length)).map(|line| FileId(hash::stable(line))))
}

/// What tells files apart that are there at one moment.
pub(super) type Identity = (u64, u64);

#[cfg(unix)]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    let since = |time: std::time::SystemTime| {
        time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    };
    (metadata.created().map_or(0, since), 0)
}

/// A file that was opened, and what could be known of it then.
pub(super) struct Begun {
    pub(super) file: File,
    /// What it is known by.
    pub(super) id: Option<FileId>,
    pub(super) length: u64,
}

impl Begun {
    /// Opens a file; absent: there is none.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let open = || {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            let id = fingerprint(&file)?;
            Ok(Self { file, id, length })
        };
        unless_absent(open())
    }

    /// The same of a file beside the one that is followed, which errors name.
    pub(super) fn beside(path: &Path) -> io::Result<Option<Self>> {
        Self::open(path).map_err(|error| at(path, &error))
    }
}

/// Files beside this one that may have had its name: theirs go on behind it. The one that was written first comes first.
pub(super) fn rotated(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let entries = unless_absent(fs::read_dir(folder)).map_err(|error| at(folder, &error))?;
    for entry in entries.into_iter().flatten() {
        let entry = entry.map_err(|error| at(folder, &error))?;
        let own = entry.file_name();
        let ending = own.to_str().and_then(|own| own.strip_prefix(name));
        if !ending.is_some_and(|ending| !ending.is_empty() && is_of_rotation(ending)) {
            continue;
        }
        let metadata =
            unless_absent(entry.metadata()).map_err(|error| at(&entry.path(), &error))?;
        if let Some(metadata) = metadata.filter(Metadata::is_file) {
            found.push((metadata.modified().ok(), entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, renamed)| renamed).collect())
}

/// The file that had this name after another one, if it was renamed as well.
pub(super) fn renamed_after(path: &Path, file: &Metadata) -> io::Result<Option<PathBuf>> {
    let is_it =
        |old: &PathBuf| fs::metadata(old).is_ok_and(|other| identity(&other) == identity(file));
    Ok(rotated(path)?.into_iter().skip_while(|old| !is_it(old)).nth(1))
}

/// Whether nothing was written to a file for so long while the one that has its name now was. What comes late is caught up with by this.
pub(super) fn was_left(file: &Metadata, named: Option<&Metadata>, quiet: Duration) -> bool {
    let time = |metadata: &Metadata| metadata.modified().ok();
    let since =
        named.and_then(time).zip(time(file)).and_then(|(new, old)| new.duration_since(old).ok());
    since.is_some_and(|time_between| time_between >= quiet)
}

/// Nothing instead of the error that there is none.
pub(super) fn unless_absent<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// An error that names its place: not only the file that is followed is looked at.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// Whether a name that ends so is one that a rotated file got; a packed one is not read.
fn is_of_rotation(ending: &str) -> bool {
    let is_of_time = |byte: u8| byte.is_ascii_digit() || b".-_:TZ".contains(&byte);
    ending == OLD || ending.bytes().all(is_of_time)
}
