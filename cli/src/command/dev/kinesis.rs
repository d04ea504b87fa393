//! The Kinesis streams that are read. Without the feature `aws` there are none.

use crate::arguments::{DevArguments, DevClock};
use crate::exit::Failure;
use crate::sdk;
#[cfg(feature = "aws")]
pub(super) use with_sdk::{Source, find};
#[cfg(not(feature = "aws"))]
pub(super) use without_sdk::{Source, find};

/// Fails if streams are wanted that cannot be read, before anything else is looked at.
pub(super) fn check(arguments: &DevArguments) -> Result<(), Failure> {
    if arguments.kinesis.is_empty() {
        return Ok(());
    }
    let mut names = arguments.kinesis.clone();
    names.sort();
    if let Some([twice, _]) = names.array_windows().find(|[one, next]| one == next) {
        return Err(Failure::wrong(format!("the stream `{twice}` is given twice")));
    }
    if arguments.clock == DevClock::Events {
        return Err(Failure::wrong("the events' own clock is for the past, and a stream goes on")
            .hint("leave out --clock events, or read the events from a file"));
    }
    sdk::check("`dev --kinesis`")
}

#[cfg(feature = "aws")]
mod with_sdk {
    use crate::arguments::{DevArguments, KinesisFrom};
    use crate::exit::Failure;
    use std::sync::Arc;
    use streamgauge_dev::polled::{Found, NotFound};
    use streamgauge_engine::time::Timestamp;
    use streamgauge_kinesis::stream::{KinesisStream, Mapping, Start};
    use streamgauge_lambda_aws::AwsServices;
    use streamgauge_lambda_aws::connect::{Endpoints, Settings};
    use streamgauge_pipeline::port::clock::Clock;
    use streamgauge_pipeline::system_clock::SystemClock;

    /// A stream that is read.
    pub(in super::super) type Source = KinesisStream<SystemClock>;

    /// Finds the streams, for a store that was made then; absent: it is new.
    pub(in super::super) async fn find(
        arguments: &DevArguments,
        made_at: Option<Timestamp>,
    ) -> Result<Vec<Found<Source>>, Failure> {
        if arguments.kinesis.is_empty() {
            return Ok(Vec::new());
        }
        let endpoints = Endpoints { kinesis: arguments.endpoint.clone(), ..Endpoints::default() };
        let settings =
            Settings { endpoints, region: arguments.region.clone(), ..Settings::default() };
        let services = AwsServices::connect(&settings)
            .await
            .map_err(|error| Failure::wrong(error.to_string()).hint("or name it with --region"))?;
        let start = match arguments.kinesis_from {
            KinesisFrom::TrimHorizon => Start::TrimHorizon,
            KinesisFrom::Latest => Start::At(made_at.unwrap_or_else(|| SystemClock.now())),
        };
        // Nothing grows too old to be read.
        let mapping = Mapping { start, record_age_max: None };
        let mut found = Vec::with_capacity(arguments.kinesis.len());
        for name in &arguments.kinesis {
            let client = services.kinesis().clone();
            let stream = KinesisStream::new(client, name, mapping, SystemClock);
            found.push(
                Found::find(Arc::new(stream)).await.map_err(|error| not_found(name, &error))?,
            );
        }
        Ok(found)
    }

    /// A stream that cannot be read.
    fn not_found(name: &str, error: &NotFound) -> Failure {
        let what = format!("could not read the stream `{name}`");
        match error {
            NotFound::Absent => Failure::wrong(what)
                .because(error)
                .hint("make it, or name another region with --region"),
            NotFound::TooLarge { .. } => {
                Failure::wrong(what).because(error).hint("read it with the functions on AWS")
            }
            NotFound::Failed(_) => Failure::outside(what).because(error).hint(
                "check the credentials, --endpoint, and the permissions `kinesis:DescribeStreamSummary`, \
                 `kinesis:ListShards`, `kinesis:GetShardIterator` and `kinesis:GetRecords`",
            ),
        }
    }
}

#[cfg(not(feature = "aws"))]
mod without_sdk {
    use crate::arguments::DevArguments;
    use crate::exit::Failure;
    use crate::sdk;
    use std::future::{Ready, ready};
    use streamgauge_dev::polled::Found;
    use streamgauge_engine::time::Timestamp;
    use streamgauge_pipeline::memory::MemorySource;
    use streamgauge_pipeline::system_clock::SystemClock;

    /// Some stream: none is ever found.
    pub(in super::super) type Source = MemorySource<SystemClock>;

    pub(in super::super) fn find(
        arguments: &DevArguments,
        _: Option<Timestamp>,
    ) -> Ready<Result<Vec<Found<Source>>, Failure>> {
        let wants = !arguments.kinesis.is_empty();
        ready(if wants { Err(sdk::absent("`dev --kinesis`")) } else { Ok(Vec::new()) })
    }
}
