//! What became of a call: one table for all channels.
//!
//! | seen | outcome |
//! | --- | --- |
//! | HTTP 2xx, SMTP 2xx | [`Delivered`](Delivery::Delivered) |
//! | nothing was sent: no connection came about | [`Retry`](Delivery::Retry), soon |
//! | HTTP 408, 425, 429, 5xx; throttled; SMTP 4xx | [`Retry`](Delivery::Retry), after what the channel or the answer asks for |
//! | HTTP 1xx, 3xx, 401–405, 407, 421, 426; SMTP 530, 534, 535, 538; turned away before anything was sent; codes about who calls, or where | [`Retry`](Delivery::Retry), after minutes: a person must act, and nothing is lost meanwhile |
//! | other HTTP 4xx, other SMTP 5xx: about what was sent | [`Rejected`](Delivery::Rejected) |
//! | HTTP 502, 504 of a channel that knows no repeats: something in front of it lost the answer | [`Unknown`](Delivery::Unknown) |
//! | sent, and no answer: a time-out, a connection that broke, an answer that makes no sense | [`Unknown`](Delivery::Unknown) |
//!
//! A 500 or 503 is taken at its word also where repeats are not known: a message that comes twice is better than one that never comes.
//! After an Unknown, [`Channel::knows_repeats`] says whether the same may be sent again.

use streamgauge_engine::time::{HOUR_MS, MINUTE_MS, Millis, SECOND_MS};
use streamgauge_pipeline::port::sink::Delivery;

/// After what time a call that never left is made again, in milliseconds; lanes double it.
pub const SOON_MS: Millis = SECOND_MS;
/// After what time a call is made again that only a person can help, in milliseconds.
pub const LATER_MS: Millis = 2 * MINUTE_MS;
/// The longest pause that another end can ask for, in milliseconds: a header must not silence a channel.
pub const ASKED_MS_MAX: Millis = HOUR_MS;
/// How much is kept of what another end says, in characters.
const SAID_CHARS_MAX: usize = 300;

/// A way to reach people, as far as calls go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `PagerDuty`.
    PagerDuty,
    /// A webhook in the form of Standard Webhooks.
    Webhook,
    /// A webhook in Slack's form.
    Slack,
    /// Mail over SES.
    Ses,
    /// Mail over SMTP.
    Smtp,
    /// Text messages over SNS.
    Sms,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::PagerDuty, Self::Webhook, Self::Slack, Self::Ses, Self::Smtp, Self::Sms];

    /// Whether the other end knows a notification that it has had: then it is sent again when no answer came. For the others
    /// it would be told twice, and whoever reads the dead letters decides.
    pub const fn knows_repeats(self) -> bool {
        match self {
            // By `dedup_key`, and by `webhook-id`.
            Self::PagerDuty | Self::Webhook => true,
            Self::Slack | Self::Ses | Self::Smtp | Self::Sms => false,
        }
    }

    /// How long to wait at least when the other end is busy or down, in milliseconds.
    const fn busy_ms(self) -> Millis {
        match self {
            // "preferably with a backoff of a few minutes":
            // <https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic>
            Self::PagerDuty => 2 * MINUTE_MS,
            Self::Webhook => 5 * SECOND_MS,
            // One message a second and channel: <https://docs.slack.dev/apis/web-api/rate-limits>
            Self::Slack | Self::Ses | Self::Sms => SECOND_MS,
            // Greylisting lets the second attempt through after some minutes: RFC 6647.
            Self::Smtp => MINUTE_MS,
        }
    }
}

/// What became of a call, as the channel's client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// There is no call to make: it could not be put together, or must not be made.
    Impossible(&'a str),
    /// Nothing was sent.
    NotSent,
    /// Nothing was sent, because the other end does not want us, or is not who it should be.
    TurnedAway,
    /// An answer over HTTP.
    Answer(Answer<'a>),
    /// A reply over SMTP: to the message, or to a command before it.
    Reply {
        /// Its code.
        code: u16,
        /// Its text.
        said: &'a str,
    },
    /// It was sent, wholly or in part, and no answer came that makes sense.
    NoAnswer,
}

/// An answer over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The error's code, where the provider has codes beside the status; else empty.
    pub code: &'a str,
    /// How long it asks to wait, in milliseconds (`Retry-After`).
    pub retry_after_ms: Option<Millis>,
    /// What it says, without secrets.
    pub said: &'a str,
}

/// Codes of throttling, without `Exception` at their end:
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html> and what the SDK takes for such.
const THROTTLING: [&str; 9] = [
    "LimitExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "SlowDown",
    "Throttled",
    "Throttling",
    "ThrottlingLimitExceeded",
    "TooManyRequests",
];

/// Codes of a 400 that are about who calls, or how, and not about what is sent, without `Exception` at their end:
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>,
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.
const NOT_ABOUT_CONTENT: [&str; 15] = [
    "AccessDenied",
    "AccountSuspended",
    "AuthorizationError",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignature",
    "MailFromDomainNotVerified",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SendingPaused",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
];

/// What became of a call.
pub fn delivery(channel: Channel, outcome: Outcome<'_>) -> Delivery {
    match outcome {
        Outcome::Impossible(why) => rejected("", why),
        Outcome::NotSent => Delivery::Retry { after_ms: SOON_MS },
        Outcome::TurnedAway => Delivery::Retry { after_ms: LATER_MS },
        Outcome::Answer(answer) => of_answer(channel, answer),
        Outcome::Reply { code, said } => of_reply(channel, code, said),
        Outcome::NoAnswer => Delivery::Unknown,
    }
}

fn of_answer(channel: Channel, answer: Answer<'_>) -> Delivery {
    let Answer { status, code, retry_after_ms, said } = answer;
    let kind = code.strip_suffix("Exception").unwrap_or(code);
    let asked = retry_after_ms.unwrap_or(0).min(ASKED_MS_MAX);
    let busy = Delivery::Retry { after_ms: asked.max(channel.busy_ms()) };
    let elsewhere = Delivery::Retry { after_ms: asked.max(LATER_MS) };
    match status {
        200..=299 => Delivery::Delivered,
        _ if THROTTLING.contains(&kind) => busy,
        502 | 504 if !channel.knows_repeats() => Delivery::Unknown,
        408 | 425 | 429 | 500..=599 => busy,
        400..=499 if NOT_ABOUT_CONTENT.contains(&kind) => elsewhere,
        401..=405 | 407 | 421 | 426 => elsewhere,
        400..=499 => rejected(&format!("{status} {code}"), said),
        _ => elsewhere,
    }
}

fn of_reply(channel: Channel, code: u16, said: &str) -> Delivery {
    match code {
        200..=299 => Delivery::Delivered,
        400..=499 => Delivery::Retry { after_ms: channel.busy_ms() },
        530 | 534 | 535 | 538 => Delivery::Retry { after_ms: LATER_MS },
        500..=599 => rejected(&code.to_string(), said),
        _ => Delivery::Unknown,
    }
}

/// Rejected in the words of the other end, as far as they are printable and short.
fn rejected(code: &str, said: &str) -> Delivery {
    let printable = said.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let short: String = printable.take(SAID_CHARS_MAX).collect();
    let parts = [code.trim(), short.trim()].into_iter().filter(|part| !part.is_empty());
    Delivery::Rejected { reason: parts.collect::<Vec<_>>().join(": ") }
}

#[cfg(test)]
mod tests;
