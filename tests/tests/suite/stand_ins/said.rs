//! `streamgauge silence` and `deployed` as a user runs them, and what settle then makes of it.

use super::dead_letters::Bench;
use super::send::told;
use serde_json::Value;
use streamgauge_engine::notification::Action;
use streamgauge_engine::time::MINUTE_MS;
use streamgauge_pipeline::notifications;
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::{Log, LogId, Version, Wanted};
use streamgauge_pipeline::settle_entry::NOTIFICATIONS;
use streamgauge_pipeline::system_clock::SystemClock;
use streamgauge_pipeline::world::World;

const RULES: &str = "
late: drop
out_of_order: 1ms
metrics: {orders: {count: type == 'order', window: 1m}}
alerts:
  busy: {metric: orders, when: sum over 5m >= 2, severity: error, notify: [oncall, desk]}
channels:
  oncall: {pagerduty: {routing_key: 'env:KEY'}}
  desk: {webhook: {url: 'https://desk.test/hook'}}
";

/// An event that many milliseconds ago.
fn event(id: &str, kind: &str, ago: i64) -> String {
    let time = SystemClock.now().minus(ago);
    format!(r#"{{"id":"{id}","source":"shop","type":"{kind}","time":"{time}"}}"#)
}

/// Runs a command against the stack's table; what it prints.
fn said(bench: &Bench, command: &str, code: i32) -> String {
    let output = bench.folder.run(&format!("{command} --table {}", bench.table));
    told(&output, code);
    String::from_utf8(output.stdout).unwrap()
}

/// What was told so far, in order.
async fn heard(bench: &Bench) -> Vec<String> {
    let (world, log) = (bench.world(), LogId::settle(Partition::default()));
    let (mut heard, mut after) = (Vec::new(), Version::START);
    loop {
        let read = world.log().read(&log, after, Wanted::Only(&[NOTIFICATIONS])).await.unwrap();
        let Some(last) = read.last() else { return heard };
        after = last.version;
        let chunks = read.iter().filter_map(|logged| logged.entry.chunks().get(&NOTIFICATIONS));
        for one in chunks.flat_map(|chunk| notifications::decode(chunk).unwrap()) {
            heard.push(format!("{} {:?}", one.channel, one.action));
            assert!(one.action != Action::Change || one.summary == "shop 1.2.3 deployed");
        }
    }
}

#[tokio::test]
async fn a_silence_keeps_pages_back_until_it_is_ended_and_a_deploy_is_told() {
    let bench = Bench::with_rules("said", RULES).await;
    bench.put(&event("first", "click", 2 * MINUTE_MS)).await;
    bench.aggregate(1).await;
    let add = "silence add --alert busy --for 1h --from 2026-01-05T10:00:00Z --reason drill";
    let refused = bench.folder.run(&format!("{add} --author ci --table {}", bench.table));
    assert!(told(&refused, 2).contains("hint: "), "a silence that is over is refused");
    let id = said(&bench, "silence add --alert busy --for 1h --reason drill --author ci", 0);
    let from = said(&bench, "silence list --output json", 0);
    let listed: Value = serde_json::from_str(from.trim_end()).unwrap();
    assert_eq!(
        (listed["id"].as_str(), listed["state"].as_str()),
        (Some(id.trim()), Some("active"))
    );

    // Both happen now, within the silence; the third moves the watermark past them.
    for (name, kind) in [("a", "order"), ("b", "order"), ("c", "click")] {
        bench.put(&event(name, kind, 0)).await;
    }
    bench.aggregate(4).await;
    for _ in 0..3 {
        bench.settle().await;
    }
    assert!(heard(&bench).await.is_empty(), "it is silent");

    said(&bench, &format!("silence end {} --author noor", id.trim()), 0);
    said(&bench, "deployed 1.2.3 --service shop --author ci", 0);
    bench.settle().await;
    let mut all = heard(&bench).await;
    all.sort();
    assert_eq!(all, ["desk Trigger", "oncall Change", "oncall Trigger"]);
    assert!(said(&bench, "silence list", 0).starts_with("no silence is active"));
    said(&bench, &format!("silence end {} --author noor", id.trim()), 2);
}
