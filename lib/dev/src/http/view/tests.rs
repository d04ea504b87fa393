//! What is held of series.

use super::*;
use streamgauge_engine::time::HOUR_MS;
use streamgauge_rules::{SourceFile, compile};

#[test]
fn the_totals_of_the_history_take_the_place_of_those_before() {
    let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
    let keys = ["AE", "EG", "SA"].map(|country| Arc::new(SeriesKey::new([country])));
    let mut view = View::default();
    for series in keys.iter().take(2) {
        let (metric, values) = ("orders", &Values::Count(7));
        let (window_start, window_end, status) = (at(0), at(1), Status::Final);
        let seen = Seen { metric, series, window_start, window_end, status, values };
        view.add(seen);
        view.see(seen);
    }
    let [ae, _, sa] = keys;
    let kept = BTreeMap::from([(ae, Total::Count(2)), (sa, Total::Count(3))]);
    view.hold(Totals::from([("orders".to_owned(), kept)]));
    let held = view.series("orders");
    let held: Vec<_> = held.iter().map(|one| (one.total, one.newest.is_some())).collect();
    assert_eq!(held, [(Total::Count(2), true), (Total::Count(3), false)]);
}

#[test]
fn windows_are_final_where_no_late_event_and_no_journey_can_change_them() {
    let rules = "{version: 1, namespace: Shop, late: drop, out_of_order: 0s, allowed_lateness: 10s, metrics: {orders: {count: \"true\", window: 1m},
        carts: {journey: {start: type == 'a', finish: type == 'b', key: data.id, within: 1h}, window: 1m}}}";
    let files = [SourceFile { name: "rules".to_owned(), text: rules.to_owned() }];
    let plan = compile(&files, &|_| None).rules.unwrap().plan;
    let mut view = View::of(Some(Arc::new(plan)));
    assert_eq!(view.finals()["orders"], None);
    let watermark = Timestamp::from_millis(100 * HOUR_MS);
    view.watermark = Some(watermark);
    let finals = view.finals();
    assert_eq!(finals["orders"], Some(watermark.minus(10_000)));
    assert_eq!(finals["carts"], Some(watermark.minus(HOUR_MS + 10_000)));
}
