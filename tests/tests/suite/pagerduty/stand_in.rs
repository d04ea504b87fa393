//! A `PagerDuty` on loopback: it holds events against the published schema, keeps incidents, and goes wrong when it is told to.
//!
//! <https://developer.pagerduty.com/docs/events-api-v2-overview>

use super::incidents::Incidents;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The largest event, in bytes.
const EVENT_BYTES_MAX: usize = 512_000;
/// The length of a routing key.
const ROUTING_KEY_CHARS: usize = 32;
/// Where events go.
const ENQUEUE: &str = "/enqueue";
/// Where change events go.
const CHANGE: &str = "/change/enqueue";

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is answered with this status and not taken.
    Status(u16),
    /// The connection is closed and it is not taken.
    Close,
    /// It is taken, and the connection is closed instead of an answer.
    AnswerLost,
}

#[derive(Default)]
struct State {
    incidents: Incidents,
    faults: VecDeque<Fault>,
    outage: Option<Fault>,
    calls: usize,
    validators: BTreeMap<&'static str, Validator>,
}

/// The stand-in; it ends when it is dropped.
pub(crate) struct StandIn {
    port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { validators: validators(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(|request| answer(request, &shared));
                    let server = hyper::server::conn::http1::Builder::new();
                    // A connection that ends badly is what some tests are about.
                    server.serve_connection(TokioIo::new(socket), service).await.is_ok()
                });
            }
        });
        Self { port, state, task }
    }

    /// What stands for `https://events.pagerduty.com`.
    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes one more call go wrong, after those that were named before.
    pub(crate) fn fail(&self, fault: Fault) {
        lock(&self.state).faults.push_back(fault);
    }

    /// Makes all calls go wrong until it is told otherwise.
    pub(crate) fn break_down(&self, outage: Option<Fault>) {
        lock(&self.state).outage = outage;
    }

    pub(crate) fn incidents(&self) -> Incidents {
        lock(&self.state).incidents.clone()
    }

    /// How many calls have come, whatever became of them.
    pub(crate) fn calls(&self) -> usize {
        lock(&self.state).calls
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    request: Request<Incoming>,
    state: &Mutex<State>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let is_post = request.method() == Method::POST;
    let path = request.uri().path().strip_prefix("/v2").unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let mut state = lock(state);
    state.calls += 1;
    let fault = state.faults.pop_front().or(state.outage);
    let (status, said) = match fault {
        Some(Fault::Close) => return Err(io::ErrorKind::ConnectionReset.into()),
        Some(Fault::Status(status)) => {
            (status, json!({"status": "error", "message": "as it was told"}))
        }
        _ if !is_post || ![ENQUEUE, CHANGE].contains(&path.as_str()) => {
            (404, json!({"status": "not found", "message": path}))
        }
        _ => match state.take(&path, &body) {
            Ok(said) => (202, said),
            Err(problem) => (
                400,
                json!({"status": "invalid event", "message": "Event object is invalid", "errors": [problem]}),
            ),
        },
    };
    if fault == Some(Fault::AnswerLost) {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::from(said.to_string())).map_err(io::Error::other)
}

impl State {
    /// Takes an event, or says what is wrong with it.
    fn take(&mut self, path: &str, body: &[u8]) -> Result<Value, String> {
        if body.len() > EVENT_BYTES_MAX {
            return Err("the event is too large".to_owned());
        }
        let event: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if let Some(validator) = self.validators.get(path) {
            let errors: Vec<_> =
                validator.iter_errors(&event).map(|error| error.to_string()).collect();
            if !errors.is_empty() {
                return Err(errors.join("; "));
            }
        }
        let text =
            |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let chars = |pointer: &str| text(pointer).chars().count();
        if chars("/routing_key") != ROUTING_KEY_CHARS {
            return Err("'routing_key' is invalid".to_owned());
        }
        if chars("/payload/summary") > 1_024 || chars("/dedup_key") > 255 {
            return Err("'payload.summary' or 'dedup_key' is too long".to_owned());
        }
        if path == CHANGE {
            self.incidents.take_change(&event);
            return Ok(json!({"status": "success", "message": "Change event processed"}));
        }
        if text("/event_action") != "trigger" && text("/dedup_key").is_empty() {
            return Err("'dedup_key' is missing".to_owned());
        }
        let dedup_key = self.incidents.take(&event);
        Ok(json!({"status": "success", "message": "Event processed", "dedup_key": dedup_key}))
    }
}

/// The published schema of each path, or none in a clone without it: then events are held against the limits only.
#[expect(clippy::print_stderr, reason = "a check that is not made says so")]
fn validators() -> BTreeMap<&'static str, Validator> {
    let beside = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into();
    let shared = std::env::var_os("STREAMGAUGE_SHARED").map_or_else(beside, PathBuf::from);
    let file = shared.join("vectors/pagerduty/events-v2-openapiv3.json");
    let Ok(text) = std::fs::read(&file) else {
        eprintln!("not held against the schema: there is no {}", file.display());
        return BTreeMap::new();
    };
    let document: Value = serde_json::from_slice(&text).unwrap();
    let validator = |path: &'static str| {
        let body = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
        let mut schema = body["schema"].clone();
        schema["components"] = document["components"].clone();
        (path, jsonschema::options().should_validate_formats(true).build(&schema).unwrap())
    };
    [ENQUEUE, CHANGE].map(validator).into()
}
