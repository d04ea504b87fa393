//! Any log is folded as by somebody who looks at all of it at once.

use super::super::tables::{POINTS, PointPlace, open};
use super::*;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use redb::ReadableTable;
use std::collections::BTreeMap;
use streamgauge_engine::output::Status;
use streamgauge_pipeline::kept::KeptPoint;

/// A window of one series of one of three metrics, decided with an entry; how long its window is depends on the metric.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) entry: usize,
    metric: usize,
    series: &'static str,
    number: i64,
    is_live: bool,
    /// What came, increment by increment.
    parts: Vec<u64>,
    /// What came late, and with which entry after it.
    late: Vec<(usize, u64)>,
}

const METRICS: [(&str, Millis); 3] = [("short", 7_000), ("minute", MINUTE), ("long", 90 * MINUTE)];

pub(super) fn windows(entries: usize) -> impl Strategy<Value = Vec<Window>> {
    let late = prop::collection::vec((1..entries, 1..9_u64), 0..3);
    let parts = prop::collection::vec(1..9_u64, 1..4);
    let series = prop_oneof![Just("AE"), Just("SA")];
    let window = (0..entries, 0..METRICS.len(), series, 0..400_i64, any::<bool>(), parts, late);
    let window = window.prop_map(|(entry, metric, of, number, is_live, came, came_late)| Window {
        entry,
        metric,
        series: of,
        number,
        is_live,
        parts: came,
        late: came_late,
    });
    prop::collection::vec(window, 1..40).prop_map(|mut windows| {
        let key = |one: &Window| (one.metric, one.series, one.number);
        windows.sort_by_key(key);
        windows.dedup_by_key(|one| key(one));
        windows
    })
}

impl Window {
    /// Its points that an entry has.
    pub(super) fn points(&self, entry: usize) -> Vec<Told> {
        let (name, length) = METRICS[self.metric];
        let point = |kind, count| {
            (name, self.series, self.number * length, length, kind, Values::Count(count))
        };
        let mut points = Vec::new();
        let before = self.entry.saturating_sub(1);
        if self.is_live && entry == before {
            points.extend(self.parts.iter().map(|&part| point(PointKind::Increment, part)));
        }
        if entry == self.entry {
            let kind = if self.is_live { PointKind::Recorded } else { PointKind::Final };
            points.push(point(kind, self.parts.iter().sum()));
        }
        let late = self.late.iter().filter(|&&(after, _)| entry == self.entry + after);
        points.extend(late.map(|&(_, count)| point(PointKind::Correction, count)));
        points
    }

    /// What it adds to a level after so many entries.
    fn add_to(&self, level: u8, bin: Option<Millis>, entries: usize, model: &mut Model) {
        if entries <= self.entry {
            return;
        }
        let (name, length) = METRICS[self.metric];
        let end = START.plus((self.number + 1) * length).as_millis();
        let end = match bin {
            Some(bin) if length <= bin => end + (bin - end % bin) % bin,
            _ => end,
        };
        let late = self.late.iter().filter(|&&(after, _)| self.entry + after < entries);
        let all = self.parts.iter().sum::<u64>() + late.map(|&(_, count)| count).sum::<u64>();
        let row = model.entry((level, end, name.to_owned(), self.series.to_owned())).or_default();
        row.0 += all;
        row.1 += 1;
    }
}

/// Level, end, metric and series, and how many events and windows there are.
type Model = BTreeMap<(u8, i64, String, String), (u64, u64)>;

/// All rows of the table.
pub(super) fn rows(kit: &Kit) -> Vec<(PointPlace, KeptPoint)> {
    let read = |read: &redb::ReadTransaction| {
        let Some(table) = open(read, POINTS)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for row in table.iter()? {
            let (key, sealed) = row?;
            let place = PointPlace::of(key.value());
            found.push((place.clone(), place.unseal(sealed.value())?));
        }
        Ok(found)
    };
    super::super::error::read(&kit.store, read).unwrap()
}

#[test]
fn each_window_counts_once_at_each_level() {
    const ENTRIES: usize = 6;
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&windows(ENTRIES), |windows| {
        let mut kit = Kit::new("model", kept(DAY_MS, DAY_MS, DAY_MS, DAY_MS));
        for entry in 0..ENTRIES {
            let points: Vec<_> = windows.iter().flat_map(|window| window.points(entry)).collect();
            kit.points(&points);
        }
        let mut expected = Model::new();
        for window in &windows {
            for (level, bin) in [(0, None), (1, Some(MINUTE)), (2, Some(HOUR))] {
                window.add_to(level, bin, ENTRIES, &mut expected);
            }
        }
        let names = super::super::error::read(&kit.store, super::super::names::read_all).unwrap();
        let mut found = Model::new();
        for (place, point) in rows(&kit) {
            let Values::Count(count) = point.values else { panic!("{point:?}") };
            let name = names[&place.metric].metric.name.clone();
            let series = SeriesKey::from_packed(&place.series).values().collect();
            let row = found.entry((place.level, place.end_ms, name, series)).or_default();
            row.0 += count;
            row.1 += if point.status == Status::Correction { 0 } else { point.windows };
        }
        prop_assert_eq!(found, expected);
        Ok(())
    });
    outcome.unwrap();
}
