//! The channels of a rules file, opened: what stands in the rules, with its secrets, to a sink.
//!
//! The same for functions and for local runs. What differs is given: how a text of rules is read, where secrets are kept, and
//! over what mails and text messages go ([`Post`]).
//!
//! A secret that was read some minutes ago may have been changed since. If the other end refuses a call that was made with such
//! a one, it is made once more with a fresh one before anything is given up.

mod any;
mod closed;
mod end;
mod post;

use crate::http::reach::Reach;
use crate::http::{Client, Limits};
use crate::pagerduty::PagerDuty;
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
use streamgauge_pipeline::port::channels::{Channels, NotOpen};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::rules::{NoPlan, RulesText};
use streamgauge_rules::rules::{Channel, ChannelKind, SecretReference, WebhookFormat, WebhookUrl};
use tracing::warn;

pub use closed::Closed;
pub use end::End;
pub use post::Post;

/// Why a channel was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<'a> {
    /// The channel.
    pub channel: &'a str,
    /// Why, on one line and without secrets.
    pub why: &'a str,
    /// It is not tried again.
    pub is_final: bool,
}

/// Hears of each call that was not taken, or could not be made.
pub type Hears = Arc<dyn Fn(Heard<'_>) + Send + Sync>;

/// The name of the receiver of a channel that has one.
const ONLY: &str = "";

/// Where calls go that rules do not say, and where those may go that rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Where `PagerDuty` is: [`streamgauge_pipeline::pagerduty_origin::ORIGIN`], that of the EU, or what answers like them.
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
    hears: Hears,
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
            hears: Arc::new(|_| {}),
        }
    }

    /// The same, with somebody who hears why channels are not told. The log has it too.
    #[must_use]
    pub fn heard_by(self, hears: Hears) -> Self {
        Self { hears, ..self }
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

    /// Whether a channel can tell anybody, as far as that shows without a call: its secrets are there and can be what they are
    /// for, its address can be called, and something carries what it sends.
    pub async fn check(&self, channel: &Channel) -> Result<(), Closed> {
        for receiver in receivers(&channel.kind) {
            let end = self.connect(channel, &receiver).await?;
            end.sink.check().map_err(Closed::Address)?;
            if let (Any::PagerDuty(sink), ChannelKind::Pagerduty { routing_key }) =
                (&end.sink, &channel.kind)
                && !sink.has_key()
            {
                let reference = named(routing_key);
                let source = "a routing key has 32 characters".into();
                return Err(Closed::Useless { reference, source });
            }
        }
        Ok(())
    }

    async fn connect(&self, channel: &Channel, receiver: &str) -> Result<End<S, C>, Closed> {
        let mut used = Used { secrets: &self.secrets, kept: Vec::new() };
        let client = &self.client;
        let sink = match &channel.kind {
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
                self.post.mail(from, to, &self.clock).ok_or(Closed::NoMail)?
            }
            ChannelKind::Sms { to } => {
                let receiver = to.iter().find(|number| *number == receiver).ok_or(Closed::Gone)?;
                self.post.text(receiver).ok_or(Closed::NoTexts)?
            }
        };
        let (secrets, hears) = (Arc::clone(&self.secrets), Arc::clone(&self.hears));
        Ok(End { sink, kept: used.kept, secrets, channel: channel.name.clone(), hears })
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
        Some(receivers(kind))
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
                Some(known) => self.connect(known, receiver).await,
            },
        };
        opened.map_err(|closed| {
            let not_open = closed.not_open();
            let why = chain(&closed);
            warn!(channel, error = %why, outcome = ?not_open, "not opened");
            let is_final = matches!(not_open, NotOpen::Rejected { .. });
            (self.hears)(Heard { channel, why: &why, is_final });
            not_open
        })
    }

    fn knows_repeats(end: &Self::End) -> bool {
        end.sink.channel().knows_repeats()
    }
}

/// The receivers of a channel that are sent to apart.
fn receivers(kind: &ChannelKind) -> Vec<String> {
    match kind {
        // Each number is a call of its own: one that fails must not make the others get the message twice.
        ChannelKind::Sms { to } => to.clone(),
        _ => vec![ONLY.to_owned()],
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

#[cfg(test)]
mod tests;
