//! Expressions that are CEL and surely not what was meant: a text without its quotes, a misspelt standard field, the name
//! `type` where the rules say that the type is elsewhere.
//!
//! Any name is a field that some event may have, so these are warnings, and few: a rule that makes sense must never
//! get one. A `CloudEvent` may have attributes of any name in lower-case letters and digits, all of them plain values;
//! an event of another form may have any field at all, and then only the fields that the rules name are compared with.

use super::CelProblem;
use super::ast::{Binary, Expression, Kind};
use super::compiler::Compiler;
use crate::problem::nearest::distance;
use std::ops::Range;

/// The attributes of a `CloudEvent` and its data.
/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes>
const ATTRIBUTES: [&str; 9] = [
    "type",
    "time",
    "data",
    "source",
    "subject",
    "id",
    "specversion",
    "datacontenttype",
    "dataschema",
];
/// Words that differ in one letter from an attribute, and are likely names of their own.
const WORDS: [&str; 18] = [
    "date", "dada", "tie", "tide", "tile", "tine", "tire", "tame", "tome", "dime", "lime", "mime",
    "rime", "tape", "hype", "typ", "typo", "tyre",
];

/// What an expression names of the event's type and of another field that is called `type`.
#[derive(Debug, Default)]
pub(super) struct Types {
    is_named: bool,
    others: Vec<Range<usize>>,
}

impl Compiler<'_> {
    /// Sees whether a field is the event's type, or is called so.
    pub(super) fn see_type(&mut self, path: &[&str], expression: &Expression) {
        let standard = &self.declarations.standard;
        let Some(kind) = standard.first() else { return };
        if path == kind {
            self.types.is_named = true;
        } else if path == ["type"]
            && !standard.iter().any(|known| path == known)
            && !matches!(expression.kind, Kind::Name { rooted: true, .. })
        {
            self.types.others.push(expression.span.clone());
        }
    }

    /// Warns of a field `type` where the rules have the event's type elsewhere. Who names both knows that they are two. `id` and `time` are
    /// not warned of: events have fields of these names that are something else, such as the number of an order.
    pub(super) fn warn_of_other_types(&mut self) {
        let Types { is_named: false, others } = std::mem::take(&mut self.types) else { return };
        let kind = self.declarations.standard.first().map(|kind| kind.join("."));
        let Some(kind) = kind else { return };
        for span in others {
            let message = format!("the event's type is `{kind}`; `type` is another field");
            let hint = format!("write `{kind}`, or `.type` if that other field is meant");
            self.warnings.push(CelProblem::new(span, message).with_hint(hint));
        }
    }

    /// Warns of a field whose first name is a standard one with a slip in it.
    pub(super) fn warn_of_field(&mut self, path: &[&str], expression: &Expression) {
        let Some((&name, rest)) = path.split_first() else { return };
        if self.is_standard(name) {
            return;
        }
        if name == "event"
            && self.is_cloud_event()
            && rest.first().is_some_and(|attribute| ATTRIBUTES.contains(attribute))
        {
            let message =
                "the event's own fields are named directly; this is a field of a field `event`";
            let hint = format!("write `{}`", rest.join("."));
            let span = expression.span.clone();
            self.warnings.push(CelProblem::new(span, message).with_hint(hint));
        } else if let Some(meant) = self.meant(name) {
            let message =
                format!("`{name}` is nearly the standard field `{meant}`, but not the same");
            let hint = format!("did you mean `{meant}`?");
            let span = first_name(expression).span.clone();
            self.warnings.push(CelProblem::new(span, message).with_hint(hint));
        }
    }

    /// Warns of a name that lacks the quotes of a text: `type == order.created`, `data.country in [NO, SE]`.
    pub(super) fn warn_of_comparison(&mut self, operator: Binary, sides: &[Expression; 2]) {
        let [left, right] = sides;
        match (operator, &right.kind) {
            (Binary::In, Kind::List(elements)) => {
                for element in elements {
                    if let Some(text) = self.unquoted(element, left) {
                        self.warn_of_text(element, &text, &text);
                    }
                }
            }
            (Binary::Equal | Binary::NotEqual, _) => {
                let sign = operator.as_str();
                if let Some(text) = self.unquoted(right, left) {
                    let field = self.path(left).unwrap_or_default().join(".");
                    self.warn_of_text(right, &text, &format!("{field} {sign} {text}"));
                } else if let Some(text) = self.unquoted(left, right) {
                    let field = self.path(right).unwrap_or_default().join(".");
                    self.warn_of_text(left, &text, &format!("{text} {sign} {field}"));
                }
            }
            _ => {}
        }
    }

    fn warn_of_text(&mut self, part: &Expression, text: &str, written: &str) {
        let hint = if text.starts_with('"') {
            format!("quote it: `{written}`")
        } else {
            format!("write `{written}`")
        };
        let message = "without quotes this is a field of the event, and no text";
        self.warnings.push(CelProblem::new(part.span.clone(), message).with_hint(hint));
    }

    /// What was meant by a part that is compared with a field, if that is not the field that it names.
    fn unquoted(&self, part: &Expression, field: &Expression) -> Option<String> {
        let (kind, field) = (self.declarations.standard.first()?, self.path(field)?);
        if field == *kind {
            return self.unquoted_type(part).map(|text| format!("\"{text}\""));
        }
        // In events whose names begin with small letters a capitalised one is a constant.
        let begins_large =
            |name: &str| name.starts_with(|letter: char| letter.is_ascii_uppercase());
        let Kind::Name { name, rooted: false } = &part.kind else { return None };
        let names_are_small = !field.iter().copied().any(begins_large)
            && !self.declarations.standard.iter().flatten().any(|known| begins_large(known));
        (names_are_small && begins_large(name) && self.path(part).is_some()).then(|| {
            match name.to_ascii_lowercase().as_str() {
                word @ ("true" | "false" | "null") => word.to_owned(),
                "none" | "nil" => "null".to_owned(),
                _ => format!("\"{name}\""),
            }
        })
    }

    /// The text of a path that is compared with the event's type: `order.created`, and `order-created`, which is a
    /// difference. A path into the data or to something like another type may well be meant.
    fn unquoted_type(&self, part: &Expression) -> Option<String> {
        if let Kind::Binary(operator @ (Binary::Subtract | Binary::Divide), sides) = &part.kind {
            let [left, right] = &**sides;
            let (left, right) = (self.unquoted_type(left)?, self.unquoted_type(right)?);
            return Some(format!("{left}{}{right}", operator.as_str()));
        }
        let path = self.path(part)?;
        let word = self.declarations.standard.first()?.last()?.to_lowercase();
        let is_meant = path.first().is_some_and(|name| self.is_standard(name))
            || path.iter().any(|name| name.to_lowercase().contains(&word));
        (!is_meant).then(|| path.join("."))
    }

    /// The standard field that a name is a slip of.
    fn meant(&self, name: &str) -> Option<&str> {
        let standard = &self.declarations.standard;
        let roots = standard.iter().filter_map(|path| Some(path.first()?.as_str()));
        // Two neighbours that changed places, or large for small letters: nobody calls two fields so.
        let is_muddled = |root: &&str| {
            let letters = |text: &str| {
                let mut letters: Vec<_> = text.to_lowercase().chars().collect();
                letters.sort_unstable();
                letters
            };
            name.len() > 2 && distance(name, root) == 1 && letters(name) == letters(root)
                || name.eq_ignore_ascii_case(root)
        };
        // One letter more, less or other, two in long names; not `types` and not `mtime`.
        let is_misspelt = |attribute: &&str| {
            let distance_max = if attribute.len() < 8 { 1 } else { 2 };
            attribute.len() > 2
                && name.bytes().all(|letter| letter.is_ascii_lowercase())
                && !WORDS.contains(&name)
                && !name.starts_with(attribute)
                && !name.ends_with(attribute)
                && distance(name, attribute) <= distance_max
        };
        let attributes = || ATTRIBUTES.into_iter().filter(|_| self.is_cloud_event());
        let muddled = roots.chain(attributes()).find(is_muddled);
        muddled.or_else(|| attributes().find(is_misspelt))
    }

    /// Whether a first name is one of those that the rules or CloudEvents know.
    fn is_standard(&self, name: &str) -> bool {
        let mut roots = self.declarations.standard.iter().filter_map(|path| path.first());
        ATTRIBUTES.contains(&name) || roots.any(|root| root == name)
    }

    /// Whether the standard fields are where CloudEvents has them.
    fn is_cloud_event(&self) -> bool {
        let standard = &self.declarations.standard;
        let is_attribute = |path: &Vec<String>| matches!(path.as_slice(), [name] if ATTRIBUTES.contains(&name.as_str()));
        !standard.is_empty() && standard.iter().all(is_attribute)
    }
}

/// The name that a path begins with.
fn first_name(expression: &Expression) -> &Expression {
    match &expression.kind {
        Kind::Select { base, .. } => first_name(base),
        Kind::Index(sides) => {
            let [base, _] = &**sides;
            first_name(base)
        }
        _ => expression,
    }
}
