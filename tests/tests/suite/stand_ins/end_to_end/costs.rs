//! What the whole stack costs by the meter, for metrics of one, a hundred and more series: full batches of a busy shard.
//!
//! Everything that is written counts, also what an empty table begins with; so the run is long enough to spread that.

use super::answers;
use super::feed::Span;
use super::scene::{Judged, SOURCE, Scene};
use crate::suite::source::root;
use std::collections::BTreeSet;
use streamgauge_engine::time::Timestamp;

/// How many orders, in full batches of this many records.
const ORDERS: u64 = 18_000;
const BATCH: u64 = 1_000;
/// Between two orders, in microseconds: half of what a shard takes, so that the stand-in keeps up.
const GAP_MICROS: u64 = 2_200;

/// The orders, each of another series than the one before.
fn orders(series: u64) -> Vec<String> {
    let order = |number: u64| {
        let millis = i64::try_from(number * GAP_MICROS / 1_000).unwrap();
        let time = Timestamp::from_millis(1_577_836_800_000 + millis);
        let name = number % series;
        format!(
            r#"{{"id":"o-{number:016x}","source":"checkout","type":"order.created","time":"{time}","data":{{"aggregator":"aggregator-{name:05}","amount":{}}}}}"#,
            number % 997
        ) + "\n"
    };
    (0..ORDERS).map(order).collect()
}

/// Sends the orders through the stack: a line of the table, of what the meter saw.
pub(super) async fn measure(series: u64) -> String {
    let mut scene = Scene::new(&format!("costs-{series}"), Span::Costs).await;
    scene.setting.rules = root().join("tests/rules/costs.yaml").canonicalize().unwrap();
    let parameters = [format!("BatchSize={BATCH}"), "BatchingWindowSeconds=60".to_owned()];
    scene.setting.parameters.extend(parameters);
    scene.stream(SOURCE, 1).await;
    // All is there before anybody reads it, so that batches are full.
    let sent = scene.send("all", &[(SOURCE, &orders(series))]);
    let stack = scene.setting.start();
    let judged = scene.judge(stack, &sent).await;
    line(series, &judged)
}

fn line(series: u64, judged: &Judged) -> String {
    let windows: BTreeSet<_> = judged.answers.table.keys().map(|cell| cell.start).collect();
    let windows = u64::try_from(windows.len()).unwrap();
    let thousands = judged.answers.counters["received"] / 1_000;
    let written = |function: &str, of: u64| {
        let units = judged.course.written[function];
        format!("{:.1}", units / u32::try_from(of).map(f64::from).unwrap())
    };
    let all = ratio(judged.amount("", "write units"), thousands);
    let [calls, data] =
        ["calls", "data"].map(|unit| ratio(judged.amount("PutMetricData", unit), windows));
    let batches = judged.invocations("local-aggregate");
    let aggregate = written("local-aggregate", thousands);
    let [settle, deliver] = ["local-settle", "local-deliver"].map(|name| written(name, windows));
    format!(
        "{series} | {batches} | {windows} | {aggregate} | {settle} | {deliver} | {all} | {calls} | {data}"
    )
}

/// One decimal.
fn ratio(amount: u64, of: u64) -> String {
    let tenths = (amount * 10 + of / 2) / of.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// What the columns of [`measure`] are: of functions what they say they have used, of all what the meter saw.
pub(super) const HEADER: &str = "series | batches | windows | write units: aggregate, per 1,000 events | settle, per window | \
     deliver, per window | all, per 1,000 events | PutMetricData per window: calls | data";

#[test]
fn windows_are_as_long_as_the_rules_say() {
    assert_eq!(answers::window_seconds("amounts"), 60);
}
