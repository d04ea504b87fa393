//! Media types as HTTP headers have them (RFC 9110, section 8.3.1): `application/json; charset=utf-8`.
//!
//! Quotes are respected, since a parameter may hold a comma or a semicolon; comments do not exist here.

/// A media type, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// Type and subtype in lower case: `text/plain`, `*/*`.
    pub(crate) essence: String,
    /// The parameters, their names in lower case, their values without quotes.
    parameters: Vec<(String, String)>,
}

impl Media {
    /// Reads one; absent if there is no type and subtype.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = split(text, ';');
        let essence = parts.next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        let parameters = parts.filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
        });
        Some(Self { parameters: parameters.collect(), essence })
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it says that what it describes is JSON: `*/json`, or `*/*+json`.
    pub(crate) fn is_json(&self) -> bool {
        let subtype = self.essence.split_once('/').map(|(_, subtype)| subtype).unwrap_or_default();
        subtype == "json" || subtype.ends_with("+json")
    }
}

/// The parts of a header between separators that do not stand in quotes.
pub(crate) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        let separates = letter == separator && !quoted;
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        separates
    })
}

/// What a quoted string stands for; a text that is not one from its beginning to its end is itself.
pub(crate) fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.and_then(unescaped).unwrap_or_else(|| text.to_owned())
}

/// The text inside of quotes; absent if a quote in it ends it, or the last one does not.
fn unescaped(inner: &str) -> Option<String> {
    let mut letters = inner.chars();
    let mut text = String::with_capacity(inner.len());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => text.push(letters.next()?),
            _ => text.push(letter),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, essence: &str, charset: Option<&str>) {
        let media = Media::parse(text).unwrap();
        assert_eq!((media.essence.as_str(), media.parameter("charset")), (essence, charset));
    }

    #[test]
    fn types_and_parameters_are_read_in_any_case() {
        check("text/plain", "text/plain", None);
        check("Application/JSON ; Charset=UTF-8", "application/json", Some("UTF-8"));
        check("a/b;x=\"; charset=no\"; charset=\"utf\\-8\"", "a/b", Some("utf-8"));
        check("a/b; charset", "a/b", None);
    }

    #[test]
    fn what_has_no_subtype_is_none() {
        for text in ["", "json", "/json", "text/", ";charset=utf-8"] {
            assert_eq!(Media::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn json_is_known_by_its_subtype() {
        let is_json = |text| Media::parse(text).unwrap().is_json();
        assert!(is_json("application/json") && is_json("text/json") && is_json("a/b+json"));
        assert!(!is_json("application/jsonl") && !is_json("application/xml"));
    }

    #[test]
    fn separators_in_quotes_separate_nothing() {
        let parts: Vec<_> = split(r#"a,b="1,\",2",c"#, ',').collect();
        assert_eq!(parts, ["a", r#"b="1,\",2""#, "c"]);
    }

    #[test]
    fn quotes_and_escapes_go() {
        assert_eq!(unquoted(r#""say \"hi\" \\o""#), r#"say "hi" \o"#);
        for text in ["a\"b", "\"", r#""a" or "b""#, r#""a\""#] {
            assert_eq!(unquoted(text), text);
        }
    }
}
