//! A small HTTP server on loopback: what the Runtime API and the Invoke API have in common.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections of one server at once. A runtime has one or two; the next one waits until another ends.
const CONNECTIONS_MAX: usize = 256;
/// How long a server waits after an error of `accept`, which is the machine's want of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How much of a body that is too large is read and thrown away, so that its sender hears the answer.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A whole answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// The connection is closed without an answer.
#[derive(Clone, Copy, Debug, Error)]
#[error("no answer is given")]
pub(crate) struct NoAnswer;

/// A body as it was read.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it, and the trailers behind it.
    Whole(Bytes, HeaderMap),
    /// It was longer than allowed.
    TooLarge,
    /// The connection broke.
    Broken,
}

/// A listener on loopback; port 0 takes a free one.
pub(crate) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Answers requests until it is dropped, and all connections with it.
pub(crate) async fn serve<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, NoAnswer>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(talk(stream, handler.clone()))),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// One connection. How it ends is the other side's business.
async fn talk<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Answer, NoAnswer>>,
{
    // An answer is one write; the only harm of Nagle's algorithm not being off is time.
    drop(stream.set_nodelay(true));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(handler));
    drop(served.await);
}

/// Reads a body of at most so many bytes.
pub(crate) async fn read(mut body: Incoming, bytes_max: usize) -> Body {
    let mut whole = Vec::new();
    let mut trailers = HeaderMap::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Body::Broken };
        match frame.into_data() {
            Ok(data) => {
                seen += data.len();
                if seen <= bytes_max {
                    whole.extend_from_slice(&data);
                } else if seen > DISCARDED_BYTES_MAX {
                    return Body::TooLarge;
                }
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    if seen > bytes_max { Body::TooLarge } else { Body::Whole(whole.into(), trailers) }
}

/// An answer of JSON.
pub(crate) fn json(status: StatusCode, document: &Value) -> Answer {
    bytes(status, Bytes::from(document.to_string()))
}

/// An answer of bytes that are JSON.
pub(crate) fn bytes(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    answer
}
