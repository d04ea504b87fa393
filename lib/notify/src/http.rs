//! One HTTP call: limited in time and size, without redirects, on a connection of its own.
//!
//! A connection of its own, because a function is frozen between invocations: a connection that died meanwhile shows it only
//! after a request was written to it, which is an answer that was lost. So it is always known whether anything was sent.
//! Where calls may go is decided after the name was resolved, for the very address that is connected to ([`reach`]).

pub mod reach;

mod address;
mod connection;

use bytes::Bytes;
use connection::{Connector, Stream};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::http::uri::{Scheme, Uri};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use reach::Reach;
use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::time::Duration;
use streamgauge_engine::time::{Millis, SECOND_MS};
use tokio::time::timeout;

pub(crate) use address::Address;
pub use hyper::Method;

/// How much of an answer is read, in bytes; what is behind it does not matter.
pub const ANSWER_BYTES_MAX: usize = 16 * 1_024;

/// How long the parts of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a connection: names, sockets, TLS.
    pub connect: Duration,
    /// From then until the answer's head is there.
    pub answer: Duration,
}

impl Default for Limits {
    /// Together 20 s: Standard Webhooks advises 15 to 30.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(15) }
    }
}

/// A call to make.
#[derive(Clone)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The whole address. It may hold a secret, and is not shown.
    pub url: &'a str,
    /// Headers besides `host`, `user-agent` and the length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The method alone: the rest may be secret.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Call({})", self.method)
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// How long it asks to wait, in milliseconds (`Retry-After` in seconds).
    pub retry_after_ms: Option<Millis>,
    /// The body, as far as it came and was read.
    pub body: String,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is none that can be called.
    #[error("the address is none that can be called: {0}")]
    Address(&'static str),
    /// This program has no TLS.
    #[error(
        "the address begins with https://, and this program was built without the feature `tls`"
    )]
    NoTls,
    /// All that the name stands for is out of reach on purpose.
    #[error("the address is in a private network, which is not allowed here")]
    Forbidden,
    /// No connection came about: nothing was sent.
    #[error("no connection came about")]
    NotSent(#[source] Box<dyn Error + Send + Sync>),
    /// It was sent, wholly or in part, and no answer came.
    #[error("no answer came")]
    NoAnswer(#[source] Box<dyn Error + Send + Sync>),
}

/// Something took longer than it may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it took longer than {0:?}")]
struct Late(Duration);

/// Makes calls.
#[derive(Clone, Debug)]
pub struct Client {
    connector: Connector,
    limits: Limits,
}

impl Client {
    /// A client that calls what is within reach.
    pub fn new(reach: Reach, limits: Limits) -> Self {
        Self { connector: Connector::new(reach), limits }
    }

    /// The same client, where calls may go elsewhere.
    #[must_use]
    pub fn within(&self, reach: Reach) -> Self {
        Self { connector: self.connector.within(reach), limits: self.limits }
    }

    /// Whether an address can be called, as far as that shows without a call.
    pub fn check(&self, url: &str) -> Result<(), HttpError> {
        let uri: Uri = url.parse().map_err(|_invalid| HttpError::Address("it is no URL"))?;
        request(&uri, Call { method: Method::POST, url, headers: Vec::new(), body: Vec::new() })?;
        self.connector.check(&uri)
    }

    /// Makes one call, once.
    pub async fn call(&self, call: Call<'_>) -> Result<Response, HttpError> {
        let uri: Uri = call.url.parse().map_err(|_invalid| HttpError::Address("it is no URL"))?;
        let request = request(&uri, call)?;
        let Limits { connect, answer } = self.limits;
        let stream = timeout(connect, self.connector.connect(&uri));
        let stream = stream.await.map_err(|_late| HttpError::NotSent(Late(connect).into()))??;
        let exchanged = timeout(answer, exchange(stream, request)).await;
        exchanged.map_err(|_late| HttpError::NoAnswer(Late(answer).into()))?
    }
}

/// The request in the form that goes over the wire.
fn request(uri: &Uri, call: Call<'_>) -> Result<Request<Full<Bytes>>, HttpError> {
    let authority = uri.authority().ok_or(HttpError::Address("it names no host"))?;
    if authority.as_str().contains('@') {
        return Err(HttpError::Address("it holds a user's name"));
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let version = concat!("streamgauge/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::builder().method(call.method).uri(path);
    request = request.header(header::HOST, authority.as_str());
    request = request.header(header::USER_AGENT, version);
    request = request.header(header::CONNECTION, "close");
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    request
        .body(Full::from(call.body))
        .map_err(|_invalid| HttpError::Address("a header holds what none can hold"))
}

/// Sends a request and reads the answer.
async fn exchange(stream: Stream, request: Request<Full<Bytes>>) -> Result<Response, HttpError> {
    let no_answer = |error: hyper::Error| HttpError::NoAnswer(error.into());
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(no_answer)?;
    let mut exchange = pin!(async {
        let response = sender.send_request(request).await.map_err(no_answer)?;
        Ok(read(response).await)
    });
    tokio::select! {
        biased;
        response = &mut exchange => response,
        // What it has read before it ended is still to be had.
        _ended = connection => exchange.await,
    }
}

/// The status is the answer: a body that breaks or has no end changes nothing.
async fn read(response: hyper::Response<Incoming>) -> Response {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { break };
        let Ok(data) = frame.into_data() else { continue };
        let room = ANSWER_BYTES_MAX - bytes.len();
        bytes.extend(data.into_iter().take(room));
    }
    let asked = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = asked.and_then(|seconds| seconds.trim().parse::<Millis>().ok());
    Response {
        status: head.status.as_u16(),
        retry_after_ms: seconds.map(|seconds| seconds.saturating_mul(SECOND_MS)),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The port of an address.
fn port(uri: &Uri) -> Result<u16, HttpError> {
    match uri.scheme() {
        _ if uri.port_u16().is_some() => Ok(uri.port_u16().unwrap_or_default()),
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(443),
        Some(scheme) if *scheme == Scheme::HTTP => Ok(80),
        _ => Err(HttpError::Address("it begins with neither https:// nor http://")),
    }
}

#[cfg(test)]
mod tests;
