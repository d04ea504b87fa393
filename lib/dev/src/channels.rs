//! Where notifications go: to the channels of the rules, or nowhere.

use crate::rules;
use std::time::Duration;
use streamgauge_engine::notification::Notification;
use streamgauge_notify::channels::{FromRules, Places, Post};
use streamgauge_notify::http::reach::Reach;
use streamgauge_notify::secret::Environment;
use streamgauge_notify::smtp::{Server, ServerError};
use streamgauge_pipeline::port::channels::{Channels, NotOpen};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::rules::{NoPlan, RulesText};
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use streamgauge_rules::rules::Channel;

/// A variable of the environment.
type Variable = fn(&str) -> Option<String>;
/// The channels of the rules.
pub type Real<C> =
    FromRules<fn(&RulesText) -> Result<Vec<Channel>, NoPlan>, Environment<Variable>, C>;

/// The channels of the rules, with secrets of the environment and mails over the server that it names. Webhooks may be on this
/// machine: whoever runs this has written the rules.
pub async fn real<C: Clock + Clone>(
    variable: Variable,
    clock: C,
) -> Result<(Real<C>, Duration), ServerError> {
    let secrets = Environment::new(variable);
    let server = Server::of_environment(variable, &secrets).await?;
    let post = server.map_or_else(Post::none, |server| Post::none().smtp(server));
    let places = Places {
        pagerduty: streamgauge_notify::pagerduty::ORIGIN.to_owned(),
        webhooks: Reach::Anywhere,
    };
    let channels: Real<C> = FromRules::new(read, secrets, post, places, clock);
    let longest = channels.call_time_max();
    Ok((channels, longest))
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
