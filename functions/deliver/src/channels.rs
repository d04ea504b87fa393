//! The channels of this function: what rules files name, with secrets of AWS's stores, mails over SES, text messages over SNS.

use std::sync::Arc;
use streamgauge_function::clients::Clients;
use streamgauge_function::rules;
use streamgauge_function::settings::Settings;
use streamgauge_notify::aws::Configure;
use streamgauge_notify::channels::{FromRules, Places, Post};
use streamgauge_notify::http::reach::Reach;
use streamgauge_notify::secret::aws::AwsSecrets;
use streamgauge_pipeline::port::rules::{NoPlan, RulesText};
use streamgauge_pipeline::system_clock::SystemClock;
use streamgauge_rules::rules::Channel;

/// All channels that rules can name.
pub(crate) type All =
    FromRules<fn(&RulesText) -> Result<Vec<Channel>, NoPlan>, AwsSecrets, SystemClock>;

/// Opens nothing yet, and makes no client: most environments have nothing to tell.
pub(crate) fn all(settings: &Settings, clients: Clients) -> All {
    let configure: Configure = Arc::new(move |service| clients.other(service));
    let post = Post::none().aws(&configure);
    let webhooks = if settings.private_webhooks { Reach::Anywhere } else { Reach::Public };
    let places = Places { pagerduty: settings.pagerduty.clone(), webhooks };
    FromRules::new(read, AwsSecrets::new(&configure), post, places, SystemClock)
}

fn read(text: &RulesText) -> Result<Vec<Channel>, NoPlan> {
    Ok(rules::read(text)?.channels)
}
