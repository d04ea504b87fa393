//! What a mail says, before it is text or HTML: both are drawn from one page, so that neither says less.
//!
//! All that grows is limited here, so that the HTML stays below the 102 KB at which Gmail cuts a mail: values in their
//! length, names in their number, and members by how much room they take.

use super::chart::Chart;
use super::shown::{line, lines};
use crate::details;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Member, Notification, Subject};
use streamgauge_engine::transition::Evidence;

/// The longest summary, in characters.
pub(super) const SUMMARY_CHARS_MAX: usize = 300;
/// The longest id or key, in characters.
pub(super) const ID_CHARS_MAX: usize = 255;
/// The longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 1_500;
/// The longest link, in characters.
const LINK_CHARS_MAX: usize = 300;
/// The longest value, in characters.
const VALUE_CHARS_MAX: usize = 100;
/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 64;
/// How many dimensions or labels are shown.
const NAMES_MAX: usize = 24;
/// How many ids of events are shown for each of several members.
const IDS_OF_MEMBER: usize = 5;

/// What a mail says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page {
    /// What has happened, in a word or two: `CRITICAL`, `RESOLVED`.
    pub(super) badge: String,
    /// How it is coloured: absent once resolved.
    pub(super) severity: Option<Severity>,
    /// The summary.
    pub(super) headline: String,
    /// More about it.
    pub(super) description: Option<String>,
    /// The link to the runbook, if it is one that a mail may open.
    pub(super) runbook: Option<Runbook>,
    /// What it is about.
    pub(super) stories: Vec<Story>,
    /// How many more there are.
    pub(super) more: usize,
    /// About the notification itself.
    pub(super) about: Vec<Row>,
}

/// The link to a runbook.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Runbook {
    /// As it stands in the rules.
    pub(super) text: String,
    /// Whether it leads to the web, so that it may be opened.
    pub(super) is_link: bool,
}

/// One alert for one group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Story {
    /// Its own summary, where there are several.
    pub(super) title: Option<String>,
    /// The evidence.
    pub(super) rows: Vec<Row>,
    /// The metric around it, with its name.
    pub(super) chart: Option<(String, Chart)>,
}

/// A line of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// What it is.
    pub(super) name: &'static str,
    /// One or more values, each on a line.
    pub(super) values: Vec<String>,
}

impl Row {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, values: vec![value.into()] }
    }
}

impl Page {
    /// The page of a notification.
    pub(super) fn of(notification: &Notification) -> Self {
        let Notification { action, severity, summary, description, runbook, subject, .. } =
            notification;
        let (stories, more) = match subject {
            Subject::Alert(member) => (vec![Story::alone(member)], 0),
            Subject::Gathered { members, more } => {
                (members.iter().map(Story::among).collect(), *more)
            }
            Subject::Pipeline { .. } | Subject::Deploy(_) => (Vec::new(), 0),
        };
        Self {
            badge: badge(*action, *severity),
            severity: (*action != Action::Resolve).then_some(*severity),
            headline: line(summary, SUMMARY_CHARS_MAX),
            description: description.as_ref().map(|text| lines(text, DESCRIPTION_CHARS_MAX)),
            runbook: runbook.as_deref().map(Runbook::of),
            stories,
            more,
            about: about(notification),
        }
    }

    /// The same with as many stories as fit into `room`; the rest is a number. One is always told.
    #[must_use]
    pub(super) fn within(mut self, room: usize, size: impl Fn(&Story) -> usize) -> Self {
        let mut taken = 0;
        let fitting = self.stories.iter().take_while(|story| {
            taken += size(story);
            taken <= room
        });
        let kept = fitting.count().max(1).min(self.stories.len());
        self.more += self.stories.len() - kept;
        self.stories.truncate(kept);
        self
    }

    /// That there is more than what is listed, in words.
    pub(super) fn more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("and {} more", self.more))
    }
}

impl Runbook {
    fn of(text: &str) -> Self {
        let text = line(text, LINK_CHARS_MAX);
        let is_link = details::is_link(&text)
            && !text.contains(|char: char| char.is_whitespace() || char == '\u{fffd}');
        Self { text, is_link }
    }
}

impl Story {
    fn alone(member: &Member) -> Self {
        let chart = Chart::of(&member.condition, &member.evidence);
        let chart = chart.map(|chart| (line(&member.metric, NAME_CHARS_MAX), chart));
        Self { title: None, rows: evidence(member, usize::MAX), chart }
    }

    fn among(member: &Member) -> Self {
        let title = Some(line(&member.summary, SUMMARY_CHARS_MAX));
        Self { title, rows: evidence(member, IDS_OF_MEMBER), chart: None }
    }
}

/// What has happened, in a word or two, with the severity.
pub(crate) fn badge(action: Action, severity: Severity) -> String {
    let severity = severity.as_str().to_uppercase();
    match action {
        Action::Trigger => severity,
        Action::Repeat => format!("STILL {severity}"),
        Action::Resolve => format!("RESOLVED {severity}"),
        Action::Change => "CHANGED".to_owned(),
    }
}

/// The evidence table of one member, with at most so many ids.
fn evidence(member: &Member, ids_max: usize) -> Vec<Row> {
    let Member { alert, step, metric, group, condition, summary: _, evidence } = member;
    let Evidence { value, threshold, volume, events, late, duplicates, watermark, .. } = evidence;
    let alert = line(alert, NAME_CHARS_MAX);
    let step = step.as_ref().map(|step| format!(", step {}", line(step, NAME_CHARS_MAX)));
    let mut rows = vec![Row::new("Alert", alert + &step.unwrap_or_default())];
    rows.push(Row::new("Metric", line(metric, NAME_CHARS_MAX)));
    rows.extend(pairs("Group", group));
    rows.push(Row::new("Condition", line(condition, VALUE_CHARS_MAX)));
    rows.extend(value.map(|value| Row::new("Value", value.to_string())));
    rows.extend(threshold.map(|threshold| Row::new("Threshold", threshold.to_string())));
    rows.extend(volume.map(|volume| Row::new("Out of", volume.to_string())));
    rows.push(Row::new("Time", format!("{} to {}", evidence.from, evidence.until)));
    rows.push(Row::new("Events", events.to_string()));
    rows.extend(ids(evidence, ids_max));
    rows.push(Row::new("Late events", late.to_string()));
    rows.push(Row::new("Copies ignored", duplicates.to_string()));
    rows.extend(watermark.map(|watermark| Row::new("Watermark", watermark.to_string())));
    rows
}

/// The ids of the newest events, the last ones where there are more than may be shown.
fn ids(evidence: &Evidence, ids_max: usize) -> Option<Row> {
    let ids = &evidence.ids;
    let shown = ids.get(ids.len().saturating_sub(ids_max)..).unwrap_or(ids);
    let values: Vec<String> = shown.iter().map(|id| line(id, VALUE_CHARS_MAX)).collect();
    (!values.is_empty()).then_some(Row { name: "Newest events", values })
}

fn about(notification: &Notification) -> Vec<Row> {
    let Notification { channel, key, id, severity, at, subject, labels, plan, .. } = notification;
    let mut rows = vec![Row::new("Severity", severity.as_str()), Row::new("At", at.to_string())];
    if let Subject::Pipeline { alert } = subject {
        rows.push(Row::new(
            "Alert",
            format!("{}, of the pipeline itself", line(alert, NAME_CHARS_MAX)),
        ));
    }
    rows.extend(pairs("Labels", labels));
    rows.push(Row::new("Channel", line(channel, NAME_CHARS_MAX)));
    rows.push(Row::new("Incident", line(key, ID_CHARS_MAX)));
    rows.push(Row::new("Notification", line(id, ID_CHARS_MAX)));
    rows.push(Row::new("Plan", line(plan, VALUE_CHARS_MAX)));
    rows
}

/// Names with their values; none if there are none.
fn pairs(name: &'static str, pairs: &[(String, String)]) -> Option<Row> {
    let shown = pairs.iter().take(NAMES_MAX).map(|(one, value)| {
        format!("{}: {}", line(one, NAME_CHARS_MAX), line(value, VALUE_CHARS_MAX))
    });
    let mut values: Vec<String> = shown.collect();
    let more = pairs.len().saturating_sub(NAMES_MAX);
    values.extend((more > 0).then(|| format!("and {more} more")));
    (!values.is_empty()).then_some(Row { name, values })
}
