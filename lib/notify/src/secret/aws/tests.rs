//! Calls over real connections, so that errors are those that the SDK and the network make.

use super::*;
use crate::testing::server::{Manner, Server, closed_port};
use crate::testing::watched::watched;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider,
};
use aws_types::SdkConfig;
use std::sync::Arc;

/// What nobody may ever read.
const SECRET: &str = "hunter2hunter2";

/// The stores at a port of this machine.
fn secrets(port: u16) -> AwsSecrets {
    let credentials = Credentials::new("id", "key", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .region(Region::from_static("eu-west-1"))
        .build();
    let configure: Configure = Arc::new(move |_| config.clone());
    AwsSecrets::new(&configure)
}

fn references() -> [Reference; 2] {
    let name = "/shop/key".to_owned();
    [Reference::SecretsManager(name.clone()), Reference::ParameterStore(name)]
}

fn answer(status: u16, kind: &str, body: &str) -> Manner {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} So\r\nx-amzn-errortype: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Manner::Raw(head.leak())
}

/// What reading from both stores says if they answer so.
async fn with(manner: Manner) -> Vec<Result<Secret, SecretError>> {
    let server = Server::start(manner).await;
    let secrets = secrets(server.port);
    let mut found = Vec::new();
    for reference in references() {
        found.push(secrets.resolve(&reference).await);
    }
    found
}

fn both(value: &str) -> String {
    format!(r#"{{"SecretString":"{value}","Parameter":{{"Value":"{value}"}}}}"#)
}

#[tokio::test]
async fn each_store_is_asked_for_the_name_and_its_value_is_the_secret() {
    let server = Server::start(answer(200, "", &both(SECRET))).await;
    let secrets = secrets(server.port);
    for reference in references() {
        assert_eq!(secrets.resolve(&reference).await.unwrap().reveal(), SECRET);
    }
    let calls = server.calls();
    assert!(calls[0].contains("x-amz-target: secretsmanager.GetSecretValue"), "{}", calls[0]);
    assert!(calls[0].ends_with(r#"{"SecretId":"/shop/key"}"#), "{}", calls[0]);
    assert!(calls[1].contains("x-amz-target: AmazonSSM.GetParameter"), "{}", calls[1]);
    assert!(calls[1].ends_with(r#"{"Name":"/shop/key","WithDecryption":true}"#), "{}", calls[1]);
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let nothing = ["{}", &both(""), &both(" \\n")].map(|body| answer(200, "", body));
    let unknown = ["ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"]
        .map(|kind| answer(400, kind, "{}"));
    for manner in nothing.into_iter().chain(unknown) {
        for found in with(manner).await {
            assert!(matches!(found, Err(SecretError::Absent { .. })), "{manner:?}: {found:?}");
        }
    }
}

#[tokio::test]
async fn what_fails_is_told_by_its_code_and_can_be_read_again() {
    let denied = answer(400, "AccessDeniedException", r#"{"message":"not for you"}"#);
    let (_closed, port) = closed_port();
    let unreached = [secrets(port).resolve(&references()[0]).await];
    let failures = [
        (with(denied).await, "the store refused it (AccessDeniedException: not for you)"),
        (with(answer(500, "", "<html>")).await, "the store"),
        (with(Manner::Closing).await, "the store was not reached"),
        (unreached.into(), "the store was not reached"),
    ];
    for (answers, expect) in failures {
        for found in answers {
            let Err(SecretError::Retryable { source, .. }) = found else { panic!("{found:?}") };
            assert!(source.to_string().starts_with(expect), "{source}");
        }
    }
}

#[tokio::test]
async fn no_log_line_or_error_holds_a_value_not_even_of_an_answer_that_makes_no_sense() {
    let odd = [
        answer(200, "", &both(SECRET)),
        answer(200, "", &both(SECRET).replace("}}", "")),
        answer(200, "", &format!("[{SECRET}]")),
        answer(200, "", SECRET),
        answer(400, "", &both(SECRET)),
        answer(500, "", &both(SECRET)),
        answer(302, "", &both(SECRET)),
    ];
    for manner in odd {
        let (found, logged) = watched(with(manner)).await;
        let shown = found.iter().map(|found| match found {
            Ok(secret) => format!("{secret} {secret:?}"),
            Err(error) => format!("{error} {error:?} {error:#?} {:?}", error.source()),
        });
        let shown = shown.collect::<String>();
        assert!(!shown.contains(SECRET), "{shown}");
        assert!(!logged.contains(SECRET), "{manner:?}: {logged}");
    }
}

#[tokio::test]
async fn the_environment_is_a_store_too() {
    let secrets = secrets(1);
    let named = |name: &str| Reference::Environment(name.to_owned());
    assert!(secrets.resolve(&named("PATH")).await.is_ok());
    let absent = secrets.resolve(&named("STREAMGAUGE_NOT_SET")).await;
    assert!(matches!(absent, Err(SecretError::Absent { .. })), "{absent:?}");
}
