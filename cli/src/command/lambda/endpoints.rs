//! A stack on services behind endpoints: stand-ins, or whatever speaks AWS's protocols. The meter stands in between, for the
//! functions and for the simulator alike.

mod call_faults;
mod metered;
mod supply;

use super::plan::{Metering, RunSettings};
use super::printer::Watcher;
use super::start::{self, Around, Simulated};
use crate::exit::Failure;
use crate::style::tell;
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_lambda::clock::Clock;
use streamgauge_lambda::faults::FaultLine;
use streamgauge_lambda::stack::Stack;
use streamgauge_lambda_aws::AwsServices;
use streamgauge_lambda_aws::connect::{Credentials, Endpoints, Settings};
use streamgauge_meter::proxy::Running;
use tokio::sync::SetOnce;

/// Starts a stack on services behind endpoints.
pub(super) async fn start(
    stack: Stack,
    run: &RunSettings,
    watcher: Watcher,
) -> Result<Simulated<AwsServices>, Failure> {
    let runtime = Arc::new(SetOnce::new());
    let meter = match run.metering {
        Metering::Off => None,
        Metering::Count | Metering::CountAndLimit => {
            Some(metered::start(run, Arc::clone(&runtime)).await?)
        }
    };
    // All but the meter see the meter in place of each endpoint.
    let seen = |url: &String| meter.as_ref().map_or_else(|| url.clone(), Running::endpoint);
    let endpoints: BTreeMap<String, String> =
        run.endpoints.iter().map(|(service, url)| (service.clone(), seen(url))).collect();
    let services = connect(&stack, run, &endpoints).await?;
    let text = run.faults.as_deref().unwrap_or_default();
    let lines = FaultLine::all(text).filter(|(_, line)| !call_faults::is_one(line));
    let around = Around {
        clock: Clock::real(),
        watcher,
        interfere: start::interfere(lines, run.seed)?,
        variables: variables(&endpoints),
        meter,
    };
    let simulated = start::begin(stack, services, run, around).await?;
    // There is one runtime in a run.
    let _first = runtime.set(simulated.runtime().clone());
    Ok(simulated)
}

/// Connects, and makes what the stack names and is not there, if that was asked for.
async fn connect(
    stack: &Stack,
    run: &RunSettings,
    endpoints: &BTreeMap<String, String>,
) -> Result<AwsServices, Failure> {
    let of = |service: &str| endpoints.get(service).cloned();
    let credentials = Credentials {
        access_key_id: run.account.clone(),
        secret_access_key: "simulated".to_owned(),
    };
    let settings = Settings {
        endpoints: Endpoints {
            default: of(""),
            kinesis: of("kinesis"),
            sqs: of("sqs"),
            s3: of("s3"),
        },
        region: Some(run.region.clone()),
        credentials: Some(credentials),
    };
    let services = AwsServices::connect(&settings)
        .await
        .map_err(|error| Failure::wrong("the services cannot be called").because(&error))?;
    if run.create {
        let created = services.create_missing(stack).await.map_err(|error| {
            Failure::outside(error.to_string()).hint("check that --endpoint answers")
        })?;
        for resource in created {
            tell(format_args!("created the {resource}"));
        }
    }
    Ok(services)
}

/// What tells SDKs in the functions where the services are.
fn variables(endpoints: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let variable = |service: &String| match service.as_str() {
        "" => "AWS_ENDPOINT_URL".to_owned(),
        service => format!("AWS_ENDPOINT_URL_{}", service.to_uppercase()),
    };
    endpoints.iter().map(|(service, url)| (variable(service), url.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_where_services_are() {
        let endpoints = [("", "http://a"), ("dynamodb", "http://b")];
        let endpoints = endpoints.map(|(service, url)| (service.to_owned(), url.to_owned()));
        let variables = variables(&BTreeMap::from(endpoints));
        let found = variables.iter().map(|(name, url)| (name.as_str(), url.as_str()));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://b")]
        );
    }
}
