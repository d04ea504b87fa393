//! Calls over real connections, so that errors are those that the SDK and the network make.

use super::*;
use crate::mail::samples::rejections;
use crate::retry::LATER_MS;
use crate::testing::server::{Manner, Server, closed_port};
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use streamgauge_engine::time::SECOND_MS;

fn sns(port: u16) -> Sns {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new("id", "key", None, None, "test"))
        .endpoint_url(format!("http://127.0.0.1:{port}"));
    Sns::new(client(config), "+971500000000")
}

/// What becomes of one message, in one attempt.
async fn with(manner: Manner) -> Delivery {
    let server = Server::start(manner).await;
    let delivery = sns(server.port).deliver(&rejections()).await;
    assert!(server.calls().len() <= 1, "{manner:?}");
    delivery
}

async fn refused(status: u16, code: &str) -> Delivery {
    let error =
        format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>");
    let answer = format!("HTTP/1.1 {status} So\r\n\r\n<ErrorResponse>{error}</ErrorResponse>");
    with(Manner::Raw(answer.leak())).await
}

#[tokio::test]
async fn one_number_gets_the_text() {
    let answer = "HTTP/1.1 200 OK\r\n\r\n<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
    let server = Server::start(Manner::Raw(answer)).await;
    assert_eq!(sns(server.port).deliver(&rejections()).await, Delivery::Delivered);
    let calls = server.calls();
    for part in [
        "Action=Publish&",
        "&PhoneNumber=%2B971500000000",
        "&Message=CRITICAL%3A%20noon%20rejected%203%20orders%20in%2010m%20",
        "Name=AWS.SNS.SMS.SMSType",
        "StringValue=Transactional",
    ] {
        assert!(calls[0].contains(part), "{part} in {}", calls[0]);
    }
}

#[tokio::test]
async fn answers_mean_what_the_table_says() {
    let retry = |after_ms| Delivery::Retry { after_ms };
    assert_eq!(refused(400, "Throttling").await, retry(SECOND_MS));
    assert_eq!(refused(429, "ThrottledException").await, retry(SECOND_MS));
    assert_eq!(refused(500, "InternalError").await, retry(SECOND_MS));
    assert_eq!(refused(403, "AuthorizationError").await, retry(LATER_MS));
    let reason = "400 InvalidParameter: no".to_owned();
    assert_eq!(refused(400, "InvalidParameter").await, Delivery::Rejected { reason });
    assert_eq!(with(Manner::Closing).await, Delivery::Unknown);
    let (_socket, port) = closed_port();
    assert_eq!(sns(port).deliver(&rejections()).await, retry(SECOND_MS));
}
