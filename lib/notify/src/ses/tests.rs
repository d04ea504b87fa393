//! Calls over real connections, so that errors are those that the SDK and the network make.

use super::*;
use crate::mail::samples::rejections;
use crate::retry::LATER_MS;
use crate::testing::server::{Manner, Server, closed_port};
use aws_sdk_sesv2::config::{BehaviorVersion, Credentials, Region};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mail_parser::MessageParser;
use serde_json::Value;
use streamgauge_engine::time::{SECOND_MS, Timestamp};

#[derive(Clone, Copy, Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_607_803_000)
    }
}

const TAKEN: Manner = Manner::Raw("HTTP/1.1 200 OK\r\n\r\n{\"MessageId\":\"m\"}");

fn config(port: u16) -> Builder {
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
}

fn ses(config: Builder) -> Ses<Stopped> {
    let to = vec!["ops@example.com".to_owned(), "night@example.com".to_owned()];
    Ses::new(client(config), "streamgauge@example.com", to, Stopped)
}

fn known(port: u16) -> Ses<Stopped> {
    ses(config(port).credentials_provider(Credentials::new("id", "key", None, None, "test")))
}

/// What becomes of one mail, in one attempt.
async fn with(manner: Manner) -> Delivery {
    let server = Server::start(manner).await;
    let delivery = known(server.port).deliver(&rejections()).await;
    assert!(server.calls().len() <= 1, "{manner:?}");
    delivery
}

fn retry(after_ms: i64) -> Delivery {
    Delivery::Retry { after_ms }
}

#[tokio::test]
async fn the_whole_message_goes_to_all_receivers() {
    let server = Server::start(TAKEN).await;
    assert_eq!(known(server.port).deliver(&rejections()).await, Delivery::Delivered);
    let calls = server.calls();
    let (head, body) = calls[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v2/email/outbound-emails "), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["FromEmailAddress"], "streamgauge@example.com");
    assert_eq!(body["Destination"]["ToAddresses"][1], "night@example.com");
    let raw = BASE64_STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
    let message = MessageParser::new().parse(&raw).unwrap();
    assert!(message.subject().unwrap().starts_with("[CRITICAL] noon rejected 3 orders in 10m"));
    assert_eq!((message.text_body_count(), message.html_body_count()), (1, 1));
}

#[tokio::test]
async fn answers_mean_what_the_table_says() {
    // A success that the SDK cannot read is one all the same.
    assert_eq!(with(Manner::Raw("HTTP/1.1 200 OK\r\n\r\n<html>")).await, Delivery::Delivered);
    let refused = [
        ("429", "TooManyRequestsException", SECOND_MS),
        ("400", "LimitExceededException", SECOND_MS),
        ("400", "ThrottlingException", SECOND_MS),
        ("503", "ServiceUnavailable", SECOND_MS),
        ("400", "SendingPausedException", LATER_MS),
        ("400", "AccountSuspendedException", LATER_MS),
        ("400", "MailFromDomainNotVerifiedException", LATER_MS),
        ("403", "AccessDeniedException", LATER_MS),
    ];
    for (status, code, after_ms) in refused {
        let answer = format!("HTTP/1.1 {status} So\r\nx-amzn-errortype: {code}\r\n\r\n{{}}");
        assert_eq!(with(Manner::Raw(answer.leak())).await, retry(after_ms), "{code}");
    }
    let answer =
        "HTTP/1.1 400 So\r\nx-amzn-errortype: MessageRejected\r\n\r\n{\"message\":\"a virus\"}";
    let reason = "400 MessageRejected: a virus".to_owned();
    assert_eq!(with(Manner::Raw(answer)).await, Delivery::Rejected { reason });
}

#[tokio::test]
async fn answers_that_are_lost_leave_it_unknown() {
    let lost = [
        Manner::Raw("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>"),
        Manner::Raw("HTTP/1.1 504 Gateway Timeout\r\n\r\n"),
        Manner::Raw("something else"),
        Manner::Closing,
        Manner::Slamming,
    ];
    for manner in lost {
        assert_eq!(with(manner).await, Delivery::Unknown, "{manner:?}");
    }
}

#[tokio::test]
async fn silence_leaves_it_unknown() {
    let server = Server::start(Manner::Silent).await;
    let ses = known(server.port);
    let delivery = tokio::spawn(async move { ses.deliver(&rejections()).await });
    while server.calls().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    assert_eq!(delivery.await.unwrap(), Delivery::Unknown);
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn what_never_left_is_sent_again() {
    let (_socket, port) = closed_port();
    assert_eq!(known(port).deliver(&rejections()).await, retry(SECOND_MS));
    let server = Server::start(TAKEN).await;
    assert_eq!(ses(config(server.port)).deliver(&rejections()).await, retry(LATER_MS));
    assert_eq!(server.calls().len(), 0);
}

#[tokio::test]
async fn what_is_no_mail_is_rejected() {
    let ses = Ses { to: Vec::new(), ..known(1) };
    let delivery = ses.deliver(&rejections()).await;
    assert!(matches!(delivery, Delivery::Rejected { .. }), "{delivery:?}");
}
