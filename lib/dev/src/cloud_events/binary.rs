//! The binary form: an event is made of headers and body, in the JSON format of `CloudEvents` 1.0.2.
//!
//! | `Content-Type` | the body becomes |
//! | --- | --- |
//! | `*/json`, `*/*+json`, none | `data`, as it stands |
//! | `text/*`, `*/xml`, `*/*+xml`, `application/x-www-form-urlencoded`, any with a `charset` | `data`, a string |
//! | other | `data_base64` |
//!
//! It goes by the type and never by the bytes, so that a rule finds the data of all events of a kind in the same place. Without
//! a body there are no data. Attributes are strings, also numbers: a header does not say what it was.

use super::header::Head;
use super::{Refusal, begin, cut, utf8};
use crate::media::Media;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use streamgauge_engine::json;

/// The versions that are read: both have the same headers.
const VERSIONS: [&str; 2] = ["1.0", "0.3"];

/// The event as one JSON object.
pub(super) fn line(head: &Head<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let attributes = head.attributes()?;
    let version = attributes.get("specversion").ok_or(Refusal::NoVersion)?;
    if !VERSIONS.contains(&version.as_str()) {
        return Err(Refusal::Version(version.clone()));
    }
    let mut line = Vec::new();
    for (name, value) in &attributes {
        push_member(name, value, &mut line);
    }
    if let Some(content_type) = head.content_type {
        push_member("datacontenttype", content_type, &mut line);
    }
    if !body.is_empty() {
        push_data(head, body, &mut line)?;
    }
    line.push(b'}');
    Ok(line)
}

fn push_data(head: &Head<'_>, body: &[u8], line: &mut Vec<u8>) -> Result<(), Refusal> {
    let Some(media) = head.media.as_ref().filter(|media| !media.is_json()) else {
        head.media.as_ref().map_or(Ok(()), utf8)?;
        let data = cut::only_value(body, begin(body))?;
        push_name("data", line);
        line.extend_from_slice(body.get(data).unwrap_or_default());
        return Ok(());
    };
    if is_text(media) {
        utf8(media)?;
        let text = std::str::from_utf8(body)
            .map_err(|_not_utf8| Refusal::DataNotUtf8(media.essence.clone()))?;
        push_member("data", text, line);
    } else {
        push_member("data_base64", &STANDARD.encode(body), line);
    }
    Ok(())
}

/// Whether the type says that what it describes is text.
fn is_text(media: &Media) -> bool {
    let (kind, subtype) = media.essence.split_once('/').unwrap_or_default();
    kind == "text"
        || matches!(subtype, "xml" | "x-www-form-urlencoded")
        || subtype.ends_with("+xml")
        || media.parameter("charset").is_some_and(|charset| !charset.is_empty())
}

fn push_member(name: &str, value: &str, line: &mut Vec<u8>) {
    push_name(name, line);
    line.push(b'"');
    line.extend_from_slice(json::escape(value).as_bytes());
    line.push(b'"');
}

/// Names need no escapes.
fn push_name(name: &str, line: &mut Vec<u8>) {
    line.push(if line.is_empty() { b'{' } else { b',' });
    line.push(b'"');
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
}
