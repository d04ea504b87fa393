//! Rules to calls, over real connections: which channel reaches what, what is done with secrets that were changed, and what
//! nobody may read.

mod checked;

use super::*;
use crate::retry::{LATER_MS, SOON_MS};
use crate::testing::notification;
use crate::testing::server::{Manner, Server};
use crate::testing::watched::watched;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use streamgauge_engine::time::{MINUTE_MS, Timestamp};
use streamgauge_pipeline::memory::VirtualClock;
use streamgauge_pipeline::port::sink::{Delivery, Sink};
use streamgauge_rules::{SourceFile, compile};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const SIGNING: &str = "whsec_U1RSRUFNR0FVR0VTVFJFQU1HQVVHRVNUUkVBTUdBVUdF";

/// Values by the name of their reference, which can be changed.
#[derive(Clone, Debug, Default)]
struct Values(Arc<Mutex<BTreeMap<String, String>>>);

impl Values {
    fn set(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }
}

impl Secrets for Values {
    async fn resolve(&self, reference: &Reference) -> Result<Secret, SecretError> {
        let value = self.0.lock().unwrap().get(&reference.to_string()).map(Secret::new);
        value.ok_or_else(|| SecretError::Absent { reference: reference.clone() })
    }
}

/// The channels of a rules file, as it is written.
fn read(text: &RulesText) -> Result<Vec<Channel>, NoPlan> {
    let files = text.files.iter();
    let sources: Vec<_> =
        files.map(|(name, rules)| SourceFile { name: name.clone(), text: rules.clone() }).collect();
    let rules = compile(&sources, &|_| None).rules;
    let message = "it is none".to_owned();
    rules.map(|rules| rules.channels).ok_or(NoPlan { message, source: None })
}

type Opener = FromRules<fn(&RulesText) -> Result<Vec<Channel>, NoPlan>, Values, VirtualClock>;

struct Bench {
    server: Server,
    values: Values,
    clock: VirtualClock,
    channels: Opener,
    rules: RulesText,
}

impl Bench {
    /// Everything is at one server, which takes all.
    async fn new(webhooks: Reach) -> Self {
        let server = Server::start(Manner::Echo(202)).await;
        let values = Values::default();
        let clock = VirtualClock::new(Timestamp::from_millis(1_767_607_200_000));
        let places = Places { pagerduty: server.url(""), webhooks };
        let read: fn(&_) -> _ = read;
        let channels = FromRules::new(read, values.clone(), Post::none(), places, clock.clone());
        values.set("secret:shop/key", &format!("{KEY}\n"));
        values.set("ssm:/shop/signing", SIGNING);
        values.set("env:SLACK", &server.url("/services/T00/sl4cksecret"));
        let rules = format!(
            r#"
namespace: Shop
late: drop
metrics: {{orders: {{count: type == "order.created", window: 5m}}}}
channels:
  oncall: {{pagerduty: {{routing_key: secret:shop/key}}}}
  hook: {{webhook: {{url: "{}", secret: ssm:/shop/signing}}}}
  bare: {{webhook: {{url: "{}"}}}}
  chat: {{webhook: {{url: env:SLACK, format: slack}}}}
  mail: {{email: {{to: [ops@example.com], from: gauge@example.com}}}}
  phone: {{sms: {{to: ["+971500000000", "+971500000001"]}}}}
  lost: {{pagerduty: {{routing_key: secret:shop/none}}}}
"#,
            server.url("/hook"),
            server.url("/bare"),
        );
        let rules = RulesText { files: vec![("shop.yaml".to_owned(), rules)] };
        Self { server, values, clock, channels, rules }
    }

    /// What becomes of a notification, through an end that is opened for it.
    async fn tell(&self, channel: &str) -> Delivery {
        match self.channels.open(&self.rules, channel, ONLY).await {
            Ok(end) => end.deliver(&notification()).await,
            Err(not_open) => not_open.into(),
        }
    }
}

fn later() -> Delivery {
    Delivery::Retry { after_ms: LATER_MS }
}

#[tokio::test]
async fn each_channel_reaches_what_the_rules_say_with_its_secrets() {
    let bench = Bench::new(Reach::Anywhere).await;
    for channel in ["oncall", "hook", "bare", "chat"] {
        assert_eq!(bench.tell(channel).await, Delivery::Delivered, "{channel}");
    }
    let calls = bench.server.calls();
    let [oncall, hook, bare, chat] = calls.as_slice() else { panic!("{calls:?}") };
    assert!(oncall.starts_with("POST /v2/enqueue "), "{oncall}");
    assert!(oncall.contains(&format!("\"routing_key\":\"{KEY}\"")), "{oncall}");
    assert!(hook.starts_with("POST /hook ") && hook.contains("webhook-signature: v1,"), "{hook}");
    assert!(bare.starts_with("POST /bare ") && !bare.contains("webhook-signature"), "{bare}");
    assert!(chat.starts_with("POST /services/T00/sl4cksecret "), "{chat}");
    assert!(chat.contains("\"attachments\""), "{chat}");
}

#[tokio::test]
async fn what_is_sent_apart_has_receivers_of_its_own() {
    let bench = Bench::new(Reach::Anywhere).await;
    let receivers = |channel: &str| bench.channels.receivers(&bench.rules, channel);
    assert_eq!(receivers("phone").unwrap(), ["+971500000000", "+971500000001"]);
    for channel in ["oncall", "hook", "mail"] {
        assert_eq!(receivers(channel).unwrap(), [ONLY], "{channel}");
    }
    assert_eq!(receivers("nobody"), None);
}

#[tokio::test]
async fn repeats_are_known_where_the_table_says_so() {
    let bench = Bench::new(Reach::Anywhere).await;
    for (channel, knows) in [("oncall", true), ("hook", true), ("chat", false)] {
        let end = bench.channels.open(&bench.rules, channel, ONLY).await.unwrap();
        assert_eq!(Opener::knows_repeats(&end), knows, "{channel}");
    }
}

#[tokio::test]
async fn a_secret_that_was_changed_is_used_when_the_old_one_is_refused() {
    let bench = Bench::new(Reach::Anywhere).await;
    assert_eq!(bench.tell("oncall").await, Delivery::Delivered);
    let fresh = "f".repeat(32);
    for (status, expect) in [(403, later()), (400, Delivery::Retry { after_ms: SOON_MS })] {
        bench.values.set("secret:shop/key", &fresh);
        bench.server.set(Manner::Echo(status));
        assert_eq!(bench.tell("oncall").await, expect, "{status}");
        let with_old = bench.server.calls().len();
        bench.server.set(Manner::Echo(202));
        assert_eq!(bench.tell("oncall").await, Delivery::Delivered);
        assert!(bench.server.calls()[with_old].contains(&fresh));
        bench.clock.advance(MINUTE_MS);
    }
}

#[tokio::test]
async fn what_a_fresh_secret_cannot_help_is_refused() {
    let bench = Bench::new(Reach::Anywhere).await;
    bench.server.set(Manner::Echo(400));
    let refused = bench.tell("oncall").await;
    assert!(matches!(refused, Delivery::Rejected { .. }), "{refused:?}");
    // Kept meanwhile, so it is read again once; the second answer stands.
    assert_eq!(bench.tell("oncall").await, Delivery::Retry { after_ms: SOON_MS });
    assert!(matches!(bench.tell("oncall").await, Delivery::Rejected { .. }));
}

#[tokio::test]
async fn what_a_person_can_mend_waits_for_it() {
    let bench = Bench::new(Reach::Anywhere).await;
    for channel in ["lost", "mail"] {
        assert_eq!(bench.tell(channel).await, later(), "{channel}");
    }
    let phone = bench.channels.open(&bench.rules, "phone", "+971500000001").await;
    assert_eq!(phone.unwrap_err(), NotOpen::Retry { after_ms: LATER_MS });
    bench.values.set("ssm:/shop/signing", "no key");
    assert_eq!(bench.tell("hook").await, later());
    assert_eq!(bench.server.calls().len(), 0);
    bench.values.set("secret:shop/none", KEY);
    bench.values.set("ssm:/shop/signing", SIGNING);
    for channel in ["lost", "hook"] {
        assert_eq!(bench.tell(channel).await, Delivery::Delivered, "{channel}");
    }
}

#[tokio::test]
async fn a_channel_that_is_gone_is_told_so() {
    let bench = Bench::new(Reach::Anywhere).await;
    let reason = "the rules have no such channel or receiver any more".to_owned();
    let gone = NotOpen::Rejected { reason };
    for (channel, receiver) in [("nobody", ONLY), ("phone", "+971500000009")] {
        let opened = bench.channels.open(&bench.rules, channel, receiver).await;
        assert_eq!(opened.unwrap_err(), gone, "{channel}");
    }
    let broken = RulesText { files: vec![("shop.yaml".to_owned(), "namespace: 1\n".to_owned())] };
    let not_open = bench.channels.open(&broken, "oncall", ONLY).await.unwrap_err();
    let later = NotOpen::Retry { after_ms: LATER_MS };
    assert_eq!(not_open, later, "a newer version may read them");
    assert_eq!(bench.channels.receivers(&broken, "oncall").unwrap(), [ONLY]);
}

#[tokio::test]
async fn webhooks_reach_no_private_address_and_pagerduty_is_where_the_operator_says() {
    let bench = Bench::new(Reach::Public).await;
    for channel in ["hook", "bare", "chat"] {
        let refused = bench.tell(channel).await;
        assert!(matches!(refused, Delivery::Rejected { .. }), "{channel}: {refused:?}");
    }
    assert_eq!(bench.tell("oncall").await, Delivery::Delivered);
    assert_eq!(bench.server.calls().len(), 1);
}

#[tokio::test]
async fn rules_are_read_once_until_they_change() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let bench = Bench::new(Reach::Anywhere).await;
    let places = Places { pagerduty: bench.server.url(""), webhooks: Reach::Public };
    let count = move |text: &RulesText| {
        counted.fetch_add(1, Ordering::Relaxed);
        read(text)
    };
    let clock = bench.clock.clone();
    let channels = FromRules::new(count, bench.values.clone(), Post::none(), places, clock);
    for _ in 0..3 {
        assert!(channels.receivers(&bench.rules, "oncall").is_some());
        drop(channels.open(&bench.rules, "oncall", ONLY).await.unwrap());
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    let mut changed = bench.rules.clone();
    changed.files[0].1 = changed.files[0].1.replace("oncall", "nightshift");
    assert_eq!(channels.receivers(&changed, "oncall"), None);
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn no_secret_of_a_channel_is_ever_said() {
    let bench = Bench::new(Reach::Anywhere).await;
    let all = async {
        let mut said = Vec::new();
        for status in [202, 302, 400, 401, 403, 404, 429, 500] {
            bench.server.set(Manner::Echo(status));
            for channel in ["oncall", "hook", "chat", "lost"] {
                let end = bench.channels.open(&bench.rules, channel, ONLY).await;
                said.push(format!("{end:?} {:?}", bench.tell(channel).await));
            }
            bench.clock.advance(3 * MINUTE_MS);
        }
        bench.values.set("ssm:/shop/signing", "whsec_h4lf4k3y");
        bench.clock.advance(5 * MINUTE_MS);
        said.push(format!("{:?} {:?}", bench.tell("hook").await, bench.channels));
        said.join("\n")
    };
    let (said, logged) = watched(all).await;
    for secret in [KEY, "U1RSRUFNR0FVR0U", "sl4cksecret", "h4lf4k3y"] {
        assert!(!said.contains(secret), "{secret} is said");
        assert!(!logged.contains(secret), "{secret} is logged");
    }
    assert!(logged.contains("the secret `ssm:/shop/signing` is of no use"), "{logged}");
    assert!(logged.contains("there is no secret `secret:shop/none`"), "{logged}");
}
