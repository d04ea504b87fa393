//! The answer to `CloudFormation`: one PUT to the address that came with the request.
//!
//! The address is signed, and signs that there is no content type. Without an answer `CloudFormation` waits for as long as
//! the template's `ServiceTimeout` says, so a call that fails is made again a few times.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::http::uri::Uri;
use hyper::{Method, Request, Response};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often the answer is put.
const ATTEMPTS_MAX: u32 = 4;
/// How long an attempt may take.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long is waited after the first attempt; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// An answer that did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The address is none, or goes in clear text to another machine.
    #[error("the address of the answer is no https:// address")]
    Address,
    /// The certificates of the system cannot be read.
    #[error("the system's certificates could not be read")]
    Certificates(#[source] std::io::Error),
    /// The call could not be put together.
    #[error("the answer could not be written")]
    Request(#[source] hyper::http::Error),
    /// The other end did not answer in time.
    #[error("the answer was not taken within {} s", ATTEMPT_TIME_MAX.as_secs())]
    Late,
    /// The call failed.
    #[error("the answer could not be put")]
    Call(#[source] hyper_util::client::legacy::Error),
    /// The other end refused it.
    #[error("the answer was refused with the status {0}")]
    Status(u16),
}

impl AnswerError {
    /// Whether another attempt can help.
    fn is_passing(&self) -> bool {
        match self {
            Self::Late | Self::Call(_) => true,
            Self::Status(status) => *status >= 500,
            Self::Address | Self::Certificates(_) | Self::Request(_) => false,
        }
    }
}

/// Puts an answer to an address.
pub(crate) async fn put(address: &str, body: String) -> Result<(), AnswerError> {
    let uri: Uri = address.parse().ok().filter(is_safe).ok_or(AnswerError::Address)?;
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()
        .map_err(AnswerError::Certificates)?
        .https_or_http()
        .enable_http1()
        .build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let body = Bytes::from(body);
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS_MAX {
        match attempt(&client, &uri, body.clone()).await {
            Err(error) if error.is_passing() => sleep(wait).await,
            outcome => return outcome,
        }
        wait *= 2;
    }
    attempt(&client, &uri, body).await
}

/// Whether an address is encrypted, or does not leave this machine: that of a test.
fn is_safe(uri: &Uri) -> bool {
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => uri.host() == Some("127.0.0.1"),
        _ => false,
    }
}

type HttpsClient = Client<hyper_rustls::HttpsConnector<HttpConnector>, Full<Bytes>>;

async fn attempt(client: &HttpsClient, uri: &Uri, body: Bytes) -> Result<(), AnswerError> {
    let request = Request::builder().method(Method::PUT).uri(uri.clone());
    let request = request.body(Full::new(body)).map_err(AnswerError::Request)?;
    let response: Response<Incoming> = timeout(ATTEMPT_TIME_MAX, client.request(request))
        .await
        .map_err(|_elapsed| AnswerError::Late)?
        .map_err(AnswerError::Call)?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(AnswerError::Status(status.as_u16())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    /// A server that answers with these statuses, one for each call, and tells what the last one brought.
    fn server(statuses: &'static [u16]) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/answer?signed=1", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let mut seen = String::new();
            for status in statuses {
                let (mut socket, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(socket.try_clone().unwrap());
                let mut length = 0;
                seen.clear();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    seen.push_str(&line);
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                seen.push_str(&String::from_utf8(body).unwrap());
                write!(
                    socket,
                    "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
                .unwrap();
            }
            seen
        });
        (address, server)
    }

    #[tokio::test]
    async fn an_answer_is_put_without_a_content_type() {
        let (address, server) = server(&[200]);
        put(&address, "{\"Status\":\"SUCCESS\"}".to_owned()).await.unwrap();
        let seen = server.join().unwrap();
        assert!(seen.starts_with("PUT /answer?signed=1 HTTP/1.1\r\n"), "{seen}");
        assert!(seen.ends_with("\r\n\r\n{\"Status\":\"SUCCESS\"}"), "{seen}");
        assert!(!seen.contains("content-type"), "{seen}");
    }

    #[tokio::test]
    async fn an_outage_is_waited_for_and_a_refusal_is_not() {
        let (passing, outage) = server(&[503, 200]);
        put(&passing, String::new()).await.unwrap();
        outage.join().unwrap();
        let (refusing, refusal) = server(&[403]);
        let refused = put(&refusing, String::new()).await.unwrap_err();
        refusal.join().unwrap();
        assert!(matches!(refused, AnswerError::Status(403)));
    }

    #[tokio::test]
    async fn nothing_goes_out_in_clear_text() {
        for address in ["http://example.com/x", "file:///x", "x y", ""] {
            assert!(matches!(put(address, String::new()).await, Err(AnswerError::Address)));
        }
    }
}
