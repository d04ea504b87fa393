//! A push over HTTP to records: which form it has, and where its events stand.
//!
//! | `Content-Type` | form | a record is |
//! | --- | --- | --- |
//! | `application/cloudevents+json` | structured | the body |
//! | `application/cloudevents-batch+json` | batch | an element of the array |
//! | any other, with `ce-` headers | binary | an object that is made of headers and body |
//! | `application/x-ndjson`, `application/ndjson`, `application/jsonl` | lines | a line that is not empty |
//! | `application/json` | as it begins | the body, or each element if it is an array |
//!
//! Everything else is refused by its type, also what `curl -d` and HTML forms send by themselves: a page in a browser can send
//! those to any address without asking first, and so could push events from wherever somebody surfs.
//!
//! **Nothing is written anew but the binary form.** A record is a range of the body as it came, so numbers keep their digits
//! and what the dead letters show is what was sent. It may hold line ends, as JSON may.
//!
//! **What is no event is the decoder's to say.** Here a body is only cut, by its brackets and quotes: an element that is no
//! object, or has no id, becomes a record, and the decoder rejects it under its index while its neighbours count. Which
//! attributes an event needs, and under which names, is in the rules (`event:`); so lines need not be `CloudEvents` at all.
//! The one exception is `ce-specversion`: without it headers are no `CloudEvent` of the binary form, and nobody else could tell.

mod binary;
mod cut;
mod header;
mod refusal;

#[cfg(test)]
mod tests;

pub(crate) use header::percent_decoded;
pub use refusal::Refusal;

use crate::media::Media;
use header::Head;
use memchr::memchr_iter;
use std::borrow::Cow;
use std::ops::Range;
use streamgauge_engine::decode::RECORD_BYTES_MAX;
use streamgauge_pipeline::port::source::BATCH_RECORDS_MAX;

/// What a push may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// The most records in it.
    pub records: usize,
}

impl Default for Limits {
    /// One record of the largest size fits, and as many as the pipeline takes at once.
    fn default() -> Self {
        Self { body_bytes: RECORD_BYTES_MAX, records: BATCH_RECORDS_MAX }
    }
}

/// The records of a push, in their order: the index of an answer is the place here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<'b> {
    /// Their bytes: the body, or the event that was made of headers and body.
    pub text: Cow<'b, [u8]>,
    /// Where each stands in the text.
    pub spans: Vec<Range<usize>>,
}

/// How the events of a push are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Structured,
    Batch,
    Lines,
    Json,
    Binary,
}

/// Reads a push. The names of headers are in any case.
pub fn read<'b>(
    headers: &[(&str, &[u8])],
    body: &'b [u8],
    limits: Limits,
) -> Result<Records<'b>, Refusal> {
    if body.len() > limits.body_bytes {
        return Err(Refusal::TooLarge { bytes: body.len(), limit: limits.body_bytes });
    }
    let head = Head::read(headers)?;
    let form = form(&head)?;
    if form == Form::Binary {
        let line = binary::line(&head, body)?;
        let whole = 0..line.len();
        return Ok(Records { text: Cow::Owned(line), spans: Vec::from([whole]) });
    }
    head.media.as_ref().map_or(Ok(()), utf8)?;
    let first = begin(body);
    let spans = match (form, body.get(first)) {
        (_, None) => return Err(Refusal::Empty),
        (Form::Lines, _) => lines(body, first, limits.records)?,
        (Form::Batch, _) | (Form::Json, Some(b'[')) => cut::array(body, first, limits.records)?,
        (Form::Structured, Some(b'[')) => return Err(Refusal::BatchAsOne),
        _ => vec![cut::object(body, first)?],
    };
    Ok(Records { text: Cow::Borrowed(body), spans })
}

/// Where the JSON of a body begins: behind white space, and behind a byte-order mark, which files may have too.
fn begin(body: &[u8]) -> usize {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let start = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    cut::behind_space(body, start)
}

fn form(head: &Head<'_>) -> Result<Form, Refusal> {
    let essence = head.media.as_ref().map(|media| media.essence.as_str());
    match essence {
        Some("application/cloudevents+json") => Ok(Form::Structured),
        Some("application/cloudevents-batch+json") => Ok(Form::Batch),
        Some(other) if other.starts_with("application/cloudevents") => {
            Err(Refusal::Format(other.to_owned()))
        }
        _ if !head.prefixed.is_empty() => Ok(Form::Binary),
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => {
            Ok(Form::Lines)
        }
        Some("application/json") => Ok(Form::Json),
        Some(other) => Err(Refusal::Type(other.to_owned())),
        None => Err(Refusal::NoType),
    }
}

/// JSON between systems is UTF-8, whatever it says (RFC 8259, section 8.1), and who says something else means it.
fn utf8(media: &Media) -> Result<(), Refusal> {
    match media.parameter("charset") {
        Some(charset) if !header::is_utf8(charset) => Err(Refusal::Charset(charset.to_owned())),
        _ => Ok(()),
    }
}

/// The lines that are not empty, without their ends, as those of a file.
fn lines(body: &[u8], first: usize, limit: usize) -> Result<Vec<Range<usize>>, Refusal> {
    let rest = body.get(first..).unwrap_or_default();
    let mut lines = Vec::new();
    let mut start = first;
    for end in memchr_iter(b'\n', rest).map(|end| first + end).chain([body.len()]) {
        let line = body.get(start..end).unwrap_or_default();
        let length = line.strip_suffix(b"\r").unwrap_or(line).len();
        if length > 0 {
            if lines.len() == limit {
                return Err(Refusal::TooMany { limit });
            }
            lines.push(start..start + length);
        }
        start = end + 1;
    }
    Ok(lines)
}
