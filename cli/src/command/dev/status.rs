//! What people see on standard error meanwhile: what happens, and on a terminal one quiet line.

use super::{Dev, telling};
use crate::arguments::DevOutput;
use crate::style::{self, printable, tell};
use crate::words::{counted, widen};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::VecDeque;
use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use streamgauge_dev::happening::{Happening, Teller};
use streamgauge_engine::output::Counters;
use streamgauge_engine::time::{Millis, SECOND_MS};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::system_clock::SystemClock;
use tokio::sync::Notify;

/// How many bad lines are shown: more would hide all else.
const REJECTS_SHOWN_MAX: u64 = 20;

/// So many lines for machines wait for whoever reads standard output; beyond that the oldest go.
const NEWS_MAX: usize = 1_000;

/// Lines for machines that are no decisions, until standard output has them. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    lines: Arc<Mutex<VecDeque<Vec<u8>>>>,
    is_there: Arc<Notify>,
}

impl News {
    fn add(&self, line: Vec<u8>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == NEWS_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
        self.is_there.notify_one();
    }

    /// Takes all.
    pub(super) fn take(&self) -> Vec<u8> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.drain(..).flatten().collect()
    }

    /// Waits until there is one.
    pub(super) async fn come(&self) {
        self.is_there.notified().await;
    }
}

/// The line, and what is printed above it. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Status {
    /// Absent where nobody would see it.
    line: Option<ProgressBar>,
    /// Held while standard output is written, which lasts as long as nobody reads it.
    output: Arc<Mutex<()>>,
    rejects: Arc<Mutex<u64>>,
    /// How many records had come when the line was made last.
    before: Arc<Mutex<(Instant, u64)>>,
    /// Absent where standard output is for people.
    news: Option<News>,
}

impl Status {
    pub(super) fn new(output: DevOutput) -> Self {
        let line = std::io::stderr().is_terminal().then(|| {
            let line = ProgressBar::new_spinner();
            let plain = ProgressStyle::with_template("{msg:.dim}");
            plain.map_or_else(|_| line.clone(), |plain| line.clone().with_style(plain))
        });
        let before = Arc::new(Mutex::new((Instant::now(), 0)));
        let news = (output == DevOutput::Json).then(News::default);
        Self { line, output: Arc::default(), rejects: Arc::default(), before, news }
    }

    /// What standard output is to have beside decisions; absent where it is for people.
    pub(super) fn news(&self) -> Option<&News> {
        self.news.as_ref()
    }

    /// Writes standard output, with the line out of the way where that is the same terminal.
    pub(super) fn output<T>(&self, write: impl FnOnce() -> T) -> T {
        let _held = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if std::io::stdout().is_terminal() { self.aside(write) } else { write() }
    }

    /// Prints with the line out of the way.
    fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.line {
            Some(line) => line.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away, unless who does not read standard output holds it.
    pub(super) fn finish(&self) {
        let held = self.output.try_lock();
        if let (Some(line), Ok(_)) = (&self.line, &held) {
            line.finish_and_clear();
        }
    }

    /// Makes the line anew.
    pub(super) fn set(&self, dev: &Dev, firing: Option<u64>) {
        let (Some(line), Ok(_held)) = (&self.line, self.output.try_lock()) else { return };
        let received = dev.totals().counters().received;
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let seconds = now.duration_since(before.0).as_secs_f64();
        let came = u32::try_from(received - before.1).unwrap_or(u32::MAX);
        *before = (now, received);
        let rate = if seconds > 0.0 { f64::from(came) / seconds } else { 0.0 };
        let settled = *dev.settled().borrow();
        let lag = settled.watermark.map(|watermark| {
            lag(SystemClock.now().as_millis().saturating_sub(watermark.as_millis()))
        });
        let lag = lag.unwrap_or_else(|| "nothing decided yet".to_owned());
        let (waiting, _) = dev.intake().waiting();
        let open = counted(widen(settled.open_windows), "open window");
        let waiting =
            if waiting == 0 { String::new() } else { format!(" \u{b7} {waiting} waiting") };
        // Not known while the store is read.
        let firing = firing.map(|firing| format!(" \u{b7} {firing} firing")).unwrap_or_default();
        line.set_message(format!("{rate:.0} events/s{waiting} \u{b7} {lag} \u{b7} {open}{firing}"));
    }

    /// Tells what happens.
    pub(super) fn teller(&self) -> Teller {
        let status = self.clone();
        Teller::new(move |happening| status.tell(&happening))
    }

    pub(super) fn tell(&self, happening: &Happening) {
        let line = match happening {
            Happening::Rejected { source, offset, code, reason } => {
                let Some(line) = self.reject((source, offset), code, reason) else { return };
                line
            }
            Happening::RejectedInShard { shard, sequence, code, reason } => {
                let Some(line) = self.reject((shard, sequence), code, reason) else { return };
                line
            }
            Happening::Trouble(what) => {
                format!("{}: {}; it is tried again", style::warning("warning"), printable(what))
            }
            Happening::Over => format!("{}: it works again", style::good("fine")),
            Happening::Telling(change) => {
                if let Some(news) = &self.news {
                    let mut line = Vec::new();
                    change.json(&mut line);
                    news.add(line);
                }
                telling::line(change)
            }
            Happening::Followed(what) => {
                format!("{}: {}", style::hint("note"), printable(what))
            }
            Happening::PipeEnded => {
                format!("{}: standard input has ended", style::hint("note"))
            }
            Happening::RulesAnnounced => format!(
                "{}: they come in force behind what has come so far",
                style::good("rules changed")
            ),
            Happening::RulesWrong(problems) => format!(
                "{problems}\n{}: the rules were changed and are wrong; the old ones go on",
                style::warning("warning")
            ),
        };
        self.aside(|| tell(line));
    }

    /// What is said of a record that is no event; nothing if enough was said.
    fn reject(
        &self,
        (source, place): (&str, impl Display),
        code: &str,
        reason: &str,
    ) -> Option<String> {
        let mut shown = self.rejects.lock().unwrap_or_else(PoisonError::into_inner);
        *shown += 1;
        let code = style::warning(code);
        let said = || format!("{}@{place}: {code}: {}", printable(source), printable(reason));
        (*shown <= REJECTS_SHOWN_MAX).then(said)
    }
}

/// How far what is decided is behind.
fn lag(lag_ms: Millis) -> String {
    format!("{} s behind", lag_ms.max(0) / SECOND_MS)
}

/// Says what became of all that came.
pub(super) fn tell_counters(counters: &Counters) {
    tell(format_args!(
        "{}: {} counted, {} filtered, {} duplicate, {} late, {} rejected",
        counted(counters.received, "event"),
        counters.counted,
        counters.filtered,
        counters.duplicate,
        counters.late,
        counters.rejected,
    ));
}
