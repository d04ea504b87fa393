//! What all clients of AWS have in common, and SES and SNS above that: one call is one attempt, in limited time, and what became
//! of it.
//!
//! Neither of these two knows a call that it has had, so the SDK must not repeat one whose answer was lost. Each call has a connection of
//! its own: a function is frozen between invocations, and a connection that died meanwhile shows it only after a request was
//! written to it, which is an answer that was lost like any other.

use crate::mail::line;
use crate::retry::{Answer, Channel, Outcome, delivery};
use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sesv2::error::{BoxError, DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_types::SdkConfig;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use streamgauge_pipeline::port::sink::Delivery;
use tracing::warn;

/// The longest that a call takes, all in all. Lanes begin none that their deadline could cut short.
pub(crate) const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// The longest that its one attempt takes, from the credentials to the last byte of the answer.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(9);
/// The longest that making a connection takes.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
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

/// How long a call may take.
pub(crate) fn times() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .operation_attempt_timeout(ATTEMPT_TIME_MAX)
        .operation_timeout(CALL_TIME_MAX)
        .build()
}

/// Sees whether a call was handed to the network, and asks for a connection of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<AtomicBool>);

impl Watch {
    fn was_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    /// The last thing before the network: after signing, which covers no header that is for this connection only.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("connection", "close");
        self.0.store(true, Ordering::Relaxed);
        Ok(())
    }
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
    let service = error.as_service_error();
    let code = service.and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let said = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
    let said = line(said, SAID_CHARS_MAX);
    let outcome = match error.raw_response() {
        Some(response) => of_response(response.status().as_u16(), code, &said),
        // No credentials, no endpoint: a person must act.
        None if !watch.was_sent() => Outcome::TurnedAway,
        None if never_connected(error) => Outcome::NotSent,
        None => Outcome::NoAnswer,
    };
    let delivery = delivery(channel, outcome);
    warn!(?channel, id, outcome = ?delivery, error = %DisplayErrorContext(error), "not delivered");
    delivery
}

/// An answer. A success that the SDK cannot read is one all the same: what is lost is the name that the service has given.
fn of_response<'a>(status: u16, code: &'a str, said: &'a str) -> Outcome<'a> {
    Outcome::Answer(Answer { status, code, retry_after_ms: None, said })
}

/// Whether the call ended while its connection was being made: the name was not found, nobody listened, TLS failed, or that
/// took too long.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut cause = error.source();
    while let Some(below) = cause {
        let client = below.downcast_ref::<hyper_util::client::legacy::Error>();
        if client.is_some_and(hyper_util::client::legacy::Error::is_connect) {
            return true;
        }
        cause = below.source();
    }
    false
}
