//! Secrets in a file that is no YAML.
//!
//! Where the tree breaks off nobody knows any more what is a channel, and the very line that is shown may hold a
//! routing key. So in such a file the text itself is searched: what follows the keys that hold secrets is concealed
//! unless it is a reference. That may conceal too much, never too little of what stands on the key's line.

use crate::source::{Place, SourceFile};

/// The keys whose values are secrets.
const KEYS: [&str; 2] = ["routing_key", "secret"];

/// The values after such keys that are no references.
pub(super) fn literal_places(sources: &[SourceFile], file: usize) -> Vec<Place> {
    let text = sources.get(file).map_or("", |source| source.text.as_str());
    let mut places = Vec::new();
    for key in KEYS {
        for (at, _) in text.match_indices(key) {
            let after_key = at + key.len();
            let Some(rest) = text.get(after_key..) else { continue };
            // The key may stand in quotes, and a colon without a space belongs to a reference: `secret:name`.
            let colon = rest.len() - rest.trim_start_matches(['"', '\'', ' ']).len();
            let Some(value) = rest.get(colon..).and_then(|rest| rest.strip_prefix(": ")) else {
                continue;
            };
            let trimmed = value.trim_start_matches([' ', '"', '\'']);
            let start = after_key + colon + 2 + (value.len() - trimmed.len());
            let secret = trimmed.lines().next().unwrap_or_default();
            let is_reference = ["secret:", "ssm:", "env:", "${", "{"]
                .iter()
                .any(|beginning| secret.starts_with(beginning));
            if !is_reference {
                places.push(Place { file, start, end: start + secret.len() });
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let sources = [SourceFile { name: "a".to_owned(), text: text.to_owned() }];
        let places = literal_places(&sources, 0);
        let found: Vec<_> = places.iter().map(|place| place.text(&sources)).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn literals_are_found() {
        check("a: {routing_key: R012, x", &["R012, x"]);
        check("secret: \"abc\"\nother: 1", &["abc\""]);
        check("'secret' : abc", &["abc"]);
    }

    #[test]
    fn references_are_left() {
        check("secret: secret:name", &[]);
        check("routing_key: ssm:name", &[]);
        check("secret: ${X}", &[]);
        check("secrets: 1\nmetrics: {secret: {count: true}}", &[]);
    }
}
