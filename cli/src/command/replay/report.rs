//! `replay --report`: what was decided in one HTML file, which a browser shows without a network.
//!
//! It is the page of `dev`, with its data inside. The same events and rules give the same bytes: its clock is that of the events. It is
//! written beside its place and then renamed: whoever looks there finds a whole report, the one before or this one.

mod kept;

use super::lines::summary_line;
use crate::arguments::ReplayArguments;
use crate::exit::Failure;
use crate::inputs;
use crate::style::{self, printable, tell};
use crate::watched::Told;
use crate::words::counted;
use kept::Kept;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::iter::empty;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use streamgauge_dev::page::{self, Catalog, Source};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::time::Timestamp;
use streamgauge_local::replay::Summary;
use streamgauge_pipeline::render::Renderer;
use tempfile::{Builder, NamedTempFile};

/// A report that is being made.
#[derive(Debug)]
pub(super) struct Report {
    /// What the user named.
    name: PathBuf,
    /// Where it will be: behind links.
    place: PathBuf,
    file: NamedTempFile,
    renderer: Renderer,
    kept: Kept,
}

impl Report {
    /// Begins one, if one is wanted, or says at once why it could not be written in the end.
    pub(super) fn begin(
        arguments: &ReplayArguments,
        plan: &Arc<Plan>,
    ) -> Result<Option<Self>, Failure> {
        let Some(name) = arguments.report.as_deref() else { return Ok(None) };
        inputs::keep(name, "--report", arguments.events.iter().chain(&arguments.rules))?;
        let place = fs::canonicalize(name).unwrap_or_else(|_| name.to_owned());
        let rejects = arguments.rejects.as_ref().and_then(|path| fs::canonicalize(path).ok());
        if rejects.is_some_and(|rejects| rejects == place) {
            let message = format!("--report and --rejects both name `{}`", name.display());
            return Err(Failure::wrong(message).hint("name another file after one of them"));
        }
        if fs::metadata(&place).is_ok_and(|there| !there.is_file()) {
            let message = format!("`{}` is no file", name.display());
            return Err(Failure::wrong(message).hint("name a file after --report: report.html"));
        }
        let file = beside(&place).map_err(|error| failure(name, &error))?;
        let (renderer, kept) = (Renderer::new(plan), Kept::new(plan.metrics.len()));
        Ok(Some(Self { name: name.to_owned(), place, file, renderer, kept }))
    }

    /// The next line.
    pub(super) fn add(&mut self, told: Told<'_>) {
        let mut line = Vec::new();
        match told {
            Told::Point(point) => {
                self.renderer.json(point, &mut line);
                self.kept.point(point, line);
            }
            Told::Transition(transition, verdict) => {
                self.renderer.alert_json(transition, verdict, &mut line);
                self.kept.transition(transition, line);
            }
        }
    }

    /// Writes it, and tells where it is and what is not in it. `until` is how far the clock was moved on at the end.
    pub(super) fn finish(
        self,
        plan: &Plan,
        summary: &Summary,
        until: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let Self { name, place, file, kept, .. } = self;
        let now = summary.last_event.max(until).unwrap_or(Timestamp::from_millis(0));
        let catalog = Catalog {
            source: Source::Itself,
            now,
            is_by_events: false,
            tells: false,
            plan: Some(plan),
            left_out: kept.left_out(),
            transitions_left_out: kept.transitions_left_out(),
            oldest: None,
            rejected: None,
        };
        let catalog = catalog.json("", kept.active(plan, now), empty());
        let mut last = Vec::new();
        summary_line(plan, summary).json(&mut last);
        let written = write(&file, &catalog, &kept, &last)
            .and_then(|()| file.persist(&place).map_err(|error| error.error));
        let bytes = written
            .and_then(|whole| whole.metadata())
            .map_err(|error| failure(&name, &error))?
            .len();
        let shown = name.display().to_string();
        tell(format_args!(
            "report: `{}`, {}, to be opened in a browser",
            printable(&shown),
            size(bytes)
        ));
        tell_left_out(&kept, summary);
        Ok(())
    }
}

/// A file beside this place, which goes when it is not renamed to it.
fn beside(place: &Path) -> io::Result<NamedTempFile> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = Builder::new();
    builder.prefix(".report-").suffix(".unfinished");
    #[cfg(unix)]
    {
        // As any other file: what the user's mask leaves of it.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// Writes the page, and waits until it is on the disk.
fn write(file: &NamedTempFile, catalog: &[u8], kept: &Kept, last: &[u8]) -> io::Result<()> {
    let mut out = BufWriter::new(file.as_file());
    page::write(&mut out, Source::Itself, catalog, kept.lines().chain([last]))?;
    out.flush()?;
    file.as_file().sync_all()
}

/// Why there is no report.
fn failure(name: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "make the folder first, or name a file in one that is there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free some space or name a file elsewhere; nothing was left behind"
        }
        _ => "name a file in a folder that can be written to",
    };
    let message = format!("could not write the report `{}`", name.display());
    // The file beside its place has a name that says nothing to anybody.
    let text = error.to_string();
    let text = text.split_once(" at path ").map_or(&*text, |(text, _)| text);
    Failure::outside(message).because(&io::Error::new(error.kind(), text)).hint(hint)
}

fn tell_left_out(kept: &Kept, summary: &Summary) {
    let points = kept.left_out().iter().map(|metric| metric.points + metric.of_series).sum::<u64>();
    let transitions = kept.transitions_left_out();
    if points + transitions == 0 {
        return;
    }
    let whole = [(points, summary.points, "point"), (transitions, summary.alerts, "transition")];
    let parts = whole.iter().filter(|(left_out, ..)| *left_out > 0);
    let parts = parts.map(|(left_out, all, noun)| format!("{left_out} of {}", counted(*all, noun)));
    tell(format_args!(
        "{}: the report leaves out {}, the oldest and those of further series; it says so where they would be",
        style::warning("warning"),
        parts.collect::<Vec<_>>().join(" and ")
    ));
    tell(format_args!(
        "{}: --output json prints all; fewer events, longer windows or fewer dimensions fit into a report",
        style::hint("hint")
    ));
}

/// `1.3 MB`
fn size(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let check = |bytes: u64, expect: &str| assert_eq!(size(bytes), expect);
        check(1, "0.1 MB");
        check(1_200_001, "1.3 MB");
        check(64_000_000, "64.0 MB");
    }
}
