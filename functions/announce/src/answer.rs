//! The answer to `CloudFormation`: one PUT to the address that came with the request.
//!
//! The address is signed, and signs that there is no content type. Without an answer `CloudFormation` waits for as long as
//! the template's `ServiceTimeout` says, so a call that fails is made again a few times.

use std::time::Duration;
use streamgauge_notify::http::reach::Reach;
use streamgauge_notify::http::{Call, Client, HttpError, Limits, Method};
use tokio::time::sleep;

/// How often the answer is put.
const ATTEMPTS_MAX: u32 = 4;
/// How long the two parts of an attempt may take: together 5 s.
const LIMITS: Limits = Limits { connect: Duration::from_secs(2), answer: Duration::from_secs(3) };
/// How long is waited after the first attempt; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// An answer that did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The address is none, or goes in clear text to another machine.
    #[error("the address of the answer is no https:// address")]
    Address,
    /// The call failed.
    #[error("the answer could not be put")]
    Call(#[from] HttpError),
    /// The other end refused it.
    #[error("the answer was refused with the status {0}")]
    Status(u16),
}

impl AnswerError {
    /// Whether another attempt can help.
    fn is_passing(&self) -> bool {
        match self {
            Self::Call(HttpError::NotSent(_) | HttpError::NoAnswer(_)) => true,
            Self::Status(status) => *status >= 500,
            Self::Address | Self::Call(_) => false,
        }
    }
}

/// Puts an answer to an address.
pub(crate) async fn put(address: &str, body: String) -> Result<(), AnswerError> {
    if !is_safe(address) {
        return Err(AnswerError::Address);
    }
    // The address comes from CloudFormation, and may be that of an endpoint inside a VPC.
    let client = Client::new(Reach::Anywhere, LIMITS);
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS_MAX {
        match attempt(&client, address, body.clone()).await {
            Err(error) if error.is_passing() => sleep(wait).await,
            outcome => return outcome,
        }
        wait *= 2;
    }
    attempt(&client, address, body).await
}

/// Whether an address is encrypted, or does not leave this machine: that of a test.
fn is_safe(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://127.0.0.1:")
}

async fn attempt(client: &Client, address: &str, body: String) -> Result<(), AnswerError> {
    let put =
        Call { method: Method::PUT, url: address, headers: Vec::new(), body: body.into_bytes() };
    let status = client.call(put).await?.status;
    if (200..300).contains(&status) { Ok(()) } else { Err(AnswerError::Status(status)) }
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
