//! Mail over SMTP: for local runs and those on premises. On AWS it is SES.
//!
//! One call is one connection and one attempt. Until the last byte of the message has been handed over, the server has taken
//! nothing, and whatever fails can be done again; after that only its answer says whether it has, and without one it may
//! have:
//!
//! | what fails | outcome |
//! | --- | --- |
//! | no connection, no TLS, no login, or the server does not want us | `Retry`: a person must act, and nothing is lost meanwhile |
//! | the connection, before the message is sent | `Retry` |
//! | sender, receivers or the message, with 4xx | `Retry` |
//! | the same with 5xx | `Rejected` |
//! | the connection or the time, once the message is being sent | `Unknown` |
//!
//! A receiver who is refused does not hold up the others: if one is taken, the mail is sent, and those who were not are in
//! the log. A mailbox that is full would else keep an alert from everybody.

mod server;
mod session;

use crate::mail::{self, line};
use crate::retry::{Channel, Outcome, delivery};
use crate::tell;
use session::Ended;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use tracing::warn;

pub use server::{PASSWORD_VARIABLE, Security, Server, ServerError, URL_VARIABLE};

/// The longest that a call takes, all in all. Lanes begin none that their deadline could cut short.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(30);
/// How much of what a server says is kept, in characters.
const SAID_CHARS_MAX: usize = 300;

/// One list of receivers, over one server.
#[derive(Clone, Debug)]
pub struct Smtp<C> {
    server: Server,
    from: String,
    to: Vec<String>,
    clock: C,
}

impl<C: Clock> Smtp<C> {
    /// Sends from this address to these, over this server; the clock dates the mails.
    pub fn new(server: Server, from: impl Into<String>, to: Vec<String>, clock: C) -> Self {
        Self { server, from: from.into(), to, clock }
    }

    async fn send(&self, mail: &mail::Mail) -> Ended {
        let is_sent = AtomicBool::new(false);
        let session = session::send(&self.server, mail, &is_sent);
        let Ok(ended) = tokio::time::timeout(CALL_TIME_MAX, Box::pin(session)).await else {
            let said = format!("no answer within {} s", CALL_TIME_MAX.as_secs());
            let is_sent = is_sent.load(Ordering::Relaxed);
            return if is_sent { Ended::NoAnswer(said) } else { Ended::NotSent(said) };
        };
        ended
    }
}

impl<C: Clock> Smtp<C> {
    /// Sends it, and says why it was not taken.
    pub(crate) async fn tell(&self, notification: &Notification) -> tell::Ended {
        let mail = mail::compose(notification, &self.from, &self.to, self.clock.now());
        let ended = match &mail {
            Ok(mail) => self.send(mail).await,
            Err(error) => Ended::Impossible(error.to_string()),
        };
        let said = line(&self.server.conceal(ended.said()), SAID_CHARS_MAX);
        let delivery = delivery(Channel::Smtp, ended.outcome(&said));
        if delivery != Delivery::Delivered {
            warn!(id = notification.id, said, outcome = ?delivery, "no mail was sent");
        }
        let why = match ended {
            Ended::Reply { code, .. } => format!("it answered {code}: {said}"),
            _ => said,
        };
        tell::Ended { delivery, why }
    }
}

impl<C: Clock> Sink for Smtp<C> {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        self.tell(notification).await.delivery
    }
}

impl Ended {
    fn said(&self) -> &str {
        match self {
            Self::Taken => "",
            Self::Impossible(said)
            | Self::TurnedAway(said)
            | Self::NotSent(said)
            | Self::NoAnswer(said)
            | Self::Reply { said, .. } => said,
        }
    }

    fn outcome<'a>(&self, said: &'a str) -> Outcome<'a> {
        match *self {
            Self::Taken => Outcome::Reply { code: 250, said },
            Self::Impossible(_) => Outcome::Impossible(said),
            Self::TurnedAway(_) => Outcome::TurnedAway,
            Self::NotSent(_) => Outcome::NotSent,
            Self::Reply { code, .. } => Outcome::Reply { code, said },
            Self::NoAnswer(_) => Outcome::NoAnswer,
        }
    }
}

#[cfg(test)]
mod tests;
