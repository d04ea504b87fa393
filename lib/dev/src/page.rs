//! The page of [`http`](crate::http) and of reports: joined from its files, as `lib/dev/page/README.md` says, with its data inside.
//!
//! ```text
//! index.html ─► {{file:...}} ─► template ─► {{policy}} {{catalog}} {{lines}} ─► one document
//!                 when it is first asked for      each time, in one pass
//! ```
//!
//! The same data give the same bytes: what may run is named by its hash, not by a number that is used once.

mod catalog;

pub(crate) use catalog::length_ms;
pub use catalog::{Catalog, LeftOut, Mark, pending_ms};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::sync::LazyLock;

const TEMPLATE: &str = include_str!("../page/index.html");

/// Names of the page's files with their content.
macro_rules! files {
    ($($path:literal)*) => { [$(($path, include_str!(concat!("../page/", $path)))),*] };
}
const FILES: &[(&str, &str)] = &files!(
    "vendor/uPlot.min.css" "vendor/uPlot.iife.min.js"
    "style/colours.css" "style/frame.css" "style/cards.css" "style/alerts.css"
    "script/text.js" "script/format.js" "script/cells.js" "script/store.js" "script/transitions.js"
    "script/state.js" "script/select.js" "script/paths.js" "script/chart.js" "script/plots.js"
    "script/legend.js" "script/card.js" "script/alerts.js" "script/health.js" "script/stream.js"
    "script/live.js" "script/controls.js" "script/main.js"
);

/// How many windows of all metrics a page holds: `LIMITS.cells` of its `script/store.js`.
pub const WINDOWS_MAX: usize = 250_000;
/// How many series of a metric: `LIMITS.seriesPerMetric`.
pub const SERIES_MAX: usize = 1_000;
/// How many transitions of alerts: `LIMITS.transitions`.
pub const TRANSITIONS_MAX: usize = 2_000;

/// Where a page has its data from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It asks the server that it came from.
    Server,
    /// All there is stands in it: a report.
    Itself,
}

/// The page without its data, and the hashes of what may run in it.
static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let joined = FILES.iter().fold(TEMPLATE.to_owned(), |joined, (path, content)| {
        joined.replacen(&format!("{{{{file:{path}}}}}"), content, 1)
    });
    let script = hash(&joined, "<script>", "</script>");
    let style = hash(&joined, "<style>", "</style>");
    Page { joined, script, style }
});

struct Page {
    joined: String,
    script: String,
    style: String,
}

/// The hash of what stands between two tags.
fn hash(joined: &str, begin: &str, end: &str) -> String {
    let inner = joined.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
    let inner = inner.map(|(inner, _)| inner).unwrap_or_default();
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(inner)))
}

/// The policy that allows what is in the page, questions to its own server if it has one, and nothing else.
pub fn policy(source: Source) -> String {
    let Page { script, style, .. } = &*PAGE;
    let connect = match source {
        Source::Server => "'self'",
        Source::Itself => "'none'",
    };
    format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// Writes the page with its data, in one pass: what was put in is not looked at again. `catalog` and each of `lines` are JSON,
/// and each line has its end.
pub fn write<L: AsRef<[u8]>>(
    out: &mut impl Write,
    source: Source,
    catalog: &[u8],
    lines: impl IntoIterator<Item = L>,
) -> io::Result<()> {
    let mut lines = lines.into_iter();
    let mut rest = PAGE.joined.as_str();
    while let Some((before, behind)) = rest.split_once("{{") {
        out.write_all(before.as_bytes())?;
        if let Some(next) = behind.strip_prefix("policy}}") {
            out.write_all(policy(source).as_bytes())?;
            rest = next;
        } else if let Some(next) = behind.strip_prefix("catalog}}") {
            escape(out, catalog)?;
            rest = next;
        } else if let Some(next) = behind.strip_prefix("lines}}") {
            lines.try_for_each(|line| escape(out, line.as_ref()))?;
            rest = next;
        } else {
            out.write_all(b"{{")?;
            rest = behind;
        }
    }
    out.write_all(rest.as_bytes())
}

/// Writes JSON so that it may stand inside of a script element.
fn escape(out: &mut impl Write, json: &[u8]) -> io::Result<()> {
    let mut rest = json;
    // U+2028 and U+2029 begin with E2, as other letters do that are left as they are.
    while let Some(place) = rest.iter().position(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2)) {
        let (before, found) = rest.split_at(place);
        out.write_all(before)?;
        let (escaped, length): (&[u8], _) = match found {
            [b'<', ..] => (br"\u003c", 1),
            [b'>', ..] => (br"\u003e", 1),
            [b'&', ..] => (br"\u0026", 1),
            [0xe2, 0x80, 0xa8, ..] => (br"\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (br"\u2029", 3),
            _ => (b"\xe2", 1),
        };
        out.write_all(escaped)?;
        rest = found.split_at(length).1;
    }
    out.write_all(rest)
}

#[cfg(test)]
mod tests;
