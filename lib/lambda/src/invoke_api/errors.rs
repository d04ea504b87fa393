//! What the Invoke API answers when it cannot do what was asked: an SDK reads the type out of a header and the message out of the
//! document.

use crate::http::{self, Answer};
use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The path or method is none of ours.
    NoOperation,
    /// There is no such function, or no such version of it.
    NoFunction(String),
    /// There is no such invocation type.
    NoKind(String),
    /// The payload has more bytes than this.
    TooLarge(usize),
    /// The payload is no JSON.
    NoJson(String),
    /// No environment is free.
    Throttled {
        /// Whether the function has a concurrency of its own.
        is_reserved: bool,
    },
    /// The function could not be asked.
    Service(String),
}

impl Problem {
    /// The whole answer.
    pub(super) fn answer(&self) -> Answer {
        let (status, name, document) = self.parts();
        let mut answer = http::json(status, &document);
        answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(name));
        answer
    }

    fn parts(&self) -> (StatusCode, &'static str, Value) {
        let user = |message: String| json!({"Type": "User", "Message": message});
        match self {
            Self::NoOperation => (
                StatusCode::NOT_FOUND,
                "UnknownOperationException",
                user(
                    "the simulator knows POST /2015-03-31/functions/NAME/invocations only"
                        .to_owned(),
                ),
            ),
            Self::NoFunction(name) => (
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                user(format!("Function not found: {name}")),
            ),
            Self::NoKind(kind) => (
                StatusCode::BAD_REQUEST,
                "InvalidParameterValueException",
                user(format!(
                    "Unknown invocation type `{kind}`: use RequestResponse, Event or DryRun"
                )),
            ),
            Self::TooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestTooLargeException",
                user(format!(
                    "Request must be smaller than {limit} bytes for the InvokeFunction operation"
                )),
            ),
            Self::NoJson(why) => (
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                user(format!("Could not parse request body into json: {why}")),
            ),
            Self::Throttled { is_reserved } => {
                let reason = if *is_reserved {
                    "ReservedFunctionConcurrentInvocationLimitExceeded"
                } else {
                    "ConcurrentInvocationLimitExceeded"
                };
                let document =
                    json!({"Type": "User", "Reason": reason, "message": "Rate Exceeded."});
                (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", document)
            }
            Self::Service(why) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServiceException",
                json!({"Type": "Service", "Message": why}),
            ),
        }
    }
}
