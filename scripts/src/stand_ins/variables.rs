//! The variables by which the AWS SDKs and the AWS CLI find the stand-ins, and nothing else.

use std::env;
use std::ffi::OsString;

/// The region of everything in the stand-ins.
pub(super) const REGION: &str = "eu-west-1";
/// The account. Both stand-ins take an access key of twelve digits for the account's number, and keep accounts apart.
pub(super) const ACCOUNT: &str = "000000000000";

/// Ports on the loopback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    /// Of ministack: every service but Kinesis.
    pub(super) ministack: u16,
    /// Of kinesis-local.
    pub(super) kinesis: u16,
}

/// What leads SDKs to the stand-ins, by name, in the order in which it is printed.
pub(super) fn variables(ports: Ports) -> Vec<(&'static str, String)> {
    let endpoint = |port: u16| format!("http://127.0.0.1:{port}");
    vec![
        ("AWS_ENDPOINT_URL", endpoint(ports.ministack)),
        ("AWS_ENDPOINT_URL_KINESIS", endpoint(ports.kinesis)),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCOUNT.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "stand-ins".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// The variables of this process that would lead a command elsewhere, to a real account even: it runs without them.
pub(super) fn misleading() -> Vec<OsString> {
    let names = env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.to_str().is_some_and(misleads)).collect()
}

fn misleads(name: &str) -> bool {
    name.starts_with("AWS_ENDPOINT_URL")
        || ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"].contains(&name)
        || name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinesis_has_an_endpoint_of_its_own() {
        let variables = variables(Ports { ministack: 4000, kinesis: 4001 });
        let value = |wanted| variables.iter().find(|(name, _)| *name == wanted).unwrap().1.as_str();
        assert_eq!(value("AWS_ENDPOINT_URL"), "http://127.0.0.1:4000");
        assert_eq!(value("AWS_ENDPOINT_URL_KINESIS"), "http://127.0.0.1:4001");
    }

    #[test]
    fn what_leads_to_another_account_or_endpoint_is_taken_away() {
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_SQS"] {
            assert!(misleads(name), "{name}");
        }
        for name in ["AWS_REGION", "PATH", "AWS_CA_BUNDLE"] {
            assert!(!misleads(name), "{name}");
        }
    }
}
