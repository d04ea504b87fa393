//! A progress bar on a terminal, and nothing in a pipe.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// A run that is done sooner shows no bar: it would only flicker.
const QUIET: Duration = Duration::from_millis(300);

/// How far a run over files has come.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Where a bar is of use.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    total_bytes: Option<u64>,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress towards so many bytes, shown if standard error is a terminal.
    pub(crate) fn new(total_bytes: Option<u64>) -> Self {
        let shown = std::io::stderr().is_terminal();
        Self { state: shown.then(|| State { total_bytes, started: Instant::now(), bar: None }) }
    }

    /// So many bytes have been read.
    pub(crate) fn set(&mut self, bytes_read: u64) {
        let Some(state) = &mut self.state else { return };
        if state.bar.is_none() && state.started.elapsed() >= QUIET {
            state.bar = Some(bar(state.total_bytes));
        }
        if let Some(bar) = &state.bar {
            bar.set_position(bytes_read);
        }
    }

    /// Prints with the bar out of the way.
    pub(crate) fn aside(&self, print: impl FnOnce()) {
        match self.state.as_ref().and_then(|state| state.bar.as_ref()) {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.state.take().and_then(|state| state.bar) {
            bar.finish_and_clear();
        }
    }
}

fn bar(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(total) => (
            ProgressBar::new(total),
            "{bar:30.cyan/dim} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
        ),
        None => (ProgressBar::no_length(), "{spinner} {bytes}  {bytes_per_sec}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
