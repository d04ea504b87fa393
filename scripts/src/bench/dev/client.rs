//! One connection to the server, kept alive.

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// What a single event is sent as, and a batch of them.
const FORMS: [&str; 2] = ["application/cloudevents+json", "application/cloudevents-batch+json"];

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// What the server says of a push.
#[derive(Debug, Deserialize)]
struct Accepted {
    accepted: usize,
    rejected: Vec<serde_json::Value>,
}

impl Client {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("connecting failed")?;
        stream.set_nodelay(true).context("connecting failed")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // What goes wrong with it, the request says.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, host: address.to_string() })
    }

    /// Pushes events, and waits until all of them are acknowledged.
    pub(super) async fn push(&mut self, events: usize, body: Bytes) -> anyhow::Result<()> {
        let [one, batch] = FORMS;
        let form = if events == 1 { one } else { batch };
        let request = Request::post("/events").header(CONTENT_TYPE, form);
        let request = request.header(HOST, &self.host).body(Full::new(body))?;
        let answer = self.send(request).await?;
        let status = answer.status();
        let told = answer.into_body().collect().await.context("reading an answer failed")?;
        let told = told.to_bytes();
        let text = || String::from_utf8_lossy(&told).into_owned();
        ensure!(status == StatusCode::ACCEPTED, "a push was answered with {status}: {}", text());
        let read: Accepted = serde_json::from_slice(&told).with_context(text)?;
        ensure!(read.accepted == events && read.rejected.is_empty(), "of {events}: {}", text());
        Ok(())
    }

    /// Asks, and answers with what comes.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Response<Incoming>> {
        let request = Request::get(path).header(HOST, &self.host).body(Full::default())?;
        let answer = self.send(request).await?;
        ensure!(answer.status() == StatusCode::OK, "{path} was answered with {}", answer.status());
        Ok(answer)
    }

    /// Asks, and reads all of the answer.
    pub(super) async fn get_all(&mut self, path: &str) -> anyhow::Result<Bytes> {
        let body = self.get(path).await?.into_body();
        Ok(body.collect().await.context("reading an answer failed")?.to_bytes())
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
        self.sender.ready().await.context("the connection was closed")?;
        self.sender.send_request(request).await.context("a request failed")
    }
}
