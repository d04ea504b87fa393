//! Mails over SES and text messages over SNS, and what the stand-in says that it was sent. It reads mails with Python's parser.

use super::metered::account;
use super::services;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sesv2::config::Credentials;
use serde_json::Value;
use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::notification::{Action, Member, Notification, Subject};
use streamgauge_engine::time::Timestamp;
use streamgauge_engine::transition::Evidence;
use streamgauge_notify::ses::{self, Ses};
use streamgauge_notify::sns::{self, Sns};
use streamgauge_notify::{mail, sms};
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use streamgauge_pipeline::system_clock::SystemClock;

pub(super) const FROM: &str = "streamgauge@example.com";
pub(super) const TO: &str = "ops@example.com";
pub(super) const NUMBER: &str = "+971500000000";

pub(super) fn notification() -> Notification {
    let at = Timestamp::from_millis(1_767_607_790_000);
    let three = Decimal::parse("3").ok();
    let member = Member {
        alert: "rejections".to_owned(),
        step: Some("reactive".to_owned()),
        metric: "order_rejections".to_owned(),
        group: vec![("aggregator".to_owned(), "نون".to_owned())],
        condition: "sum over 10m >= 3".to_owned(),
        summary: "نون rejected 3 orders in 10m".to_owned(),
        evidence: Evidence {
            from: at.minus(600_000),
            until: at,
            value: three,
            threshold: three,
            events: 3,
            ids: ["a", "b", "c"].map(Into::into).to_vec(),
            course: vec![Decimal::parse("1").ok(), None, Decimal::parse("2").ok()],
            ..Evidence::default()
        },
    };
    Notification {
        channel: "operations".to_owned(),
        key: "rejections/1".to_owned(),
        id: "rejections/1/firing".to_owned(),
        action: Action::Trigger,
        severity: Severity::Critical,
        at,
        summary: member.summary.clone(),
        description: None,
        runbook: None,
        subject: Subject::Alert(Box::new(member)),
        labels: Vec::new(),
        plan: "5f2c9e".to_owned(),
    }
}

/// The configuration of an account that nobody else has.
pub(super) async fn config(account: &str) -> SdkConfig {
    // Fails where nothing leads to the stand-ins.
    drop(services().await);
    let key = Credentials::new(account, "stand-ins", None, None, "test");
    aws_config::defaults(BehaviorVersion::latest()).credentials_provider(key).load().await
}

/// What the stand-in keeps under a path, of one account.
pub(super) fn kept(path: &str, account: &str) -> Value {
    let endpoint = env::var("AWS_ENDPOINT_URL").unwrap();
    let host = endpoint.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    let get = format!("GET {path}?account={account} HTTP/1.0\r\nhost: {host}\r\n\r\n");
    stream.write_all(get.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{answer}");
    serde_json::from_str(body).unwrap()
}

pub(super) fn mails(account: &str) -> Value {
    kept("/_ministack/ses/messages", account)["messages"][account].clone()
}

#[tokio::test]
async fn mails_over_ses_arrive_with_both_parts() {
    let account = account();
    let config = config(&account).await;
    let client = ses::client(aws_sdk_sesv2::config::Builder::from(&config));
    let sink = Ses::new(client.clone(), FROM, vec![TO.to_owned()], SystemClock);
    // SES takes mails of senders only that have been verified.
    let refused = sink.deliver(&notification()).await;
    assert!(matches!(refused, Delivery::Rejected { .. }), "{refused:?}");
    assert_eq!(mails(&account), Value::Null);

    for address in [FROM, TO] {
        client.create_email_identity().email_identity(address).send().await.unwrap();
    }
    assert_eq!(sink.deliver(&notification()).await, Delivery::Delivered);
    let mails = mails(&account);
    assert_eq!(mails.as_array().unwrap().len(), 1, "{mails}");
    let (mail, (text, html)) = (&mails[0], mail::draw(&notification()));
    assert_eq!((&mail["Source"], &mail["To"][0]), (&FROM.into(), &TO.into()));
    let subject = "[CRITICAL] نون rejected 3 orders in 10m (rejections/1/firing)";
    assert_eq!(mail["Subject"], subject);
    assert_eq!(
        mail["BodyText"].as_str().unwrap().replace("\r\n", "\n").trim_end(),
        text.trim_end()
    );
    assert_eq!(
        mail["BodyHtml"].as_str().unwrap().replace("\r\n", "\n").trim_end(),
        html.trim_end()
    );
}

#[tokio::test]
async fn text_messages_over_sns_go_to_their_number() {
    let account = account();
    let config = config(&account).await;
    let client = sns::client(aws_sdk_sns::config::Builder::from(&config));
    let delivery = Sns::new(client, NUMBER).deliver(&notification()).await;
    assert_eq!(delivery, Delivery::Delivered);
    let messages = kept("/_ministack/sns/sms-messages", &account)["sms_messages"][NUMBER].clone();
    assert_eq!(messages.as_array().unwrap().len(), 1, "{messages}");
    assert_eq!(messages[0]["Message"], sms::text(&notification()));
    assert!(messages[0].to_string().contains("Transactional"), "{messages}");
}
