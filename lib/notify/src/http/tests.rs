//! Calls over real connections.

use super::*;
use crate::testing::server::{Manner, Server, closed_port};

/// Long enough for anything on this machine to connect, short enough for an answer that never comes.
pub(crate) const LIMITS: Limits =
    Limits { connect: Duration::from_secs(30), answer: Duration::from_millis(100) };
/// For answers that come.
const PATIENT: Limits =
    Limits { connect: Duration::from_secs(30), answer: Duration::from_secs(30) };

async fn call(limits: Limits, reach: Reach, url: &str) -> Result<Response, HttpError> {
    let headers = vec![("x-test", "1".to_owned())];
    let call = Call { method: Method::POST, url, headers, body: b"{}".to_vec() };
    assert_eq!(format!("{call:?}"), "Call(POST)");
    Client::new(reach, limits).call(call).await
}

#[tokio::test]
async fn a_call_is_sent_once_as_it_is_given_and_answered() {
    let server = Server::start(Manner::Echo(202)).await;
    let response = call(PATIENT, Reach::Anywhere, &server.url("/a?b=c")).await.unwrap();
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(response, Response { status: 202, retry_after_ms: None, body: calls[0].clone() });
    let (first, rest) = calls[0].split_once("\r\n").unwrap();
    assert_eq!(first, "POST /a?b=c HTTP/1.1");
    let host = format!("host: 127.0.0.1:{}\r\n", server.port);
    for part in
        [&host, "x-test: 1\r\n", "connection: close\r\n", "content-length: 2\r\n", "\r\n\r\n{}"]
    {
        assert!(rest.contains(part), "{part} in {rest}");
    }
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let other = Server::start(Manner::Echo(200)).await;
    let location = format!(
        "HTTP/1.1 307 Elsewhere\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        other.url("/")
    );
    let server = Server::start(Manner::Raw(location.leak())).await;
    let response = call(PATIENT, Reach::Anywhere, &server.url("/")).await.unwrap();
    assert_eq!((response.status, other.calls().len()), (307, 0));
}

#[tokio::test]
async fn what_answers_ask_for_is_read_and_what_does_not_matter_is_not() {
    for (answer, retry_after_ms, length) in [
        ("HTTP/1.1 429 Busy\r\nretry-after: 30\r\ncontent-length: 2\r\n\r\nno", Some(30_000), 2),
        ("HTTP/1.1 429 Busy\r\nretry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\nno", None, 2),
        // A body that breaks: the status has come.
        ("HTTP/1.1 429 Busy\r\ncontent-length: 100\r\n\r\nno", None, 2),
        ("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 429 Busy\r\ncontent-length: 0\r\n\r\n", None, 0),
    ] {
        let server = Server::start(Manner::Raw(answer)).await;
        let response = call(PATIENT, Reach::Anywhere, &server.url("/")).await.unwrap();
        let seen = (response.status, response.retry_after_ms, response.body.len());
        assert_eq!(seen, (429, retry_after_ms, length), "{answer}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(3 * ANSWER_BYTES_MAX));
    let server = Server::start(Manner::Raw(endless.leak())).await;
    let response = call(PATIENT, Reach::Anywhere, &server.url("/")).await.unwrap();
    assert_eq!((response.status, response.body.len()), (200, ANSWER_BYTES_MAX));
}

#[tokio::test]
async fn without_an_answer_it_is_known_whether_anything_was_sent() {
    for manner in [
        Manner::Silent,
        Manner::Closing,
        Manner::Slamming,
        Manner::Raw("what?\r\n\r\n"),
        Manner::Raw("HTTP/1.1 20"),
    ] {
        let server = Server::start(manner).await;
        let error = call(LIMITS, Reach::Anywhere, &server.url("/")).await.unwrap_err();
        assert!(matches!(error, HttpError::NoAnswer(_)), "{manner:?}: {error:?}");
    }
    let (_closed, port) = closed_port();
    let url = format!("http://127.0.0.1:{port}/");
    let error = call(PATIENT, Reach::Anywhere, &url).await.unwrap_err();
    assert!(matches!(error, HttpError::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn private_addresses_are_out_of_reach_under_any_name() {
    let server = Server::start(Manner::Echo(200)).await;
    let Server { port, .. } = server;
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::ffff:7f00:1]",
        "0.0.0.0",
    ] {
        let url = format!("http://{host}:{port}/");
        let error = call(PATIENT, Reach::Public, &url).await.unwrap_err();
        assert!(matches!(error, HttpError::Forbidden), "{host}: {error:?}");
    }
    assert!(server.calls().is_empty());
    call(PATIENT, Reach::Anywhere, &format!("http://localhost:{port}/")).await.unwrap();
}

#[tokio::test]
async fn what_is_no_address_is_never_called() {
    for url in
        ["", "x y", "/path", "example.com", "ftp://127.0.0.1/", "http://user:password@127.0.0.1/"]
    {
        let error = call(PATIENT, Reach::Anywhere, url).await.unwrap_err();
        assert!(matches!(error, HttpError::Address(_)), "{url}: {error:?}");
    }
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn without_tls_no_secret_goes_out_in_clear_text() {
    let server = Server::start(Manner::Echo(200)).await;
    let url = server.url("/").replace("http://", "https://");
    let error = call(PATIENT, Reach::Anywhere, &url).await.unwrap_err();
    assert!(matches!(error, HttpError::NoTls), "{error:?}");
    assert!(server.calls().is_empty());
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn whoever_cannot_do_tls_is_sent_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let greets = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 What?\r\n\r\n")
            .await
            .unwrap();
        socket
    };
    let (_socket, called) = tokio::join!(greets, call(PATIENT, Reach::Anywhere, &url));
    // A client that trusts nobody, or knows no cipher, would say something else.
    let Err(HttpError::NotSent(cause)) = called else { panic!("{called:?}") };
    assert!(cause.to_string().contains("InvalidContentType"), "{cause}");
}
