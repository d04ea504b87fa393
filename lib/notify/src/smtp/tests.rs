//! Mails over a server that refuses, hangs up and loses answers, read back by a parser.

mod server;

use super::*;
use crate::mail::samples::{hostile, rejections, resolve};
use crate::retry::LATER_MS;
use crate::secret::Secret;
use mail_parser::MessageParser;
use server::{Fault, MailServer, Protection, Received};
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS, Timestamp};
use streamgauge_pipeline::contract::{SinkBench, SinkFault, sink_contract};

#[derive(Clone, Copy, Debug)]
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn sink(server: Server, to: &[&str]) -> Smtp<Stopped> {
    let to = to.iter().map(|to| (*to).to_owned()).collect();
    Smtp::new(
        server,
        "streamgauge@example.com",
        to,
        Stopped(Timestamp::from_millis(1_767_607_803_000)),
    )
}

fn local(server: &MailServer) -> Server {
    Server::of_url(&format!("smtp://localhost:{}", server.port), None).unwrap()
}

/// What became of one mail over a server with these faults, and what the server has taken.
async fn with(faults: Vec<Fault>) -> (Delivery, Vec<Received>) {
    let server = MailServer::start(Protection::None, faults).await;
    let delivery = sink(local(&server), &["ops@example.com"]).deliver(&rejections()).await;
    (delivery, server.received())
}

fn soon() -> Delivery {
    Delivery::Retry { after_ms: SECOND_MS }
}

fn busy() -> Delivery {
    Delivery::Retry { after_ms: MINUTE_MS }
}

fn later() -> Delivery {
    Delivery::Retry { after_ms: LATER_MS }
}

impl SinkBench for MailServer {
    fn arm(&self, fault: SinkFault) -> bool {
        self.arm(match fault {
            SinkFault::Unreachable => Fault::HangUp("greeting"),
            SinkFault::Busy => Fault::Reply("MAIL", 421),
            SinkFault::Refused => Fault::Reply(".", 554),
            SinkFault::AnswerLost => Fault::LoseAnswer("."),
        });
        true
    }

    fn taken(&self) -> usize {
        self.received().len()
    }
}

#[tokio::test]
async fn the_contract_of_sinks_is_kept() {
    let server = MailServer::start(Protection::None, Vec::new()).await;
    let smtp = sink(local(&server), &["ops@example.com"]);
    sink_contract(&smtp, &rejections(), &server).await.unwrap();
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = MailServer::start(Protection::None, Vec::new()).await;
    let receivers = ["ops@example.com", "night@bücher.example"];
    let smtp = sink(local(&server), &receivers);
    assert_eq!(smtp.deliver(&rejections()).await, Delivery::Delivered);
    assert_eq!(smtp.deliver(&hostile()).await, Delivery::Delivered);
    assert_eq!(smtp.deliver(&resolve()).await, Delivery::Delivered);
    let received = server.received();
    assert_eq!(received.len(), 3);
    for (one, notification) in received.iter().zip([rejections(), hostile(), resolve()]) {
        assert_eq!(one.from, "streamgauge@example.com");
        assert_eq!(one.to, ["ops@example.com", "night@xn--bcher-kva.example"]);
        let message = MessageParser::new().parse(&one.bytes).unwrap();
        let (text, html) = mail::draw(&notification);
        assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n"), text);
        assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n"), html);
        assert!(message.subject().unwrap().ends_with(&format!("({})", notification.id)));
        assert_eq!(message.date().unwrap().to_rfc3339(), "2026-01-05T10:10:03Z");
    }
}

#[tokio::test]
async fn a_message_is_not_cut_where_a_line_is_a_dot() {
    let server = MailServer::start(Protection::None, Vec::new()).await;
    let mut notification = rejections();
    notification.description = Some("one\n.\n..two\n.".to_owned());
    let delivery = sink(local(&server), &["ops@example.com"]).deliver(&notification).await;
    assert_eq!(delivery, Delivery::Delivered);
    let received = server.received();
    let message = MessageParser::new().parse(&received[0].bytes).unwrap();
    assert!(message.body_text(0).unwrap().replace("\r\n", "\n").contains("\none\n.\n..two\n.\n"));
}

#[tokio::test]
async fn replies_before_the_message_mean_that_nothing_was_taken() {
    for place in ["MAIL", "RCPT", "DATA"] {
        assert_eq!(with(vec![Fault::Reply(place, 451)]).await, (busy(), Vec::new()), "{place}");
        let (delivery, received) = with(vec![Fault::Reply(place, 554)]).await;
        assert!(matches!(delivery, Delivery::Rejected { .. }), "{place} {delivery:?}");
        assert_eq!(received.len(), 0, "{place}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_want_us_is_asked_again() {
    for (place, code) in [("greeting", 554), ("EHLO", 550)] {
        assert_eq!(with(vec![Fault::Reply(place, code)]).await, (later(), Vec::new()), "{place}");
    }
    assert_eq!(with(vec![Fault::Reply("greeting", 421)]).await, (busy(), Vec::new()));
}

#[tokio::test]
async fn connections_lost_before_the_message_lose_nothing() {
    for place in ["greeting", "EHLO", "MAIL", "RCPT", "DATA"] {
        assert_eq!(with(vec![Fault::HangUp(place)]).await, (soon(), Vec::new()), "{place}");
    }
}

#[tokio::test]
async fn connections_lost_after_the_message_leave_it_unknown() {
    assert_eq!(with(vec![Fault::HangUp(".")]).await, (Delivery::Unknown, Vec::new()));
    let (delivery, received) = with(vec![Fault::LoseAnswer(".")]).await;
    assert_eq!((delivery, received.len()), (Delivery::Unknown, 1));
}

#[tokio::test]
async fn replies_to_the_message_say_what_became_of_it() {
    assert_eq!(with(vec![Fault::Reply(".", 452)]).await, (busy(), Vec::new()));
    let (delivery, received) = with(vec![Fault::Reply(".", 554)]).await;
    let Delivery::Rejected { reason } = delivery else { panic!("{delivery:?}") };
    assert!(reason.contains("554") && reason.contains("as the script says"), "{reason}");
    assert_eq!(received.len(), 0);
}

#[tokio::test]
async fn a_goodbye_that_fails_changes_nothing() {
    for fault in [Fault::HangUp("QUIT"), Fault::Reply("QUIT", 500)] {
        let (delivery, received) = with(vec![fault]).await;
        assert_eq!((delivery, received.len()), (Delivery::Delivered, 1));
    }
}

#[tokio::test]
async fn silence_is_as_good_as_a_connection_that_broke() {
    for (place, expected) in [("MAIL", soon()), (".", Delivery::Unknown)] {
        let server = MailServer::start(Protection::None, vec![Fault::Silence(place)]).await;
        let smtp = sink(local(&server), &["ops@example.com"]);
        let delivery = tokio::spawn(async move { smtp.deliver(&rejections()).await });
        server.silent.notified().await;
        tokio::time::pause();
        assert_eq!(delivery.await.unwrap(), expected, "{place}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn what_was_said_stands_when_the_server_then_falls_silent() {
    let faults = vec![Fault::Reply("RCPT", 554), Fault::Silence("QUIT")];
    let server = MailServer::start(Protection::None, faults).await;
    let smtp = sink(local(&server), &["ops@example.com"]);
    let delivery = tokio::spawn(async move { smtp.deliver(&rejections()).await });
    server.silent.notified().await;
    tokio::time::pause();
    let ended = delivery.await.unwrap();
    assert!(matches!(ended, Delivery::Rejected { .. }), "{ended:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let server = Server::of_url("smtp://localhost:1", None).unwrap();
    assert_eq!(sink(server, &["ops@example.com"]).deliver(&rejections()).await, soon());
}

#[tokio::test]
async fn a_receiver_who_is_refused_does_not_hold_up_the_others() {
    let server = MailServer::start(Protection::None, Vec::new()).await;
    let to = ["gone@example.com", "full@example.com", "ops@example.com"];
    assert_eq!(sink(local(&server), &to).deliver(&rejections()).await, Delivery::Delivered);
    assert_eq!(server.received()[0].to, ["ops@example.com"]);
    assert_eq!(sink(local(&server), &to[..2]).deliver(&rejections()).await, busy());
    let delivery = sink(local(&server), &to[..1]).deliver(&rejections()).await;
    let Delivery::Rejected { reason } = delivery else { panic!("{delivery:?}") };
    assert!(reason.starts_with("550"), "{reason}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn addresses_that_no_mail_can_go_to_are_rejected() {
    let server = MailServer::start(Protection::None, Vec::new()).await;
    for to in ["no address", "نون@example.com"] {
        let delivery = sink(local(&server), &[to]).deliver(&rejections()).await;
        assert!(matches!(delivery, Delivery::Rejected { .. }), "{to}: {delivery:?}");
    }
    assert_eq!(server.received(), []);
}

/// A mail that any server would take.
fn rejections_mail() -> mail::Mail {
    let to = ["b@example.com".to_owned()];
    mail::compose(&rejections(), "a@example.com", &to, Timestamp::EPOCH).unwrap()
}

#[tokio::test]
async fn why_no_connection_came_about_is_said_once() {
    // Bound, and nobody listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let client = Server::of_url(&format!("smtp://127.0.0.1:{port}"), None).unwrap();
    let ended = sink(client, &["ops@example.com"]).send(&rejections_mail()).await;
    assert_eq!(ended.said(), "Connection error: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_user_logs_in_and_a_wrong_password_waits_for_somebody() {
    let server = MailServer::start(Protection::Login, Vec::new()).await;
    let url = format!("smtp://ops@localhost:{}", server.port);
    let login = |password| Server::of_url(&url, Some(Secret::new(password))).unwrap();
    let delivery = sink(login("hunter2"), &["ops@example.com"]).deliver(&rejections()).await;
    assert_eq!(delivery, Delivery::Delivered);
    assert_eq!(server.received()[0].user.as_deref(), Some("ops"));
    let wrong = sink(login("hunter3"), &["ops@example.com"]);
    assert_eq!(wrong.deliver(&rejections()).await, later());
    // The server repeats the password in its reply.
    let ended = wrong.send(&rejections_mail()).await;
    assert!(ended.said().contains("hunter3"), "{ended:?}");
    assert!(!wrong.server.conceal(ended.said()).contains("hunter3"));
}

#[cfg(feature = "tls")]
mod encrypted {
    use super::*;
    use server::CERTIFICATE;

    async fn over(protection: Protection, url: &str, trusted: bool) -> (Delivery, Vec<Received>) {
        let server = MailServer::start(protection, Vec::new()).await;
        let url = url.replace("PORT", &server.port.to_string());
        let mut client = Server::of_url(&url, Some(Secret::new("hunter2"))).unwrap();
        if client.security == Security::Loopback {
            client = client.with_security(Security::StartTls);
        }
        if trusted {
            client = client.trusting(CERTIFICATE);
        }
        let delivery = sink(client, &["ops@example.com"]).deliver(&rejections()).await;
        (delivery, server.received())
    }

    #[tokio::test]
    async fn passwords_and_mails_go_over_tls() {
        let starttls = over(Protection::StartTls, "smtp://ops@localhost:PORT", true).await;
        let tls = over(Protection::Tls, "smtps://ops@localhost:PORT", true).await;
        for (delivery, received) in [starttls, tls] {
            assert_eq!(delivery, Delivery::Delivered);
            assert!(received[0].was_encrypted);
            assert_eq!(received[0].user.as_deref(), Some("ops"));
        }
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_trusts_gets_nothing() {
        for (protection, url) in [
            (Protection::StartTls, "smtp://ops@localhost:PORT"),
            (Protection::Tls, "smtps://ops@localhost:PORT"),
        ] {
            assert_eq!(over(protection, url, false).await, (later(), Vec::new()), "{url}");
        }
        let server = MailServer::start(Protection::Tls, Vec::new()).await;
        let url = format!("smtps://ops@localhost:{}", server.port);
        let client = Server::of_url(&url, Some(Secret::new("hunter2"))).unwrap();
        let ended = sink(client, &["ops@example.com"]).send(&rejections_mail()).await;
        // What is wrong with it depends on what this machine trusts.
        let said = ended.said();
        assert!(said.starts_with("Connection error: invalid peer certificate: "), "{said}");
    }

    #[tokio::test]
    async fn nothing_goes_in_the_clear_where_tls_is_not_offered() {
        let refused = over(Protection::Login, "smtp://ops@localhost:PORT", true).await;
        assert_eq!(refused, (later(), Vec::new()));
    }
}
