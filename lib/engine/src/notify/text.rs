//! What notifications say: the texts of the rules, rendered, or default ones.
//!
//! The engine has no template language; whoever calls it brings one ([`Render`]). A template that fails costs nobody a page: the
//! default text goes out, and the description says what failed. All texts have a length at which they are cut.

use super::keys;
use super::matching::dimensions;
use crate::alert::{Alert, Condition, Over, Severity, Step};
use crate::calendar::Window;
use crate::decimal::Decimal;
use crate::notification::{Member, Subject};
use crate::plan::Metric;
use crate::series::SeriesKey;
use crate::time::{Length, Timestamp};
use crate::transition::Evidence;

/// PagerDuty cuts a summary there.
const SUMMARY_CHARS_MAX: usize = 1_024;
/// Of a dimension's value, which may be as long as an event.
const VALUE_CHARS_MAX: usize = 256;
/// A few screens of text.
const DESCRIPTION_CHARS_MAX: usize = 8_192;

/// Renders the templates of `summary` and `description`.
///
/// It must be a function of its arguments, and must end: whatever a template does, it takes bounded time and memory.
pub trait Render {
    /// The text, or what is wrong as a sentence without a final period.
    fn render(&self, template: &str, values: &[(&str, TemplateValue)]) -> Result<String, String>;
}

/// What a name in a template stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateValue {
    /// A number.
    Number(Decimal),
    /// A text.
    Text(String),
    /// There is none: the rate of nothing, the threshold of `absent for`.
    Nothing,
}

/// One firing, as texts see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occasion<'o> {
    pub(super) alert: &'o Alert,
    pub(super) metric: &'o Metric,
    pub(super) step: &'o Step,
    pub(super) group: &'o SeriesKey,
    pub(super) at: Timestamp,
    pub(super) episode: Timestamp,
    pub(super) evidence: &'o Evidence,
}

/// A notification without its channel and its action.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) key: String,
    pub(super) severity: Severity,
    pub(super) at: Timestamp,
    pub(super) summary: String,
    pub(super) description: Option<String>,
    pub(super) runbook: Option<String>,
    pub(super) subject: Subject,
    pub(super) labels: Vec<(String, String)>,
}

impl Occasion<'_> {
    /// The key of its incident.
    pub(super) fn key(&self) -> String {
        let step = self.step.name.as_deref();
        keys::incident(&self.alert.name, step, self.group.values(), self.episode)
    }

    /// All that is said of it.
    pub(super) fn message(&self, render: &dyn Render) -> Message {
        let texts = &self.alert.texts;
        let values = self.values();
        let mut problems = Vec::new();
        let mut rendered = |name: &str, template: &Option<String>| match render
            .render(template.as_ref()?, &values)
        {
            Ok(text) => Some(text).filter(|text| !text.trim().is_empty()),
            Err(problem) => {
                problems.push(format!("The template of `{name}` failed: {problem}"));
                None
            }
        };
        let summary = rendered("summary", &texts.summary).map(|text| one_line(&text));
        let mut description = rendered("description", &texts.description).unwrap_or_default();
        for problem in problems {
            if !description.is_empty() {
                description.push_str("\n\n");
            }
            description.push_str(&problem);
        }
        let summary = summary.unwrap_or_else(|| one_line(&self.default_summary()));
        Message {
            key: self.key(),
            severity: self.step.severity,
            at: self.at,
            summary: summary.clone(),
            description: (!description.is_empty())
                .then(|| cut(description.trim_end(), DESCRIPTION_CHARS_MAX)),
            runbook: texts.runbook.clone(),
            subject: Subject::Alert(Box::new(self.member(summary))),
            labels: texts.labels.clone(),
        }
    }

    /// The same when it has ended: what it says of the firing stays, so that people know it again.
    pub(super) fn ended(&self, render: &dyn Render, at: Timestamp, evidence: &Evidence) -> Message {
        let mut message = Message { at, ..self.message(render) };
        if let Subject::Alert(member) = &mut message.subject {
            member.evidence = evidence.clone();
        }
        message
    }

    fn member(&self, summary: String) -> Member {
        let group = dimensions(self.alert, self.metric, self.group);
        Member {
            alert: self.alert.name.clone(),
            step: self.step.name.clone(),
            metric: self.metric.name.clone(),
            group: group.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            condition: self.step.when.to_string(),
            summary,
            evidence: self.evidence.clone(),
        }
    }

    /// `rejections reactive, aggregator=noon: 3 (sum over 10m >= 3)`
    fn default_summary(&self) -> String {
        let step = self.step.name.as_ref().map_or_else(String::new, |step| format!(" {step}"));
        let mut group = String::new();
        for (name, value) in dimensions(self.alert, self.metric, self.group) {
            group.push_str(", ");
            group.push_str(name);
            group.push('=');
            group.push_str(&cut(value, VALUE_CHARS_MAX));
        }
        let name = &self.alert.name;
        let condition = &self.step.when;
        match self.evidence.value {
            Some(value) => format!("{name}{step}{group}: {value} ({condition})"),
            None => format!("{name}{step}{group}: {condition}"),
        }
    }

    /// What templates know. A dimension goes before a name of ours, as it does when the rules are checked.
    fn values(&self) -> Vec<(&str, TemplateValue)> {
        let text = |text: &str| TemplateValue::Text(text.to_owned());
        let is_absent = matches!(self.step.when, Condition::Absent { .. });
        let value = self.evidence.value.or(is_absent.then_some(Decimal::ZERO));
        let number =
            |number: Option<Decimal>| number.map_or(TemplateValue::Nothing, TemplateValue::Number);
        let mut values = vec![
            ("value", number(value)),
            ("threshold", number(self.evidence.threshold)),
            ("over", TemplateValue::Text(self.over())),
            ("metric", text(&self.metric.name)),
            ("alert", text(&self.alert.name)),
            ("step", text(self.step.name.as_deref().unwrap_or_default())),
            ("severity", text(self.step.severity.as_str())),
            ("at", TemplateValue::Text(self.at.to_string())),
            ("runbook", text(self.alert.texts.runbook.as_deref().unwrap_or_default())),
        ];
        for (name, of_group) in dimensions(self.alert, self.metric, self.group) {
            values.retain(|(known, _)| *known != name);
            values.push((name, TemplateValue::Text(cut(of_group, VALUE_CHARS_MAX))));
        }
        values
    }

    /// The time that the condition looks at; none for `open`.
    fn over(&self) -> String {
        match self.step.when {
            Condition::Absent { length }
            | Condition::Threshold { over: Over::Sliding(length), .. } => {
                Length(length).to_string()
            }
            Condition::Threshold { over: Over::Moment, .. } => String::new(),
            Condition::Threshold { over: Over::Window, .. } => match self.metric.window {
                Window::Fixed(length) => Length(length).to_string(),
                Window::Days(days) => format!("{days}d"),
                Window::Weeks(weeks) => format!("{}d", u64::from(weeks) * 7),
            },
        }
    }
}

/// A text on one line, at most [`SUMMARY_CHARS_MAX`] long.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    cut(&line, SUMMARY_CHARS_MAX)
}

/// A text of at most so many characters.
fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
