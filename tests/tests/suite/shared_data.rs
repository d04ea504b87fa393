//! Helper: what lies beside the repository, where there is any: event logs with exact answers, and published vectors.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the logs. A clone has none, and what needs it passes with a notice.
pub(crate) fn folder() -> Option<PathBuf> {
    shared("data")
}

/// The folder of the published vectors, likewise.
pub(crate) fn vectors() -> Option<PathBuf> {
    shared("vectors")
}

/// A folder of `$STREAMGAUGE_SHARED`, or of `shared` beside the repository.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("STREAMGAUGE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join(name);
    if !folder.is_dir() {
        notice(&format!(
            "skipped: there is no folder {}; STREAMGAUGE_SHARED names another",
            folder.display()
        ));
        return None;
    }
    Some(folder)
}

#[expect(clippy::print_stderr, reason = "a test that did not test anything should say so")]
fn notice(text: &str) {
    eprintln!("{text}");
}

/// A rules file of the tests.
pub(crate) fn rules(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(name);
    fs::read_to_string(path).unwrap()
}

/// The lines of a log, each with its end.
pub(crate) fn lines(path: &Path) -> Vec<Vec<u8>> {
    let text = zstd::stream::decode_all(fs::File::open(path).unwrap()).unwrap();
    text.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// A table of exact answers: its rows by the names of the columns.
pub(crate) fn table(path: &Path) -> Vec<Row> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    lines
        .map(|line| {
            let cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            assert_eq!(cells.len(), names.len(), "{line}");
            Row(names.iter().cloned().zip(cells).collect())
        })
        .collect()
}

/// A row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row(Vec<(String, String)>);

impl Row {
    /// The cell of a column, as text.
    pub(crate) fn text(&self, column: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == column);
        &found.unwrap_or_else(|| panic!("no column {column}")).1
    }

    /// The cell of a column, as a whole number.
    pub(crate) fn number(&self, column: &str) -> i64 {
        self.text(column).parse().unwrap()
    }

    /// The cell `window_start`, as the output shows times.
    pub(crate) fn window_start(&self) -> String {
        self.text("window_start").replace(' ', "T") + "Z"
    }
}
