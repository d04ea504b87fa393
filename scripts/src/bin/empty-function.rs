//! A function that does nothing: what remains is the runtime, the platform and the way between them. The benchmark of the
//! event-source simulator drives it.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(answer)).await
}

async fn answer(_event: LambdaEvent<IgnoredAny>) -> Result<(), Error> {
    Ok(())
}
