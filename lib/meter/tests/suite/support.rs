//! A stand-in that answers by a function, a caller, and a clock that stands still.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::http::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use streamgauge_meter::clock::Clock;
use streamgauge_meter::faults::Faults;
use streamgauge_meter::limits::Limits;
use streamgauge_meter::proxy::{Meter, Routes, Running};
use streamgauge_meter::watcher::Unwatched;
use tokio::net::TcpListener;

/// What the stand-in got.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// The operation of an awsJson request.
    pub(crate) fn operation(&self) -> &str {
        let target = self.headers.get("x-amz-target").map_or("", |target| target.to_str().unwrap());
        target.rsplit('.').next().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An answer: status, headers, body.
pub(crate) type Said = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A success with JSON.
pub(crate) fn says(json: &Value) -> Said {
    (
        200,
        vec![("content-type", "application/x-amz-json-1.1".to_owned())],
        json.to_string().into_bytes(),
    )
}

/// A stand-in on loopback.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StandIn {
    /// Starts one that answers by this function.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let service = service_fn(move |request| {
                    reply(Arc::clone(&answer), Arc::clone(&log), request)
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, seen }
    }

    /// What it got so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What it got of an operation.
    pub(crate) fn seen_of(&self, operation: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.operation() == operation).collect()
    }
}

async fn reply<A: Fn(&Seen) -> Said>(
    answer: Arc<A>,
    log: Arc<Mutex<Vec<Seen>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        body,
    };
    let (status, headers, said) = answer(&seen);
    log.lock().unwrap().push(seen);
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(said.into())).unwrap())
}

/// A clock that goes on only when it is told.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    now: Arc<Mutex<Timestamp>>,
    slept: Arc<Mutex<Vec<Duration>>>,
}

impl Frozen {
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        Self { now: Arc::new(Mutex::new(now)), slept: Arc::default() }
    }

    pub(crate) fn advance_ms(&self, millis: i64) {
        *self.now.lock().unwrap() += SignedDuration::from_millis(millis);
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        self.slept.lock().unwrap().push(time);
    }
}

/// An answer as the caller got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request; an error is a connection that was closed.
pub(crate) async fn send(
    to: SocketAddr,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Got, hyper_util::client::legacy::Error> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        request = request.header(name, HeaderValue::try_from(*value).unwrap());
    }
    let response = client.request(request.body(Full::new(body.into())).unwrap()).await?;
    let (answered, incoming) = response.into_parts();
    let got = incoming.collect().await.unwrap().to_bytes();
    Ok(Got { status: answered.status.as_u16(), headers: answered.headers, body: got })
}

/// Makes an awsJson call in the name of a caller.
pub(crate) async fn call(
    to: SocketAddr,
    target: &str,
    caller: &str,
    body: &Value,
) -> Result<Got, hyper_util::client::legacy::Error> {
    let headers = [
        ("x-amz-target", target),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-security-token", caller),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/x/aws4_request, SignedHeaders=host",
        ),
    ];
    send(to, ("POST", "/"), &headers, body.to_string()).await
}

/// A proxy in front of a stand-in, unwatched.
pub(crate) async fn meter(
    stand_in: &StandIn,
    limits: Limits,
    faults: Faults,
    clock: &Frozen,
) -> Running {
    let routes = Routes::all_to(stand_in.address);
    Meter::start(routes, limits, faults, Unwatched, clock.clone()).await.unwrap()
}
