//! What stays where there is too much.

use super::*;
use streamgauge_engine::output::{Status, Values};
use streamgauge_engine::transition::{Evidence, Reason};
use streamgauge_rules::deployed::compile_deployed;

const LIMITS: Limits =
    Limits { points: 10, points_bytes: 1_000, series: 3, transitions: 3, transitions_bytes: 1_000 };

fn of(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A point of the window that ends then.
fn point(metric: usize, series: &str, end: i64, status: Status) -> Point {
    Point {
        metric,
        series: Arc::new(SeriesKey::new([series])),
        window_start: of(end - 1),
        window_end: of(end),
        status,
        decided_at: of(end),
        values: Values::Count(1),
    }
}

/// Two metrics that keep little, after one line per window of these ends, of metric 0.
fn after(ends: impl Iterator<Item = i64>) -> Kept {
    let mut kept = Kept::within(LIMITS, 2);
    for end in ends {
        kept.point(&point(0, "a", end, Status::Final), format!("{end} ").into_bytes());
    }
    kept
}

/// All lines that are kept.
fn text(kept: &Kept) -> String {
    kept.lines().map(String::from_utf8_lossy).collect()
}

#[test]
fn all_is_kept_in_its_order_where_there_is_room() {
    let mut kept = after(1..=3);
    kept.point(&point(1, "b", 2, Status::Final), b"other ".to_vec());
    kept.point(&point(0, "a", 4, Status::Open), b"open ".to_vec());
    assert_eq!(text(&kept), "1 2 3 other open ");
    assert_eq!(kept.left_out(), [LeftOut::default(); 2]);
}

#[test]
fn the_oldest_windows_of_the_largest_metric_go() {
    let mut kept = after(1..=9);
    kept.point(&point(1, "b", 1, Status::Final), b"other ".to_vec());
    kept.point(&point(0, "a", 10, Status::Final), b"10 ".to_vec());
    assert_eq!(text(&kept), "2 3 4 5 6 7 8 9 other 10 ");
    let gone = LeftOut { points: 1, until: Some(of(1)), of_series: 0 };
    assert_eq!(kept.left_out(), [gone, LeftOut::default()]);
}

#[test]
fn a_window_goes_as_a_whole_and_its_corrections_with_it() {
    let mut kept = Kept::within(LIMITS, 1);
    for (series, end) in [("a", 1), ("b", 1), ("c", 1)] {
        kept.point(&point(0, series, end, Status::Final), b"old ".to_vec());
    }
    kept.point(&point(0, "a", 2, Status::Final), b"2 ".to_vec());
    kept.point(&point(0, "b", 1, Status::Correction), b"old ".to_vec());
    for end in 3..=8 {
        kept.point(&point(0, "a", end, Status::Final), format!("{end} ").into_bytes());
    }
    kept.point(&point(0, "c", 1, Status::Correction), b"late ".to_vec());
    assert_eq!(text(&kept), "2 3 4 5 6 7 8 ");
    assert_eq!(kept.left_out(), [LeftOut { points: 5, until: Some(of(1)), of_series: 0 }]);
}

#[test]
fn bytes_are_bounded_too() {
    let mut kept = after(1..=2);
    kept.point(&point(0, "a", 3, Status::Final), vec![b'x'; 999]);
    assert_eq!(text(&kept).len(), 999);
    assert_eq!(kept.left_out().first().map(|left_out| left_out.points), Some(2));
}

#[test]
fn series_beyond_the_limit_are_counted() {
    let mut kept = Kept::within(LIMITS, 1);
    for series in ["a", "b", "c", "d", "a", OTHER, "e"] {
        kept.point(&point(0, series, 1, Status::Final), series.as_bytes().to_vec());
    }
    assert_eq!(text(&kept), "abca__other__");
    assert_eq!(kept.left_out(), [LeftOut { points: 0, until: None, of_series: 2 }]);
}

/// A transition of the alert for everything.
fn transition(alert: usize, kind: TransitionKind) -> Transition {
    Transition {
        alert,
        step: 0,
        group: Arc::new(SeriesKey::new([])),
        kind,
        at: of(1),
        episode: of(1),
        reason: Reason::ConditionHolds,
        evidence: Evidence::default(),
    }
}

#[test]
fn the_newest_transitions_stay_and_what_fires_is_told_however_old() {
    let mut kept = Kept::within(LIMITS, 0);
    kept.transition(&transition(0, TransitionKind::Firing), b"0 fires ".to_vec());
    for round in 0..3 {
        kept.transition(&transition(1, TransitionKind::Firing), format!("fires {round} ").into());
        kept.transition(&transition(1, TransitionKind::Resolved), format!("ends {round} ").into());
    }
    assert_eq!(text(&kept), "ends 1 fires 2 ends 2 ");
    assert_eq!(kept.transitions_left_out(), 4);
    assert_eq!(active(&kept, 1), "0 fires ");
}

/// What is active when everything up to then is decided.
fn active(kept: &Kept, end: i64) -> String {
    const RULES: &str = "late: drop\nmetrics:\n  orders: {count: type == 'order', window: 1m}\nalerts:\n  any: {metric: orders, for: 5m, when: sum over 1m >= 1, severity: critical, notify: []}\n";
    let files = [("rules.yaml".to_owned(), RULES.to_owned())];
    let rules = compile_deployed(&files).unwrap();
    kept.active(&rules.plan, of(end)).map(String::from_utf8_lossy).collect()
}

#[test]
fn what_was_only_pending_is_over_when_it_should_have_fired() {
    let mut kept = Kept::within(LIMITS, 0);
    kept.transition(&transition(0, TransitionKind::Pending), b"waits ".to_vec());
    assert_eq!(active(&kept, 300_001), "waits ");
    assert_eq!(active(&kept, 300_002), "");
    kept.transition(&transition(0, TransitionKind::Firing), b"fires ".to_vec());
    assert_eq!(active(&kept, 300_002), "fires ");
}
