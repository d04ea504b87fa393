//! Pages through the real HTTP client to a stand-in of `PagerDuty`: one incident for one trouble, whatever goes wrong on the way.

pub(crate) mod incidents;
pub(crate) mod stand_in;

use incidents::Incidents;
use serde_json::json;
use stand_in::{Fault, StandIn};
use std::sync::atomic::{AtomicBool, Ordering};
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notification::{Action, Deploy, Notification, Subject};
use streamgauge_engine::time::{MINUTE_MS, Millis, Timestamp};
use streamgauge_notify::http::{Client, Limits, reach::Reach};
use streamgauge_notify::pagerduty::PagerDuty;
use streamgauge_notify::retry::Channel;
use streamgauge_notify::secret::Secret;
use streamgauge_pipeline::contract::{SinkBench, SinkFault, sink_contract};
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use tokio::net::TcpSocket;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const AT: Timestamp = Timestamp::from_millis(1_767_607_200_000);

fn pagerduty(origin: &str, key: &str) -> PagerDuty {
    let client = Client::new(Reach::Anywhere, Limits::default());
    PagerDuty::new(client, origin, &Secret::new(key))
}

fn page(key: &str, action: Action) -> Notification {
    Notification {
        channel: "oncall".to_owned(),
        key: key.to_owned(),
        id: format!("{key}/{action:?}"),
        action,
        severity: Severity::Critical,
        at: AT,
        summary: format!("{key} has trouble"),
        description: None,
        runbook: None,
        subject: Subject::Pipeline { alert: "behind".to_owned() },
        labels: Vec::new(),
        plan: "5f3a".to_owned(),
    }
}

/// Sends pages in their order as a lane does: the next one when this one is done, again when the channel may. Answers with
/// the pauses that were asked for.
async fn send(sink: &PagerDuty, pages: &[Notification]) -> Vec<Millis> {
    let mut pauses = Vec::new();
    for page in pages {
        loop {
            match sink.deliver(page).await {
                Delivery::Delivered => break,
                Delivery::Retry { after_ms } => pauses.push(after_ms),
                Delivery::Unknown => assert!(Channel::PagerDuty.knows_repeats()),
                Delivery::Rejected { reason } => panic!("{reason}"),
            }
        }
    }
    pauses
}

#[tokio::test]
async fn one_trouble_is_one_incident_that_is_resolved_once() {
    let stand_in = StandIn::start().await;
    let sink = pagerduty(&stand_in.origin(), KEY);
    let pages = [page("noon/1", Action::Trigger), page("noon/1", Action::Resolve)];
    assert_eq!(send(&sink, &pages).await, [0; 0]);
    let incidents = stand_in.incidents();
    let [incident] = incidents.all() else { panic!("{incidents:?}") };
    assert_eq!((incident.dedup_key.as_str(), incident.is_open), ("noon/1", false));
    assert_eq!(incident.triggers[0]["payload"]["summary"], "noon/1 has trouble");
}

#[tokio::test]
async fn an_outage_loses_nothing_and_repeats_nothing() {
    let stand_in = StandIn::start().await;
    let sink = pagerduty(&stand_in.origin(), KEY);
    let pages = [
        page("noon/1", Action::Trigger),
        page("talabat/1", Action::Trigger),
        page("noon/1", Action::Resolve),
        page("noon/2", Action::Trigger),
    ];
    let outage = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Close,
        Fault::AnswerLost,
        Fault::Status(502),
        Fault::AnswerLost,
        Fault::Close,
    ];
    for fault in outage {
        stand_in.fail(fault);
    }
    // Four say that they are busy; for pages that means minutes.
    assert_eq!(send(&sink, &pages).await, [2 * MINUTE_MS; 4]);
    let incidents = stand_in.incidents();
    let seen: Vec<_> =
        incidents.all().iter().map(|one| (one.dedup_key.as_str(), one.is_open)).collect();
    assert_eq!(seen, [("noon/1", false), ("talabat/1", true), ("noon/2", true)]);
    let repeated: usize = incidents.all().iter().map(|one| one.triggers.len() - 1).sum();
    assert_eq!((repeated, incidents.dropped()), (2, 0), "what was told twice was known by its key");
}

#[tokio::test]
async fn while_it_is_down_nothing_is_taken_and_afterwards_everything_is() {
    let stand_in = StandIn::start().await;
    let sink = pagerduty(&stand_in.origin(), KEY);
    let trigger = page("noon/1", Action::Trigger);
    for status in [500, 429] {
        stand_in.break_down(Some(Fault::Status(status)));
        for _ in 0..5 {
            let busy = Delivery::Retry { after_ms: 2 * MINUTE_MS };
            assert_eq!(sink.deliver(&trigger).await, busy);
        }
    }
    assert!(stand_in.incidents().all().is_empty());
    stand_in.break_down(None);
    assert_eq!(send(&sink, &[trigger]).await, [0; 0]);
    assert_eq!((stand_in.incidents().all().len(), stand_in.calls()), (1, 11));
}

#[tokio::test]
async fn a_trigger_that_overtakes_its_resolve_would_page_again() {
    let stand_in = StandIn::start().await;
    let sink = pagerduty(&stand_in.origin(), KEY);
    let [trigger, resolve] =
        [Action::Trigger, Action::Resolve].map(|action| page("noon/1", action));
    send(&sink, &[trigger.clone(), resolve, trigger]).await;
    // This is why a lane keeps the order of a key, retries included.
    let open: Vec<_> = stand_in.incidents().all().iter().map(|one| one.is_open).collect();
    assert_eq!(open, [false, true]);
}

#[tokio::test]
async fn what_pagerduty_refuses_is_told_in_its_words_and_never_sent_again() {
    let stand_in = StandIn::start().await;
    let unknown = pagerduty(&stand_in.origin(), "too-short");
    let refused = unknown.deliver(&page("noon/1", Action::Trigger)).await;
    let reason = "400: Event object is invalid; 'routing_key' is invalid".to_owned();
    assert_eq!(refused, Delivery::Rejected { reason });
    assert_eq!((stand_in.incidents().all().len(), stand_in.calls()), (0, 1));
}

#[tokio::test]
async fn only_the_key_that_opened_an_incident_resolves_it() {
    let stand_in = StandIn::start().await;
    let sink = pagerduty(&stand_in.origin(), KEY);
    let other = pagerduty(&stand_in.origin(), &KEY.replace('0', "9"));
    send(&sink, &[page("noon/1", Action::Trigger)]).await;
    send(&other, &[page("noon/1", Action::Resolve)]).await;
    let incidents = stand_in.incidents();
    assert_eq!((incidents.all().len(), incidents.dropped()), (1, 1));
    assert!(incidents.all()[0].is_open);
}

#[tokio::test]
async fn a_deploy_is_seen_and_wakes_nobody() {
    let stand_in = StandIn::start().await;
    let deploy = Notification {
        summary: "shop 1.2.3 deployed".to_owned(),
        subject: Subject::Deploy(Deploy {
            version: "1.2.3".to_owned(),
            service: Some("shop".to_owned()),
            author: "mira".to_owned(),
            link: None,
        }),
        ..page("deploy/1", Action::Change)
    };
    let told = pagerduty(&stand_in.origin(), KEY).deliver(&deploy).await;
    assert_eq!(told, Delivery::Delivered);
    let orchestration = pagerduty(&stand_in.origin(), &KEY.replacen('0', "R", 1));
    assert!(matches!(orchestration.deliver(&deploy).await, Delivery::Rejected { .. }));
    let incidents = stand_in.incidents();
    assert_eq!((incidents.all().len(), incidents.changes().len(), stand_in.calls()), (0, 1, 1));
    assert_eq!(incidents.changes()[0]["payload"]["summary"], "shop 1.2.3 deployed");
}

/// A sink at the stand-in, and one where nobody listens.
struct Bench {
    stand_in: StandIn,
    sink: PagerDuty,
    nowhere: PagerDuty,
    is_away: AtomicBool,
}

impl Sink for Bench {
    type Entry = Notification;

    async fn deliver(&self, notification: &Notification) -> Delivery {
        let is_away = self.is_away.swap(false, Ordering::Relaxed);
        let sink = if is_away { &self.nowhere } else { &self.sink };
        sink.deliver(notification).await
    }
}

impl SinkBench for Bench {
    fn arm(&self, fault: SinkFault) -> bool {
        match fault {
            SinkFault::Unreachable => self.is_away.store(true, Ordering::Relaxed),
            SinkFault::Busy => self.stand_in.fail(Fault::Status(429)),
            SinkFault::Refused => self.stand_in.fail(Fault::Status(400)),
            SinkFault::AnswerLost => self.stand_in.fail(Fault::AnswerLost),
        }
        true
    }

    fn taken(&self) -> usize {
        let incidents = self.stand_in.incidents();
        incidents.all().iter().map(|incident| incident.triggers.len()).sum()
    }
}

#[tokio::test]
async fn pagerduty_keeps_the_contract_of_sinks() {
    // Bound and not listening: nobody else gets the port, and nobody answers.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nowhere = pagerduty(&format!("http://{}", closed.local_addr().unwrap()), KEY);
    let stand_in = StandIn::start().await;
    let sink = pagerduty(&stand_in.origin(), KEY);
    let bench = Bench { stand_in, sink, nowhere, is_away: AtomicBool::new(false) };
    sink_contract(&bench, &page("noon/1", Action::Trigger), &bench).await.unwrap();
}

#[test]
fn incidents_are_kept_as_pagerduty_keeps_them() {
    let mut incidents = Incidents::default();
    let event = |action, key| json!({"routing_key": KEY, "event_action": action, "dedup_key": key});
    incidents.take(&event("resolve", "a"));
    incidents.take(&event("trigger", "a"));
    incidents.take(&event("trigger", "a"));
    incidents.take(&event("acknowledge", "b"));
    let keyless = json!({"routing_key": KEY, "event_action": "trigger"});
    let made = [incidents.take(&keyless), incidents.take(&keyless)];
    assert_ne!(made[0], made[1], "without a key every trigger is an incident");
    assert_eq!((incidents.all().len(), incidents.dropped()), (3, 2));
    incidents.take(&event("resolve", "a"));
    assert!(!incidents.all()[0].is_open);
    assert_eq!(incidents.all()[0].triggers.len(), 2);
}
