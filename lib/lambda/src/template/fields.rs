//! Reading the properties of one thing: each by its name, its kind and its range; every name that is written must be one
//! that is known, and known for what becomes of it.

use super::evaluate::Evaluator;
use super::problem::{Place, did_you_mean, shown};
use super::tree::{Content, Node};
use super::value::{Value, What};
use std::ops::RangeInclusive;

/// What becomes of a property.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    /// It is simulated: somebody reads it.
    Read,
    /// It changes nothing that can be seen on one machine.
    Harmless,
    /// It changes something that is not simulated: what to say, and what to do about it.
    Refused(&'static str, &'static str),
    /// It changes something that is not simulated and can be done without: what to say.
    Noted(&'static str),
}

/// All properties of a thing.
pub(super) type Table = [(&'static str, Use)];

/// The properties of a thing as they are written.
#[derive(Clone, Debug)]
pub(super) struct Fields<'t> {
    /// What has them, for messages: `a Kinesis event`.
    what: &'static str,
    /// Where it is, for problems with what is missing.
    place: Place,
    written: Vec<(&'t str, Place, &'t Node)>,
}

impl<'t> Fields<'t> {
    /// The properties in a node; each name is looked up in the table. None after a problem.
    pub(super) fn read(
        evaluator: &mut Evaluator<'t>,
        what: &'static str,
        place: Place,
        node: &'t Node,
        table: &Table,
    ) -> Option<Self> {
        let node = evaluator.resolve(node)?;
        if node.call().is_some() || !matches!(node.content, Content::Map(_)) {
            if node.is_null() {
                return Some(Self { what, place, written: Vec::new() });
            }
            if !matches!(node.content, Content::Broken) {
                let message = format!("the properties of {what} are a map that is written out");
                evaluator.problem(node.place, message, "write each by its name");
            }
            return None;
        }
        let mut written = Vec::new();
        for entry in node.entries() {
            let Some(value) = evaluator.resolve(&entry.value) else { continue };
            let is_left_out = value.is_null()
                || value.call().is_some_and(|(function, argument)| {
                    function == "Ref" && argument.text() == Some("AWS::NoValue")
                });
            match table.iter().find(|(name, _)| *name == entry.key) {
                None => {
                    let message = format!("{what} has no property `{}`", shown(&entry.key));
                    let known = table.iter().map(|(name, _)| *name);
                    evaluator.problem(
                        entry.place,
                        message,
                        did_you_mean(&entry.key, known, "remove it"),
                    );
                }
                Some(_) if is_left_out => {}
                Some((_, Use::Refused(message, remedy))) => {
                    evaluator.problem(entry.place, *message, *remedy);
                }
                Some((name, Use::Noted(text))) => {
                    evaluator.problems.note(entry.place, format!("`{name}`: {text}"));
                }
                Some((_, Use::Harmless)) => {}
                Some((_, Use::Read)) => written.push((entry.key.as_str(), entry.place, value)),
            }
        }
        Some(Self { what, place, written })
    }

    /// Refuses properties that `what` does not have.
    pub(super) fn refuse(&self, evaluator: &mut Evaluator<'t>, names: &[&str], what: &str) {
        for (name, place, _) in &self.written {
            if names.contains(name) {
                evaluator.problem(*place, format!("{what} has no property `{name}`"), "remove it");
            }
        }
    }

    /// The node of a property.
    pub(super) fn node(&self, name: &str) -> Option<(Place, &'t Node)> {
        let field = self.written.iter().find(|(known, ..)| *known == name);
        field.map(|(_, place, node)| (*place, *node))
    }

    /// Where a property is, else the thing.
    pub(super) fn place(&self, name: &str) -> Place {
        self.node(name).map_or(self.place, |(_, node)| node.place)
    }

    /// The value of a property; none if it is not there, or after a problem.
    fn value(&self, evaluator: &mut Evaluator<'t>, name: &str) -> Option<Value> {
        let value = evaluator.value(self.node(name)?.1);
        (!matches!(value.what, What::Nothing | What::Broken)).then_some(value)
    }

    /// A text.
    pub(super) fn text(&self, evaluator: &mut Evaluator<'t>, name: &str) -> Option<String> {
        let value = self.value(evaluator, name)?;
        if let What::Text { text, .. } = value.what {
            Some(text)
        } else {
            let message =
                format!("`{name}` of {} is text, and this is {}", self.what, value.kind());
            evaluator.problem(value.place, message, "write the text");
            None
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, evaluator: &mut Evaluator<'t>, name: &str) -> Option<String> {
        if self.node(name).is_none() {
            let message = format!("{} has no `{name}`", self.what);
            evaluator.problem(self.place, message, format!("add `{name}`"));
            return None;
        }
        self.text(evaluator, name)
    }

    /// A whole number in a range; `unit` is for the message.
    pub(super) fn number(
        &self,
        evaluator: &mut Evaluator<'t>,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let text = self.text(evaluator, name)?;
        match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => Some(number),
            Ok(_) | Err(_) => {
                let message = format!(
                    "`{name}` is a whole number from {} to {}, and this is `{}`",
                    range.start(),
                    range.end(),
                    shown(&text)
                );
                evaluator.problem(self.place(name), message, "AWS takes no other");
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, evaluator: &mut Evaluator<'t>, name: &str) -> Option<bool> {
        let text = self.text(evaluator, name)?;
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                let message =
                    format!("`{name}` is `true` or `false`, and this is `{}`", shown(&text));
                evaluator.problem(self.place(name), message, "write `true` or `false`");
                None
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, evaluator: &mut Evaluator<'t>, name: &str) -> Option<Vec<String>> {
        let value = self.value(evaluator, name)?;
        let place = value.place;
        let What::List(items) = value.what else {
            evaluator.problem(
                place,
                format!("`{name}` is a list, and this is {}", value.kind()),
                "write `[value]`",
            );
            return None;
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item.what {
                What::Text { text, .. } => texts.push(text),
                What::Broken => return None,
                _ => {
                    let message =
                        format!("`{name}` is a list of texts, and this is {}", item.kind());
                    evaluator.problem(item.place, message, "write the text");
                    return None;
                }
            }
        }
        Some(texts)
    }

    /// The properties in a property; none if it is not there, or after a problem.
    pub(super) fn within(
        &self,
        evaluator: &mut Evaluator<'t>,
        name: &str,
        what: &'static str,
        table: &Table,
    ) -> Option<Self> {
        let (place, node) = self.node(name)?;
        Self::read(evaluator, what, place, node, table)
    }
}
