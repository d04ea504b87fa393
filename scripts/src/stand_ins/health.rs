//! Waits until the stand-ins answer: by a call of each API that the project uses, since a port that is open says nothing.

use super::server::{Kind, Server};
use super::variables::{ACCOUNT, REGION};
use anyhow::{Context, bail};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long a stand-in may take from its start to its first answers.
const READY_TIME_MAX: Duration = Duration::from_mins(1);
/// How long one call may take.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// The pause before a call is tried again.
const CALL_PAUSE: Duration = Duration::from_millis(50);

/// One call that changes nothing.
#[derive(Debug)]
struct Call {
    /// The service, as signatures name it.
    service: &'static str,
    /// `X-Amz-Target`; S3 has none.
    target: Option<&'static str>,
    /// `Content-Type`.
    content: &'static str,
}

const LIST_STREAMS: Call = Call {
    service: "kinesis",
    target: Some("Kinesis_20131202.ListStreams"),
    content: "application/x-amz-json-1.1",
};
const LIST_QUEUES: Call = Call {
    service: "sqs",
    target: Some("AmazonSQS.ListQueues"),
    content: "application/x-amz-json-1.0",
};
const LIST_TABLES: Call = Call {
    service: "dynamodb",
    target: Some("DynamoDB_20120810.ListTables"),
    content: "application/x-amz-json-1.0",
};
const LIST_BUCKETS: Call = Call { service: "s3", target: None, content: "application/xml" };

/// The calls that a stand-in has to answer.
fn calls(kind: Kind) -> &'static [Call] {
    match kind {
        Kind::KinesisLocal => &[LIST_STREAMS],
        Kind::Ministack => &[LIST_QUEUES, LIST_TABLES, LIST_BUCKETS],
    }
}

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// It answers.
    Ready,
    /// It has ended: its port was taken meanwhile, perhaps.
    Ended,
}

/// Waits until a stand-in answers all calls; fails if it does not in time.
pub(super) async fn ready(server: &mut Server) -> anyhow::Result<Started> {
    let deadline = Instant::now() + READY_TIME_MAX;
    for call in calls(server.kind) {
        loop {
            let answered = match timeout(CALL_TIME_MAX, make(call, server.port)).await {
                Ok(answered) => answered,
                Err(_) => Err(anyhow::anyhow!("no answer in {} s", CALL_TIME_MAX.as_secs())),
            };
            // An answer after its end was another's, who has got its port.
            if server.has_ended() {
                return Ok(Started::Ended);
            }
            let Err(error) = answered else { break };
            if Instant::now() >= deadline {
                return Err(error.context(format!(
                    "{} does not answer a call of {} after {} s; {}",
                    server.kind.name(),
                    call.service,
                    READY_TIME_MAX.as_secs(),
                    server.log()
                )));
            }
            sleep(CALL_PAUSE).await;
        }
    }
    Ok(Started::Ready)
}

/// Makes one call, which has to succeed. Stand-ins want to see a signature, and look at the account and region in it only.
async fn make(call: &Call, port: u16) -> anyhow::Result<()> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let method = if call.target.is_some() { Method::POST } else { Method::GET };
    let service = call.service;
    let mut request = Request::builder().method(method).uri("/");
    request = request.header("host", format!("127.0.0.1:{port}")).header(
        "authorization",
        format!("AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"),
    );
    request = request.header("x-amz-date", "20260101T000000Z").header("content-type", call.content);
    if let Some(target) = call.target {
        request = request.header("x-amz-target", target);
    }
    let body = if call.target.is_some() { "{}" } else { "" };
    let request = request.body(Full::new(Bytes::from_static(body.as_bytes())))?;
    let answering = async { sender.send_request(request).await.context("no answer came") };
    let status = tokio::select! {
        answer = answering => answer?.status(),
        ended = connection => bail!("the connection ended: {ended:?}"),
    };
    if status != StatusCode::OK {
        bail!("the answer is {status}");
    }
    Ok(())
}
