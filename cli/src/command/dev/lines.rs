//! What was decided, as it is shown: what alerts do for people, points too for machines.

use super::status::Status;
use super::unreadable;
use crate::arguments::DevOutput;
use crate::exit::Failure;
use crate::style::{self, printable};
use std::io::{self, Write};
use streamgauge_dev::decided::{self, Decided};
use streamgauge_engine::notify::Verdict;
use streamgauge_engine::transition::{Transition, TransitionKind};
use streamgauge_pipeline::alert_record::RecordedAlert;
use streamgauge_pipeline::port::log::{Log, Version};
use streamgauge_pipeline::render::recorded_value;

/// Shows what entries of the settle log have decided, by what they say themselves: the rules may have changed since.
#[derive(Debug)]
pub(super) struct Lines {
    output: DevOutput,
    /// The last entry that was shown.
    shown: Version,
}

impl Lines {
    /// Shows what comes after an entry.
    pub(super) fn new(output: DevOutput, shown: Version) -> Self {
        Self { output, shown }
    }

    /// Shows what is new.
    pub(super) async fn show(&mut self, log: &impl Log, status: &Status) -> Result<(), Failure> {
        loop {
            let read = decided::read(log, self.shown).await.map_err(|error| unreadable(&error))?;
            let Some(last) = read.last() else { return Ok(()) };
            self.shown = last.version;
            let mut text = Vec::new();
            for decided in &read {
                match self.output {
                    DevOutput::Json => for_machines(decided, &mut text),
                    DevOutput::Text => for_people(decided, &mut text),
                }
            }
            let written = status.aside(|| write(&text));
            written.map_err(|error| Failure::output(&error))?;
        }
    }
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
fn for_people(decided: &Decided, text: &mut Vec<u8>) {
    for (transition, verdict) in &decided.alerts.transitions {
        if let Some(alert) = decided.alerts.alerts.get(transition.alert) {
            text.extend_from_slice(line(alert, transition, verdict).as_bytes());
        }
    }
}

/// A transition as a line.
fn line(alert: &RecordedAlert, transition: &Transition, verdict: &Verdict) -> String {
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
    let sent = if verdict.sent { "sent" } else { verdict.why.as_str() };
    let (at, reason) = (transition.at, transition.reason.as_str());
    let value = recorded_value(alert, transition).map(|value| {
        let mut shown = b", value ".to_vec();
        value.push(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    let value = value.unwrap_or_default();
    let what = format!("{}{step}{group}: {reason}{value}, {sent}", alert.name);
    format!("{at}  {kind}  {}\n", printable(&what))
}

fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}
