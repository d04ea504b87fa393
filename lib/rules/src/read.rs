//! From the tree to values: the small steps that every section uses.
//!
//! Each function takes a node and gives a value or nothing. When it gives nothing the reason has been reported, and
//! the caller goes on with the next key: that is how all problems of a file come out in one run.

pub(crate) mod alert;
pub(crate) mod channel;
pub(crate) mod condition;
mod early;
pub(crate) mod expression;
pub(crate) mod fields;
pub(crate) mod ladder;
pub(crate) mod merge;
pub(crate) mod metric;
pub(crate) mod quiet;
pub(crate) mod reach;
pub(crate) mod rollup;
pub(crate) mod settings;
pub(crate) mod substitute;
pub(crate) mod template;

use crate::cel::Declarations;
use crate::duration;
use crate::problem::code::Code;
use crate::problem::{Findings, nearest};
use crate::source::{Place, SourceFile, line_start};
use crate::yaml::misread;
use crate::yaml::scalar::place_in;
use crate::yaml::tree::{Content, Entry, Node, Scalar, shown};
use std::ops::{Range, RangeInclusive};
use streamgauge_engine::field::FieldTable;
use streamgauge_engine::time::{Millis, Timestamp};

/// What reading needs: the sources, the environment, and where problems go.
pub(crate) struct Reader<'s> {
    pub(crate) sources: &'s [SourceFile],
    pub(crate) environment: &'s dyn Fn(&str) -> Option<String>,
    pub(crate) findings: Findings,
    /// Every field that an expression reads.
    pub(crate) fields: FieldTable,
    /// The fields that are known to be strings.
    pub(crate) declarations: Declarations,
    /// Secrets that stand in the files: never to be shown.
    pub(crate) concealed: Vec<Place>,
    /// Files that broke off: what is missing in them may stand further on.
    pub(crate) broken_files: Vec<usize>,
}

impl<'s> Reader<'s> {
    pub(crate) fn new(
        sources: &'s [SourceFile],
        environment: &'s dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            sources,
            environment,
            findings: Findings::default(),
            fields: FieldTable::default(),
            declarations: Declarations::default(),
            concealed: Vec::new(),
            broken_files: Vec::new(),
        }
    }

    /// Reports that something else was expected.
    pub(crate) fn wrong_type(&mut self, node: &Node, expected: &str) {
        if !matches!(node.content, Content::Broken) {
            let message = format!("expected {expected}, found {}", node.kind_name());
            self.findings.error(Code::WrongType, node.place, message);
        }
    }

    /// A scalar that is not nothing.
    pub(crate) fn scalar<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n Scalar> {
        match &node.content {
            Content::Scalar(scalar) if scalar.tag.is_some() => {
                let tag = scalar.tag.unwrap_or(node.place);
                let message = format!("YAML reads `{}` as a tag", shown(tag.text(self.sources)));
                let hint = self.quoted_line(tag.start, node);
                self.findings
                    .error(Code::InvalidYaml, tag, message)
                    .hint(format!("put the text in quotes: {hint}"));
                None
            }
            Content::Scalar(scalar) if !scalar.is_null() => Some(scalar),
            _ => {
                self.wrong_type(node, expected);
                None
            }
        }
    }

    /// The line with what stands between `start` and the end of `node` in quotes.
    pub(crate) fn quoted_line(&self, start: usize, node: &Node) -> String {
        let text = self.sources.get(node.place.file).map_or("", |source| source.text.as_str());
        let end = node.place.end.max(start);
        let before = text.get(line_start(text, start)..start).unwrap_or_default().trim_start();
        let value = text.get(start..end).unwrap_or_default();
        let after = text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{before}{}{}", misread::quote(&value), after.trim_end())
    }

    /// Text; numbers and truth values are text as they were written.
    pub(crate) fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        self.scalar(node, "text").map(|scalar| scalar.text.as_str())
    }

    /// Text that is not empty and not too long.
    pub(crate) fn short_text(&mut self, node: &Node) -> Option<String> {
        const CHARS_MAX: usize = 4_096;
        let text = self.text(node)?;
        if text.trim().is_empty() {
            self.findings.error(Code::InvalidValue, node.place, "the text is empty");
            return None;
        }
        if text.chars().nth(CHARS_MAX).is_some() {
            let message = format!("the text is longer than {CHARS_MAX} characters");
            self.findings.error(Code::LimitExceeded, node.place, message);
            return None;
        }
        Some(text.to_owned())
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, node: &Node) -> Option<bool> {
        let scalar = self.scalar(node, "`true` or `false`")?;
        let value = scalar.as_boolean();
        if value.is_none() {
            let message = format!("expected `true` or `false`, found `{}`", shown(&scalar.text));
            self.findings.error(Code::WrongType, node.place, message);
        }
        value
    }

    /// A whole number in a range.
    pub(crate) fn whole(&mut self, node: &Node, range: RangeInclusive<u64>) -> Option<u64> {
        let scalar = self.scalar(node, "a whole number")?;
        let digits: String = scalar.text.chars().filter(|character| *character != '_').collect();
        let Ok(number) = digits.parse::<u64>() else {
            let message = format!("expected a whole number, found `{}`", shown(&scalar.text));
            self.findings.error(Code::WrongType, node.place, message);
            return None;
        };
        if !range.contains(&number) {
            let message = format!("{number} is not between {} and {}", range.start(), range.end());
            self.findings.error(Code::InvalidValue, node.place, message);
            return None;
        }
        Some(number)
    }

    /// One of a few words; gives its position among them.
    pub(crate) fn choice(&mut self, node: &Node, words: &[&str]) -> Option<usize> {
        let expected = if let [only] = words {
            format!("`{only}`")
        } else {
            format!("one of {}", nearest::list(words))
        };
        let scalar = self.scalar(node, &expected)?;
        let position = words.iter().position(|word| *word == scalar.text);
        if position.is_none() {
            let near = nearest::nearest(&scalar.text, words.iter().copied())
                .map(|near| format!("did you mean `{near}`?"));
            let message = format!("`{}` is not {expected}", shown(&scalar.text));
            let message = if words.len() > 8 {
                format!("`{}` is not known here", shown(&scalar.text))
            } else {
                message
            };
            let all = (words.len() > 8).then(|| format!("known here: {}", nearest::list(words)));
            self.findings.error(Code::InvalidValue, node.place, message).maybe_hint(near.or(all));
        }
        position
    }

    /// A length of time in a range.
    pub(crate) fn duration(
        &mut self,
        node: &Node,
        range: RangeInclusive<Millis>,
    ) -> Option<Millis> {
        let scalar = self.scalar(node, "a length of time such as `30s`")?;
        match duration::parse(&scalar.text) {
            Ok(length) if range.contains(&length) => Some(length),
            Ok(length) => {
                let (least, most) = (duration::show(*range.start()), duration::show(*range.end()));
                let (message, hint) = if length == 0 {
                    (
                        "a length of `0s` is not allowed here".to_owned(),
                        "write `1m`, or leave the key out".to_owned(),
                    )
                } else if length < *range.start() {
                    let message = format!("{} is less than {least}", duration::show(length));
                    (message, format!("write `{least}` or more"))
                } else {
                    let message = format!(
                        "{} is more than {most}, which is the limit",
                        duration::show(length)
                    );
                    (message, format!("write `{most}` or less"))
                };
                self.findings.error(Code::InvalidDuration, node.place, message).hint(hint);
                None
            }
            Err(message) => {
                let plain_number = !scalar.text.is_empty()
                    && scalar.text.bytes().all(|byte| byte.is_ascii_digit());
                let hint = if plain_number {
                    format!("write `{}s` for seconds", scalar.text)
                } else {
                    "write `30s`, `5m`, `1h30m` or `7d`".to_owned()
                };
                self.findings.error(Code::InvalidDuration, node.place, message).hint(hint);
                None
            }
        }
    }

    /// A length of time that may be negative.
    pub(crate) fn offset(&mut self, node: &Node) -> Option<Millis> {
        let scalar = self.scalar(node, "an offset such as `9m50s`")?;
        let (sign, length) = match scalar.text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, scalar.text.as_str()),
        };
        match duration::parse(length) {
            Ok(length) => Some(sign * length),
            Err(message) => {
                self.findings
                    .error(Code::InvalidDuration, node.place, message)
                    .hint("write `0s`, `10s`, `9m50s` or `-5m`");
                None
            }
        }
    }

    /// A time such as `2026-01-05T10:00:00Z`.
    pub(crate) fn time(&mut self, node: &Node) -> Option<Timestamp> {
        let scalar = self.scalar(node, "a time such as `2026-01-05T10:00:00Z`")?;
        match Timestamp::parse_rfc3339(&scalar.text) {
            Ok(time) => Some(time),
            Err(_no_time) => {
                let message = format!("`{}` is not a time with date and zone", shown(&scalar.text));
                self.findings
                    .error(Code::InvalidTime, node.place, message)
                    .hint("write `2026-01-05T10:00:00Z`");
                None
            }
        }
    }

    /// The path of a field: names joined by dots.
    pub(crate) fn path(&mut self, node: &Node) -> Option<Vec<String>> {
        let text = self.text(node)?;
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        // `$.` begins a JSONPath; as a key within, `$` is what some converters from XML write.
        let is_json_path = names.len() > 1 && text.starts_with("$.");
        if is_json_path
            || names.iter().any(|name| name.is_empty() || name.contains(char::is_whitespace))
        {
            let message = format!("`{}` is not the path of a field", shown(text));
            self.findings
                .error(Code::InvalidValue, node.place, message)
                .hint("write names joined by dots: `data.country`");
            return None;
        }
        Some(names)
    }

    /// The items of a list, or the one value as a list.
    pub(crate) fn one_or_list<'n>(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.content {
            Content::Sequence(items) => Some(items),
            Content::Scalar(scalar) if !scalar.is_null() => Some(std::slice::from_ref(node)),
            _ => {
                self.wrong_type(node, "a list");
                None
            }
        }
    }

    /// The items of a list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n [Node]> {
        if let Content::Sequence(items) = &node.content {
            return Some(items);
        }
        self.wrong_type(node, expected);
        None
    }

    /// The entries of a map with names that the user chose.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Mapping(entries) => Some(entries),
            // A key with nothing under it, as one leaves it while writing, is an empty map.
            Content::Scalar(scalar) if scalar.is_null() => Some(&[]),
            _ => {
                self.wrong_type(node, expected);
                None
            }
        }
    }

    /// The place of a part of a scalar's text.
    pub(crate) fn part(&self, node: &Node, range: Range<usize>) -> Place {
        match &node.content {
            Content::Scalar(scalar) => place_in(node, scalar, &range, self.sources),
            _ => node.place,
        }
    }
}
