//! What is held of series.

use super::*;

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
