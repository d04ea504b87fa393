//! Who is told: looked at before anything is opened, and again when the rules change.
//!
//! Who asks with `--notify` to be told is not to believe that he will be when he cannot be. So a channel that is notified and can tell
//! nobody is an error, like a mistake in the rules.

use crate::arguments::DevArguments;
use crate::exit::{Exit, Failure};
use crate::rules::environment;
use crate::style::{self, printable, push, tell};
use crate::words::counted;
use anstream::adapter::strip_str;
use streamgauge_dev::channels::{Audit, Broken, WaysError, audit, notified};
use streamgauge_dev::happening::chain;
use streamgauge_dev::outbox::{Outbox, State, Telling};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::memory::block_on;
use streamgauge_rules::Rules;

/// Looks at the channels of the rules, and says who will be told: their names.
pub(super) async fn look(arguments: &DevArguments, rules: &Rules) -> Result<Vec<String>, Failure> {
    if !arguments.notify {
        if !notified(rules).is_empty() {
            tell(
                "tells nobody: alerts are only shown; with `--notify` the channels of the rules are told",
            );
        }
        return Ok(Vec::new());
    }
    let Audit { tells, broken } =
        audit(rules, environment).await.map_err(|error| no_way(&error))?;
    for one in broken.iter().filter(|one| one.notified_by.is_none()) {
        tell(shown(one));
    }
    if let Some(text) = shown_all(&broken) {
        tell(text);
        let hint = style::hint("hint");
        tell(format_args!("{hint}: nothing was begun; without `--notify` alerts are only shown"));
        return Err(Failure::Told(Exit::Wrong));
    }
    if tells.is_empty() {
        let warning = style::warning("warning");
        tell(format_args!(
            "{warning}: `--notify` tells nobody: no alert, no route and no `pipeline` of the rules notifies a channel"
        ));
    } else {
        let named = tells.iter().map(|(name, kind)| format!("{name} ({kind})"));
        tell(format_args!("tells: {}", named.collect::<Vec<_>>().join(", ")));
    }
    Ok(tells.into_iter().map(|(name, _)| name).collect())
}

/// What rules must fulfil that are changed: each channel that something notifies can tell somebody. Else why not, without colours.
pub(super) fn demand(rules: &Rules) -> Result<(), String> {
    // Secrets of the environment are there at once.
    let audit = block_on(audit(rules, environment)).map_err(|error| chain(&error))?;
    shown_all(&audit.broken).map_or(Ok(()), |text| Err(strip_str(&text).to_string()))
}

/// The environment leads to nobody.
pub(super) fn no_way(error: &WaysError) -> Failure {
    Failure::wrong(error.to_string()).because_of_source(error)
}

/// All channels that something notifies and that can tell nobody; absent: there is none.
fn shown_all(broken: &[Broken]) -> Option<String> {
    let notified = broken.iter().filter(|one| one.notified_by.is_some());
    let shown: Vec<_> = notified.map(shown).collect();
    (!shown.is_empty()).then(|| shown.join("\n"))
}

/// A channel that can tell nobody, with cause and remedy.
fn shown(Broken { channel, kind, notified_by, why, hint }: &Broken) -> String {
    let mut text = match notified_by {
        Some(by) => format!(
            "{}: the channel `{channel}` ({kind}), which {by} notifies, can tell nobody",
            style::error("error")
        ),
        None => format!(
            "{}: the channel `{channel}` ({kind}) can tell nobody; no alert notifies it",
            style::warning("warning")
        ),
    };
    push(&mut text, format_args!("\n  caused by: {}", printable(why)));
    if let Some(remedy) = hint {
        push(&mut text, format_args!("\n{}: {remedy}", style::hint("hint")));
    }
    text
}

/// How telling a channel has come to go, as a line.
pub(super) fn line(Telling { channel, state, waiting, since }: &Telling) -> String {
    match state {
        State::Waiting { why } => format!(
            "{}: could not tell `{channel}`: {}; {}, and it is tried again",
            style::warning("warning"),
            printable(why),
            waits(*waiting, *since)
        ),
        State::Lost { lost, why } => format!(
            "{}: `{channel}` was not told of {}, and will not be: {}",
            style::error("error"),
            counted(*lost, "notification"),
            printable(why)
        ),
        State::Works => format!("{}: `{channel}` is told again", style::good("fine")),
    }
}

/// `2 notifications wait, the oldest since 2026-01-05T10:00:00Z`
fn waits(waiting: u64, since: Option<Timestamp>) -> String {
    let wait = if waiting == 1 { "waits" } else { "wait, the oldest" };
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    format!("{} {wait}{since}", counted(waiting, "notification"))
}

/// Says at the end what still waits.
pub(super) fn tell_waiting(outbox: &Outbox) {
    for (channel, waits_for) in outbox.channels() {
        if waits_for.waiting > 0 {
            tell(format_args!(
                "{}: `{channel}` was not told: {}; it is tried again when this runs again with `--notify`",
                style::warning("warning"),
                waits(waits_for.waiting, waits_for.since)
            ));
        }
    }
}
