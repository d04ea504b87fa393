//! The stream that events are sent to. Without the feature `aws` there is none.

#[cfg(feature = "aws")]
pub(super) use with_sdk::open;
#[cfg(not(feature = "aws"))]
pub(super) use without_sdk::open;

#[cfg(feature = "aws")]
mod with_sdk {
    use crate::arguments::SendArguments;
    use crate::exit::Failure;
    use streamgauge_kinesis::put::aws::{AwsStream, OpenError};
    use streamgauge_lambda_aws::AwsServices;
    use streamgauge_lambda_aws::connect::{Endpoints, Settings};

    /// Finds the stream.
    pub(in super::super) async fn open(arguments: &SendArguments) -> Result<AwsStream, Failure> {
        let endpoints = Endpoints { kinesis: arguments.endpoint.clone(), ..Endpoints::default() };
        let settings =
            Settings { endpoints, region: arguments.region.clone(), ..Settings::default() };
        let services = AwsServices::connect(&settings)
            .await
            .map_err(|error| Failure::wrong(error.to_string()).hint("or name it with --region"))?;
        let opened = AwsStream::open(services.kinesis().clone(), &arguments.stream).await;
        opened.map_err(|error| match error {
            OpenError::Missing { .. } => Failure::wrong(error.to_string())
                .hint("make it, or name another region with --region"),
            OpenError::Unknown { ref source, .. } => Failure::outside(error.to_string())
                .because_text(&streamgauge_lambda_aws::reason(source))
                .hint("check the credentials, the permission `kinesis:DescribeStreamSummary`, and --endpoint"),
        })
    }
}

#[cfg(not(feature = "aws"))]
mod without_sdk {
    use crate::arguments::SendArguments;
    use crate::exit::Failure;
    use crate::sdk;
    use std::future::{Ready, ready};
    use streamgauge_kinesis::put::record::PutRecord;
    use streamgauge_kinesis::put::{Outcome, PutRecords};

    /// What nothing can be sent to.
    #[derive(Debug)]
    pub(in super::super) enum NoStream {}

    impl NoStream {
        pub(in super::super) fn record_bytes_max(&self) -> usize {
            match *self {}
        }
    }

    impl PutRecords for NoStream {
        async fn put(&self, _records: &[PutRecord]) -> Outcome {
            match *self {}
        }
    }

    pub(in super::super) fn open(_: &SendArguments) -> Ready<Result<NoStream, Failure>> {
        ready(Err(sdk::absent("`send`")))
    }
}
