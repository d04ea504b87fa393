//! A history does not grow for ever.

use super::super::tables::PointPlace;
use super::*;
use streamgauge_pipeline::kept::KeptPoint;

/// Tells of each minute of so many days, an entry an hour, and folds: rows per level and bytes of the file after each day.
fn run(kit: &mut Kit, days: i64, series: &[&'static str]) -> Vec<(Vec<u64>, u64)> {
    const MINUTES: i64 = 60;
    let mut figures = Vec::new();
    for day in 0..days {
        for part in 0..24 * 60 / MINUTES {
            let first = (day * 24 * 60) + part * MINUTES;
            let minutes = (first..first + MINUTES).flat_map(|minute| {
                series.iter().map(move |&one| {
                    let count = Values::Count(u64::try_from(minute).unwrap());
                    ("orders", one, minute * MINUTE, MINUTE, PointKind::Final, count)
                })
            });
            let points: Vec<Told> = minutes.collect();
            kit.clock.advance(MINUTES * MINUTE);
            kit.decide(&publication(&points), &record("rejects", START.plus(first * MINUTE), 1));
        }
        while kit.history.step().unwrap().entries > 0 {}
        let levels = kit.history.state().unwrap().levels;
        let rows = levels.iter().map(|level| level.rows).collect();
        figures.push((rows, std::fs::metadata(&kit.place.0).unwrap().len()));
    }
    figures
}

#[test]
fn rows_and_the_file_stay_as_large_as_after_the_retention() {
    let mut kit = Kit::new("flat", kept(DAY_MS, 2 * DAY_MS, 4 * DAY_MS, 3 * DAY_MS));
    // The settle log takes 15 days to be flat.
    let figures = run(&mut kit, 20, &["AE", "SA"]);
    let day = 2 * 24 * 60;
    // What an entry tells of began with it, and so the oldest one is a little too old at its end.
    let expected = vec![day, 2 * day, 4 * 2 * 24, 3 * 24 - 1];
    for (rows, _) in &figures[4..] {
        assert_eq!(rows, &expected);
    }
    let (flat, last) = (figures[16].1, figures[19].1);
    assert!(last <= flat, "{flat} bytes, and {last} later");
    assert_eq!(
        kit.history.state().unwrap().levels.iter().map(|level| level.dropped).sum::<u64>(),
        0
    );
}

/// The run that the limits are for.
#[test]
#[ignore = "40 days of 50 series take minutes; `cargo test --release -p streamgauge-local forty_days -- --ignored`"]
fn forty_days_of_fifty_series() {
    const SERIES: [&str; 50] = [
        "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b0", "b1", "b2", "b3", "b4",
        "b5", "b6", "b7", "b8", "b9", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9",
        "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "e0", "e1", "e2", "e3", "e4",
        "e5", "e6", "e7", "e8", "e9",
    ];
    let mut kit = Kit::new("forty", Limits::default());
    let figures = run(&mut kit, 40, &SERIES);
    let rows = |day: usize, level: usize| figures[day].0[level];
    let a_day = 50 * 24 * 60;
    assert_eq!((rows(8, 0), rows(39, 0)), (8 * a_day, 8 * a_day));
    assert_eq!((rows(30, 1), rows(39, 1)), (30 * a_day, 30 * a_day));
    assert_eq!(rows(39, 2), 40 * 24 * 50);
    let (flat, last) = (figures[32].1, figures[39].1);
    assert!(last <= flat + flat / 20, "{flat} bytes, and {last} later");
}

#[test]
fn what_is_too_much_goes_the_oldest_first_and_is_counted() {
    let mut limits = Limits::default();
    limits.levels[0].rows_max = 3;
    limits.levels[3].rows_max = 2;
    let mut kit = Kit::new("rows", limits);
    let point =
        |minute: i64| ("orders", "", minute * MINUTE, MINUTE, PointKind::Final, Values::Count(1));
    kit.decide(&publication(&[4, 0, 1, 2, 3].map(point)), &record("rejects", START, 5));
    kit.history.step().unwrap();
    let starts = ["10:02", "10:03", "10:04"];
    let lines = kit.lines(Tier::Decided);
    assert!(lines.iter().zip(starts).all(|(line, start)| line.contains(start)), "{lines:?}");
    let levels = kit.history.state().unwrap().levels;
    let dropped =
        |level: usize| (levels[level].rows, levels[level].dropped, levels[level].dropped_to);
    assert_eq!(dropped(0), (3, 2, Some(START.plus(2 * MINUTE))));
    assert_eq!(dropped(1), (5, 0, None));
    assert_eq!(dropped(3), (2, 3, Some(START.plus(2_000))));
}

#[test]
fn bytes_are_those_of_the_rows_and_have_a_limit() {
    let point =
        |minute: i64| ("orders", "AE", minute * MINUTE, MINUTE, PointKind::Final, Values::Count(1));
    let mut free = Kit::new("free", Limits::default());
    free.points(&(0..10).map(point).collect::<Vec<_>>());
    let bytes = free.history.state().unwrap().levels[0].bytes;
    let sealed = |(place, kept): &(PointPlace, KeptPoint)| place.bytes(place.seal(kept).len());
    let rows = model::rows(&free);
    let of_rows = rows.iter().filter(|(place, _)| place.level == 0);
    assert_eq!(bytes, of_rows.map(sealed).sum::<u64>());
    let mut limits = Limits::default();
    limits.levels[0].bytes_max = bytes * 4 / 10;
    let mut kit = Kit::new("bytes", limits);
    kit.points(&(0..10).map(point).collect::<Vec<_>>());
    let level = kit.history.state().unwrap().levels[0];
    assert_eq!((level.rows, level.bytes, level.dropped), (4, bytes * 4 / 10, 6));
}

#[test]
fn a_metric_over_the_limit_is_refused_until_another_one_is_gone() {
    let mut limits = kept(HOUR, HOUR, HOUR, HOUR);
    limits.metrics_max = 1;
    let mut kit = Kit::new("metrics", limits);
    let point = |name, start| (name, "", start, MINUTE, PointKind::Final, Values::Count(1));
    kit.points(&[point("one", 0), point("other", 0)]);
    let names = |of: &Kit| {
        let metrics = of.history.metrics().unwrap();
        metrics.into_iter().map(|kept| kept.metric.name).collect::<Vec<_>>()
    };
    assert_eq!((names(&kit), kit.history.state().unwrap().refused), (vec!["one".to_owned()], 1));
    kit.clock.advance(2 * HOUR);
    kit.points(&[]);
    assert_eq!(names(&kit), [""; 0]);
    kit.points(&[point("other", 2 * HOUR)]);
    assert_eq!(names(&kit), ["other"]);
}

#[test]
fn what_is_too_old_is_not_shown_and_not_taken() {
    let mut kit = Kit::new("old", kept(HOUR, 2 * HOUR, 3 * HOUR, HOUR));
    let point =
        |start, count| ("orders", "", start, MINUTE, PointKind::Correction, Values::Count(count));
    kit.clock.advance(2 * HOUR);
    kit.points(&[point(0, 1), point(HOUR - MINUTE, 2), point(HOUR, 4)]);
    let counts = |tier| {
        kit.lines(tier)
            .iter()
            .map(|line| {
                line.rsplit("\"count\":").next().unwrap().chars().take(1).collect::<String>()
            })
            .collect::<String>()
    };
    assert_eq!(counts(Tier::Decided), "4");
    assert_eq!(counts(Tier::Minutes), "124");
    assert_eq!(counts(Tier::Hours), "34");
}
