//! The headers of a push: what they say of the body, and the attributes of an event in the binary form.
//!
//! Values of attributes are decoded as the HTTP binding of `CloudEvents` 1.0.2 says in section 3.1.3.2: a value in double
//! quotes is unescaped, then percent-encoding is decoded once, and what is not UTF-8 after that is refused. A percent sign that no
//! two digits follow encodes nothing and stays: it cannot be meant otherwise.

use super::Refusal;
use crate::media::{Media, unquoted};
use std::collections::BTreeMap;

/// What the headers say.
#[derive(Debug)]
pub(super) struct Head<'h> {
    /// `Content-Type`, as it was sent.
    pub(super) content_type: Option<&'h str>,
    /// The same, understood.
    pub(super) media: Option<Media>,
    /// Names and values of the headers with `ce-`, without it, as they were sent.
    pub(super) prefixed: Vec<(String, &'h [u8])>,
}

impl<'h> Head<'h> {
    /// Reads what concerns events; all other headers are passed over.
    pub(super) fn read(headers: &[(&str, &'h [u8])]) -> Result<Self, Refusal> {
        let mut head = Self { content_type: None, media: None, prefixed: Vec::new() };
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if name == "content-type" {
                let text = text(&name, value)?;
                if head.content_type.replace(text).is_some() {
                    return Err(refuse(&name, TWICE));
                }
                let media = Media::parse(text);
                head.media = Some(media.ok_or_else(|| Refusal::Type(text.to_owned()))?);
            } else if name == "content-encoding" {
                let encoding = text(&name, value)?;
                if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
                    return Err(Refusal::Encoding(encoding.to_owned()));
                }
            } else if let Some(attribute) = name.strip_prefix("ce-") {
                head.prefixed.push((attribute.to_owned(), value));
            }
        }
        Ok(head)
    }

    /// The attributes of an event in the binary form, by their names. The other forms may repeat them in headers, where nobody
    /// looks at them.
    pub(super) fn attributes(&self) -> Result<BTreeMap<&str, String>, Refusal> {
        let mut attributes = BTreeMap::new();
        for (name, value) in &self.prefixed {
            let header = format!("ce-{name}");
            match name.as_str() {
                "datacontenttype" => {
                    return Err(refuse(&header, "is not allowed; Content-Type says it"));
                }
                "data" => return Err(refuse(&header, "is not allowed; the body is the data")),
                _ if !is_attribute(name) => {
                    return Err(refuse(&header, "names no attribute; use letters and digits"));
                }
                _ => {}
            }
            let value = decode(&header, text(&header, value)?)?;
            if attributes.insert(name.as_str(), value).is_some() {
                return Err(refuse(&header, TWICE));
            }
        }
        Ok(attributes)
    }
}

const TWICE: &str = "stands twice; send it once";

/// Names of attributes, as `CloudEvents` 1.0 has them.
fn is_attribute(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

/// The name of UTF-8, or of a part of it.
pub(super) fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| name.eq_ignore_ascii_case(charset))
}

fn refuse(name: &str, problem: &'static str) -> Refusal {
    Refusal::Header { name: name.to_owned(), problem }
}

/// The text of a value, without the white space around it.
fn text<'h>(name: &str, value: &'h [u8]) -> Result<&'h str, Refusal> {
    let text = std::str::from_utf8(value);
    text.map(|text| text.trim_matches([' ', '\t']))
        .map_err(|_not_utf8| refuse(name, "is not UTF-8; percent-encode what is not ASCII"))
}

/// The value of an attribute.
fn decode(name: &str, written: &str) -> Result<String, Refusal> {
    let written = unquoted(written);
    let bytes = percent_decoded(written.as_bytes());
    String::from_utf8(bytes)
        .map_err(|_not_utf8| refuse(name, "is not UTF-8 when its percent-encoding is decoded"))
}

pub(crate) fn percent_decoded(written: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((&first, tail)) = rest.split_first() {
        let encoded = (first == b'%').then(|| byte(tail)).flatten();
        let (byte, behind) = encoded.unwrap_or((first, tail));
        bytes.push(byte);
        rest = behind;
    }
    bytes
}

/// The byte of two hexadecimal digits, and what follows them.
fn byte(digits: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], behind) = digits.split_first_chunk()?;
    let digit = |letter: u8| char::from(letter).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    Some((byte, behind))
}
