//! The function `announce`: what it is asked and answers is explained in [`streamgauge_function::announcement`].
//!
//! `CloudFormation` waits for its answer, so everything that can fail does so behind the point where it is known whom to answer.

mod announce;
mod answer;

use lambda_runtime::{Context, Error};
use std::time::Duration;
use streamgauge_function::announcement::{self, Announcement};
use streamgauge_function::diagnostic::Failure;
use streamgauge_function::{edge, logs};
use streamgauge_pipeline::port::Retryable;
use tokio::time::timeout;
use tracing::info;

/// How long announcing may take: the function's 60 s hold this and four attempts to answer.
const ANNOUNCE_TIME_MAX: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logs::init();
    edge::serve(Ok(()), handle).await
}

async fn handle((): &mut (), payload: &str, _: &Context) -> Result<(), Failure> {
    let Announcement { announces, request } = announcement::read(payload)?;
    let outcome = if announces { announce_in_time().await } else { Ok(()) };
    if let Some(request) = request {
        let told = outcome.as_ref().copied().map_err(|failure| failure.message.as_str());
        let body = request.answer(told);
        let put = answer::put(&request.response_url, body).await;
        put.map_err(|error| Failure::retryable(&error))?;
        info!(success = outcome.is_ok(), "answered");
    }
    outcome
}

async fn announce_in_time() -> Result<(), Failure> {
    let announced = timeout(ANNOUNCE_TIME_MAX, announce::announce()).await;
    let (plan, meter) = announced.unwrap_or_else(|_elapsed| {
        let seconds = ANNOUNCE_TIME_MAX.as_secs();
        let late = format!("could not announce the rules within {seconds} s");
        Err(Failure::retryable(&Retryable::new(late)))
    })?;
    let consumed = meter.take();
    info!(plan, write_units = consumed.write_units, read_units = consumed.read_units, "announced");
    Ok(())
}
