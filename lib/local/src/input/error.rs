//! What can go wrong with an input. The causes are the outside world's, never an event's: bad events are rejects.

use super::Format;
use std::io;

/// An input that could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It could not be opened.
    #[error("could not open `{name}`")]
    Open {
        /// The input.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is a folder.
    #[error("`{name}` is a folder, not a file of events")]
    Folder {
        /// The input.
        name: String,
    },
    /// It is packed in a way that is not read.
    #[error("`{name}` holds {format} data, which are not read as events")]
    Foreign {
        /// The input.
        name: String,
        /// The format.
        format: &'static str,
    },
    /// Reading failed.
    #[error("could not read `{name}` from line {line} on")]
    Read {
        /// The input.
        name: String,
        /// The first line that was not read.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Packed data end too early.
    #[error("the {format} data of `{name}` end too early, in line {line}")]
    Truncated {
        /// The input.
        name: String,
        /// How it is packed.
        format: &'static str,
        /// The first line that was not read.
        line: u64,
    },
    /// Packed data are not what they should be.
    #[error("the {format} data of `{name}` are damaged, in line {line} or after it")]
    Damaged {
        /// The input.
        name: String,
        /// How it is packed.
        format: &'static str,
        /// The first line that was not read.
        line: u64,
        /// What the unpacking says.
        #[source]
        source: io::Error,
    },
}

impl InputError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    Some("check the path; `-` reads standard input".to_owned())
                }
                io::ErrorKind::PermissionDenied => {
                    Some("give the user that runs this the right to read it".to_owned())
                }
                _ => None,
            },
            Self::Folder { name } => {
                Some(format!("name its files: {}/*.ndjson", name.trim_end_matches('/')))
            }
            Self::Foreign { format: "Parquet", .. } => {
                Some("write the events as JSON, one per line".to_owned())
            }
            Self::Foreign { .. } => {
                Some("unpack it first; gzip and zstd are unpacked on the way".to_owned())
            }
            Self::Read { .. } => None,
            Self::Truncated { .. } | Self::Damaged { .. } => Some(
                "fetch or write the file again; the events before this place were read".to_owned(),
            ),
        }
    }

    pub(super) fn open(name: &str, source: io::Error) -> Self {
        Self::Open { name: name.to_owned(), source }
    }

    /// What an error of the reader means: of a packed file only the operating system's own errors are about reading.
    pub(super) fn while_reading(name: &str, format: Format, line: u64, source: io::Error) -> Self {
        let name = name.to_owned();
        if format == Format::Plain || source.raw_os_error().is_some() {
            return Self::Read { name, line, source };
        }
        let format = format.as_str();
        if source.kind() == io::ErrorKind::UnexpectedEof {
            Self::Truncated { name, format, line }
        } else {
            Self::Damaged { name, format, line, source }
        }
    }
}
