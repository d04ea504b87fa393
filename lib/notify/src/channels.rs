//! The channels of a rules file, opened: what stands in the rules, with its secrets, to a sink.
//!
//! The same for functions and for local runs. What differs is given: how a text of rules is read, where secrets are kept, and
//! over what mails and text messages go ([`Post`]).
//!
//! A secret that was read some minutes ago may have been changed since. If the other end refuses a call that was made with such
//! a one, it is made once more with a fresh one before anything is given up.

mod any;
mod post;

use crate::http::reach::Reach;
use crate::http::{Client, Limits};
use crate::pagerduty::PagerDuty;
use crate::retry::{LATER_MS, SOON_MS};
use crate::secret::kept::{Found, Kept};
use crate::secret::{Reference, Secret, SecretError, Secrets};
use crate::slack::Slack;
use crate::tell::chain;
use crate::webhook::{SigningKey, Webhook};
use any::Any;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use streamgauge_engine::notification::Notification;
use streamgauge_pipeline::port::channels::{Channels, NotOpen};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::rules::{NoPlan, RulesText};
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use streamgauge_rules::rules::{Channel, ChannelKind, SecretReference, WebhookFormat, WebhookUrl};
use tracing::warn;

pub use post::Post;

/// The name of the receiver of a channel that has one.
const ONLY: &str = "";

/// Where calls go that rules do not say, and where those may go that rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Where `PagerDuty` is: [`crate::pagerduty::ORIGIN`], that of the EU, or what answers like them.
    pub pagerduty: String,
    /// Where webhooks may be.
    pub webhooks: Reach,
}

/// Opens the channels of rules files.
///
/// `D` reads the channels of a text of rules; `S` is where secrets are kept.
pub struct FromRules<D, S, C> {
    read: D,
    /// The text that was read last: it seldom changes, and reading takes longer than sending.
    last: Mutex<Option<(RulesText, Arc<[Channel]>)>>,
    secrets: Arc<Kept<S, C>>,
    post: Post,
    places: Places,
    client: Client,
    clock: C,
}

impl<D, S, C> fmt::Debug for FromRules<D, S, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FromRules({:?})", self.places)
    }
}

impl<D, S, C> FromRules<D, S, C>
where
    D: Fn(&RulesText) -> Result<Vec<Channel>, NoPlan> + Send + Sync,
    S: Secrets,
    C: Clock + Clone,
{
    /// Nothing is read or called yet.
    pub fn new(read: D, secrets: S, post: Post, places: Places, clock: C) -> Self {
        Self {
            read,
            last: Mutex::default(),
            secrets: Arc::new(Kept::new(secrets, clock.clone())),
            post,
            places,
            // Where `PagerDuty` is the operator says, not a file that many may change.
            client: Client::new(Reach::Anywhere, Limits::default()),
            clock,
        }
    }

    /// The longest that a call takes, all in all. Lanes begin none that their deadline could cut short.
    pub fn call_time_max(&self) -> Duration {
        let Limits { connect, answer } = Limits::default();
        (connect + answer).max(self.post.call_time_max())
    }

    fn channels(&self, text: &RulesText) -> Result<Arc<[Channel]>, NoPlan> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, channels)) = last.as_ref().filter(|(read, _)| read == text) {
            return Ok(Arc::clone(channels));
        }
        let channels: Arc<[Channel]> = (self.read)(text)?.into();
        *last = Some((text.clone(), Arc::clone(&channels)));
        Ok(channels)
    }

    async fn connect(&self, kind: &ChannelKind, receiver: &str) -> Result<End<S, C>, Closed> {
        let mut used = Used { secrets: &self.secrets, kept: Vec::new() };
        let client = &self.client;
        let sink = match kind {
            ChannelKind::Pagerduty { routing_key } => {
                let key = used.find(routing_key).await?;
                Any::PagerDuty(PagerDuty::new(client.clone(), &self.places.pagerduty, &key))
            }
            ChannelKind::Webhook { url, secret, format } => {
                let client = client.within(self.places.webhooks);
                let url = match url {
                    WebhookUrl::Written(url) => Secret::new(url),
                    WebhookUrl::Kept(reference) => used.find(reference).await?,
                };
                match (format, secret) {
                    (WebhookFormat::Slack, _) => Any::Slack(Slack::new(client, &url)),
                    (WebhookFormat::Standard, None) => {
                        Any::Webhook(Webhook::new(client, self.clock.clone(), &url, None))
                    }
                    (WebhookFormat::Standard, Some(reference)) => {
                        let key = SigningKey::read(&used.find(reference).await?);
                        let key = key.map_err(|error| used.useless(reference, error.into()))?;
                        Any::Webhook(Webhook::new(client, self.clock.clone(), &url, Some(key)))
                    }
                }
            }
            ChannelKind::Email { to, from } => {
                self.post.mail(from, to, &self.clock).ok_or(Closed::NoWay("mails"))?
            }
            ChannelKind::Sms { to } => {
                let receiver = to.iter().find(|number| *number == receiver).ok_or(Closed::Gone)?;
                self.post.text(receiver).ok_or(Closed::NoWay("text messages"))?
            }
        };
        Ok(End { sink, kept: used.kept, secrets: Arc::clone(&self.secrets) })
    }
}

impl<D, S, C> Channels for FromRules<D, S, C>
where
    D: Fn(&RulesText) -> Result<Vec<Channel>, NoPlan> + Send + Sync,
    S: Secrets + 'static,
    C: Clock + Clone + 'static,
{
    type End = End<S, C>;

    fn receivers(&self, rules: &RulesText, channel: &str) -> Option<Vec<String>> {
        // Rules that a newer version has written: what is told waits until this one is replaced.
        let Ok(channels) = self.channels(rules) else { return Some(vec![ONLY.to_owned()]) };
        let kind = &channels.iter().find(|known| known.name == channel)?.kind;
        Some(match kind {
            // Each number is a call of its own: one that fails must not make the others get the message twice.
            ChannelKind::Sms { to } => to.clone(),
            _ => vec![ONLY.to_owned()],
        })
    }

    async fn open(
        &self,
        rules: &RulesText,
        channel: &str,
        receiver: &str,
    ) -> Result<Self::End, NotOpen> {
        let opened = match self.channels(rules) {
            Err(error) => Err(Closed::Unread(error)),
            Ok(channels) => match channels.iter().find(|known| known.name == channel) {
                None => Err(Closed::Gone),
                Some(known) => self.connect(&known.kind, receiver).await,
            },
        };
        opened.map_err(|closed| {
            let not_open = closed.not_open();
            warn!(channel, error = %chain(&closed), outcome = ?not_open, "not opened");
            not_open
        })
    }

    fn knows_repeats(end: &Self::End) -> bool {
        end.sink.channel().knows_repeats()
    }
}

/// The secrets of a channel that is being opened.
struct Used<'a, S, C> {
    secrets: &'a Kept<S, C>,
    /// Those that were not read just now.
    kept: Vec<Reference>,
}

impl<S: Secrets, C: Clock> Used<'_, S, C> {
    async fn find(&mut self, reference: &SecretReference) -> Result<Secret, SecretError> {
        let reference = named(reference);
        let Found { secret, is_kept } = self.secrets.find(&reference).await?;
        if is_kept {
            self.kept.push(reference);
        }
        Ok(secret)
    }

    /// A secret that cannot be what it is for: somebody will change it.
    fn useless(&self, reference: &SecretReference, source: Box<dyn Error + Send + Sync>) -> Closed {
        let reference = named(reference);
        self.secrets.doubt(&reference);
        Closed::Useless { reference, source }
    }
}

/// The rules' name for a secret, as stores are asked.
fn named(reference: &SecretReference) -> Reference {
    match reference {
        SecretReference::SecretsManager(name) => Reference::SecretsManager(name.clone()),
        SecretReference::ParameterStore(name) => Reference::ParameterStore(name.clone()),
        SecretReference::Environment(name) => Reference::Environment(name.clone()),
    }
}

/// Why a channel could not be opened.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the channels cannot be read")]
    Unread(#[source] NoPlan),
    #[error("the rules have no such channel or receiver any more")]
    Gone,
    #[error(transparent)]
    NoSecret(#[from] SecretError),
    #[error("the secret `{reference}` is of no use")]
    Useless { reference: Reference, source: Box<dyn Error + Send + Sync> },
    #[error("nothing carries {0} here")]
    NoWay(&'static str),
}

impl Closed {
    /// What a lane does: a person can mend all but what is gone, and nothing is lost meanwhile.
    fn not_open(&self) -> NotOpen {
        match self {
            Self::NoSecret(SecretError::Retryable { .. }) => NotOpen::Retry { after_ms: SOON_MS },
            Self::Unread(_) | Self::NoSecret(_) | Self::Useless { .. } | Self::NoWay(_) => {
                NotOpen::Retry { after_ms: LATER_MS }
            }
            Self::Gone => NotOpen::Rejected { reason: self.to_string() },
        }
    }
}

/// The other end of a channel.
pub struct End<S, C> {
    sink: Any<C>,
    /// The secrets it was opened with that were read before.
    kept: Vec<Reference>,
    secrets: Arc<Kept<S, C>>,
}

impl<S, C> fmt::Debug for End<S, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "End({:?})", self.sink.channel())
    }
}

impl<S: Secrets, C: Clock> Sink for End<S, C> {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        let delivery = self.sink.deliver(notification).await;
        match &delivery {
            Delivery::Delivered | Delivery::Unknown => delivery,
            _ if self.kept.is_empty() => delivery,
            Delivery::Retry { .. } => {
                self.doubt();
                delivery
            }
            Delivery::Rejected { .. } => {
                self.doubt();
                Delivery::Retry { after_ms: SOON_MS }
            }
        }
    }
}

impl<S: Secrets, C: Clock> End<S, C> {
    fn doubt(&self) {
        self.kept.iter().for_each(|reference| self.secrets.doubt(reference));
    }
}

#[cfg(test)]
mod tests;
