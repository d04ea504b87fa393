//! `streamgauge send` into a stream that fails on purpose: each record at least once, each key in order.

use super::super::send::{Folder, event, standing, told};
use super::streams::{STREAM, stream};
use super::{Metered, REGION, fault};
use std::collections::BTreeMap;
use streamgauge_meter::call::Service;
use streamgauge_meter::faults::{Harm, When};
use streamgauge_meter::limits::Limits;
use streamgauge_meter::unit::Unit;

/// Orders, which are the keys.
const ORDERS: usize = 50;
const EVENTS: usize = 1_500;

/// The lines of each order, in order.
fn by_order(lines: &[String]) -> BTreeMap<&str, Vec<&str>> {
    let mut orders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        orders.entry(line.split(r#""order":"#).nth(1).unwrap()).or_default().push(line);
    }
    orders
}

#[tokio::test]
async fn keys_keep_their_order_and_nothing_is_missing_whatever_fails() {
    let put = |when, harm| fault(Service::Kinesis, "PutRecords", when, harm);
    let faults = vec![
        put(When::Chance(500_000), Harm::FailRecords(30_000)),
        put(When::Every(4), Harm::Throttle),
        put(When::Every(5), Harm::LoseAnswer),
        put(When::Every(7), Harm::CloseBefore),
        put(When::Only(2), Harm::ServerError),
    ];
    let metered = Metered::with(Limits::none(), faults).await;
    stream(&metered.direct, &metered.account, 3).await;
    let events: Vec<_> = (0..EVENTS).map(|id| event(id, id % ORDERS, 0)).collect();
    let folder = Folder::new("faults", &events);
    let endpoint = metered.running.endpoint();
    let mut command = folder.command(&format!(
        "send --stream {STREAM} --key data.order --rate 500 --keep kept.ndjson --region {REGION} --endpoint {endpoint} events.ndjson"
    ));
    command.env("AWS_ACCESS_KEY_ID", &metered.account).env("AWS_SECRET_ACCESS_KEY", "stand-ins");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = told(&output, 0);
    assert!(text.starts_with(&format!("{EVENTS} events sent")), "{text}");
    assert!(text.contains("records were sent again"), "{text}");
    assert!(metered.amount(&Service::Kinesis, "PutRecords", Unit::Faults) > 5);

    let (offered, kept) = (folder.lines("events.ndjson"), folder.lines("kept.ndjson"));
    assert_eq!(kept.len(), EVENTS);
    assert_eq!(by_order(&kept), by_order(&offered));
    let stands = standing(&metered.direct.kinesis, STREAM).await;
    let stands: Vec<_> = stands.into_values().flatten().collect();
    assert!(stands.len() > EVENTS, "lost answers and broken keys leave copies");
    for (order, offered) in by_order(&offered) {
        let stands = by_order(&stands).remove(order).unwrap();
        // The last copies stand in the order in which they were offered.
        let lasts = offered.iter().map(|line| stands.iter().rposition(|stands| stands == line));
        let lasts: Vec<_> = lasts.collect();
        assert!(lasts.iter().all(Option::is_some) && lasts.is_sorted(), "{order}: {stands:#?}");
    }
}
