//! The templates of `summary` and `description`.
//!
//! They are Jinja (`{{ aggregator }} rejected {{ value }} orders`). Here they are only checked: that they parse, that
//! they use names that will exist, and that they render with sample values within a budget. A page at three in the
//! morning is the wrong moment to find a typing mistake.

use super::Reader;
use crate::problem::code::Code;
use crate::problem::nearest;
use crate::template::environment;
use crate::yaml::tree::{Node, Style, shown};
use minijinja::Value;
use std::collections::BTreeMap;

/// The names that every template knows; the group's dimensions come besides.
pub(crate) const TEMPLATE_NAMES: [&str; 9] =
    ["value", "threshold", "over", "metric", "alert", "step", "severity", "at", "runbook"];

impl Reader<'_> {
    /// A template that may use the group's dimensions; `others` are dimensions of the metric that are not in `by`.
    pub(crate) fn template(
        &mut self,
        node: &Node,
        group: Option<&[String]>,
        others: &[String],
    ) -> Option<String> {
        let text = self.short_text(node)?;
        let environment = environment();
        let template = match environment.template_from_str(&text) {
            Ok(template) => template,
            Err(error) => {
                self.template_error(node, &error, &text);
                return None;
            }
        };
        let mut names: Vec<&str> = TEMPLATE_NAMES.to_vec();
        names.extend(group.unwrap_or_default().iter().map(String::as_str));
        let mut unknown: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !names.contains(&name.as_str()) && !is_builtin(name))
            .collect();
        unknown.sort();
        // Without the metric the dimensions are not known either, and every name could be one.
        if group.is_none() {
            return unknown.is_empty().then_some(text);
        }
        for name in &unknown {
            self.unknown_name(node, &text, name, &names, others);
        }
        if !unknown.is_empty() {
            return None;
        }
        let sample: BTreeMap<&str, Value> =
            names.iter().map(|name| (*name, sample(name))).collect();
        if let Err(error) = template.render(sample) {
            self.template_error(node, &error, &text);
            return None;
        }
        Some(text)
    }

    fn unknown_name(
        &mut self,
        node: &Node,
        text: &str,
        name: &str,
        names: &[&str],
        others: &[String],
    ) {
        let start = word_position(text, name);
        let place = self.part(node, start..start + name.len());
        let hint = if others.iter().any(|other| other == name) {
            format!("`{}` is a dimension of the metric, but not in `by`: add it there", shown(name))
        } else {
            match nearest::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{}`?", shown(near)),
                None => format!("known here: {}", nearest::list(names)),
            }
        };
        let message = format!("templates do not know the name `{}`", shown(name));
        self.findings.error(Code::InvalidTemplate, place, message).hint(hint);
    }

    fn template_error(&mut self, node: &Node, error: &minijinja::Error, text: &str) {
        let place = match error.range() {
            Some(range) if range.end <= text.len() => self.part(node, range),
            _ => node.place,
        };
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        let is_flow = matches!(&node.content, crate::yaml::tree::Content::Scalar(scalar) if scalar.style == Style::Plain);
        let hint = if is_flow && text.contains("{{") {
            "write `\"{{ name }}\"`, in quotes"
        } else {
            "write `{{ name }}`, with filters such as `{{ value | round(2) }}`"
        };
        self.findings.error(Code::InvalidTemplate, place, shown(&detail)).hint(hint);
    }
}

/// Functions that the template engine brings along.
fn is_builtin(name: &str) -> bool {
    matches!(name, "range" | "dict" | "namespace" | "debug" | "loop" | "self" | "super" | "caller")
}

/// A value of the kind that the name will have.
fn sample(name: &str) -> Value {
    match name {
        "value" | "threshold" => Value::from(3),
        "over" => Value::from("10m"),
        "at" => Value::from("2026-01-05T10:00:00Z"),
        _ => Value::from("sample"),
    }
}

/// Where a name stands inside of braces, as a whole word.
fn word_position(text: &str, name: &str) -> usize {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let whole = |start: &usize| {
        let before = text.get(..*start).and_then(|before| before.chars().next_back());
        let after = text.get(start + name.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    };
    let positions = || text.match_indices(name).map(|(start, _)| start).filter(whole);
    let in_braces = |start: &usize| {
        let before = text.get(..*start).unwrap_or_default();
        let opened = before.rfind("{{").max(before.rfind("{%"));
        opened > before.rfind("}}").max(before.rfind("%}"))
    };
    positions().find(in_braces).or_else(|| positions().next()).unwrap_or(0)
}
