//! Who is told: rejections on the stream become one incident and one mail, with evidence, and one resolve of each when time
//! passes; and while `PagerDuty` is down nothing else waits for it.
//!
//! Events are stamped most of ten minutes back, so that a rollup of ten minutes holds them for a minute only.

use super::super::metered::config;
use super::super::notify::{FROM, NUMBER, TO, kept, mails};
use super::feed::{self, Span};
use super::read_back;
use super::scene::{SOURCE, Scene};
use super::stack::{self, Stack};
use crate::suite::pagerduty::stand_in::{Fault, StandIn};
use aws_config::retry::RetryConfig;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use streamgauge_engine::time::{MINUTE_MS, Millis, SECOND_MS, Timestamp};
use streamgauge_lambda_aws::kinesis::primitives::Blob;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &str = "streamgauge/pagerduty";
const NAMESPACE: &str = "Told";
const METRIC: &str = "order_rejections";
/// How far back events are stamped that alerts are to forget soon, and those that they are to keep for a while.
const SOON_FORGOTTEN: Millis = 9 * MINUTE_MS;
const KEPT: Millis = 5 * MINUTE_MS;

fn rules() -> String {
    format!(
        r#"version: 1
namespace: {NAMESPACE}
out_of_order: 1s
allowed_lateness: 0s
late: correct
metrics:
  {METRIC}:
    count: type == "order.rejected"
    dimensions: {{aggregator: data.aggregator}}
    window: 10s
alerts:
  rejections:
    metric: {METRIC}
    steps:
      reactive:
        when: sum over 10m >= 3
        severity: critical
        notify: [oncall, operations, phone]
    summary: "{{{{ aggregator }}}} rejected {{{{ value }}}} orders in {{{{ over }}}}"
channels:
  oncall: {{pagerduty: {{routing_key: "secret:{SECRET}"}}}}
  operations: {{email: {{to: [{TO}], from: {FROM}}}}}
  phone: {{sms: {{to: ["{NUMBER}"]}}}}
notify: {{together: 1s}}
"#
    )
}

/// The stack, with a `PagerDuty` and a mail service of its own.
struct Told {
    scene: Scene,
    pagerduty: StandIn,
    stack: Stack,
    sent: usize,
}

impl Told {
    async fn start(name: &str) -> Self {
        let mut scene = Scene::new(name, Span::November).await;
        let pagerduty = StandIn::start().await;
        let account = &scene.setting.account;
        let sdk = config(account, "", None, RetryConfig::standard()).await;
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        secrets.create_secret().name(SECRET).secret_string(KEY).send().await.unwrap();
        let mail = aws_sdk_sesv2::Client::new(&sdk);
        mail.create_email_identity().email_identity(FROM).send().await.unwrap();
        scene.setting.rules = feed::write(&scene.setting.folder, "rules.yaml", &[rules()]);
        let origin = format!("STREAMGAUGE_PAGERDUTY={}", pagerduty.origin());
        scene.setting.variables.push(origin);
        scene.stream(SOURCE, 1).await;
        let stack = scene.setting.start();
        Self { scene, pagerduty, stack, sent: 0 }
    }

    /// Puts three rejections of an aggregator on the stream, stamped so far back: their ids.
    async fn reject_three(&mut self, aggregator: &str, back: Millis) -> Vec<String> {
        let first = stack::now().minus(back);
        let mut ids = Vec::new();
        for number in 0..3 {
            let id = format!("{aggregator}-{number}");
            let event = json!({
                "specversion": "1.0", "source": "shop", "id": id, "type": "order.rejected",
                "time": first.plus(number * SECOND_MS).to_string(), "data": {"aggregator": aggregator},
            });
            let put = self.scene.services.kinesis().put_record().stream_name(SOURCE);
            let put = put.partition_key(aggregator).data(Blob::new(event.to_string()));
            put.send().await.unwrap();
            ids.push(id);
        }
        self.sent += ids.len();
        ids
    }

    /// Waits until the incidents have come to this: each aggregator with whether its incident is open.
    fn until_incidents(&mut self, expect: &[(&str, bool)]) {
        let Self { pagerduty, stack, .. } = self;
        stack.until(&format!("the incidents {expect:?}"), || {
            let incidents = pagerduty.incidents();
            let found: Vec<_> = incidents
                .all()
                .iter()
                .map(|one| (aggregator(&one.triggers[0]), one.is_open))
                .collect();
            found.iter().map(|(name, is_open)| (name.as_str(), *is_open)).eq(expect.iter().copied())
        });
    }

    /// Waits until so many mails were sent: their subjects.
    fn until_mails(&mut self, count: usize) -> Vec<String> {
        let Self { scene, stack, .. } = self;
        let account = scene.setting.account.clone();
        stack.until(&format!("{count} mails"), || subjects(&account).len() >= count);
        subjects(&account)
    }

    /// Waits until so many text messages were sent: what they say.
    fn until_texts(&mut self, count: usize) -> Vec<String> {
        let Self { scene, stack, .. } = self;
        let account = scene.setting.account.clone();
        stack.until(&format!("{count} text messages"), || texts(&account).len() >= count);
        texts(&account)
    }

    /// Waits until `CloudWatch` has counted every event that was put.
    async fn until_counted(&mut self, begun: Timestamp) {
        loop {
            self.stack.until_delivered();
            let from = begun.minus(10 * MINUTE_MS);
            let table =
                read_back::table(self.scene.cloudwatch(), NAMESPACE, from, stack::now()).await;
            let total = read_back::total(&table, METRIC);
            assert!(total.to_string().parse::<usize>().unwrap() <= self.sent, "counted twice");
            if total.to_string() == self.sent.to_string() {
                return;
            }
        }
    }

    /// Stops the stack; nothing that was to be told is a dead letter.
    async fn stop(self) {
        let (summary, course) = self.stack.stop();
        assert_eq!(course.failures, Vec::<String>::new(), "{summary}");
        assert_eq!(self.scene.dead_letters().await, 0);
        let said = fs::read_to_string(self.scene.setting.folder.join("simulator.ndjson")).unwrap();
        assert!(said.contains("delivered") && !said.contains(KEY), "the routing key is in a log");
    }
}

fn aggregator(trigger: &Value) -> String {
    trigger["payload"]["custom_details"]["group"]["aggregator"].as_str().unwrap().to_owned()
}

fn subjects(account: &str) -> Vec<String> {
    let mails = mails(account);
    let mails = mails.as_array().into_iter().flatten();
    mails.map(|mail| mail["Subject"].as_str().unwrap().to_owned()).collect()
}

fn texts(account: &str) -> Vec<String> {
    let kept = kept("/_ministack/sns/sms-messages", account);
    let messages = kept["sms_messages"][NUMBER].as_array().into_iter().flatten();
    messages.map(|message| message["Message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_rejections_are_one_incident_with_evidence_and_one_resolve() {
    let mut told = Told::start("told").await;
    let begun = stack::now();
    let ids = told.reject_three("noon", SOON_FORGOTTEN).await;
    told.until_incidents(&[("noon", true)]);
    told.until_incidents(&[("noon", false)]);
    let (subjects, texts) = (told.until_mails(2), told.until_texts(2));
    told.until_counted(begun).await;

    let incidents = told.pagerduty.incidents();
    let [incident] = incidents.all() else { panic!("{incidents:?}") };
    let [trigger] = incident.triggers.as_slice() else { panic!("{incident:?}") };
    assert_eq!(trigger["payload"]["summary"], "noon rejected 3 orders in 10m");
    assert_eq!(trigger["payload"]["severity"], "critical");
    let details = &trigger["payload"]["custom_details"];
    assert_eq!(details["event_ids"], json!(ids));
    assert_eq!((&details["value"], &details["threshold"]), (&json!("3"), &json!("3")));
    assert_eq!((told.pagerduty.calls(), incidents.dropped()), (2, 0), "one trigger, one resolve");
    assert!(subjects[0].starts_with("[CRITICAL] noon rejected 3 orders in 10m"), "{subjects:?}");
    assert!(subjects[1].starts_with("[RESOLVED CRITICAL] "), "{subjects:?}");
    assert!(texts[0].starts_with("CRITICAL: noon rejected 3 orders in 10m"), "{texts:?}");
    assert!(texts[1].starts_with("RESOLVED CRITICAL: "), "{texts:?}");
    assert_eq!((subjects.len(), texts.len()), (2, 2), "{subjects:?} {texts:?}");
    told.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes about a quarter of an hour: cargo x end-to-end"]
async fn ten_minutes_without_pagerduty_lose_nothing_repeat_nothing_and_delay_nobody_else() {
    let mut told = Told::start("outage").await;
    let begun = stack::now();
    told.pagerduty.break_down(Some(Fault::Status(500)));
    told.reject_three("noon", SOON_FORGOTTEN).await;
    // It fires and resolves; both pages wait, both mails and all points do not.
    let mut subjects = told.until_mails(2);
    told.until_counted(begun).await;

    told.stack.until("half of the outage", || stack::now() >= begun.plus(5 * MINUTE_MS));
    told.pagerduty.break_down(Some(Fault::Status(429)));
    told.reject_three("talabat", KEPT).await;
    subjects.extend(told.until_mails(3).into_iter().skip(2));
    told.until_counted(begun).await;

    told.stack.until("the outage's end", || stack::now() >= begun.plus(10 * MINUTE_MS));
    let refused = told.pagerduty.calls();
    assert_eq!(told.pagerduty.incidents().all().len(), 0, "it takes nothing while it is down");
    // One page is tried, again after two minutes at the earliest, and those behind it wait.
    assert!((2..=6).contains(&refused), "{refused} calls in ten minutes");
    told.pagerduty.break_down(None);
    // What was kept back goes out in its order. The second's rollup holds its events for five minutes.
    told.until_incidents(&[("noon", false), ("talabat", false)]);
    subjects.extend(told.until_mails(4).into_iter().skip(3));

    let incidents = told.pagerduty.incidents();
    let triggers: Vec<_> = incidents.all().iter().map(|one| one.triggers.len()).collect();
    assert_eq!((triggers, incidents.dropped()), (vec![1, 1], 0), "nothing is told twice");
    assert_eq!(told.pagerduty.calls() - refused, 4, "two triggers, two resolves");
    let different: BTreeSet<_> = subjects.iter().collect();
    assert_eq!((subjects.len(), different.len()), (4, 4), "{subjects:?}");
    let took = (stack::now().as_millis() - begun.as_millis()) / SECOND_MS;
    writeln!(std::io::stderr(), "{refused} calls refused, all told after {took} s").unwrap();
    told.stop().await;
}
