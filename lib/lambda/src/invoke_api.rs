//! Lambda's own API for invoking functions, on loopback, so that `aws lambda invoke --endpoint-url`, SDKs and
//! `cargo lambda invoke` work: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
//!
//! It has one operation, `POST /2015-03-31/functions/NAME/invocations`, where NAME is a name or an ARN, whole or from the account
//! on, with `:$LATEST` behind it or without. There are no versions and aliases but that one, and no signature is checked.
//!
//! [`address`] reads the request, purely; [`tails`] keeps the last lines of logs for `X-Amz-Log-Type: Tail`; `errors` has the
//! documents of what goes wrong.

pub mod tails;

mod address;
mod errors;

use crate::asynchronous::{Asynchronous, Refused};
use crate::happening::{Ending, Happening, Observer};
use crate::http::{self, Answer, Body, NoAnswer};
use crate::invoke::{Cause, Invocation, Invoke, Invoked, Outcome, REQUEST_BYTES_MAX};
use crate::runtime::LATEST;
use crate::services::Services;
use crate::stack::Function;
use address::Kind;
use bytes::Bytes;
use errors::Problem;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tails::Tails;
use tokio::task::JoinSet;

/// The API while it is served. It stops when this is dropped.
#[derive(Debug)]
pub struct InvokeApi {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl InvokeApi {
    /// Where it is: `127.0.0.1:9001`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What the API hands requests to.
#[derive(Clone, Debug)]
pub struct Behind<I, S> {
    /// Runs functions.
    pub invoke: I,
    /// Takes events of those who do not wait.
    pub asynchronous: Asynchronous<I, S>,
    /// Hears how invocations ended.
    pub observer: Arc<dyn Observer>,
    /// Has the last lines of the functions' logs; it only does if the runtime's observer is this one.
    pub tails: Tails,
}

/// Serves the API on a port of loopback; 0 takes a free one.
pub async fn serve<I: Invoke, S: Services>(
    port: u16,
    functions: &[Function],
    behind: Behind<I, S>,
) -> io::Result<InvokeApi> {
    let listener = http::bind(port).await?;
    let address = listener.local_addr()?;
    let functions = functions.iter().map(|function| (Arc::clone(&function.name), function.clone()));
    let server = Arc::new(Server { functions: functions.collect(), behind });
    let mut serving = JoinSet::new();
    serving.spawn(http::serve(listener, move |request| {
        let server = Arc::clone(&server);
        async move { server.handle(request).await }
    }));
    Ok(InvokeApi { address, _serving: serving })
}

#[derive(Debug)]
struct Server<I, S> {
    functions: BTreeMap<Arc<str>, Function>,
    behind: Behind<I, S>,
}

impl<I: Invoke, S: Services> Server<I, S> {
    async fn handle(&self, request: Request<Incoming>) -> Result<Answer, NoAnswer> {
        let (head, body) = request.into_parts();
        let found = address::read(&head.method, &head.uri, &head.headers);
        let (name, kind, wants_tail) = match found {
            Ok(asked) => (asked.function, asked.kind, asked.wants_tail),
            Err(problem) => return Ok(problem.answer()),
        };
        let Some(function) = self.functions.get(name.as_str()) else {
            return Ok(Problem::NoFunction(name).answer());
        };
        let limit = match kind {
            Kind::Event => crate::asynchronous::EVENT_BYTES_MAX,
            Kind::RequestResponse | Kind::DryRun => REQUEST_BYTES_MAX,
        };
        let payload = match http::read(body, limit).await {
            Body::Whole(payload, _) => payload,
            Body::TooLarge => return Ok(Problem::TooLarge(limit).answer()),
            Body::Broken => return Err(NoAnswer),
        };
        let payload = match checked(payload) {
            Ok(payload) => payload,
            Err(problem) => return Ok(problem.answer()),
        };
        Ok(match kind {
            Kind::DryRun => empty(StatusCode::NO_CONTENT),
            Kind::Event => self.send(function, payload),
            Kind::RequestResponse => self.invoke(function, payload, wants_tail).await,
        })
    }

    fn send(&self, function: &Function, payload: Bytes) -> Answer {
        match self.behind.asynchronous.send(&function.name, payload, None) {
            Ok(()) => empty(StatusCode::ACCEPTED),
            Err(Refused::NoFunction(name)) => Problem::NoFunction(name).answer(),
            Err(Refused::TooLarge(_)) => {
                Problem::TooLarge(crate::asynchronous::EVENT_BYTES_MAX).answer()
            }
            Err(Refused::Full) => Problem::Throttled { is_reserved: false }.answer(),
        }
    }

    async fn invoke(&self, function: &Function, payload: Bytes, wants_tail: bool) -> Answer {
        let invocation =
            Invocation { function: Arc::clone(&function.name), payload, cause: Cause::Direct };
        let invoked = self.behind.invoke.invoke(invocation).await;
        self.behind.observer.see(Happening::Invoked {
            function: Arc::clone(&function.name),
            request_id: Arc::clone(&invoked.request_id),
            cause: Cause::Direct,
            ending: Ending::of(&invoked.outcome),
            report: invoked.report.clone(),
        });
        let tail = self.behind.tails.take(&invoked.request_id);
        let mut answer = answered(function, &invoked);
        put(answer.headers_mut(), "x-amzn-requestid", &invoked.request_id);
        if wants_tail && answer.status() == StatusCode::OK {
            put(answer.headers_mut(), "x-amz-log-result", &tails::encoded(&tail));
        }
        answer
    }
}

/// The answer to a caller who waited.
fn answered(function: &Function, invoked: &Invoked) -> Answer {
    let (body, error) = match &invoked.outcome {
        Outcome::Answered(body) => (body, None),
        Outcome::Failed(error) => {
            (&error.payload, Some(if error.handled { "Handled" } else { "Unhandled" }))
        }
        Outcome::Throttled => {
            let is_reserved = function.concurrency_max.is_some();
            return Problem::Throttled { is_reserved }.answer();
        }
        Outcome::Unreachable(why) => return Problem::Service(why.clone()).answer(),
    };
    let mut answer = http::bytes(StatusCode::OK, body.clone());
    put(answer.headers_mut(), "x-amz-executed-version", LATEST);
    if let Some(error) = error {
        put(answer.headers_mut(), "x-amz-function-error", error);
    }
    answer
}

/// A payload that is JSON. Without one the event is `{}`.
fn checked(payload: Bytes) -> Result<Bytes, Problem> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<IgnoredAny>(&payload) {
        Ok(IgnoredAny) => Ok(payload),
        Err(error) => Err(Problem::NoJson(error.to_string())),
    }
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_json_or_nothing() {
        assert_eq!(checked("[1, 2]".into()).unwrap(), "[1, 2]");
        assert_eq!(checked(Bytes::new()).unwrap(), "{}");
        let problem = checked("{oops".into()).unwrap_err().answer();
        assert_eq!(problem.status(), 400);
    }
}
