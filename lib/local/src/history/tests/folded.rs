//! What becomes of points, kind by kind.

use super::*;
use streamgauge_engine::decimal::Decimal;
use streamgauge_engine::output::{DistributionValues, Status};
use streamgauge_engine::sketch::Distribution;

const FINAL: PointKind = PointKind::Final;

fn distribution(values: &[i64]) -> Values {
    let mut sketch = Distribution::default();
    for &value in values {
        sketch.add(Decimal::from_billionths(i128::from(value) * 1_000_000_000));
    }
    Values::Distribution(Box::new(DistributionValues::from(sketch)))
}

#[test]
fn corrections_stand_by_themselves_and_are_in_what_is_rolled_up() {
    let mut kit = Kit::new("corrections", Limits::default());
    kit.points(&[
        ("orders", "AE", 0, MINUTE, FINAL, Values::Count(3)),
        ("orders", "AE", MINUTE, MINUTE, FINAL, Values::Count(4)),
        ("orders", "SA", 0, MINUTE, FINAL, Values::Count(9)),
    ]);
    kit.points(&[("orders", "AE", 0, MINUTE, PointKind::Correction, Values::Count(1))]);
    kit.points(&[
        ("orders", "AE", 0, MINUTE, PointKind::Correction, Values::Count(2)),
        ("orders", "AE", 0, MINUTE, PointKind::Correction, Values::Count(5)),
    ]);
    let decided = [
        r#""orders",{"country":"AE"},"10:00","10:01","final","sum":3,"count":3}"#,
        r#""orders",{"country":"AE"},"10:00","10:01","correction","sum":1,"count":1}"#,
        r#""orders",{"country":"AE"},"10:00","10:01","correction","sum":2,"count":2}"#,
        r#""orders",{"country":"AE"},"10:00","10:01","correction","sum":5,"count":5}"#,
        r#""orders",{"country":"SA"},"10:00","10:01","final","sum":9,"count":9}"#,
        r#""orders",{"country":"AE"},"10:01","10:02","final","sum":4,"count":4}"#,
    ];
    assert_eq!(kit.lines(Tier::Decided), decided);
    let minutes = [
        r#""orders",{"country":"AE"},"10:00","10:01","final","sum":11,"count":11,"windows":1}"#,
        r#""orders",{"country":"SA"},"10:00","10:01","final","sum":9,"count":9,"windows":1}"#,
        r#""orders",{"country":"AE"},"10:01","10:02","final","sum":4,"count":4,"windows":1}"#,
    ];
    assert_eq!(kit.lines(Tier::Minutes), minutes);
    let hours = [
        r#""orders",{"country":"AE"},"10:00","11:00","final","sum":15,"count":15,"windows":2}"#,
        r#""orders",{"country":"SA"},"10:00","11:00","final","sum":9,"count":9,"windows":1}"#,
    ];
    assert_eq!(kit.lines(Tier::Hours), hours);
}

/// Its windows are final one by one, and it grows with each.
#[test]
fn an_hour_is_open_until_all_of_its_windows_are_final() {
    let mut kit = Kit::new("hours", Limits::default());
    kit.points(&[("orders", "AE", 0, MINUTE, FINAL, Values::Count(3))]);
    let status = |tier, finals: &[(&str, Option<i64>)]| {
        let until = |after: i64| START.plus(after);
        let finals = finals.iter().map(|(name, after)| ((*name).to_owned(), after.map(until)));
        let wanted = PointsWanted { tier: Some(tier), ..PointsWanted::default() };
        let mut page = kit.history.points(&wanted, None).unwrap();
        page.open_beyond(&finals.collect());
        page.points[0].0.status
    };
    let orders = |after| [("orders", after)];
    assert_eq!(status(Tier::Hours, &orders(Some(59 * MINUTE))), Status::Open);
    assert_eq!(status(Tier::Hours, &orders(None)), Status::Open);
    assert_eq!(status(Tier::Hours, &orders(Some(HOUR))), Status::Final);
    assert_eq!(status(Tier::Minutes, &orders(Some(MINUTE))), Status::Final);
    assert_eq!(status(Tier::Decided, &orders(None)), Status::Final, "it was decided");
    assert_eq!(status(Tier::Hours, &[("gone", None)]), Status::Final, "rules do not have it");
}

#[test]
fn increments_grow_a_point_until_the_final_one_takes_its_place() {
    let mut kit = Kit::new("live", Limits::default());
    let (increment, recorded) = (PointKind::Increment, PointKind::Recorded);
    kit.points(&[("orders", "", 0, MINUTE, increment, Values::Count(3))]);
    kit.points(&[
        ("orders", "", 0, MINUTE, increment, Values::Count(1)),
        ("orders", "", MINUTE, MINUTE, increment, Values::Count(2)),
    ]);
    let open = r#""orders",{},"10:01","10:02","open","sum":2,"count":2}"#;
    let grown = r#""orders",{},"10:00","10:01","open","sum":4,"count":4}"#;
    assert_eq!(kit.lines(Tier::Decided), [grown, open]);
    assert_eq!(kit.lines(Tier::Minutes), [""; 0]);
    kit.points(&[
        ("orders", "", 0, MINUTE, recorded, Values::Count(4)),
        ("orders", "", 0, MINUTE, PointKind::Correction, Values::Count(6)),
    ]);
    let expected = [
        r#""orders",{},"10:00","10:01","final","sum":4,"count":4}"#,
        r#""orders",{},"10:00","10:01","correction","sum":6,"count":6}"#,
        open,
    ];
    assert_eq!(kit.lines(Tier::Decided), expected);
    let rolled = r#""orders",{},"10:00","11:00","final","sum":10,"count":10,"windows":1}"#;
    assert_eq!(kit.lines(Tier::Hours), [rolled]);
}

#[test]
fn long_windows_are_kept_and_odd_ones_count_where_they_end() {
    let mut kit = Kit::new("lengths", Limits::default());
    kit.points(&[
        ("odd", "", 0, 45_000, FINAL, Values::Count(1)),
        ("odd", "", 45_000, 45_000, FINAL, Values::Count(2)),
        ("odd", "", 90_000, 45_000, FINAL, Values::Count(4)),
        ("long", "", 0, 2 * HOUR, FINAL, Values::Count(8)),
    ]);
    kit.points(&[("long", "", 0, 2 * HOUR, PointKind::Correction, Values::Count(1))]);
    let long = r#""long",{},"10:00","12:00","final","sum":9,"count":9,"windows":1}"#;
    let expected = [
        r#""odd",{},"10:00","10:01","final","sum":1,"count":1,"windows":1}"#,
        r#""odd",{},"10:01","10:02","final","sum":2,"count":2,"windows":1}"#,
        r#""odd",{},"10:02","10:03","final","sum":4,"count":4,"windows":1}"#,
        long,
    ];
    assert_eq!(kit.lines(Tier::Minutes), expected);
    let odd = r#""odd",{},"10:00","11:00","final","sum":7,"count":7,"windows":3}"#;
    assert_eq!(kit.lines(Tier::Hours), [odd, long]);
}

#[test]
fn percentiles_are_those_of_all_values_and_of_unique_counts_the_largest_is_kept() {
    let mut kit = Kit::new("kinds", Limits::default());
    kit.points(&[
        ("amounts", "", 0, MINUTE, FINAL, distribution(&[1, 2, 3])),
        ("amounts", "", MINUTE, MINUTE, FINAL, distribution(&[100])),
        ("customers", "", 0, MINUTE, FINAL, Values::Unique(8)),
        ("customers", "", MINUTE, MINUTE, FINAL, Values::Unique(5)),
        ("rate", "", 0, MINUTE, FINAL, Values::Ratio { part: 1, whole: 4 }),
        ("rate", "", MINUTE, MINUTE, FINAL, Values::Ratio { part: 3, whole: 4 }),
    ]);
    let Values::Distribution(all) = distribution(&[1, 2, 3, 100]) else { panic!("it is one") };
    let [p50, p90, p95, p99, last] = all.percentiles;
    let expected = [
        format!(
            r#""amounts",{{}},"10:00","11:00","final","sum":106,"count":4,"average":26.5,"min":1,"max":100,"p50":{p50},"p90":{p90},"p95":{p95},"p99":{p99},"p99.9":{last},"windows":2}}"#
        ),
        r#""customers",{},"10:00","11:00","final","unique":8,"windows":2,"of":"largest"}"#
            .to_owned(),
        r#""rate",{},"10:00","11:00","final","sum":4,"count":8,"rate":0.5,"windows":2}"#.to_owned(),
    ];
    assert_eq!(kit.lines(Tier::Hours), expected);
}

#[test]
fn a_metric_that_becomes_another_kind_is_another_metric() {
    let mut kit = Kit::new("changed", Limits::default());
    kit.points(&[("orders", "", 0, MINUTE, FINAL, Values::Count(1))]);
    kit.points(&[("orders", "", MINUTE, MINUTE, FINAL, Values::Ratio { part: 1, whole: 2 })]);
    let expected = [
        r#""orders",{},"10:00","11:00","final","sum":1,"count":1,"windows":1}"#,
        r#""orders",{},"10:00","11:00","final","sum":1,"count":2,"rate":0.5,"windows":1}"#,
    ];
    assert_eq!(kit.lines(Tier::Hours), expected);
    let metrics = kit.history.metrics().unwrap();
    let listed: Vec<_> = metrics
        .iter()
        .map(|kept| (&*kept.metric.name, kept.kind.as_str(), kept.rows, kept.last))
        .collect();
    let ends = [1, 2].map(|minute| START.plus(minute * MINUTE));
    assert_eq!(listed, [("orders", "count", 3, ends[0]), ("orders", "ratio", 3, ends[1])]);
}

#[test]
fn what_settle_says_of_itself_is_not_kept() {
    let mut kit = Kit::new("own", Limits::default());
    let all = publication(&[
        ("orders", "", 0, MINUTE, FINAL, Values::Count(1)),
        ("WatermarkLag", "", 0, MINUTE, FINAL, Values::Count(2)),
    ]);
    kit.append(&all, 1, &AlertRecord::default());
    assert_eq!(kit.history.step().unwrap().points, 1);
    assert_eq!(kit.lines(Tier::Decided).len(), 1);
}
