//! The channels of a rules file as the function `deliver` opens them, with secrets in ministack's stores and the other ends in
//! its SES and SNS and in the stand-in of `PagerDuty`.

use super::metered::account;
use super::notify::{FROM, NUMBER, TO, config, kept, mails, notification};
use crate::suite::pagerduty::stand_in::StandIn;
use aws_config::SdkConfig;
use aws_sdk_ssm::types::ParameterType;
use std::sync::Arc;
use streamgauge_function::rules;
use streamgauge_notify::aws::Configure;
use streamgauge_notify::channels::{FromRules, Places, Post};
use streamgauge_notify::http::reach::Reach;
use streamgauge_notify::secret::aws::AwsSecrets;
use streamgauge_notify::secret::{Reference, SecretError, Secrets};
use streamgauge_pipeline::port::channels::Channels;
use streamgauge_pipeline::port::rules::RulesText;
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use streamgauge_pipeline::system_clock::SystemClock;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";
const SECRET: &str = "streamgauge/pagerduty";
const PARAMETER: &str = "/streamgauge/pagerduty";

/// Rules with each channel that AWS has a part in.
fn text() -> RulesText {
    let rules = format!(
        r#"
namespace: Shop
late: drop
metrics: {{orders: {{count: type == "order.created", window: 5m}}}}
channels:
  oncall: {{pagerduty: {{routing_key: "secret:{SECRET}"}}}}
  others: {{pagerduty: {{routing_key: "ssm:{PARAMETER}"}}}}
  operations: {{email: {{to: [{TO}], from: {FROM}}}}}
  phone: {{sms: {{to: ["{NUMBER}"]}}}}
"#
    );
    RulesText { files: vec![("shop.yaml".to_owned(), rules)] }
}

fn configure(config: &SdkConfig) -> Configure {
    let config = config.clone();
    Arc::new(move |_| config.clone())
}

async fn put_secret(config: &SdkConfig, value: &str) {
    let client = aws_sdk_secretsmanager::Client::new(config);
    client.create_secret().name(SECRET).secret_string(value).send().await.unwrap();
}

async fn put_parameter(config: &SdkConfig, value: &str) {
    let put = aws_sdk_ssm::Client::new(config).put_parameter().name(PARAMETER).value(value);
    put.r#type(ParameterType::SecureString).overwrite(true).send().await.unwrap();
}

#[tokio::test]
async fn secrets_are_read_from_both_stores() {
    let config = config(&account()).await;
    let secrets = AwsSecrets::new(&configure(&config));
    let references = [
        Reference::SecretsManager(SECRET.to_owned()),
        Reference::ParameterStore(PARAMETER.to_owned()),
    ];
    for reference in &references {
        let absent = secrets.resolve(reference).await;
        assert!(matches!(absent, Err(SecretError::Absent { .. })), "{absent:?}");
    }
    put_secret(&config, KEY).await;
    put_parameter(&config, OTHER_KEY).await;
    for (reference, expect) in references.iter().zip([KEY, OTHER_KEY]) {
        assert_eq!(secrets.resolve(reference).await.unwrap().reveal(), expect);
    }
}

#[tokio::test]
async fn each_channel_of_the_rules_reaches_its_other_end() {
    let account = account();
    let config = config(&account).await;
    let stand_in = StandIn::start().await;
    put_secret(&config, &format!("{KEY}\n")).await;
    put_parameter(&config, OTHER_KEY).await;
    let identities = aws_sdk_sesv2::Client::new(&config);
    identities.create_email_identity().email_identity(FROM).send().await.unwrap();

    let configure = configure(&config);
    let post = Post::none().aws(&configure);
    let places = Places { pagerduty: stand_in.origin(), webhooks: Reach::Public };
    let read = |text: &RulesText| Ok(rules::read(text)?.channels);
    let channels = FromRules::new(read, AwsSecrets::new(&configure), post, places, SystemClock);
    let rules = text();
    for channel in ["oncall", "others", "operations", "phone"] {
        let receivers = channels.receivers(&rules, channel).unwrap();
        let [receiver] = receivers.as_slice() else { panic!("{receivers:?}") };
        let end = channels.open(&rules, channel, receiver).await.unwrap();
        assert_eq!(end.deliver(&notification()).await, Delivery::Delivered, "{channel}");
    }
    let incidents = stand_in.incidents();
    let keys: Vec<_> = incidents.all().iter().map(|one| &one.triggers[0]["routing_key"]).collect();
    assert_eq!(keys, [KEY, OTHER_KEY]);
    assert_eq!(mails(&account).as_array().unwrap().len(), 1);
    let messages = kept("/_ministack/sns/sms-messages", &account)["sms_messages"][NUMBER].clone();
    assert_eq!(messages.as_array().unwrap().len(), 1, "{messages}");
}
