//! Where notifications go: to the channels of the rules, or nowhere.

mod audit;

use crate::outbox::Outbox;
use crate::rules;
use std::time::Duration;
use streamgauge_engine::notification::Notification;
use streamgauge_notify::channels::{FromRules, Places, Post};
use streamgauge_notify::http::reach::Reach;
use streamgauge_notify::secret::Environment;
use streamgauge_notify::smtp::{Server, ServerError};
use streamgauge_pipeline::pagerduty_origin;
use streamgauge_pipeline::port::channels::{Channels, NotOpen};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::rules::{NoPlan, RulesText};
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use streamgauge_rules::rules::Channel;

pub use audit::{Audit, Broken, audit, notified};

/// A variable of the environment.
type Variable = fn(&str) -> Option<String>;
/// The channels of the rules.
pub type Real<C> =
    FromRules<fn(&RulesText) -> Result<Vec<Channel>, NoPlan>, Environment<Variable>, C>;

/// Why the environment leads to nobody, whatever the rules say.
#[derive(Debug, thiserror::Error)]
pub enum WaysError {
    /// Its mail server cannot be used.
    #[error("could not use the mail server")]
    Server(#[source] ServerError),
    /// `PagerDuty` is not where it says.
    #[error("`{}` is `{value}`; {remedy}", pagerduty_origin::VARIABLE)]
    PagerDuty {
        /// What it says.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// The ways to people.
#[derive(Debug)]
pub struct Ways<N> {
    pub(crate) channels: N,
    /// The longest that a call takes.
    pub(crate) call_time_max: Duration,
    pub(crate) outbox: Outbox,
}

impl Ways<Nobody> {
    /// None: what is decided is only shown.
    pub fn none() -> Self {
        let call_time_max = Duration::ZERO;
        Self { channels: Nobody, call_time_max, outbox: Outbox::default() }
    }
}

impl<C: Clock + Clone> Ways<Real<C>> {
    /// The channels of the rules, with secrets of the environment and mails over the server that it names; `told` are those that are to
    /// be told. Webhooks may be on this machine: whoever runs this has written the rules.
    pub async fn real(
        variable: Variable,
        clock: C,
        told: impl IntoIterator<Item = String>,
    ) -> Result<Self, WaysError> {
        let outbox = Outbox::of(told);
        let channels = open(variable, clock).await?.heard_by(outbox.hears());
        let call_time_max = channels.call_time_max();
        Ok(Self { channels, call_time_max, outbox })
    }
}

async fn open<C: Clock + Clone>(variable: Variable, clock: C) -> Result<Real<C>, WaysError> {
    let secrets = Environment::new(variable);
    let server = Server::of_environment(variable, &secrets).await.map_err(WaysError::Server)?;
    let post = server.map_or_else(Post::none, |server| Post::none().smtp(server));
    let places = Places { pagerduty: pagerduty(variable)?, webhooks: Reach::Anywhere };
    Ok(FromRules::new(read, secrets, post, places, clock))
}

/// Where `PagerDuty` is, by the variable that functions read too.
fn pagerduty(variable: Variable) -> Result<String, WaysError> {
    let named = variable(pagerduty_origin::VARIABLE).filter(|value| !value.is_empty());
    let Some(value) = named else { return Ok(pagerduty_origin::ORIGIN.to_owned()) };
    pagerduty_origin::read(&value).map_err(|remedy| WaysError::PagerDuty { value, remedy })
}

fn read(text: &RulesText) -> Result<Vec<Channel>, NoPlan> {
    Ok(rules::read(text)?.channels)
}

/// Channels that tell nobody: what is decided is shown, and counts as told.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl Channels for Nobody {
    type End = Self;

    fn receivers(&self, _rules: &RulesText, _channel: &str) -> Option<Vec<String>> {
        Some(vec![String::new()])
    }

    async fn open(
        &self,
        _rules: &RulesText,
        _channel: &str,
        _receiver: &str,
    ) -> Result<Self, NotOpen> {
        Ok(*self)
    }

    fn knows_repeats(_end: &Self) -> bool {
        true
    }
}

impl Sink for Nobody {
    type Entry = Notification;

    async fn deliver(&self, _notification: &Notification) -> Delivery {
        Delivery::Delivered
    }
}
