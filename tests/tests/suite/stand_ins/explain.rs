//! `streamgauge explain` as a user runs it, on what aggregate and settle have left in a table.

use super::dead_letters::Bench;
use super::send::{Folder, told};
use super::{services, unique};
use serde_json::Value;
use streamgauge_engine::time::{MINUTE_MS, SECOND_MS};
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::system_clock::SystemClock;

const RULES: &str = "
late: drop
out_of_order: 1s
metrics: {orders: {count: type == 'order', dimensions: {shop: data.shop}, window: 1m}}
alerts:
  busy: {metric: orders, when: sum over 5m >= 2, severity: error, notify: [desk]}
channels:
  desk: {webhook: {url: 'https://desk.test/hook'}}
";

/// An event that many milliseconds ago.
fn event(id: &str, kind: &str, ago: i64) -> String {
    let time = SystemClock.now().minus(ago);
    format!(
        r#"{{"id":"{id}","source":"shop","type":"{kind}","time":"{time}","data":{{"shop":"one"}}}}"#
    )
}

fn explained(bench: &Bench, more: &str, code: i32) -> String {
    let output = bench.folder.run(&format!("explain --table {} {more}", bench.table));
    told(&output, code);
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_page_is_explained_from_the_table_and_folded_again() {
    let bench = Bench::with_rules("explain_table", RULES).await;
    bench.put(&event("a", "order", MINUTE_MS)).await;
    bench.put(&event("b", "order", MINUTE_MS - SECOND_MS)).await;
    // Nobody counts it, but it moves the watermark past the two.
    bench.put(&event("c", "click", 0)).await;
    bench.aggregate(3).await;
    // The first one only learns the plan; the second asks for the shards and decides, at the latest with the third.
    for _ in 0..3 {
        bench.settle().await;
    }
    let line = explained(&bench, "--alert busy --output json", 0);
    let object: Value = serde_json::from_str(line.trim_end()).unwrap();
    assert_eq!(object["transition"], "firing");
    assert_eq!(object["evidence"], serde_json::json!(["a", "b"]));
    assert_eq!(object["recomputed"], "same", "{line}");
    let id = object["notifications"][0]["id"].as_str().unwrap();
    let text = explained(&bench, id, 0);
    assert!(text.starts_with("busy  shop=one  firing at "), "{text}");
    assert!(text.contains("  recomputed  the same, from "), "{text}");
    assert!(!explained(&bench, "--alert busy --no-recompute", 0).contains("recomputed"));
    assert_eq!(explained(&bench, "--alert calm", 1), "");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_wrong_argument() {
    services().await;
    let folder = Folder::new("explain_no_table", &[]);
    let name = unique("absent");
    let text = told(&folder.run(&format!("explain --table {name}")), 2);
    assert!(text.starts_with(&format!("error: there is no table `{name}`")), "{text}");
}
