//! What stands behind the `?` of an address.

use super::answer::Denial;
use crate::cloud_events::percent_decoded;
use hyper::StatusCode;
use streamgauge_engine::time::Timestamp;

/// Times of a question: from one on, up to another; and a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) name: Option<String>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

impl Query {
    /// Reads it; `name` is what the parameter is called that is a name, if there is one.
    pub(super) fn read(query: &str, name: Option<&str>) -> Result<Self, Denial> {
        let mut read = Self::default();
        let known = name.map(|name| format!("{name}, ")).unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key)?, decoded(value)?);
            let is_again = match key.as_str() {
                "from" => read.from.replace(time("from", &value)?).is_some(),
                "to" => read.to.replace(time("to", &value)?).is_some(),
                key if name == Some(key) => read.name.replace(value).is_some(),
                _ => {
                    let what = format!("there is no parameter `{key}`; use {known}from, to");
                    return Err(bad(what));
                }
            };
            if is_again {
                return Err(bad(format!("`{key}` stands there twice; give it once")));
            }
        }
        Ok(read)
    }
}

fn bad(reason: String) -> Denial {
    Denial::new(StatusCode::BAD_REQUEST, reason)
}

fn decoded(text: &str) -> Result<String, Denial> {
    let bytes = percent_decoded(text.replace('+', " ").as_bytes());
    String::from_utf8(bytes)
        .map_err(|_not_utf8| bad(format!("`{text}` is not UTF-8 when it is decoded; write it so")))
}

fn time(name: &str, value: &str) -> Result<Timestamp, Denial> {
    Timestamp::parse_rfc3339(value).map_err(|error| {
        bad(format!("`{name}` is no time: {error}; write 2026-01-05T10:00:00Z, a `+` as %2B"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(query: &str) -> String {
        let denial = Query::read(query, Some("metric")).unwrap_err();
        assert_eq!(denial.status, StatusCode::BAD_REQUEST);
        denial.reason
    }

    #[test]
    fn names_and_times_are_read_in_any_order() {
        let query =
            "to=2026-01-05T14%3A00%3A00%2B04%3A00&&metric=a+b%26c&from=2026-01-05T10:00:00Z";
        let at = Timestamp::parse_rfc3339("2026-01-05T10:00:00Z").unwrap();
        let expect = Query { name: Some("a b&c".to_owned()), from: Some(at), to: Some(at) };
        assert_eq!(Query::read(query, Some("metric")).unwrap(), expect);
        assert_eq!(Query::read("", None).unwrap(), Query::default());
    }

    #[test]
    fn what_is_not_known_is_not_passed_over() {
        assert_eq!(reason("form=x"), "there is no parameter `form`; use metric, from, to");
        assert_eq!(reason("metric=a&metric=b"), "`metric` stands there twice; give it once");
        assert!(reason("from=yesterday").contains("write 2026-01-05T10:00:00Z"));
        assert!(reason("to=").starts_with("`to` is no time"));
        assert!(reason("metric=%FF").contains("UTF-8"));
    }
}
