//! What all clients of AWS have in common, and what became of a call of SES or SNS.
//!
//! Neither of these two knows a call that it has had, so one call is one attempt on a connection of its own
//! ([`streamgauge_aws`]).

use crate::mail::line;
use crate::retry::{Answer, Channel, Outcome, delivery};
use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_types::SdkConfig;
use std::error::Error;
use std::sync::{Arc, LazyLock};
use streamgauge_aws::{Reached, Watch};
use streamgauge_pipeline::port::sink::Delivery;
use tracing::warn;

/// How much of what a service says is kept, in characters.
const SAID_CHARS_MAX: usize = 300;

/// How the SDK is configured for a service (region, credentials, endpoint), by its name as in `AWS_ENDPOINT_URL_SESV2`.
pub type Configure = Arc<dyn Fn(&str) -> SdkConfig + Send + Sync>;

/// A client that is made when it is needed first: most environments send nothing.
pub(crate) type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

pub(crate) fn lazy<T>(
    configure: &Configure,
    service: &'static str,
    make: fn(&SdkConfig) -> T,
) -> Lazy<T>
where
    T: 'static,
{
    let configure = Arc::clone(configure);
    LazyLock::new(Box::new(move || make(&configure(service))))
}

/// What became of a call, with a line in the log if it was not taken.
pub(crate) fn ended<T, E>(
    channel: Channel,
    id: &str,
    answered: &Result<T, SdkError<E, HttpResponse>>,
    watch: &Watch,
) -> Delivery
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let Err(error) = answered else { return Delivery::Delivered };
    let code = error.code().unwrap_or_default();
    let said = line(error.message().unwrap_or_default(), SAID_CHARS_MAX);
    let outcome = match watch.reached(error) {
        // A success that the SDK cannot read is one all the same: what is lost is the name that the service has given.
        Reached::Answer(status) => {
            Outcome::Answer(Answer { status, code, retry_after_ms: None, said: &said })
        }
        Reached::Nothing => Outcome::TurnedAway,
        Reached::NoConnection => Outcome::NotSent,
        Reached::NoAnswer => Outcome::NoAnswer,
    };
    let delivery = delivery(channel, outcome);
    warn!(?channel, id, outcome = ?delivery, error = %DisplayErrorContext(error), "not delivered");
    delivery
}
