//! A finished notification as a mail: headers, a text and an HTML part that say the same.
//!
//! Mail has no memory: what is sent twice is read twice. So a mail that is sent again, after a crash or an answer that was
//! lost, carries the same `Message-ID`, by which many servers drop the copy, and the notification's id in its subject, by
//! which people know it.
//!
//! Threads: a resolve knows its incident and not the mail that opened it. So all mails of an incident refer to one id that is
//! made of the incident's key and that no mail has; clients put together what refers to the same. (Gmail also wants the same
//! subject, which a resolve cannot have.)
//!
//! ```text
//! trigger   Message-ID: <id of the trigger>   References: <key>
//! resolve   Message-ID: <id of the resolve>   References: <key>   In-Reply-To: <key>
//! ```

mod chart;
mod html;
mod identity;
mod page;
mod shown;
mod text;

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, MultiPartKind, SinglePart};
use lettre::{Address, Message};
use page::Page;
use std::time::{Duration, SystemTime};
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Notification};
use streamgauge_engine::time::Timestamp;

pub(crate) use page::badge;
pub(crate) use shown::line;

/// The longest HTML part, in bytes: Gmail cuts what is longer than 102 KB.
pub const HTML_BYTES_MAX: usize = 100_000;
/// How much of the HTML what several members say may take, in bytes.
const STORIES_BYTES_MAX: usize = 40_000;
/// The longest summary in a subject, in characters: lists of mails show fewer.
const SUBJECT_CHARS_MAX: usize = 150;
/// How many addresses a mail goes to at most: SES takes 50.
pub const RECIPIENTS_MAX: usize = 50;

/// A mail that can be sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Who sends it.
    pub from: Address,
    /// Who gets it.
    pub to: Vec<Address>,
    /// All of it, as it is sent: headers and parts, with lines that end in CR LF.
    pub bytes: Vec<u8>,
}

/// Why a notification is no mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// An address that is none.
    #[error("`{address}` is not a mail address; change it in the channel")]
    Address {
        /// The address, cut.
        address: String,
    },
    /// Nobody to send it to, or too many.
    #[error("a mail goes to 1 to {RECIPIENTS_MAX} addresses, not to {count}; split the channel")]
    Recipients {
        /// How many.
        count: usize,
    },
    /// Headers or parts do not go together.
    #[error("the mail cannot be put together: {0}")]
    Message(String),
}

/// Writes the mail of a notification, as it is sent at `now`. The same again but for its date, however often.
pub fn compose(
    notification: &Notification,
    from: &str,
    to: &[String],
    now: Timestamp,
) -> Result<Mail, MailError> {
    if to.is_empty() || to.len() > RECIPIENTS_MAX {
        return Err(MailError::Recipients { count: to.len() });
    }
    let from = address(from)?;
    let to = to.iter().map(|to| address(to)).collect::<Result<Vec<_>, _>>()?;
    let root = identity::message_id("incident", &notification.key, from.domain());
    let message_id = identity::message_id("notification", &notification.id, from.domain());
    let mut message = Message::builder()
        .from(Mailbox::new(Some("StreamGauge".to_owned()), from.clone()))
        .subject(subject(notification))
        .date(system_time(now))
        .message_id(Some(message_id))
        .references(root.clone())
        // Nobody reads what an answering machine says to it.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Auto-Response-Suppress", "All"));
    if notification.action != Action::Trigger {
        message = message.in_reply_to(root);
    } else if notification.severity == Severity::Critical {
        message = message.raw_header(header("Importance", "high"));
    }
    for address in &to {
        message = message.to(Mailbox::new(None, address.clone()));
    }
    let message = message
        .multipart(parts(notification))
        .map_err(|error| MailError::Message(error.to_string()))?;
    Ok(Mail { from, to, bytes: message.formatted() })
}

/// The text and the HTML of a notification.
pub fn draw(notification: &Notification) -> (String, String) {
    let page = Page::of(notification).within(STORIES_BYTES_MAX, |story| html::story(story).len());
    (text::draw(&page), html::draw(&page))
}

fn parts(notification: &Notification) -> MultiPart {
    let (text, html) = draw(notification);
    // `=_` stands in no part: quoted-printable has two digits or the line's end after `=`.
    let boundary = format!("=_{}", identity::tag(&notification.id));
    MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(boundary)
        .singlepart(part(text, ContentType::TEXT_PLAIN))
        .singlepart(part(html, ContentType::TEXT_HTML))
}

fn part(content: String, kind: ContentType) -> SinglePart {
    let encoding = ContentTransferEncoding::QuotedPrintable;
    // Text always fits quoted-printable; the other way is never taken.
    let body = Body::new_with_encoding(content, encoding).unwrap_or_else(Body::new);
    SinglePart::builder().header(kind).body(body)
}

/// `[CRITICAL] noon rejected 3 orders in 10m (a1b2…)`
fn subject(notification: &Notification) -> String {
    let Notification { action, severity, summary, id, .. } = notification;
    let badge = badge(*action, *severity);
    let summary = line(summary, SUBJECT_CHARS_MAX);
    format!("[{badge}] {summary} ({})", line(id, page::ID_CHARS_MAX))
}

fn address(text: &str) -> Result<Address, MailError> {
    let refused = |_error| MailError::Address { address: line(text, 100) };
    let address: Address = text.parse().map_err(refused)?;
    // Names in the DNS are ASCII, and so no server has to know of others.
    let domain = idna::domain_to_ascii(address.domain()).unwrap_or_default();
    Address::new(address.user(), domain).map_err(refused)
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// A date before 1970 is none of a clock that is set.
fn system_time(at: Timestamp) -> SystemTime {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
