//! The files that rules are written in, and places in them.
//!
//! Reading from disk is one small function, [`load`]; everything after it works on text. A [`Place`] is three
//! numbers that the reader passes around; it becomes a [`Span`] with line and column only when a problem is shown.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// The largest rules file: a hand-written one has kilobytes.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// One file: its name as the user wrote it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// What problems call it.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A range of bytes in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file's position in the list of sources.
    pub(crate) file: usize,
    /// The first byte.
    pub(crate) start: usize,
    /// The byte after the last.
    pub(crate) end: usize,
}

impl Place {
    /// The bytes.
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The text at this place.
    pub(crate) fn text(self, sources: &[SourceFile]) -> &str {
        sources.get(self.file).and_then(|source| source.text.get(self.range())).unwrap_or_default()
    }
}

/// A place as people and editors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The file's name.
    pub file: String,
    /// The bytes in the file's text.
    pub bytes: Range<usize>,
    /// The line of the first character, from 1.
    pub line: usize,
    /// The column of the first character, from 1, in characters.
    pub column: usize,
    /// The line of the character after the last.
    pub end_line: usize,
    /// The column of the character after the last.
    pub end_column: usize,
}

impl Span {
    /// The place with its line and column; it is moved to the nearest character if it points outside or between bytes.
    pub(crate) fn new(place: Place, sources: &[SourceFile]) -> Option<Self> {
        let source = sources.get(place.file)?;
        let start = boundary(&source.text, place.start);
        let end = boundary(&source.text, place.end).max(start);
        let (line, column) = line_and_column(&source.text, start);
        let (end_line, end_column) = line_and_column(&source.text, end);
        Some(Self {
            file: source.name.clone(),
            bytes: start..end,
            line,
            column,
            end_line,
            end_column,
        })
    }
}

/// The beginning of the character that the byte is in, or the end of the text.
pub(crate) fn boundary(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first byte of the line that the byte is in.
pub(crate) fn line_start(text: &str, byte: usize) -> usize {
    let before = text.get(..boundary(text, byte)).unwrap_or(text);
    before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// The line that the byte is in, without its end.
pub(crate) fn line_at(text: &str, byte: usize) -> &str {
    let from_start = text.get(line_start(text, byte)..);
    from_start.and_then(|rest| rest.lines().next()).unwrap_or_default()
}

/// The line and the column of a byte, both from 1.
fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start(text, byte)..).unwrap_or_default().chars().count() + 1)
}

/// Why a file of rules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file system said no.
    #[error("could not read `{path}`")]
    Read {
        /// The file or folder.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than any rules file.
    #[error("`{path}` is larger than {FILE_BYTES_MAX} bytes, which is the limit of a rules file")]
    TooLarge {
        /// The file.
        path: String,
    },
    /// A folder without rules.
    #[error("`{path}` has no `.yaml` or `.yml` file in it")]
    NoFiles {
        /// The folder.
        path: String,
    },
}

/// Reads rules files; of a folder, all its `*.yaml` and `*.yml` files in the order of their names.
///
/// A file that is named twice is read once.
pub fn load(paths: &[PathBuf]) -> Result<Vec<SourceFile>, LoadError> {
    let mut sources = Vec::new();
    let mut seen = Vec::new();
    for path in paths {
        for file in files_of(path)? {
            let identity =
                std::fs::canonicalize(&file).map_err(|source| read_error(&file, source))?;
            if !seen.contains(&identity) {
                seen.push(identity);
                sources.push(load_file(&file)?);
            }
        }
    }
    Ok(sources)
}

/// The path itself, or the rules files in the folder that it names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|source| read_error(path, source))? {
        let file = entry.map_err(|source| read_error(path, source))?.path();
        let is_yaml =
            file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(LoadError::NoFiles { path: path.display().to_string() });
    }
    files.sort();
    Ok(files)
}

fn load_file(path: &Path) -> Result<SourceFile, LoadError> {
    let size_bytes = std::fs::metadata(path).map_err(|source| read_error(path, source))?.len();
    if size_bytes > FILE_BYTES_MAX {
        return Err(LoadError::TooLarge { path: path.display().to_string() });
    }
    let mut text = std::fs::read_to_string(path).map_err(|source| read_error(path, source))?;
    // A byte-order mark is no column.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(SourceFile { name: path.display().to_string(), text })
}

fn read_error(path: &Path, source: std::io::Error) -> LoadError {
    LoadError::Read { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, start: usize, end: usize, expect: [usize; 4]) {
        let sources = [SourceFile { name: "a.yaml".to_owned(), text: text.to_owned() }];
        let span = Span::new(Place { file: 0, start, end }, &sources).unwrap();
        assert_eq!([span.line, span.column, span.end_line, span.end_column], expect);
        assert!(span.bytes.end <= text.len());
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        check("abc\ndef\n", 0, 1, [1, 1, 1, 2]);
        check("abc\ndef\n", 4, 7, [2, 1, 2, 4]);
        check("abc\ndef\n", 3, 4, [1, 4, 2, 1]);
    }

    #[test]
    fn columns_are_characters() {
        check("é: ü", 4, 6, [1, 4, 1, 5]);
    }

    #[test]
    fn places_outside_are_moved_inside() {
        check("é", 1, 99, [1, 1, 1, 2]);
        check("", 5, 9, [1, 1, 1, 1]);
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_names() {
        let folder =
            std::env::temp_dir().join(format!("streamgauge-rules-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["b.yml", "a.yaml", "c.txt"] {
            std::fs::write(folder.join(name), name).unwrap();
        }
        let sources = load(&[folder.clone(), folder.join("a.yaml")]).unwrap();
        let texts: Vec<_> = sources.iter().map(|source| source.text.as_str()).collect();
        assert_eq!(texts, ["a.yaml", "b.yml"]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(load(&[folder]).unwrap_err().to_string().starts_with("could not read"));
    }
}
