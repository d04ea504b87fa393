//! The deployed rules to the control log.

use aws_sdk_s3::error::DisplayErrorContext;
use streamgauge_function::clients::Clients;
use streamgauge_function::diagnostic::{Failure, Kind};
use streamgauge_function::rules::DeployedRules;
use streamgauge_function::settings::{RulesPlace, Settings, variables::Role};
use streamgauge_function::world::{AwsWorld, Meter};
use streamgauge_pipeline::control::{self, Control};
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::rules::Rules;
use streamgauge_rules::source::FILE_BYTES_MAX;

/// Announces the rules that this function was deployed with, unless they are the newest already; answers the plan's hash, and
/// what tells the units that this took.
pub(crate) async fn announce() -> Result<(String, Meter), Failure> {
    let settings = Settings::of_process(Role::Announce)?;
    let clients = Clients::of_process();
    let rules = rules(&clients, &settings.rules).await?;
    let world = AwsWorld::new(&clients, &settings, rules.clone());
    let text = rules.deployed().cloned().unwrap_or_default();
    let mut control = Control::default();
    let plan = control::announce(&world, &mut control, settings.partitions, &text).await?;
    Ok((plan, world.meter()))
}

/// The rules from the package, a layer or a bucket.
async fn rules(clients: &Clients, place: &RulesPlace) -> Result<DeployedRules, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let RulesPlace::Object { bucket, key } = place else {
        return Ok(DeployedRules::load(place, &environment)?);
    };
    let address = format!("s3://{bucket}/{key}");
    let failed = |cause: String| {
        Failure::retryable(&Retryable::new(format!("could not read `{address}`")).because(cause))
    };
    let got = clients.s3().get_object().bucket(bucket).key(key).send().await;
    let got = got.map_err(|error| failed(DisplayErrorContext(&error).to_string()))?;
    let bad = |what: &str| Failure { kind: Kind::BadRules, message: format!("`{address}` {what}") };
    // What is too large is not even fetched.
    let limit = i64::try_from(FILE_BYTES_MAX).unwrap_or(i64::MAX);
    if got.content_length().is_none_or(|length| length > limit) {
        return Err(bad(&format!(
            "is larger than {FILE_BYTES_MAX} bytes, which is the limit of a rules file"
        )));
    }
    let body = got.body.collect().await.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(body.to_vec()).map_err(|_not_utf8| bad("is not UTF-8"))?;
    let name = key.rsplit('/').next().unwrap_or(key).to_owned();
    Ok(DeployedRules::of(vec![(name, text)], &environment))
}
