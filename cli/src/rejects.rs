//! Bad lines: the first ones to standard error, all of them to a file if one is named, their number by reason at the end.
//!
//! The file has one JSON object per line, so that it can be read back, mended and replayed:
//!
//! ```json
//! {"input":"events.ndjson","line":12,"code":"missing_time","detail":"the event has no `time`","payload":"{\"id\":\"a\"}"}
//! ```
//!
//! A payload that is not UTF-8 stands in `payload_base64`. Of a line that is too large there is only the beginning.

use crate::exit::Failure;
use crate::progress::Progress;
use crate::style::{self, printable, tell};
use base64::prelude::{BASE64_STANDARD, Engine};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use streamgauge_engine::reject::{Reject, RejectCode};
use streamgauge_pipeline::render::push_json_string;

/// How many are printed.
const SHOWN_MAX: u64 = 20;

/// What becomes of the bad lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Rejects {
    by_code: BTreeMap<RejectCode, u64>,
    total: u64,
    /// Whether they are counted and nothing else.
    quiet: bool,
    file: Option<RejectFile>,
}

#[derive(Debug)]
struct RejectFile {
    path: PathBuf,
    writer: BufWriter<File>,
    failed: bool,
}

impl Rejects {
    /// Rejects that are also written to the file at `path`.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, Failure> {
        let file = match path {
            None => None,
            Some(path) => {
                let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
                Some(RejectFile {
                    path: path.to_owned(),
                    writer: BufWriter::new(file),
                    failed: false,
                })
            }
        };
        Ok(Self { file, ..Self::default() })
    }

    /// Rejects that are only counted.
    pub(crate) fn counted() -> Self {
        Self { quiet: true, ..Self::default() }
    }

    /// One bad line.
    pub(crate) fn add(
        &mut self,
        (input, line): (&str, u64),
        reject: &Reject,
        payload: &[u8],
        progress: &Progress,
    ) -> io::Result<()> {
        self.total += 1;
        *self.by_code.entry(reject.code).or_default() += 1;
        if self.total <= SHOWN_MAX && !self.quiet {
            let code = style::warning(reject.code.as_str());
            let (input, detail) = (printable(input), printable(&reject.detail));
            progress.aside(|| tell(format_args!("{input}:{line}: {code}: {detail}")));
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let result = file.writer.write_all(&object(input, line, reject, payload));
        file.failed = result.is_err();
        result
    }

    /// What the failure of a run's output means: only the file's own is about the file.
    pub(crate) fn failure(&self, error: &io::Error) -> Failure {
        match &self.file {
            Some(file) if file.failed => Failure::file(&file.path, error),
            _ => Failure::output(error),
        }
    }

    /// Writes what is still to be written.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        match &mut self.file {
            Some(file) => file.writer.flush().map_err(|error| Failure::file(&file.path, &error)),
            None => Ok(()),
        }
    }

    /// Tells how many there were, by reason.
    pub(crate) fn tell(&self) {
        if self.total == 0 {
            return;
        }
        let reasons = self.by_code.iter().map(|(code, count)| format!("{count} {}", code.as_str()));
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        tell(format_args!("{}: {reasons}", style::warning("rejected")));
        if let Some(file) = &self.file {
            tell(format_args!("  all in {}", printable(&file.path.display().to_string())));
        } else if self.total > SHOWN_MAX && !self.quiet {
            tell(format_args!("  the first {SHOWN_MAX} are shown; --rejects FILE writes all"));
        }
    }
}

/// A reject as one line of JSON.
fn object(input: &str, line: u64, reject: &Reject, payload: &[u8]) -> Vec<u8> {
    let mut object = br#"{"input":"#.to_vec();
    push_json_string(input, &mut object);
    object.extend_from_slice(
        format!(r#","line":{line},"code":"{}","detail":"#, reject.code.as_str()).as_bytes(),
    );
    push_json_string(&reject.detail, &mut object);
    if let Ok(text) = std::str::from_utf8(payload) {
        object.extend_from_slice(br#","payload":"#);
        push_json_string(text, &mut object);
    } else {
        object.extend_from_slice(br#","payload_base64":""#);
        object.extend_from_slice(base64(payload).as_bytes());
        object.push(b'"');
    }
    object.extend_from_slice(b"}\n");
    object
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_the_standard() {
        let check = |bytes: &[u8], expect: &str| assert_eq!(base64(bytes), expect);
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(b"\xff\xfe\xfd\xfc", "//79/A==");
    }

    #[test]
    fn objects_keep_the_payload_exactly() {
        let reject = Reject {
            position: 3,
            code: RejectCode::InvalidJson,
            detail: "no \"object\"".to_owned(),
        };
        let text =
            |payload: &[u8]| String::from_utf8(object("a.ndjson", 7, &reject, payload)).unwrap();
        let start =
            r#"{"input":"a.ndjson","line":7,"code":"invalid_json","detail":"no \"object\"","#;
        assert_eq!(text(b"{\0\t"), format!("{start}\"payload\":\"{{\\u0000\\t\"}}\n"));
        assert_eq!(text(b"\xff"), format!("{start}\"payload_base64\":\"/w==\"}}\n"));
    }
}
