//! A real Prometheus server scrapes a real `dev`, in both formats, as `docs/prometheus.md` says.

mod relay;
mod server;

use super::served::ask;
use super::*;
use crate::suite::docs::snippets::blocks;
use crate::suite::prometheus::{families, line, program};
use crate::suite::source;
use server::{Series, Server};
use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long something may take that takes a scrape or two.
const PATIENCE: Duration = Duration::from_mins(1);
const TOKEN: &str = "0123456789abcdef";
/// The port in the configuration that the document shows.
const SHOWN: &str = "127.0.0.1:8080";

/// The metrics that the document asks about, and some with names that nobody would choose.
const RULES: &str = r"
version: 1
late: correct
out_of_order: 1s
allowed_lateness: 1s
metrics:
  orders_created: {count: type == 'order', dimensions: {country: data.country}, window: 1m}
  rejection_rate: {ratio: {part: type == 'refused', whole: type == 'order'}, window: 1m}
  order_value: {distribution: data.amount, where: type == 'order', window: 1m}
  order_abandonment:
    journey: {start: type == 'cart', finish: type == 'order', key: data.order, within: 30s}
    window: 1m
  customers: {unique: data.country, where: type == 'order', window: 1m}
  5xx.balance: {sum: data.change, dimensions: {_id: data.order, instance: data.country, quantile: type}, window: 1m}
alerts:
  rush: {metric: orders_created, by: [], when: sum over 5m >= 3, severity: critical, notify: [hook]}
channels:
  hook: {webhook: {url: 'http://127.0.0.1:9/'}}
";

/// Long ago, the first two minutes, and two more. The last event of each makes what is before it final.
const FIRST: &str = r#"
{"id":"0","source":"s","type":"order","time":"2022-01-05T10:00:00Z","data":{"order":"o0","country":"AE","amount":100}}
{"id":"1","source":"s","type":"cart","time":"2026-01-05T10:00:01Z","data":{"order":"o1"}}
{"id":"2","source":"s","type":"cart","time":"2026-01-05T10:00:02Z","data":{"order":"o2"}}
{"id":"3","source":"s","type":"order","time":"2026-01-05T10:00:03.5Z","data":{"order":"o1","country":"AE","amount":10}}
{"id":"4","source":"s","type":"order","time":"2026-01-05T10:00:04Z","data":{"order":"o3","country":"\\ \"x\"\n{é=\"\"}, ","amount":1}}
{"id":"5","source":"s","type":"refused","time":"2026-01-05T10:00:05Z","data":{"order":"o3"}}
{"id":"6","source":"s","type":"tick","time":"2026-01-05T10:01:40Z"}
"#;
const SECOND: &str = r#"
{"id":"7","source":"s","type":"order","time":"2026-01-05T10:02:00Z","data":{"order":"o4","country":"AE","amount":2.5}}
{"id":"8","source":"s","type":"order","time":"2026-01-05T10:02:01Z","data":{"order":"o5","amount":0.5}}
{"id":"9","source":"s","type":"order","time":"2026-01-05T10:02:02Z","data":{"order":"o6","country":"","amount":0.5,"change":2}}
{"id":"10","source":"s","type":"refund","time":"2026-01-05T10:02:03Z","data":{"order":"o6","country":"EG","change":-0.75}}
{"id":"11","source":"s","type":"tick","time":"2026-01-05T10:03:40Z"}
{
"#;

/// What a server must have then, among others.
const EXPECT: &str = r#"
orders_created_total{country="AE"} 3
orders_created_total{country="\\ \"x\"\n{é=\"\"}, "} 1
orders_created_total{country="__missing__"} 2
rejection_rate_part_total 1
rejection_rate_whole_total 6
order_value_sum 114.5
order_value_count 6
order_value{quantile="0.5"} 0.5
order_abandonment_started_total 2
order_abandonment_finished_total 1
order_abandonment_abandoned_total 1
order_abandonment_time_seconds_sum 2.5
customers 2
metric_5xx_balance_total{label_id="o6",instance="EG",quantile_40950bc7="refund"} -0.75
metric_5xx_balance_total{label_id="o6",instance="__missing__",quantile_40950bc7="order"} 2
streamgauge_records_received_total 13
streamgauge_records_counted_total 10
streamgauge_records_filtered_total 2
streamgauge_records_rejected_total 1
streamgauge_alerts_firing{alert="rush",severity="critical"} 1
streamgauge_notifications_waiting{channel="hook"} 1
streamgauge_window_end_timestamp_seconds{metric="order_value"} 1767607380
"#;

/// What is asked of the server, which the relay's scrapes say when to ask again.
struct Asked {
    server: Server,
    scrapes: Receiver<String>,
}

impl Asked {
    /// Asks after each scrape until it is answered as it should be.
    fn until<T>(&self, wanted: &str, answer: impl Fn(&Server) -> Result<T, String>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let format = self.scrapes.recv_timeout(PATIENCE).expect("a scrape");
            assert_eq!(format, "text/plain; version=0.0.4; charset=utf-8");
            match answer(&self.server) {
                Ok(answer) => return answer,
                Err(instead) => {
                    assert!(Instant::now() < until, "no {wanted}: {instead}");
                }
            }
        }
    }

    fn until_value(&self, expression: &str, expect: f64) {
        self.until(expression, |server| {
            let value = server.value(expression)?;
            if value.total_cmp(&expect).is_eq() { Ok(()) } else { Err(value.to_string()) }
        });
    }
}

#[test]
#[ignore = "needs a Prometheus server: cargo x prometheus-tests"]
fn a_prometheus_server_has_what_was_decided() {
    let sandbox = Sandbox::new("dev_scraped");
    sandbox.file("rules.yaml", RULES).file("token", TOKEN);
    let mut dev = Dev::start(&sandbox, "--clock events --notify --token-file token");
    let address = dev.address();
    let held = Arc::new(Mutex::new(address.clone()));
    let (relayed, scrapes) = relay::start(Arc::clone(&held));
    configure(&sandbox, &address, &relayed);
    let asked = Asked { server: Server::start(&sandbox), scrapes };
    asked.until_value("sum(up)", 2.0);
    push(&address, FIRST, 7);
    asked.until_value(r#"sum(orders_created_total{job="streamgauge"})"#, 3.0);
    push(&address, SECOND, 5);
    asked.until_value(r#"sum(orders_created_total{job="streamgauge"})"#, 6.0);
    asked.until_value(r#"sum(streamgauge_notifications_waiting{job="streamgauge"})"#, 1.0);
    for job in ["streamgauge", "text"] {
        asked.until(job, |server| has_all(&shown(server, job)?, &address));
    }
    questions_are_answered(&asked);
    let waits = held.lock().unwrap();
    dev.stop();
    let again = format!("dev --rules rules.yaml --store dev.store --listen {address}");
    dev = Dev::of(sandbox.command(&format!("{again} --clock events --notify --token-file token")));
    dev.address();
    drop(waits);
    no_counter_fell(&asked);
    sandbox.file("rules.yaml", "late: never\n");
    alerts_fire(&asked);
    targets_are_well(&asked.server);
    assert_eq!(asked.server.stop(), Some(0));
    let (code, told) = dev.stop();
    assert_eq!(code, Some(0), "{told}");
}

/// Writes the configuration and the alerts that the document shows, for here, and has them judged.
fn configure(sandbox: &Sandbox, address: &str, relayed: &str) {
    let shown = blocks(&source::read("docs/prometheus.md"));
    let [(_, configuration), (_, alerts)] = &shown[..] else { panic!("{shown:?}") };
    assert!(configuration.contains(SHOWN), "{configuration}");
    let own = configuration.replace(SHOWN, address);
    let other = own.replace(address, relayed).replace("job_name: streamgauge", "job_name: text");
    let other = other.replace("scrape_configs:\n", "");
    let often =
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yml]\n";
    sandbox.file("prometheus.yml", format!("{often}{own}{other}"));
    sandbox.file("alerts.yml", alerts);
    let mut check = Command::new(program("PROMTOOL", "promtool"));
    check.args(["check", "config", "prometheus.yml"]).current_dir(&sandbox.folder);
    let output = check.output().expect("promtool");
    assert!(output.status.success(), "{output:?}");
}

/// Pushes lines, of which so many are taken.
fn push(address: &str, lines: &str, accepted: usize) {
    let push = format!(
        "POST /events HTTP/1.1\r\nContent-Type: application/x-ndjson\r\nAuthorization: Bearer {TOKEN}"
    );
    let (status, told) = ask(address, &push, lines);
    assert!(told.starts_with(&format!("{{\"accepted\":{accepted},")), "{status}: {told}");
}

/// All series of a job but those that the server makes, without what the server adds.
fn shown(server: &Server, job: &str) -> Result<Series, String> {
    let found = server.query(&format!("{{job={job:?}}}"))?;
    let is_its_own = |name: &str| {
        name == "up"
            || name.starts_with("scrape_")
            || ["ALERTS", "ALERTS_FOR_STATE"].contains(&name)
    };
    let found = found.into_iter().filter(|((name, _), _)| !is_its_own(name));
    let found = found.map(|((name, mut labels), value)| {
        assert!(labels.remove("job").is_some() && labels.remove("instance").is_some());
        let labels = labels.into_iter();
        let labels = labels.map(|(label, of)| (label.replace("exported_", ""), of));
        ((name, labels.collect()), value)
    });
    Ok(found.collect())
}

/// A sample as a server has it.
fn series(sample: line::Sample) -> ((String, BTreeMap<String, String>), f64) {
    ((sample.name, sample.labels.into_iter().collect()), sample.value)
}

/// A server must have what is expected, and exactly the series of `dev`.
fn has_all(found: &Series, address: &str) -> Result<(), String> {
    for line in EXPECT.lines().filter(|line| !line.is_empty()) {
        let (key, value) = series(line::sample(line).unwrap());
        if found.get(&key) != Some(&value) {
            let others = found.iter().filter(|((name, _), _)| *name == key.0);
            return Err(format!("{line} is not in {:?}", others.collect::<Vec<_>>()));
        }
    }
    let scrape = format!(
        "GET /metrics HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nAccept: application/openmetrics-text"
    );
    let (status, text) = ask(address, &scrape, "");
    let families = families::parse(&text).map_err(|error| format!("{status} {error}"))?;
    let samples = families.into_iter().flat_map(|family| family.samples);
    // How far it is behind is another number each time.
    let still = |name: &str| name != "streamgauge_watermark_lag_seconds";
    let own: Series = samples.map(series).filter(|((name, _), _)| still(name)).collect();
    let mut found = found.clone();
    found.retain(|(name, _), _| still(name));
    if own == found { Ok(()) } else { Err(format!("{found:?} instead of {own:?}")) }
}

/// What the document asks comes to something, and the quotients to what they are.
fn questions_are_answered(asked: &Asked) {
    let page = source::read("docs/prometheus.md");
    let table = page.split_once("| question | PromQL |").unwrap().1;
    let rows = table.lines().skip(2).map_while(|row| row.strip_prefix("| "));
    let questions: Vec<&str> =
        rows.map(|row| row.split_once("| `").unwrap().1.strip_suffix("` |").unwrap()).collect();
    assert_eq!(questions.len(), 6);
    for question in questions {
        let answer = asked.until(question, |server| match server.query(question)? {
            none if none.is_empty() => Err("nothing".to_owned()),
            series => Ok(series),
        });
        let value = answer.values().next().unwrap();
        let expect = match question {
            _ if question.contains("rejection_rate") => 1.0 / 6.0,
            _ if question.contains("order_value") => 114.5 / 6.0,
            _ => continue,
        };
        assert!((value - expect).abs() < 1e-9, "{question}: {value}");
    }
}

/// When the process has begun again, counters are what they were.
fn no_counter_fell(asked: &Asked) {
    asked.until_value(r#"streamgauge_records_received_total{job="streamgauge"}"#, 0.0);
    for (counter, expect) in [
        ("orders_created_total", 6.0),
        ("rejection_rate_whole_total", 6.0),
        ("order_value_count", 6.0),
        ("order_value_sum", 114.5),
        ("order_abandonment_started_total", 2.0),
    ] {
        asked.until_value(&format!("sum({counter}{{job=\"streamgauge\"}})"), expect);
        let resets = format!("sum(resets({counter}{{job=\"streamgauge\"}}[1h]))");
        assert_eq!(asked.server.value(&resets), Ok(0.0), "{counter}");
    }
}

/// Those of the document's alerts that should are not quiet, when the rules have become wrong and an event was refused.
fn alerts_fire(asked: &Asked) {
    let expect = [
        ("StreamGaugeDown", "inactive"),
        ("StreamGaugeHearsNothing", "inactive"),
        ("StreamGaugeRefuses", "firing"),
        ("StreamGaugeBehind", "inactive"),
        ("StreamGaugeRulesRejected", "firing"),
        ("StreamGaugeSeriesLeftOut", "inactive"),
        ("StreamGaugeTellsNobody", "pending"),
        ("StreamGaugeLostNotifications", "inactive"),
    ];
    asked.until("alert", |server| {
        let answer = server.get("rules", "")?;
        let rules = answer["groups"][0]["rules"].as_array().ok_or_else(|| answer.to_string())?;
        let state = |rule: &serde_json::Value| {
            assert_eq!(rule["health"], "ok", "{rule}");
            (rule["name"].as_str().unwrap().to_owned(), rule["state"].as_str().unwrap().to_owned())
        };
        let states: Vec<_> = rules.iter().map(state).collect();
        let are_as_expected =
            states.iter().map(|(name, is)| (name.as_str(), is.as_str())).eq(expect);
        if are_as_expected { Ok(()) } else { Err(format!("{states:?}")) }
    });
}

/// Both were scraped without an error, and each in its format: they call a counter differently.
fn targets_are_well(server: &Server) {
    let targets = server.get("targets", "").unwrap();
    let targets = targets["activeTargets"].as_array().unwrap();
    assert_eq!(targets.len(), 2);
    for target in targets {
        assert_eq!(
            (&target["health"], &target["lastError"]),
            (&"up".into(), &"".into()),
            "{target}"
        );
    }
    for (job, name) in [("streamgauge", "orders_created"), ("text", "orders_created_total")] {
        let wanted = format!("targets/metadata?metric={name}&match_target=");
        let about = server.get(&wanted, &format!("{{job={job:?}}}")).unwrap();
        assert_eq!(about[0]["type"], "counter", "{job}: {about}");
    }
}
