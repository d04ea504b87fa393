//! All channels over HTTP: the contract of sinks, every status, and no secret in anything that can be read.

use crate::http::reach::Reach;
use crate::http::{Client, Limits};
use crate::pagerduty::PagerDuty;
use crate::retry::{Answer, Channel, Outcome, delivery};
use crate::secret::Secret;
use crate::slack::Slack;
use crate::testing::server::{Manner, Server, closed_port};
use crate::testing::watched::watched;
use crate::testing::{AT, notification};
use crate::webhook::{SigningKey, Webhook};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use streamgauge_engine::notification::{Deploy, Notification, Subject};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::contract::{SinkBench, SinkFault, sink_contract};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};

/// Parts of the secrets of all channels: nobody may ever read one.
const SECRETS: [&str; 4] =
    ["r0uting5ecretr0uting5ecretr0uting", "U1RSRUFNR0FVR0U", "T00/B00/sl4cksecret", "sl4cksecret"];
const SIGNING: &str = "whsec_U1RSRUFNR0FVR0VTVFJFQU1HQVVHRVNUUkVBTUdBVUdF";

#[derive(Clone, Copy, Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        AT.plus(1_500)
    }
}

/// One of the channels at a port of this machine.
#[derive(Debug)]
enum Any {
    PagerDuty(PagerDuty),
    Webhook(Webhook<Fixed>),
    Slack(Slack),
}

impl Any {
    fn all(port: u16) -> [Self; 3] {
        let limits =
            Limits { connect: Duration::from_secs(30), answer: Duration::from_millis(200) };
        let client = Client::new(Reach::Anywhere, limits);
        let origin = format!("http://127.0.0.1:{port}");
        let url = Secret::new(format!("{origin}/services/{}", SECRETS[2]));
        let key = SigningKey::read(&Secret::new(SIGNING)).unwrap();
        [
            Self::PagerDuty(PagerDuty::new(client.clone(), origin, &Secret::new(SECRETS[0]))),
            Self::Webhook(Webhook::new(client.clone(), Fixed, &url, Some(key))),
            Self::Slack(Slack::new(client, &url)),
        ]
    }

    fn channel(&self) -> Channel {
        match self {
            Self::PagerDuty(_) => Channel::PagerDuty,
            Self::Webhook(_) => Channel::Webhook,
            Self::Slack(_) => Channel::Slack,
        }
    }
}

impl Sink for Any {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        match self {
            Self::PagerDuty(sink) => sink.deliver(notification).await,
            Self::Webhook(sink) => sink.deliver(notification).await,
            Self::Slack(sink) => sink.deliver(notification).await,
        }
    }
}

/// A channel at a server, and the same one where nobody listens.
struct Bench {
    server: Server,
    sink: Any,
    nowhere: Any,
    is_away: AtomicBool,
}

impl Sink for Bench {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        let is_away = self.is_away.swap(false, Ordering::Relaxed);
        let delivery = if is_away { &self.nowhere } else { &self.sink }.deliver(notification).await;
        self.server.set(Manner::Echo(202));
        delivery
    }
}

impl SinkBench for Bench {
    fn arm(&self, fault: SinkFault) -> bool {
        match fault {
            SinkFault::Unreachable => self.is_away.store(true, Ordering::Relaxed),
            SinkFault::Busy => self.server.set(Manner::Echo(429)),
            SinkFault::Refused => self.server.set(Manner::Echo(400)),
            SinkFault::AnswerLost => self.server.set(Manner::Closing),
        }
        true
    }

    fn taken(&self) -> usize {
        self.server.taken()
    }
}

#[tokio::test]
async fn all_channels_keep_the_contract_of_sinks() {
    let (_closed, port) = closed_port();
    for place in 0..3 {
        let server = Server::start(Manner::Echo(202)).await;
        let [sink, nowhere] =
            [server.port, port].map(|port| Any::all(port).into_iter().nth(place).unwrap());
        let bench = Bench { server, sink, nowhere, is_away: AtomicBool::new(false) };
        sink_contract(&bench, &notification(), &bench).await.unwrap();
    }
}

#[tokio::test]
async fn every_status_that_comes_means_what_the_table_says() {
    let server = Server::start(Manner::Echo(200)).await;
    for sink in Any::all(server.port) {
        // Those below are no answers: the client waits for the one behind them.
        for status in 200..=599 {
            server.set(Manner::Echo(status));
            let outcome = sink.deliver(&notification()).await;
            let answer = Answer { status, said: "so", ..Answer::default() };
            let expected = delivery(sink.channel(), Outcome::Answer(answer));
            let [kind, expected_kind] = [&outcome, &expected].map(std::mem::discriminant);
            assert_eq!(kind, expected_kind, "{status}: {outcome:?}, not {expected:?}");
            if matches!(expected, Delivery::Retry { .. }) {
                assert_eq!(outcome, expected, "{status}");
            }
        }
    }
}

#[tokio::test]
async fn calls_that_are_not_answered_are_unknown_and_those_not_sent_are_made_again() {
    let server = Server::start(Manner::Silent).await;
    for manner in [Manner::Silent, Manner::Closing, Manner::Slamming, Manner::Raw("?\r\n\r\n")] {
        server.set(manner);
        for sink in Any::all(server.port) {
            let outcome = sink.deliver(&notification()).await;
            assert_eq!(outcome, Delivery::Unknown, "{manner:?}: {sink:?}");
        }
    }
    let (_closed, port) = closed_port();
    for sink in Any::all(port) {
        assert!(matches!(sink.deliver(&notification()).await, Delivery::Retry { .. }));
    }
}

#[tokio::test]
async fn a_call_is_signed_at_the_moment_of_the_attempt() {
    let server = Server::start(Manner::Echo(204)).await;
    let [_, webhook, _] = Any::all(server.port);
    for _ in 0..2 {
        assert_eq!(webhook.deliver(&notification()).await, Delivery::Delivered);
    }
    let calls = server.calls();
    assert_eq!(calls[0], calls[1], "nothing differs but the moment");
    let (head, body) = calls[0].split_once("\r\n\r\n").unwrap();
    let key = SigningKey::read(&Secret::new(SIGNING)).unwrap();
    let id = notification().id;
    let signature = key.sign(&id, 1_767_607_201, body.as_bytes());
    for line in [
        format!("webhook-id: {id}"),
        "webhook-timestamp: 1767607201".to_owned(),
        format!("webhook-signature: {signature}"),
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
}

/// What can be read of all calls to a channel that goes wrong in every way.
async fn all_that_is_said(server: &Server) -> String {
    let mut said = Vec::new();
    let (_closed, closed) = closed_port();
    let statuses = (200..=599).map(Manner::Echo);
    let others = [Manner::Silent, Manner::Closing, Manner::Slamming, Manner::Raw("?\r\n\r\n")];
    for manner in statuses.chain(others) {
        server.set(manner);
        for sink in Any::all(server.port) {
            said.push(format!("{sink:?} {:?}", sink.deliver(&notification()).await));
        }
    }
    for sink in Any::all(closed) {
        said.push(format!("{sink:?} {:?}", sink.deliver(&notification()).await));
    }
    let client = Client::new(Reach::Public, Limits::default());
    for url in ["http://127.0.0.1/", "no address ", "http://user:x@h/", "gopher://"] {
        let url = Secret::new(format!("{url}{}", SECRETS[2]));
        let sink = Slack::new(client.clone(), &url);
        said.push(format!("{sink:?} {:?}", sink.deliver(&notification()).await));
    }
    let orchestration = Secret::new(format!("R{}", SECRETS[0]));
    let pagerduty = PagerDuty::new(client, "http://127.0.0.1", &orchestration);
    let deploy = Deploy {
        version: "1.2.3".to_owned(),
        service: None,
        author: "mira".to_owned(),
        link: None,
    };
    let deployed = Notification { subject: Subject::Deploy(deploy), ..notification() };
    said.push(format!("{:?}", pagerduty.deliver(&deployed).await));
    for secret in [SECRETS[1], "whsec_U1RSRUFNR0FVR0U", "whsec_U1RSRUFNR0FVR0U!"] {
        said.push(format!("{:?}", SigningKey::read(&Secret::new(secret))));
    }
    said.join("\n")
}

#[tokio::test]
async fn no_log_line_error_or_debug_output_ever_holds_a_secret() {
    let server = Server::start(Manner::Silent).await;
    let (said, logged) = watched(all_that_is_said(&server)).await;
    for secret in SECRETS {
        assert!(!said.contains(secret), "{secret} is said");
        assert!(!logged.contains(secret), "{secret} is logged");
    }
    // It was looked where it would stand: the server said again all that it was sent.
    let sent = server.calls().concat();
    assert!(sent.contains(SECRETS[0]) && sent.contains(SECRETS[2]));
    assert!(said.contains("<secret>"), "{said}");
    assert!(logged.contains("<secret>"), "{logged}");
}
