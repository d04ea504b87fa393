//! A stack's table in AWS, or in its stand-in.

use crate::exit::Failure;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use std::sync::Arc;
use streamgauge_dynamodb::Table;
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::connect::{Endpoints, Settings};
use streamgauge_pipeline::system_clock::SystemClock;

/// Where AWS's services are, if not as the environment says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    pub(crate) endpoint: Option<&'p str>,
    pub(crate) region: Option<&'p str>,
}

/// Makes the clients, and looks whether there is such a table. `command` is who asks.
pub(crate) async fn open(
    name: &str,
    place: Place<'_>,
    command: &str,
) -> Result<(AwsServices, Arc<Table<SystemClock>>), Failure> {
    let Place { endpoint, region } = place;
    let endpoints = Endpoints { default: endpoint.map(str::to_owned), ..Endpoints::default() };
    let region = region.map(str::to_owned);
    let settings = Settings { endpoints, region, ..Settings::default() };
    let services = AwsServices::connect(&settings)
        .await
        .map_err(|error| Failure::wrong(error.to_string()).hint("or name it with --region"))?;
    let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(services.region().to_owned()));
    if let Some(url) = endpoint {
        loader = loader.endpoint_url(url);
    }
    let client = Client::new(&loader.load().await);
    let described = client.describe_table().table_name(name).send().await;
    described.map_err(|error| {
        let missing = error
            .as_service_error()
            .is_some_and(DescribeTableError::is_resource_not_found_exception);
        if missing {
            return Failure::wrong(format!(
                "there is no table `{name}` in this account and region"
            ))
            .hint("the stack's outputs name it; or name another region with --region");
        }
        Failure::outside(format!("could not describe the table `{name}`"))
            .because(&error)
            .hint("check the credentials, the permission `dynamodb:DescribeTable`, and --endpoint")
    })?;
    let table = Arc::new(Table::new(&client, name, command, SystemClock));
    Ok((services, table))
}
