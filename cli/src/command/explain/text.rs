//! What was found, for people: a block for each transition or point, short enough to be read at night.

use super::points::{Event, Explained, Fate, From};
use super::told::{self, Message, Origin, Place, Recomputed, Recorded, Told};
use crate::style;
use crate::words::{counted, plural, widen};
use std::fmt::Display;
use streamgauge_engine::notification::Notification;
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::{Evidence, TransitionKind};
use streamgauge_pipeline::settle::again::Missing;

/// Where the second column begins.
const INDENT: usize = 12;

/// A transition.
pub(super) fn transition(told: &Told) -> String {
    let mut text = String::new();
    let kind = told.transition.kind;
    let shown = match kind {
        TransitionKind::Firing => style::error(kind.as_str()).to_string(),
        TransitionKind::Resolved => style::good(kind.as_str()).to_string(),
        TransitionKind::Pending => kind.as_str().to_owned(),
    };
    let title = Told::title(&told.alert, &told.transition);
    let (title, at) = (style::bold(style::printable(&title)), told.transition.at);
    let severity = told.severity.map(|severity| format!(", {severity}")).unwrap_or_default();
    style::push(&mut text, format_args!("{title}  {shown} at {at}{severity}\n"));
    let condition = told.condition.as_deref().map(|condition| format!(": {condition}"));
    let reason = told.transition.reason.as_str();
    line(&mut text, "because", format_args!("{reason}{}", condition.unwrap_or_default()));
    evidence(&mut text, told);
    line(&mut text, "sent", verdict(told));
    if let Origin::Log(recorded) = &told.origin {
        messages(&mut text, &recorded.messages);
    }
    if kind != TransitionKind::Pending {
        line(&mut text, "episode", format_args!("since {}", told.transition.episode));
        line(&mut text, "key", &told.key);
    }
    line(&mut text, "plan", &told.alert.plan);
    if let Origin::Log(recorded) = &told.origin {
        record(&mut text, recorded);
    }
    text
}

fn line(text: &mut String, name: &str, value: impl Display) {
    let value = value.to_string();
    let name = style::dim(format!("{name:INDENT$}"));
    style::push(text, format_args!("  {name}{}\n", style::printable(&value)));
}

fn evidence(text: &mut String, told: &Told) {
    let Evidence { from, until, threshold, volume, events, late, duplicates, watermark, .. } =
        &told.transition.evidence;
    if let Some(value) = told.value {
        let threshold = threshold.map(|threshold| format!(", threshold {threshold}"));
        let volume = volume.map(|volume| format!(", of {volume}"));
        let (volume, threshold) = (volume.unwrap_or_default(), threshold.unwrap_or_default());
        line(text, "value", format_args!("{value}{volume}{threshold}"));
    }
    let is_window =
        told.condition.as_deref().is_some_and(|condition| condition.contains("over window"));
    let covers = match (from == until, is_window) {
        (true, _) => format!("the moment {until}"),
        (false, true) => format!("[{from}, {until})"),
        (false, false) => format!("({from}, {until}]"),
    };
    line(text, "covers", format_args!("{covers} of {}", told.alert.metric));
    let behind = format!("{late} behind the watermark");
    let copies = format!("{} ignored", counted_copies(*duplicates));
    line(text, "events", format_args!("{events}; {behind}, {copies}"));
    let named = widen(told.transition.evidence.ids.len());
    if named < *events && named > 0 {
        line(text, "", format_args!("the newest {named}:"));
    }
    for (id, place) in told.events() {
        event(text, place, id);
    }
    if let Some(watermark) = watermark {
        line(text, "watermark", watermark);
    }
}

/// An event that is named: its time, its id and where it stands.
fn event(text: &mut String, place: Option<&Place>, id: &str) {
    let id = style::printable(id);
    match place {
        Some(Place { time, input, line: number }) => {
            let stands = style::dim(format!("{}:{number}", style::printable(input)));
            style::push(text, format_args!("  {:INDENT$}{time}  {id}  {stands}\n", ""));
        }
        None => style::push(text, format_args!("  {:INDENT$}{id}\n", "")),
    }
}

fn counted_copies(copies: u64) -> String {
    if copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") }
}

/// `yes: oncall (at once)`
fn verdict(told: &Told) -> String {
    let verdict = &told.verdict;
    let channels = verdict.channels.iter().map(|(channel, why)| format!("{channel} ({why})"));
    let channels = channels.collect::<Vec<_>>().join(", ");
    match (verdict.sent, channels.is_empty()) {
        (true, _) => format!("yes: {channels}"),
        (false, true) => format!("no: {}", verdict.why),
        (false, false) => format!("no: {channels}"),
    }
}

fn messages(text: &mut String, messages: &[Message]) {
    for message in messages {
        let Message { channel, action, id, clock, gathered } = message;
        let action = action.name();
        let gathered = if *gathered { ", with others" } else { "" };
        line(text, "told", format_args!("{channel}: {action} at {clock}{gathered}: {id}"));
    }
}

fn record(text: &mut String, recorded: &Recorded) {
    let Recorded { partition, version, clock, recomputed, .. } = recorded;
    let (partition, version) = (partition.number(), version.0);
    line(text, "log", format_args!("settle/{partition}, version {version}, decided at {clock}"));
    recomputation(text, recomputed);
}

fn recomputation(text: &mut String, recomputed: &Recomputed) {
    match recomputed {
        Recomputed::No => {}
        Recomputed::Same(from) => {
            let from = from.map_or_else(
                || "the beginning of the log".to_owned(),
                |version| format!("the snapshot at version {}", version.0),
            );
            let same = style::good("the same");
            push_line(text, "recomputed", format_args!("{same}, from {from}"));
        }
        Recomputed::Differs(differences) => {
            push_line(text, "recomputed", style::error("something else"));
            for difference in differences {
                line(text, "", difference);
            }
        }
        Recomputed::OutOfReach(missing) => line(text, "recomputed", out_of_reach(missing)),
        Recomputed::Failed(why) => push_line(text, "recomputed", style::warning(why)),
    }
}

/// What is not kept any more.
pub(super) fn out_of_reach(missing: &Missing) -> String {
    let (log, version) = (missing.log.as_str(), missing.version.0);
    format!(
        "no: the log \"{log}\" no longer reaches back to version {version}, and no snapshot is old enough"
    )
}

fn push_line(text: &mut String, name: &str, value: impl Display) {
    style::push(text, format_args!("  {}{value}\n", style::dim(format!("{name:INDENT$}"))));
}

/// What was told of the pipeline itself.
pub(super) fn notice(notice: &Notification) -> String {
    let Notification { channel, at, summary, action, .. } = notice;
    let (summary, action) = (style::printable(summary), action.name());
    format!("{at}  {channel}: {action}: {summary}\n")
}

/// The points of a window and a series.
pub(super) fn points(explained: &Explained) -> String {
    let mut text = String::new();
    let series = told::pairs(explained.dimensions());
    let Explained { metric, window: (start, end), .. } = explained;
    let title = format!("{metric}{}{series}", if series.is_empty() { "" } else { "  " });
    let title = style::bold(style::printable(&title));
    style::push(&mut text, format_args!("{title}  [{start}, {end})\n"));
    for point in &explained.points {
        line(&mut text, &point.status, &point.values);
        match &point.from {
            From::Files { decided_at } => decided(&mut text, *decided_at),
            From::Log(recorded) => record(&mut text, recorded),
        }
    }
    if let Some(why) = explained.why_none() {
        line(&mut text, "no point", why);
    }
    for (fate, (count, events)) in &explained.events {
        push_events(&mut text, *fate, *count, events.iter());
    }
    text
}

fn decided(text: &mut String, at: Timestamp) {
    line(text, "", format_args!("decided when the clock reached {at}"));
}

fn push_events<'e>(
    text: &mut String,
    fate: Fate,
    count: u64,
    events: impl ExactSizeIterator<Item = &'e Event>,
) {
    let shown = widen(events.len());
    let newest = if shown < count && shown > 0 {
        format!(", the last {shown} that came:")
    } else {
        String::new()
    };
    let what = format!("{}{newest}", fate.sentence());
    line(text, fate.as_str(), format_args!("{count} {}: {what}", plural(count, "event")));
    for Event { id, place } in events {
        event(text, Some(place), id);
    }
}

/// How many of those that were found are shown, if not all.
pub(super) fn not_shown(shown: usize, total: u64, noun: &str) -> Option<String> {
    let hidden = total.saturating_sub(widen(shown));
    (hidden > 0).then(|| format!("{} not shown: --limit 0 shows all", counted(hidden, noun)))
}
