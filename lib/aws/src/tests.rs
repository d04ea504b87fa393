//! Calls over real connections, so that errors are those that a client of the SDK and the network make.

use super::*;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{BehaviorVersion, Builder, Credentials, Region};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The SDK as it is configured, without credentials.
fn of_nobody(endpoint: &str) -> Builder {
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .timeout_config(times())
}

fn known(endpoint: &str) -> Builder {
    of_nobody(endpoint).credentials_provider(Credentials::new("id", "key", None, None, "test"))
}

/// How far a call comes that fails.
async fn reached(config: Builder) -> Reached {
    let watch = Watch::default();
    let call = Client::from_conf(config.build()).publish().message("noon is late");
    let failed = call.customize().interceptor(watch.clone()).send().await;
    watch.reached(&failed.unwrap_err())
}

/// How far a call comes that is read and answered so, and what was read of it.
async fn answered(answer: &str) -> (Reached, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"late") {
            socket.read_buf(&mut bytes).await.unwrap();
        }
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(bytes).unwrap()
    };
    tokio::join!(reached(known(&endpoint)), serving)
}

#[tokio::test]
async fn an_answer_is_told_by_its_status_whether_it_makes_sense_or_not() {
    for status in [200, 400, 502] {
        let (reached, _) = answered(&format!("HTTP/1.1 {status} So\r\n\r\n<html>")).await;
        assert_eq!(reached, Reached::Answer(status));
    }
}

#[tokio::test]
async fn what_was_sent_and_not_answered_may_have_been_taken() {
    for answer in ["", "HTTP/1.1 200", "something else"] {
        assert_eq!(answered(answer).await.0, Reached::NoAnswer, "{answer}");
    }
}

#[tokio::test]
async fn each_call_asks_for_a_connection_of_its_own() {
    let (_, call) = answered("").await;
    assert!(call.to_lowercase().contains("\r\nconnection: close\r\n"), "{call}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    // Where nobody listens, and a name that nothing can have, so that nobody is asked for it.
    assert_eq!(reached(known("http://127.0.0.1:1")).await, Reached::NoConnection);
    let name = "x".repeat(64);
    assert_eq!(reached(known(&format!("http://{name}"))).await, Reached::NoConnection);
}

#[tokio::test]
async fn where_no_certificate_comes_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let serving = async { listener.accept().await.unwrap().0.write_all(b"no TLS").await };
    let (reached, served) = tokio::join!(reached(known(&endpoint)), serving);
    served.unwrap();
    assert_eq!(reached, Reached::NoConnection);
}

#[tokio::test]
async fn without_credentials_nothing_is_handed_to_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    assert_eq!(reached(of_nobody(&endpoint)).await, Reached::Nothing);
}
