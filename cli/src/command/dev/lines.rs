//! What was decided, as it is shown: what alerts do for people, points too for machines.

use super::status::{News, Status};
use super::unreadable;
use crate::arguments::DevOutput;
use crate::exit::Failure;
use crate::style::{self, printable};
use std::error::Error;
use std::future::pending;
use std::io::{self, Write};
use std::time::Duration;
use streamgauge_dev::decided::{self, Decided};
use streamgauge_dev::happening::{Happening, chain};
use streamgauge_dev::run::is_damage;
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::transition::{Transition, TransitionKind};
use streamgauge_pipeline::alert_record::RecordedAlert;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::log::{Log, Version};
use streamgauge_pipeline::render::recorded_value;
use streamgauge_pipeline::settle::Settled;
use streamgauge_pipeline::stored::StoredError;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

/// How long it is waited before the store is read again that could not be.
const AGAIN: Duration = Duration::from_secs(1);
/// How long it is waited at the end for who does not read, and for a store that cannot be read.
const END_TIME_MAX: Duration = Duration::from_secs(5);

/// Shows what entries of the settle log have decided, by what they say themselves: the rules may have changed since.
#[derive(Debug)]
pub(super) struct Lines {
    output: DevOutput,
    /// Whether channels are told of what alerts do.
    tells: bool,
    /// The last entry that was shown, or is being written.
    shown: Version,
    /// What is being written, on a thread of its own: who reads it may stop to.
    writing: Option<JoinHandle<io::Result<()>>>,
    /// Why the store could not be read, until it can.
    trouble: Option<Retryable>,
}

impl Lines {
    /// Shows what comes after an entry.
    pub(super) fn new(output: DevOutput, tells: bool, shown: Version) -> Self {
        Self { output, tells, shown, writing: None, trouble: None }
    }

    /// Shows what is decided from now on; it ends if that cannot be written or read. It can be left at any moment.
    pub(super) async fn follow(
        &mut self,
        log: &impl Log,
        mut settled: watch::Receiver<Settled>,
        status: &Status,
    ) -> Failure {
        loop {
            let shown = loop {
                match self.show_some(log, status).await {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(failure) => break Err(failure),
                }
            };
            if let Err(failure) = shown {
                return failure;
            }
            tokio::select! {
                changed = settled.changed() => if changed.is_err() {
                    // Who decides has ended, and others say why.
                    return pending().await;
                },
                () = come(status.news()) => {}
            }
        }
    }

    /// Shows what is left, as long as somebody reads it.
    pub(super) async fn finish(&mut self, log: &impl Log, status: &Status) -> Result<(), Failure> {
        loop {
            let Ok(shown) = timeout(END_TIME_MAX, self.show_some(log, status)).await else {
                let trouble = self.trouble.take();
                return Err(trouble.map_or_else(unread, |error| unreadable(&error)));
            };
            if !shown? {
                return Ok(());
            }
        }
    }

    /// Begins to write some of what is new, when all before it is written; false: nothing is new.
    async fn show_some(&mut self, log: &impl Log, status: &Status) -> Result<bool, Failure> {
        if let Some(writing) = &mut self.writing {
            let written = writing.await;
            self.writing = None;
            let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
            written.map_err(|error| Failure::output(&error))?;
        }
        let read = self.read(log, status).await?;
        let mut text = status.news().map(News::take).unwrap_or_default();
        match read.last() {
            Some(last) => self.shown = last.version,
            None if text.is_empty() => return Ok(false),
            None => {}
        }
        for decided in &read {
            match self.output {
                DevOutput::Json => for_machines(decided, &mut text),
                DevOutput::Text => for_people(decided, self.tells, &mut text),
            }
        }
        let beside = status.clone();
        self.writing = Some(spawn_blocking(move || beside.output(|| write(&text))));
        Ok(true)
    }

    /// Reads what is new, again and again where the store cannot be read for now.
    async fn read(&mut self, log: &impl Log, status: &Status) -> Result<Vec<Decided>, Failure> {
        loop {
            match decided::read(log, self.shown).await {
                Ok(read) => {
                    if self.trouble.take().is_some() {
                        status.tell(&Happening::Over);
                    }
                    return Ok(read);
                }
                Err(error) if !may_pass(&error) => return Err(unreadable(&error)),
                Err(error) => {
                    if self.trouble.is_none() {
                        let what = format!("could not read what was decided: {}", chain(&error));
                        status.tell(&Happening::Trouble(what));
                    }
                    self.trouble = Some(error);
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

/// Waits for what standard output is to have beside decisions.
async fn come(news: Option<&News>) {
    match news {
        Some(news) => news.come().await,
        None => pending().await,
    }
}

/// Whether trying again can help: not where the file is damaged, or an entry cannot be read.
fn may_pass(error: &Retryable) -> bool {
    let first: &(dyn Error + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |&cause| cause.source());
    !is_damage(error) && !causes.any(<dyn Error>::is::<StoredError>)
}

/// What is said where standard output is not read.
pub(super) fn unread() -> Failure {
    Failure::outside("standard output was not read to its end").hint(
        "nothing is lost: all that was decided is in the store, and `GET /points` and `GET /alerts` tell it when it runs again",
    )
}

/// Points and transitions as JSON.
fn for_machines(decided: &Decided, text: &mut Vec<u8>) {
    let renderer = decided.renderer();
    decided.points().for_each(|point| renderer.json(&point, text));
    for (transition, verdict) in &decided.alerts.transitions {
        renderer.alert_json(transition, verdict, text);
    }
}

/// Transitions, a line each.
fn for_people(decided: &Decided, tells: bool, text: &mut Vec<u8>) {
    for (transition, verdict) in &decided.alerts.transitions {
        if let Some(alert) = decided.alerts.alerts.get(transition.alert) {
            text.extend_from_slice(line(alert, (transition, verdict), tells).as_bytes());
        }
    }
}

/// A transition as a line.
fn line(
    alert: &RecordedAlert,
    (transition, verdict): (&Transition, &Verdict),
    tells: bool,
) -> String {
    let kind = transition.kind.as_str();
    let kind = match transition.kind {
        TransitionKind::Firing => style::error(kind).to_string(),
        TransitionKind::Resolved => style::good(kind).to_string(),
        TransitionKind::Pending => style::warning(kind).to_string(),
    };
    let step = alert.step(transition).and_then(|step| step.name.as_deref());
    let step = step.map(|step| format!(" {step}")).unwrap_or_default();
    let group = alert.group(transition).map(|(name, one)| format!(" {name}={one}"));
    let group = group.collect::<String>();
    let told = told(verdict, tells);
    let (at, reason) = (transition.at, transition.reason.as_str());
    let value = recorded_value(alert, transition).map(|value| {
        let mut shown = b", value ".to_vec();
        value.push(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    let value = value.unwrap_or_default();
    let what = format!("{}{step}{group}: {reason}{value}, {told}", alert.name);
    format!("{at}  {kind}  {}\n", printable(&what))
}

/// Who is told, or would be, or why nobody is. It is decided here and not done yet: what a channel does not take is said when it does not.
fn told(verdict: &Verdict, tells: bool) -> String {
    if !verdict.sent {
        return verdict.why.to_string();
    }
    let sent = verdict.channels.iter().filter(|(_, why)| why.is_sent());
    let channels: Vec<_> = sent.map(|(channel, _)| &**channel).collect();
    let channels = channels.join(", ");
    if tells { format!("for {channels}") } else { format!("would be sent to {channels}") }
}

fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}

#[cfg(test)]
mod tests;
