//! What files are known by, and where those are that had a name before.

use crate::cutter::widen;
use crate::intake::mark::FileId;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use streamgauge_engine::hash;

/// A file is known by its first line, and by no more of it than this, in bytes: an event's id and time are in that.
const KNOWN_BY_BYTES: u64 = 1_024;
/// What a name gets when its file is rotated: a number or a date, or this.
const OLD: &str = ".old";

/// What a file is known by; absent until its first line is whole.
pub(super) fn fingerprint(file: &mut File) -> io::Result<Option<FileId>> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(KNOWN_BY_BYTES).read_to_end(&mut start)?;
    let end = memchr::memchr(b'\n', &start);
    let is_long = widen(start.len()) == KNOWN_BY_BYTES;
    let known_by = end.map(|end| end + 1).or(is_long.then_some(start.len()));
    Ok(known_by.and_then(|length| start.get(..length)).map(|line| FileId(hash::stable(line))))
}

/// Which file has a name, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    identity: (u64, u64),
    length: u64,
}

impl Stand {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { identity: identity(metadata), length: metadata.len() }
    }
}

/// The file that has a name; absent: there is none.
pub(super) fn stand(path: &Path) -> Option<Stand> {
    fs::metadata(path).ok().map(|metadata| Stand::of(&metadata))
}

/// Whether both are of one file.
pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    identity(one) == identity(other)
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> (u64, u64) {
    let since = |time: std::time::SystemTime| {
        time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    };
    (metadata.created().map_or(0, since), 0)
}

/// Files beside this one that may have had its name: theirs go on behind it. The one that was written first comes first.
pub(super) fn rotated(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let own = entry.file_name();
            let own = own.to_str()?;
            let ending = own.strip_prefix(name).filter(|ending| is_of_rotation(ending))?;
            let metadata = entry.metadata().ok().filter(Metadata::is_file)?;
            (!ending.is_empty()).then(|| (metadata.modified().ok(), entry.path()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, renamed)| renamed).collect()
}

/// The file that had this name after another one, if it was renamed as well.
pub(super) fn renamed_after(path: &Path, file: &Metadata) -> Option<PathBuf> {
    let is_it = |old: &PathBuf| fs::metadata(old).is_ok_and(|other| is_same(file, &other));
    rotated(path).into_iter().skip_while(|old| !is_it(old)).nth(1)
}

/// Whether a name that ends so is one that a rotated file got; a packed one is not read.
fn is_of_rotation(ending: &str) -> bool {
    let is_of_time = |byte: u8| byte.is_ascii_digit() || b".-_:TZ".contains(&byte);
    ending == OLD || ending.bytes().all(is_of_time)
}
