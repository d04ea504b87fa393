//! What an input holds, by its first bytes.

use super::InputError;

/// How many first bytes are looked at.
pub(super) const HEAD_BYTES: usize = 6;

/// How the lines are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// As they are.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstandard,
}

/// Formats that events come in and that are not read: no event begins with these bytes.
const FOREIGN: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "zip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PAR1", "Parquet"),
];

impl Format {
    /// The format of an input that begins with `head`, which is shorter than [`HEAD_BYTES`] only if the input is.
    pub(super) fn detect(name: &str, head: &[u8]) -> Result<Self, InputError> {
        if let Some((_, format)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(InputError::Foreign { name: name.to_owned(), format });
        }
        let detected = match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A Zstandard frame, or a skippable one that stands before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstandard,
            _ => Self::Plain,
        };
        // A packed file that was cut within its first bytes (or never written) must not pass as one without events.
        match Self::promised_by(name) {
            Some(promised) if detected == Self::Plain && head.len() < HEAD_BYTES => {
                Err(InputError::Truncated {
                    name: name.to_owned(),
                    format: promised.as_str(),
                    line: 1,
                })
            }
            _ => Ok(detected),
        }
    }

    /// The format that a name's ending speaks of.
    fn promised_by(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.')?.1;
        let is = |known: &str| ending.eq_ignore_ascii_case(known);
        if is("gz") {
            Some(Self::Gzip)
        } else if is("zst") {
            Some(Self::Zstandard)
        } else {
            None
        }
    }

    /// The format as messages call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstandard => "zstd",
        }
    }
}
