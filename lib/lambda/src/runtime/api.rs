//! The Runtime API of one environment, version 2018-06-01: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
//!
//! This module knows HTTP: it reads requests, hands them to the environment as [`Call`]s, and waits for what to answer. The
//! documents and status codes of refusals are those of AWS's own emulator, since the guide names only the codes.
//!
//! | request | what for |
//! | --- | --- |
//! | `GET /2018-06-01/runtime/invocation/next` | waits for the next event |
//! | `POST /2018-06-01/runtime/invocation/ID/response` | the answer, whole or in chunks |
//! | `POST /2018-06-01/runtime/invocation/ID/error` | an error instead |
//! | `POST /2018-06-01/runtime/init/error` | the start went wrong |
//! | `POST /streamgauge/point/NAME` | our own: the function is at a point of its own; answered once it may go on |
//!
//! There is no Extensions API, and it says so.

use crate::http::{self, Answer, Body, NoAnswer};
use crate::invoke::RESPONSE_BYTES_MAX;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// The header in which a runtime names the type of an error.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
/// The trailer that holds the error of a streamed answer, as base64.
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
/// The header in which a runtime says that it streams its answer.
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
/// Calls that wait for the environment to look at them.
const CALLS_MAX: usize = 16;

/// What a process asks or tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It wants the next event.
    Next,
    /// It has answered an invocation.
    Response {
        /// Which.
        id: String,
        /// What.
        sent: Sent,
    },
    /// It has failed at an invocation.
    Error {
        /// Which.
        id: String,
        /// The header's type.
        error_type: Option<String>,
        /// The document.
        body: Bytes,
    },
    /// Its start went wrong.
    InitError {
        /// The header's type.
        error_type: Option<String>,
        /// The document.
        body: Bytes,
    },
    /// It is at a point of its own.
    Point(String),
}

/// An answer as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of it.
    Whole(Bytes),
    /// It was too large.
    TooLarge,
    /// It began as an answer, and an error came behind it.
    Failed {
        /// The trailer's type.
        error_type: String,
        /// The document.
        body: Bytes,
    },
    /// It was sent in a mode that there is not.
    WrongMode,
}

/// A call and where its answer goes. Without an answer the connection is closed.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) call: Call,
    pub(super) answer: oneshot::Sender<Reply>,
}

/// What to answer, and when.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) after: Duration,
    pub(super) answer: Answer,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { after: Duration::ZERO, answer }
    }
}

/// Serves an environment's API until it is dropped.
pub(super) fn serve(
    listener: TcpListener,
) -> (impl Future<Output = ()> + Send, mpsc::Receiver<Asked>) {
    let (calls, received) = mpsc::channel(CALLS_MAX);
    let serving = http::serve(listener, move |request| handle(calls.clone(), request));
    (serving, received)
}

/// One request.
async fn handle(
    calls: mpsc::Sender<Asked>,
    request: Request<Incoming>,
) -> Result<Answer, NoAnswer> {
    let route = match route(request.method(), request.uri().path()) {
        Ok(route) => route,
        Err(refusal) => return Ok(*refusal),
    };
    let call = read(route, request).await?;
    let (answer, answered) = oneshot::channel();
    calls.send(Asked { call, answer }).await.map_err(|_closed| NoAnswer)?;
    let reply = answered.await.map_err(|_closed| NoAnswer)?;
    if !reply.after.is_zero() {
        tokio::time::sleep(reply.after).await;
    }
    Ok(reply.answer)
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Next,
    Response(String),
    Error(String),
    InitError,
    Point(String),
}

fn route(method: &Method, path: &str) -> Result<Route, Box<Answer>> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let is_post = method == Method::POST;
    match parts.as_slice() {
        ["2018-06-01", "runtime", "invocation", "next"] if method == Method::GET => Ok(Route::Next),
        ["2018-06-01", "runtime", "invocation", id, "response"] if is_post => {
            Ok(Route::Response((*id).to_owned()))
        }
        ["2018-06-01", "runtime", "invocation", id, "error"] if is_post => {
            Ok(Route::Error((*id).to_owned()))
        }
        ["2018-06-01", "runtime", "init", "error"] if is_post => Ok(Route::InitError),
        ["streamgauge", "point", name] if is_post && !name.is_empty() => {
            Ok(Route::Point((*name).to_owned()))
        }
        ["2020-01-01", "extension", ..]
        | ["2020-08-15", "logs", ..]
        | ["2022-07-01", "telemetry", ..] => Err(Box::new(refusal(
            StatusCode::NOT_FOUND,
            "Extension.NotSupported",
            "the simulator has no Extensions API and no Telemetry API",
        ))),
        _ => Err(Box::new(refusal(StatusCode::NOT_FOUND, "NotFound", "404 page not found"))),
    }
}

/// Reads what a request carries. A body whose connection breaks is as if it had not been sent.
async fn read(route: Route, request: Request<Incoming>) -> Result<Call, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = match &route {
        Route::Next | Route::Point(_) => return Ok(bodiless(route)),
        Route::Response(_) | Route::Error(_) | Route::InitError => {
            http::read(body, RESPONSE_BYTES_MAX).await
        }
    };
    let error_type = text(&head.headers, ERROR_TYPE);
    let is_wrong = text(&head.headers, RESPONSE_MODE).is_some_and(|mode| mode != "streaming");
    match (route, body) {
        (_, Body::Broken) => Err(NoAnswer),
        (Route::Response(id), _) if is_wrong => Ok(Call::Response { id, sent: Sent::WrongMode }),
        (Route::Response(id), Body::TooLarge) => Ok(Call::Response { id, sent: Sent::TooLarge }),
        (Route::Response(id), Body::Whole(body, trailers)) => {
            Ok(Call::Response { id, sent: sent(body, &trailers) })
        }
        (Route::Error(id), body) => Ok(Call::Error { id, error_type, body: whole(body) }),
        (_, body) => Ok(Call::InitError { error_type, body: whole(body) }),
    }
}

fn bodiless(route: Route) -> Call {
    match route {
        Route::Point(name) => Call::Point(name),
        _ => Call::Next,
    }
}

/// An error document; one that is too large is kept as nothing, and so is its message.
fn whole(body: Body) -> Bytes {
    match body {
        Body::Whole(body, _) => body,
        Body::TooLarge | Body::Broken => Bytes::new(),
    }
}

/// A streamed answer may end in an error: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>.
fn sent(body: Bytes, trailers: &HeaderMap) -> Sent {
    use base64::Engine;
    match text(trailers, ERROR_TYPE) {
        None => Sent::Whole(body),
        Some(error_type) => {
            let document = text(trailers, ERROR_BODY).unwrap_or_default();
            let document = base64::engine::general_purpose::STANDARD.decode(document);
            Sent::Failed { error_type, body: document.unwrap_or_default().into() }
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What a call is refused with.
fn refusal(status: StatusCode, error_type: &str, message: &str) -> Answer {
    http::json(status, &json!({"errorMessage": message, "errorType": error_type}))
}

/// The call was taken.
pub(super) fn accepted() -> Answer {
    http::json(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

/// The function may go on from its point.
pub(super) fn go_on() -> Answer {
    http::json(StatusCode::OK, &json!({}))
}

/// The id is not that of the invocation that runs.
pub(super) fn wrong_id() -> Answer {
    refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

/// The call does not fit to where the environment is, for example a second answer.
pub(super) fn wrong_state(from: &str, to: &str) -> Answer {
    let message = format!(
        "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
    );
    refusal(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
}

/// The answer was too large.
pub(super) fn too_large() -> Answer {
    let message = format!("Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes).");
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

/// The answer was sent in a mode that there is not.
pub(super) fn wrong_mode() -> Answer {
    refusal(
        StatusCode::BAD_REQUEST,
        "InvalidFunctionResponseMode",
        "Invalid function response mode",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, path: &str, expect: &Result<Route, u16>) {
        let found = route(method, path).map_err(|refusal| refusal.status().as_u16());
        assert_eq!(&found, expect, "{path}");
    }

    #[test]
    fn the_api_is_known() {
        let invocation = "/2018-06-01/runtime/invocation";
        check(&Method::GET, &format!("{invocation}/next"), &Ok(Route::Next));
        check(&Method::POST, &format!("{invocation}/i/response"), &Ok(Route::Response("i".into())));
        check(&Method::POST, &format!("{invocation}/i/error"), &Ok(Route::Error("i".into())));
        check(&Method::POST, "/2018-06-01/runtime/init/error", &Ok(Route::InitError));
        check(&Method::POST, "/streamgauge/point/saved", &Ok(Route::Point("saved".into())));
    }

    #[test]
    fn all_else_is_not_there() {
        check(&Method::POST, "/2018-06-01/runtime/invocation/next", &Err(404));
        check(&Method::GET, "/streamgauge/point/saved", &Err(404));
        check(&Method::POST, "/2020-01-01/extension/register", &Err(404));
        check(&Method::GET, "/", &Err(404));
    }

    #[test]
    fn a_streamed_answer_may_end_in_an_error() {
        let mut trailers = HeaderMap::new();
        assert_eq!(sent("a".into(), &trailers), Sent::Whole("a".into()));
        trailers.insert(ERROR_TYPE, "Runtime.Broke".parse().unwrap());
        trailers.insert(ERROR_BODY, "e30=".parse().unwrap());
        let failed = Sent::Failed { error_type: "Runtime.Broke".into(), body: "{}".into() };
        assert_eq!(sent("a".into(), &trailers), failed);
    }
}
