//! Who looks on: one thread that takes what happens in order, prints it, and keeps the summary.
//!
//! What happens comes through a channel with a limit. If nobody reads the output, the channel fills up and the simulator waits:
//! nothing is lost, and memory does not grow.

use super::billing;
use super::json;
use super::live::Live;
use crate::arguments::LambdaOutput;
use crate::style::{self, printable, tell};
use crate::words::{counted, widen};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use streamgauge_lambda::happening::{Ending, Happening, Observer};
use streamgauge_lambda::invoke::Outcome;
use streamgauge_lambda::summary::Summary;
use streamgauge_meter::bill::Bill;
use tokio::sync::Notify;

/// Happenings that wait to be printed.
const WAITING_MAX: usize = 10_000;
/// Troubles that are told apart; more are all printed.
const TROUBLES_MAX: usize = 1_000;
/// How long nothing may happen before what was printed is flushed and the live lines are drawn anew.
const QUIET: Duration = Duration::from_millis(150);

/// Something to be printed.
#[derive(Debug)]
enum Seen {
    Happening(Happening),
    Answer(String, Outcome),
    /// The end, with what the meter has counted.
    End(Option<Box<Bill>>),
}

/// What the simulator tells; clones tell the same thread.
#[derive(Clone, Debug)]
pub(super) struct Watcher(SyncSender<Seen>);

impl Observer for Watcher {
    fn see(&self, happening: Happening) {
        self.send(Seen::Happening(happening));
    }
}

impl Watcher {
    /// An answer to `--invoke`.
    pub(super) fn answered(&self, function: &str, outcome: &Outcome) {
        self.send(Seen::Answer(function.to_owned(), outcome.clone()));
    }

    fn send(&self, seen: Seen) {
        // After the end nobody is there to be told: what is still killed then is part of no summary.
        drop(self.0.send(seen));
    }
}

/// What is known at the end: the summary, the bill, and whether all could be printed.
type Printed = (Summary, Bill, io::Result<()>);

/// The thread.
#[derive(Debug)]
pub(super) struct Printer {
    thread: JoinHandle<Printed>,
    watcher: Watcher,
    failed: Arc<Notify>,
}

impl Printer {
    /// Starts it. `output` takes answers, or in JSON all that happens.
    pub(super) fn start(
        form: LambdaOutput,
        output: impl Write + Send + 'static,
    ) -> (Watcher, Self) {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let failed = Arc::new(Notify::new());
        let printing = Printing {
            form,
            output,
            live: Live::new(form == LambdaOutput::Text),
            summary: Summary::default(),
            result: Ok(()),
            failed: Arc::clone(&failed),
            troubles: Troubles::default(),
        };
        let thread = thread::spawn(move || printing.run(&receiver));
        let watcher = Watcher(sender);
        (watcher.clone(), Self { thread, watcher, failed })
    }

    /// Waits until the output takes no more: its reader has gone, or the disk is full.
    pub(super) async fn failed(&self) {
        self.failed.notified().await;
    }

    /// Ends it after all that was told so far.
    pub(super) fn finish(self, metered: Option<Bill>) -> Printed {
        self.watcher.send(Seen::End(metered.map(Box::new)));
        self.thread.join().unwrap_or_else(|_| {
            let error = io::Error::other("the thread that prints has ended early");
            (Summary::default(), billing::whole(None, &Summary::default()), Err(error))
        })
    }
}

struct Printing<W> {
    form: LambdaOutput,
    output: W,
    live: Live,
    summary: Summary,
    /// The first error; after it nothing is written.
    result: io::Result<()>,
    failed: Arc<Notify>,
    troubles: Troubles,
}

/// How often each trouble was seen: what is tried again each second fails each second, and nobody wants to read that.
#[derive(Debug, Default)]
struct Troubles(BTreeMap<String, u64>);

impl Troubles {
    /// Counts one; for the 1st, 10th, 100th and so on, what to say of its number.
    fn again(&mut self, text: &str) -> Option<String> {
        if self.0.len() >= TROUBLES_MAX && !self.0.contains_key(text) {
            return Some(String::new());
        }
        let seen = self.0.entry(text.to_owned()).or_default();
        *seen += 1;
        match *seen {
            1 => Some(String::new()),
            many if many == 10_u64.pow(many.ilog10()) => Some(format!(" ({many} times so far)")),
            _ => None,
        }
    }
}

impl<W: Write> Printing<W> {
    fn run(mut self, receiver: &Receiver<Seen>) -> Printed {
        let metered = loop {
            match receiver.recv_timeout(QUIET) {
                Ok(Seen::End(metered)) => break metered,
                Err(RecvTimeoutError::Disconnected) => break None,
                Ok(Seen::Happening(happening)) => self.see(&happening),
                Ok(Seen::Answer(function, outcome)) => self.answer(&function, &outcome),
                Err(RecvTimeoutError::Timeout) => self.write(Write::flush),
            }
            self.live.show(&self.summary);
        };
        self.live.finish();
        let bill = billing::whole(metered.map(|bill| *bill), &self.summary);
        if self.form == LambdaOutput::Json {
            let line = json::summary(&self.summary, &bill);
            self.line(&line);
        }
        self.write(Write::flush);
        (self.summary, bill, self.result)
    }

    fn see(&mut self, happening: &Happening) {
        self.summary.see(happening);
        match self.form {
            LambdaOutput::Json => self.line(&json::happening(happening)),
            LambdaOutput::Text => {
                if let Some(text) = text(happening, &mut self.troubles) {
                    self.live.aside(|| tell(text));
                }
            }
        }
    }

    /// An answer; for people, what the function said goes to the output, and why it failed to standard error.
    fn answer(&mut self, function: &str, outcome: &Outcome) {
        if self.form == LambdaOutput::Json {
            return self.line(&json::answer(function, outcome));
        }
        let failure = match outcome {
            Outcome::Answered(payload) => return self.line(payload),
            Outcome::Failed(error) => format!("{}: {}", error.error_type, error.message),
            Outcome::Throttled => "no environment was free".to_owned(),
            Outcome::Unreachable(text) => text.clone(),
        };
        let (function, failure) = (printable(function), printable(&failure));
        self.live.aside(|| {
            tell(format_args!("{}: `{function}` failed: {failure}", style::error("invoke")));
        });
    }

    fn line(&mut self, line: &[u8]) {
        self.write(|output| {
            output.write_all(line)?;
            output.write_all(b"\n")
        });
    }

    fn write(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.result.is_ok() {
            self.result = write(&mut self.output);
            if self.result.is_err() {
                self.failed.notify_one();
            }
        }
    }
}

/// What people read while it runs; numbers come at the end.
fn text(happening: &Happening, troubles: &mut Troubles) -> Option<String> {
    let told = |kind: &dyn Display, text: &str| Some(format!("{kind}: {}", printable(text)));
    match happening {
        Happening::Log { function, request_id, line, .. } => {
            let id = request_id.as_ref().map_or_else(String::new, |id| format!(" {id}"));
            let prefix = format!("{function}{id}");
            // The platform's own lines have tabs between their parts.
            let line = line.replace('\t', "  ");
            Some(format!("{} {}", style::dim(printable(&prefix)), printable(&line)))
        }
        Happening::Invoked { function, request_id, ending, .. } => {
            let why = match ending {
                Ending::Success | Ending::Throttled => return None,
                Ending::Partial { failed } => {
                    format!("not done: {}", counted(widen(*failed), "record"))
                }
                Ending::Error { text } | Ending::Unreachable { text } => text.clone(),
            };
            told(&style::error("failed"), &format!("{function} {request_id}: {why}"))
        }
        Happening::Discarded { mapping, shard, records, condition, destination } => {
            let shard = shard.as_ref().map_or_else(String::new, |shard| format!(" of {shard}"));
            let destination = destination.as_ref().map_or_else(
                || "; no destination is told".to_owned(),
                |destination| format!("; told to {destination}"),
            );
            let records = counted(widen(*records), "record");
            let text = format!("{mapping}: {records}{shard}: {condition}{destination}");
            told(&style::warning("discarded"), &text)
        }
        Happening::Fault { what } => told(&style::hint("fault"), what),
        Happening::Trouble { place, error } => {
            let times = troubles.again(&format!("{place}: {error}"))?;
            told(&style::warning("trouble"), &format!("{place}: {error}{times}"))
        }
        Happening::Shard(_) | Happening::Retried { .. } | Happening::Bisected { .. } => None,
    }
}

#[cfg(test)]
mod tests;
