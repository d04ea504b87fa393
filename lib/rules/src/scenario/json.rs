//! The events of a scenario as JSON: YAML values, merged with their defaults, with numbers kept as written.

use crate::problem::code::Code;
use crate::problem::render::push_json_string;
use crate::read::Reader;
use crate::yaml::tree::{Content, Node, Scalar, Style, shown};

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// `null`, a truth value or a number, as written.
    Bare(String),
    /// A string.
    Text(String),
    /// A list.
    Array(Vec<Self>),
    /// A map, in order.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// This value over its defaults: maps are merged key by key, everything else replaces.
    pub(super) fn over(self, defaults: &Self) -> Self {
        let (Self::Object(own), Self::Object(base)) = (&self, defaults) else { return self };
        let mut merged: Vec<(String, Self)> = base
            .iter()
            .map(|(key, value)| match own.iter().find(|(name, _)| name == key) {
                Some((_, own)) => (key.clone(), own.clone().over(value)),
                None => (key.clone(), value.clone()),
            })
            .collect();
        for (key, value) in own {
            if base.iter().all(|(name, _)| name != key) {
                merged.push((key.clone(), value.clone()));
            }
        }
        Self::Object(merged)
    }

    /// Writes a value at a path unless there is one; a path through something that is no map leads nowhere.
    pub(super) fn fill(&mut self, path: &[impl AsRef<str>], value: Self) {
        let (Self::Object(entries), Some((name, rest))) = (self, path.split_first()) else {
            return;
        };
        let name = name.as_ref();
        let position = entries.iter().position(|(key, _)| key == name);
        match (position.and_then(|position| entries.get_mut(position)), rest) {
            (Some(_), []) => {}
            (Some((_, inner)), rest) => inner.fill(rest, value),
            (None, []) => entries.push((name.to_owned(), value)),
            (None, rest) => {
                let mut inner = Self::Object(Vec::new());
                inner.fill(rest, value);
                entries.push((name.to_owned(), inner));
            }
        }
    }

    /// Appends the value as JSON on one line.
    pub(super) fn write(&self, text: &mut String) {
        match self {
            Self::Bare(bare) => text.push_str(bare),
            Self::Text(string) => push_json_string(text, string),
            Self::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    item.write(text);
                }
                text.push(']');
            }
            Self::Object(entries) => {
                text.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    push_json_string(text, key);
                    text.push(':');
                    value.write(text);
                }
                text.push('}');
            }
        }
    }
}

impl Reader<'_> {
    /// A YAML value as JSON.
    pub(super) fn json(&mut self, node: &Node) -> Option<Json> {
        match &node.content {
            Content::Scalar(scalar) if scalar.is_null() => Some(Json::Bare("null".to_owned())),
            Content::Scalar(_) => {
                let scalar = self.scalar(node, "a value")?;
                match bare(scalar) {
                    Ok(Some(bare)) => Some(Json::Bare(bare)),
                    Ok(None) => Some(Json::Text(scalar.text.clone())),
                    Err(NotInJson) => {
                        let message = format!("JSON has no number `{}`", shown(&scalar.text));
                        self.findings
                            .error(Code::InvalidValue, node.place, message)
                            .hint("put it in quotes if it is text");
                        None
                    }
                }
            }
            Content::Sequence(items) => {
                let items: Vec<_> = items.iter().map(|item| self.json(item)).collect();
                items.into_iter().collect::<Option<_>>().map(Json::Array)
            }
            Content::Mapping(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), self.json(&entry.value)?)))
                    .collect();
                entries.into_iter().collect::<Option<_>>().map(Json::Object)
            }
            Content::Broken => None,
        }
    }
}

/// Infinity, or no number at all.
pub(super) struct NotInJson;

/// The scalar as JSON writes truth values and numbers; nothing if it is text.
fn bare(scalar: &Scalar) -> Result<Option<String>, NotInJson> {
    if scalar.style != Style::Plain {
        return Ok(None);
    }
    match scalar.as_boolean() {
        Some(truth) => Ok(Some(truth.to_string())),
        None => number(&scalar.text),
    }
}

/// A number of YAML 1.2 as JSON writes it.
pub(super) fn number(text: &str) -> Result<Option<String>, NotInJson> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let signs = text.len() - unsigned.len();
    if signs <= 1 && matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(NotInJson);
    }
    let based = [("0x", 16), ("0o", 8)];
    for (prefix, radix) in based {
        if let Some(number) =
            text.strip_prefix(prefix).and_then(|digits| u128::from_str_radix(digits, radix).ok())
        {
            return Ok(Some(number.to_string()));
        }
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at_checked(at).unwrap_or((unsigned, "")),
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_digits = exponent.get(1..).unwrap_or_default().trim_start_matches(['+', '-']);
    let exponent_is_right = exponent.is_empty()
        || (!exponent_digits.is_empty()
            && is_digits(exponent_digits)
            && exponent.len() - exponent_digits.len() <= 2);
    let is_number = signs <= 1
        && is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_is_right;
    if !is_number {
        return Ok(None);
    }
    // JSON wants digits on both sides of the point, no leading zeros and no plus sign.
    let whole = whole.trim_start_matches('0');
    let mut json = if text.starts_with('-') { "-".to_owned() } else { String::new() };
    json.push_str(if whole.is_empty() { "0" } else { whole });
    if mantissa.contains('.') {
        json.push('.');
        json.push_str(if fraction.is_empty() { "0" } else { fraction });
    }
    json.push_str(exponent);
    Ok(Some(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expect: Option<&str>) {
        let read = number(yaml).unwrap_or_else(|NotInJson| panic!("{yaml}"));
        assert_eq!(read.as_deref(), expect, "{yaml}");
        if let Some(json) = read {
            assert!(serde_json::from_str::<serde_json::Number>(&json).is_ok(), "{yaml}: {json}");
        }
    }

    #[test]
    fn numbers_become_those_of_json() {
        check("12.50", Some("12.50"));
        check("-3", Some("-3"));
        check("+3", Some("3"));
        check("007", Some("7"));
        check(".5", Some("0.5"));
        check("5.", Some("5.0"));
        check("1e3", Some("1e3"));
        check("1.5E-3", Some("1.5E-3"));
        check("0x1F", Some("31"));
        check("0o17", Some("15"));
    }

    #[test]
    fn text_stays_text() {
        for text in
            ["", "-", ".", "e3", "1e", "1e+", "--1", "1.2.3", "0x", "10m", "1_000", "2026-01-05"]
        {
            check(text, None);
        }
        assert!(number("-.inf").is_err());
    }

    #[test]
    fn defaults_are_merged_deeply() {
        let object = |entries: &[(&str, Json)]| {
            Json::Object(
                entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            )
        };
        let one = || Json::Bare("1".to_owned());
        let two = || Json::Bare("2".to_owned());
        let defaults = object(&[("data", object(&[("a", one()), ("b", one())]))]);
        let mut merged = object(&[("data", object(&[("b", two())])), ("c", two())]).over(&defaults);
        merged.fill(&["data", "a"], two());
        merged.fill(&["x", "y"], two());
        merged.fill(&["c", "y"], two());
        let mut text = String::new();
        merged.write(&mut text);
        assert_eq!(text, r#"{"data":{"a":1,"b":2},"c":2,"x":{"y":2}}"#);
    }
}
