//! What is in the tables depends on the log only: not on how much was folded at once, nor on where processes ended.

use super::super::tables::{
    ALERTS as ALERTS_TABLE, METRICS, POINTS as POINTS_TABLE, STATE, TOTALS,
};
use super::super::{AlertsWanted, PORTION, Stepped, WRITE_MAX};
use super::model::{Window, windows};
use super::*;
use proptest::prelude::{any, prop, prop_assert_eq};
use proptest::test_runner::{Config, TestRunner};
use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, Value,
};

const ENTRIES: usize = 5;

/// All rows of all tables, as they are in the file.
fn dump(kit: Kit) -> Vec<String> {
    let Kit { place, store, history, .. } = kit;
    drop((store, history));
    let database = Database::open(&place.0).unwrap();
    let read = database.begin_read().unwrap();
    let points = rows(&read, POINTS_TABLE);
    let alerts = rows(&read, ALERTS_TABLE);
    [points, alerts, rows(&read, TOTALS), rows(&read, METRICS), rows(&read, STATE)].concat()
}

fn rows<K: Key + 'static, V: Value + 'static>(
    read: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Vec<String> {
    let table = read.open_table(table).unwrap();
    let rows = table.iter().unwrap().map(|row| {
        let (key, value) = row.unwrap();
        format!("{:?} {:?}", key.value(), value.value())
    });
    rows.collect()
}

/// The log of these windows: small entries, and one of several portions of points and of transitions.
fn filled(name: &str, windows: &[Window]) -> Kit {
    let mut limits = kept(3 * HOUR, 5 * HOUR, 9 * HOUR, 2 * HOUR);
    limits.levels[1].rows_max = 300;
    limits.levels[2].bytes_max = 900;
    limits.metrics_max = 4;
    limits.totals_max = 5;
    let mut kit = Kit::new(name, limits);
    for entry in 0..ENTRIES {
        let mut points: Vec<_> = windows.iter().flat_map(|window| window.points(entry)).collect();
        let mut transitions = 1;
        if entry == 2 {
            let many = i64::try_from(2 * PORTION + 300).unwrap();
            let point = |second: i64| {
                let (start, metric) =
                    (second * 1_000, ["many", "more"][usize::from(second > 2_000)]);
                (metric, "", start, 1_000, PointKind::Final, Values::Count(1))
            };
            points.extend((0..many).map(point));
            transitions = many;
        }
        kit.decide(&publication(&points), &record("rejects", START, transitions));
        kit.clock.advance(90 * MINUTE);
    }
    kit
}

#[test]
fn cuts_and_ends_of_processes_change_nothing() {
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let cuts = prop::collection::vec((1..2_500_usize, any::<bool>()), 1..12);
    let outcome = TestRunner::new(config).run(&(windows(ENTRIES), cuts), |(windows, cuts)| {
        let whole = filled("whole", &windows);
        let whole_step = whole.history.step().unwrap();
        let mut cut = filled("cut", &windows);
        let mut stepped = Stepped::default();
        let mut sizes = cuts.iter().cycle();
        loop {
            let mut outputs = cut.history.read().unwrap();
            if outputs.is_empty() {
                break;
            }
            let &(items_max, ends) = sizes.next().unwrap();
            cut.history.write(&mut outputs, items_max, &mut stepped).unwrap();
            if ends {
                cut = cut.reopen();
            }
        }
        prop_assert_eq!(stepped, whole_step);
        prop_assert_eq!(dump(cut), dump(whole));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn somebody_else_who_folds_the_same_entries_changes_nothing() {
    let kit = filled("twice", &[]);
    let mut outputs = kit.history.read().unwrap();
    let stepped = kit.history.step().unwrap();
    assert_eq!(stepped.entries, 5);
    let mut again = Stepped::default();
    kit.history.write(&mut outputs, WRITE_MAX, &mut again).unwrap();
    assert_eq!((outputs.len(), again), (0, Stepped::default()));
    assert_eq!(dump(kit), {
        let once = filled("once", &[]);
        once.history.step().unwrap();
        dump(once)
    });
}

/// A history that has taken a part of an entry of 4,500 points.
fn begun(name: &str) -> Kit {
    let mut kit = Kit::new(name, Limits::default());
    let point =
        |second: i64| ("orders", "", second * 1_000, 1_000, PointKind::Final, Values::Count(1));
    let points: Vec<_> = (0..4_500).map(point).collect();
    kit.decide(&publication(&points), &record("rejects", START, 1));
    let (mut outputs, mut stepped) = (kit.history.read().unwrap(), Stepped::default());
    kit.history.write(&mut outputs, WRITE_MAX, &mut stepped).unwrap();
    let state = kit.history.state().unwrap();
    assert_eq!((state.version, state.portions, stepped.points), (Version::START, 4, 4_000));
    kit
}

#[test]
fn a_moment_has_whole_entries_only() {
    let kit = begun("midway");
    let moment = kit.history.moment().unwrap();
    let state = moment.state().unwrap();
    assert_eq!((state.version, state.portions), (Version(1), 0));
    assert_eq!(state.levels[0].rows, 4_500);
    assert_eq!(moment.alerts(&AlertsWanted::default(), None).unwrap().record.transitions.len(), 1);
}

#[test]
fn what_is_left_of_an_entry_that_has_expired_is_not_waited_for() {
    let kit = begun("rest");
    kit.clock.advance(16 * DAY_MS);
    let state = kit.history.moment().unwrap().state().unwrap();
    assert_eq!((state.version, state.levels[0].rows), (Version::START, 4_000));
}

#[test]
fn what_has_expired_in_the_log_is_passed_over() {
    let mut kit = Kit::new("gap", Limits::default());
    kit.points(&[("orders", "", 0, MINUTE, PointKind::Final, Values::Count(1))]);
    let missed = [("orders", "", MINUTE, MINUTE, PointKind::Final, Values::Count(2))];
    kit.decide(&publication(&missed), &AlertRecord::default());
    kit.clock.advance(16 * DAY_MS);
    let start = 16 * DAY_MS - HOUR;
    kit.points(&[("orders", "", start, MINUTE, PointKind::Final, Values::Count(4))]);
    assert_eq!(kit.history.state().unwrap().version, Version(3));
    let hours = [
        r#""orders",{},"10:00","11:00","final","sum":1,"count":1,"windows":1}"#,
        r#""orders",{},"2026-01-21T09:00","2026-01-21T10:00","final","sum":4,"count":4,"windows":1}"#,
    ];
    assert_eq!(kit.lines(Tier::Hours), hours);
}
