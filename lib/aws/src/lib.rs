//! Calls of AWS that must not be repeated: one attempt, in limited time, and how far it came.
//!
//! The SDK would make a call again whose answer was lost, and what adds or tells would do it twice. Who calls knows better, so
//! one call is one attempt, and when it fails there is one question: may it have been taken? For the same reason each call has
//! a connection of its own: a function is frozen between invocations, and a connection that died meanwhile shows it only after
//! a request was written to it, which is an answer that was lost like any other.
//!
//! A client is configured without retries and with [`times`]; each of its calls gets a [`Watch`], which is asked afterwards.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::timeout::TimeoutConfig;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest that a call takes, all in all. Lanes begin none that their deadline could cut short.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// The longest that its one attempt takes, from the credentials to the last byte of the answer.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(9);
/// The longest that making a connection takes.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// How long a call may take.
pub fn times() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .operation_attempt_timeout(ATTEMPT_TIME_MAX)
        .operation_timeout(CALL_TIME_MAX)
        .build()
}

/// How far a call came that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing was handed to the network: no credentials, no endpoint. A person must act.
    Nothing,
    /// No connection came about: the name was not found, nobody listened, TLS failed, or that took too long.
    NoConnection,
    /// It was sent, and what became of it is not known: a time-out, a connection that broke, an answer that is none of HTTP.
    NoAnswer,
    /// There is an answer, of this status. Whether it makes sense is another question.
    Answer(u16),
}

/// Sees whether a call was handed to the network, and asks for a connection of its own.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<AtomicBool>);

impl Watch {
    /// How far the call came that this was an interceptor of, and that ended so.
    pub fn reached<E>(&self, error: &SdkError<E, HttpResponse>) -> Reached
    where
        E: Error + 'static,
    {
        match error.raw_response() {
            Some(response) => Reached::Answer(response.status().as_u16()),
            None if !self.0.load(Ordering::Relaxed) => Reached::Nothing,
            None if never_connected(error) => Reached::NoConnection,
            None => Reached::NoAnswer,
        }
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

/// Whether the call ended while its connection was being made.
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

#[cfg(test)]
mod tests;
