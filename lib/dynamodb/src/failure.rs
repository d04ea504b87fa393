//! Calls that failed, by what is to be done. All of them can be repeated: the batch comes again, and nothing is thrown away. What
//! differs is who has to do something, and the message says it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::fmt::Debug;
use streamgauge_pipeline::port::Retryable;

/// A call that has not done what it was to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// What it was to do, as the end of "could not": `append version 7 to "settle/0"`.
    pub(crate) what: &'a str,
    /// The action as policies name it: `dynamodb:PutItem`.
    pub(crate) action: &'static str,
    /// The table.
    pub(crate) table: &'a str,
}

impl Call<'_> {
    /// The outcome for the caller, with the SDK's error below it.
    pub(crate) fn failed<E, R>(&self, error: SdkError<E, R>) -> Retryable
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
        R: Debug + Send + Sync + 'static,
    {
        let why = match &error {
            SdkError::TimeoutError(_) => "no answer came in time".to_owned(),
            SdkError::DispatchFailure(_) => {
                "the connection failed; if it goes on, look at the endpoint and the network"
                    .to_owned()
            }
            SdkError::ConstructionFailure(_) => {
                "the call could not be made; look at the credentials and the region".to_owned()
            }
            SdkError::ResponseError(_) => "the answer could not be read".to_owned(),
            SdkError::ServiceError(service) => {
                let refusal = service.err();
                self.why(refusal.code().unwrap_or_default(), refusal.message().unwrap_or_default())
            }
            _ => "of an error that this version does not know".to_owned(),
        };
        Retryable::new(format!("could not {}: {why}", self.what)).because(error)
    }

    /// Why the service has refused, and what to do.
    fn why(&self, code: &str, message: &str) -> String {
        let Self { table, action, .. } = self;
        match code {
            "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException" => format!(
                "the table `{table}` throttles; if it goes on, look for a hot key or raise the table's maximum throughput"
            ),
            "ResourceNotFoundException" => {
                format!("there is no table `{table}`; deploy the stack, or correct the name")
            }
            "AccessDeniedException" => {
                format!(
                    "the role may not `{action}` on the table `{table}`; allow it in the policy"
                )
            }
            "ExpiredTokenException"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "UnrecognizedClientException" => {
                format!(
                    "the credentials for the table `{table}` are not valid (`{code}`); renew them"
                )
            }
            "ValidationException" if message.contains("size") => format!(
                "the item is larger than the table `{table}` takes; this is a defect, please report it with this message: {message}"
            ),
            "ValidationException" => format!(
                "the table `{table}` does not take the call ({message}); are its keys `pk` and `sk`, both strings?"
            ),
            _ => format!("the table `{table}` answered `{code}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[track_caller]
    fn check(code: &str, message: &str, expect: &str) {
        let call = Call { what: "", action: "dynamodb:PutItem", table: "gauge" };
        assert_eq!(call.why(code, message), expect);
    }

    #[test]
    fn every_kind_of_throttling_says_where_to_look() {
        for code in [
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
        ] {
            check(
                code,
                "",
                "the table `gauge` throttles; if it goes on, look for a hot key or raise the table's maximum throughput",
            );
        }
    }

    #[test]
    fn a_missing_permission_names_action_and_table() {
        check(
            "AccessDeniedException",
            "",
            "the role may not `dynamodb:PutItem` on the table `gauge`; allow it in the policy",
        );
    }

    #[test]
    fn a_missing_table_is_named() {
        check(
            "ResourceNotFoundException",
            "",
            "there is no table `gauge`; deploy the stack, or correct the name",
        );
    }

    #[test]
    fn an_item_that_is_too_large_is_a_defect() {
        check(
            "ValidationException",
            "Item size has exceeded the maximum allowed size",
            "the item is larger than the table `gauge` takes; this is a defect, please report it with this message: Item size has exceeded the maximum allowed size",
        );
    }

    #[test]
    fn other_refusals_are_told_by_their_code() {
        check("InternalServerError", "", "the table `gauge` answered `InternalServerError`");
        check(
            "ExpiredTokenException",
            "",
            "the credentials for the table `gauge` are not valid (`ExpiredTokenException`); renew them",
        );
        check(
            "ValidationException",
            "Missing the key pk in the item",
            "the table `gauge` does not take the call (Missing the key pk in the item); are its keys `pk` and `sk`, both strings?",
        );
    }
}
