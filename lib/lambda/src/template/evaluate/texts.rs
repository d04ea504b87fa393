//! The functions that make texts and lists: `Sub`, `Join`, `Split`, `Select`, `Base64`, `FindInMap`.

use super::Evaluator;
use crate::template::problem::{Place, did_you_mean, shown};
use crate::template::tree::{Content, Node};
use crate::template::value::{Value, What};
use base64::prelude::{BASE64_STANDARD, Engine};

impl<'t> Evaluator<'t> {
    /// `!Sub "${Name} and ${Resource.Attribute} and ${!literal}"`, or a list of that and a map of further names.
    pub(super) fn substitute(&mut self, place: Place, node: &'t Node) -> Value {
        let usage = "`!Sub text` or `!Sub [text, {Name: value}]`";
        let (text, variables) = match &node.content {
            Content::List(_) => match self.arguments::<2>(place, node, usage) {
                Some([text, variables]) => (text, Some(variables)),
                None => return Value::broken(place),
            },
            _ => (node, None),
        };
        let Some(pattern) = text.text() else {
            if matches!(text.content, Content::Broken) {
                return Value::broken(place);
            }
            let message = format!("`Sub` takes text, and this is {}", text.kind());
            return self.broken(place, message, format!("write {usage}"));
        };
        let Value { what: What::Text { text: pattern, .. }, .. } =
            self.literal(text.place, pattern, false)
        else {
            return Value::broken(place);
        };
        let mut made = String::with_capacity(pattern.len());
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            made.push_str(before);
            let Some((name, after_name)) = after.split_once('}') else {
                let message = "`${` is never closed";
                return self.broken(text.place, message, "add `}`; a literal one is `${!Name}`");
            };
            match name.strip_prefix('!') {
                Some(literal) => made.extend(["${", literal, "}"]),
                None => match self.variable(text.place, name.trim(), variables) {
                    Some(value) => made.push_str(&value),
                    None => return Value::broken(place),
                },
            }
            rest = after_name;
            if made.len() > super::TEXT_BYTES_MAX {
                break;
            }
        }
        made.push_str(rest);
        Value::text(place, made)
    }

    /// What a name in a `Sub` stands for.
    fn variable(
        &mut self,
        place: Place,
        name: &str,
        variables: Option<&'t Node>,
    ) -> Option<String> {
        if let Some(node) = variables.and_then(|variables| variables.get(name)) {
            return self.argument_text(node, &format!("the value of `{}`", shown(name)));
        }
        if let Some((resource, attribute)) = name.split_once('.') {
            self.attribute_of(place, resource, attribute)
        } else {
            let value = self.reference_to(place, name);
            match value.what {
                What::Text { text, .. } => Some(text),
                What::Broken => None,
                What::List(_) | What::Map(_) | What::Nothing => {
                    let message =
                        format!("`{}` is {}, which is no text", shown(name), value.kind());
                    self.problem(place, message, "use `!Join` to make one text of a list");
                    None
                }
            }
        }
    }

    /// `!Join [",", [a, b]]`
    pub(super) fn join(&mut self, place: Place, node: &'t Node) -> Value {
        let usage = "`!Join [delimiter, [text, ..]]`";
        let Some([delimiter, items]) = self.arguments(place, node, usage) else {
            return Value::broken(place);
        };
        // An empty delimiter is one that was written.
        let delimiter = match &delimiter.content {
            Content::Scalar { text, .. } => text.clone(),
            _ => return self.broken(place, "the delimiter is text", format!("write {usage}")),
        };
        let Some(items) = self.list(items) else { return Value::broken(place) };
        let mut made = String::new();
        for (number, item) in items.into_iter().enumerate() {
            let What::Text { text, .. } = &item.what else {
                if item.what == What::Broken {
                    return Value::broken(place);
                }
                let message = format!("`Join` joins texts, and this is {}", item.kind());
                return self.broken(item.place, message, format!("write {usage}"));
            };
            if number > 0 {
                made.push_str(&delimiter);
            }
            made.push_str(text);
            if made.len() > super::TEXT_BYTES_MAX {
                break;
            }
        }
        Value::text(place, made)
    }

    /// `!Split [",", text]`
    pub(super) fn split(&mut self, place: Place, node: &'t Node) -> Value {
        let usage = "`!Split [delimiter, text]`";
        let Some([delimiter, text]) = self.arguments(place, node, usage) else {
            return Value::broken(place);
        };
        let Some(delimiter) = delimiter.text().filter(|delimiter| !delimiter.is_empty()) else {
            return self.broken(place, "the delimiter is some text", format!("write {usage}"));
        };
        match self.argument_text(text, "what is split") {
            Some(text) => {
                let items = text.split(delimiter).map(|part| Value::text(place, part));
                Value { place, what: What::List(items.collect()) }
            }
            None => Value::broken(place),
        }
    }

    /// `!Select [0, [a, b]]`
    pub(super) fn select(&mut self, place: Place, node: &'t Node) -> Value {
        let usage = "`!Select [place from 0, list]`";
        let Some([number, items]) = self.arguments(place, node, usage) else {
            return Value::broken(place);
        };
        let Some(number) = self.argument_text(number, "the place") else {
            return Value::broken(place);
        };
        let Some(items) = self.list(items) else { return Value::broken(place) };
        let count = items.len();
        if let Some(item) =
            number.parse::<usize>().ok().and_then(|number| items.into_iter().nth(number))
        {
            item.at(place)
        } else {
            let message = format!("there is no `{}` in a list of {count}", shown(&number));
            self.broken(place, message, "places are counted from 0")
        }
    }

    /// A list, written or made; none after a problem.
    fn list(&mut self, node: &'t Node) -> Option<Vec<Value>> {
        let value = self.value(node);
        match value.what {
            What::List(items) => Some(items),
            What::Broken => None,
            What::Text { .. } | What::Map(_) | What::Nothing => {
                let message = format!("a list is expected here, and this is {}", value.kind());
                self.problem(node.place, message, "write a list, or a parameter that is one");
                None
            }
        }
    }

    /// `!Base64 text`
    pub(super) fn base64(&mut self, place: Place, node: &'t Node) -> Value {
        match self.argument_text(node, "what is encoded") {
            Some(text) => Value::text(place, BASE64_STANDARD.encode(text)),
            None => Value::broken(place),
        }
    }

    /// `!FindInMap [Mapping, key, key]`
    pub(super) fn find_in_map(&mut self, place: Place, node: &'t Node) -> Value {
        let usage = "`!FindInMap [mapping, first key, second key]`";
        let Some([mapping, first, second]) = self.arguments(place, node, usage) else {
            return Value::broken(place);
        };
        let mut found = self.mappings;
        for (argument, what) in
            [(mapping, "a mapping"), (first, "the first key"), (second, "the second key")]
        {
            let Some(key) = self.argument_text(argument, what) else { return Value::broken(place) };
            if let Some(inner) = found.get(&key) {
                found = inner;
            } else {
                let known = found.entries().iter().map(|entry| entry.key.as_str());
                let remedy = did_you_mean(&key, known, "add it to the template's `Mappings`");
                let message = format!("`{}` is not known as {what}", shown(&key));
                return self.broken(argument.place, message, remedy);
            }
        }
        self.value(found).at(place)
    }
}
