//! Why a push is refused as a whole: what is wrong, and what to send instead.

use thiserror::Error;

/// Why nothing of a push was taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The body is over the limit.
    #[error(
        "the body has {bytes} bytes, at most {limit} are taken; send the events in several requests"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The body has more records than the limit.
    #[error("the body has more than {limit} events; send them in several requests")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// There is no `Content-Type`, and no header of an event.
    #[error("the request has no Content-Type; {SEND}")]
    NoType,
    /// `Content-Type` is none that events come in.
    #[error("events do not come as `{0}`; {SEND}")]
    Type(String),
    /// A format of `CloudEvents` that is not JSON.
    #[error(
        "events are not read in the format `{0}`; send application/cloudevents+json or application/cloudevents-batch+json"
    )]
    Format(String),
    /// Text in another encoding.
    #[error("the charset `{0}` is not read; send UTF-8")]
    Charset(String),
    /// A compressed body.
    #[error("the Content-Encoding `{0}` is not read; send the body as it is")]
    Encoding(String),
    /// Nothing but white space in the body.
    #[error("the body is empty; send one event at least")]
    Empty,
    /// An array where one event is announced.
    #[error(
        "the body is an array, and application/cloudevents+json is one event; send application/cloudevents-batch+json"
    )]
    BatchAsOne,
    /// The body cannot be cut into events.
    #[error(
        "the body cannot be read: expected {expected} at byte {at}; check how it is put together, and send it whole"
    )]
    Syntax {
        /// What should have stood there.
        expected: &'static str,
        /// Where, from 1.
        at: usize,
    },
    /// A header that no event can have.
    #[error("the header `{name}` {problem}")]
    Header {
        /// Its name, in lower case.
        name: String,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// The version of `CloudEvents` in `ce-specversion`.
    #[error("the specversion `{0}` of CloudEvents is not read; send 1.0")]
    Version(String),
    /// Headers of an event without its version.
    #[error("the request has `ce-` headers and no `ce-specversion`; add `ce-specversion: 1.0`")]
    NoVersion,
    /// Data that are declared as text and are none.
    #[error(
        "the body is declared as `{0}` and is not UTF-8; send UTF-8, or application/octet-stream"
    )]
    DataNotUtf8(String),
}

const SEND: &str = "send application/cloudevents+json, application/cloudevents-batch+json, application/json, application/x-ndjson, \
                    or `ce-` headers with the data as body";

impl Refusal {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. } | Self::TooMany { .. } => 413,
            _ => 400,
        }
    }
}
