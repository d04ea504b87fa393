//! Totals go on when their points are gone, and go only as a whole.

use super::*;
use streamgauge_pipeline::kept::Total;

/// All totals, each with the values of its series and the minute after the start at which its newest window ends.
fn totals(kit: &Kit) -> Vec<(String, String, i64, Total)> {
    let mut all = Vec::new();
    let moment = kit.history.moment().unwrap();
    let show =
        |metric: &str, series: Arc<SeriesKey>, kept: streamgauge_pipeline::kept::KeptTotal| {
            let end = (kept.end.as_millis() - START.as_millis()) / MINUTE;
            let series = series.values().collect::<Vec<_>>().join(",");
            all.push((metric.to_owned(), series, end, kept.total));
        };
    moment.totals(show).unwrap();
    all
}

fn count(series: &'static str, minute: i64, kind: PointKind, events: u64) -> Told {
    ("orders", series, minute * MINUTE, MINUTE, kind, Values::Count(events))
}

fn of(series: &str, end: i64, events: u64) -> (String, String, i64, Total) {
    ("orders".to_owned(), series.to_owned(), end, Total::Count(events))
}

#[test]
fn they_are_of_all_points_also_of_those_that_are_gone() {
    use PointKind::{Correction, Final, Increment};
    let mut kit = Kit::new("totals", kept(HOUR, HOUR, 2 * HOUR, HOUR));
    kit.points(&[
        count("AE", 0, Increment, 2),
        count("AE", 0, Final, 3),
        count("SA", 1, Final, 10),
    ]);
    kit.points(&[count("AE", 0, Correction, 4)]);
    assert_eq!(totals(&kit), [of("AE", 1, 7), of("SA", 2, 10)]);
    kit.clock.advance(5 * HOUR);
    // One is too old for any level, and all before it go.
    kit.points(&[count("AE", 2, Final, 100), count("AE", 299, Final, 1_000)]);
    assert_eq!(kit.lines(Tier::Hours).len(), 1);
    let kit = kit.reopen();
    assert_eq!(totals(&kit), [of("AE", 300, 1_107), of("SA", 2, 10)]);
}

#[test]
fn a_metric_of_another_kind_begins_anew() {
    let mut kit = Kit::new("kind", Limits::default());
    let values = [Values::Count(9), Values::Ratio { part: 1, whole: 2 }, Values::Count(4)];
    for (minute, value) in (0..).zip(values) {
        kit.points(&[("orders", "", minute * MINUTE, MINUTE, PointKind::Final, value)]);
    }
    assert_eq!(totals(&kit), [of("", 3, 4)]);
}

#[test]
fn of_too_many_series_those_with_the_oldest_windows_go() {
    let limits = Limits { totals_max: 4, ..Limits::default() };
    let mut kit = Kit::new("many-totals", limits);
    let ends = [("a", 9), ("b", 7), ("c", 7), ("d", 8)];
    kit.points(&ends.map(|(series, minute)| count(series, minute, PointKind::Final, 1)));
    assert_eq!(totals(&kit).len(), 4);
    kit.decide(&publication(&[count("e", 5, PointKind::Final, 1)]), &AlertRecord::default());
    assert_eq!(kit.history.step().unwrap().forgotten, 3);
    assert_eq!(totals(&kit), [of("a", 10, 1), of("d", 9, 1)]);
    kit.points(&[count("b", 7, PointKind::Correction, 5)]);
    assert_eq!(totals(&kit), [of("a", 10, 1), of("b", 8, 5), of("d", 9, 1)]);
}
