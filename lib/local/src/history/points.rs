//! Points of the past, page by page.

use super::error::Fault;
use super::names;
use super::tables::{POINTS, PointKey, PointPlace, Sealed, open};
use super::{Level, Limits, Tier, book};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeMap;
use std::sync::Arc;
use streamgauge_engine::output::{Point, Status};
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::kept::KeptMetric;
use streamgauge_pipeline::render::Renderer;

/// A page has so many points at most.
pub(super) const PAGE_POINTS_MAX: usize = 1_000;
/// It ends with the point that brings it to this many bytes, as they are stored.
pub(super) const PAGE_BYTES_MAX: usize = 1 << 20;
/// It ends after so many looks at the table, however few points were wanted of what is there.
pub(super) const PAGE_LOOKS_MAX: usize = 20_000;

/// Which points are asked for; by default all of the finest tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointsWanted {
    /// Those of this metric.
    pub metric: Option<String>,
    /// Those of series that have these values: names of dimensions, and values. A metric without such a dimension has none.
    pub dimensions: Vec<(String, String)>,
    /// Those of windows that end after this moment.
    pub from: Option<Timestamp>,
    /// Those of windows that end at this moment or before it.
    pub to: Option<Timestamp>,
    /// Of this tier; by default the finest that reaches back to `from`.
    pub tier: Option<Tier>,
}

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointsCursor {
    tier: Tier,
    next: PointPlace,
}

/// Some points, in the order of the ends of their windows.
#[derive(Clone, Debug)]
pub struct PointsPage {
    /// The tier that they are of.
    pub tier: Tier,
    /// The metrics that they are of.
    pub metrics: Vec<KeptMetric>,
    /// The points, and of how many windows each is. [`Point::metric`] is the metric's place in [`metrics`](Self::metrics);
    /// when a point was decided is not kept, and is the end of its window here.
    pub points: Vec<(Point, u64)>,
    /// Where the next page begins; absent if this is the last one. A page may have no points and not be the last.
    pub next: Option<PointsCursor>,
}

impl PointsPage {
    /// Makes those points open that still grow: of minutes and hours that end after all windows of their metric that are final. What of a metric
    /// is not in `finals`, grows no more.
    pub fn open_beyond(&mut self, finals: &BTreeMap<String, Option<Timestamp>>) {
        if self.tier == Tier::Decided {
            return;
        }
        for (point, _) in &mut self.points {
            let until =
                self.metrics.get(point.metric).and_then(|kept| finals.get(&kept.metric.name));
            if until.is_some_and(|until| *until < Some(point.window_end)) {
                point.status = Status::Open;
            }
        }
    }

    /// Appends the points as JSON lines: those of the finest tier as a replay prints them.
    pub fn json(&self, out: &mut Vec<u8>) {
        let metrics = self.metrics.iter().map(|kept| &kept.metric);
        let renderer = Renderer::recorded(metrics, Vec::new());
        for (point, windows) in &self.points {
            match self.tier {
                Tier::Decided => renderer.json(point, out),
                Tier::Minutes | Tier::Hours => renderer.json_of_windows(point, *windows, out),
            }
        }
    }
}

/// The tier that is asked for, or the finest that reaches back so far.
fn tier_of(wanted: &PointsWanted, limits: &Limits, clock: Timestamp) -> Tier {
    let Some(from) = wanted.from else { return wanted.tier.unwrap_or(Tier::Decided) };
    let reaches = |tier: &Tier| limits.oldest(tier.level(), clock) <= from;
    wanted.tier.or_else(|| Tier::ALL.into_iter().find(reaches)).unwrap_or(Tier::Hours)
}

/// Reads a page.
pub(super) fn page(
    read: &ReadTransaction,
    limits: &Limits,
    wanted: &PointsWanted,
    after: Option<&PointsCursor>,
) -> Result<PointsPage, Fault> {
    let clock = book::read_state(read)?.clock;
    let tier = after.map_or_else(|| tier_of(wanted, limits, clock), |after| after.tier);
    let Asked { metrics, places } = Asked::of(read, wanted)?;
    let mut page = PointsPage { tier, metrics, points: Vec::new(), next: None };
    let Some(table) = open(read, POINTS)? else { return Ok(page) };
    let oldest = limits.oldest(tier.level(), clock);
    let after_ms = wanted.from.map_or(oldest, |from| from.max(oldest)).plus(1);
    let begin = PointPlace::new(tier.level(), after_ms, 0, &[]);
    let begin = after.map_or(begin.clone(), |after| after.next.clone().max(begin));
    let last = wanted.to.unwrap_or(Timestamp::from_millis(i64::MAX));
    let mut scan = Scan { places: &places, wanted, page: &mut page, bytes: 0, looks: 0 };
    let next = scan.run(&table, begin, &end_of(tier.level(), last))?;
    page.next = next.map(|next| PointsCursor { tier, next });
    Ok(page)
}

/// Behind the last point of windows that end at this moment.
fn end_of(level: Level, last: Timestamp) -> PointPlace {
    let behind = last.as_millis().checked_add(1);
    let level = if behind.is_some() { level } else { Level(level.0.saturating_add(1)) };
    PointPlace::new(level, Timestamp::from_millis(behind.unwrap_or(i64::MIN)), 0, &[])
}

/// The metrics that points are asked of.
struct Asked {
    metrics: Vec<KeptMetric>,
    /// By their numbers: the place of each, and for each of its dimensions the value that is asked for.
    places: BTreeMap<u32, (usize, Vec<Option<String>>)>,
}

impl Asked {
    fn of(read: &ReadTransaction, wanted: &PointsWanted) -> Result<Self, Fault> {
        let (mut metrics, mut places) = (Vec::new(), BTreeMap::new());
        for (number, kept) in names::read_all(read)? {
            let is_named = wanted.metric.as_ref().is_none_or(|name| *name == kept.metric.name);
            if let Some(values) = values_wanted(&kept, wanted).filter(|_| is_named) {
                places.insert(number, (metrics.len(), values));
                metrics.push(kept);
            }
        }
        Ok(Self { metrics, places })
    }
}

/// For each dimension of a metric the value that is asked for; absent if it lacks a dimension.
fn values_wanted(kept: &KeptMetric, wanted: &PointsWanted) -> Option<Vec<Option<String>>> {
    let names = &kept.metric.dimensions;
    let mut values = vec![None; names.len()];
    for (name, value) in &wanted.dimensions {
        let place = names.iter().position(|one| one == name)?;
        *values.get_mut(place)? = Some(value.clone());
    }
    Some(values)
}

/// A walk through the table: it leaps over the metrics that are not asked for, from window to window.
struct Scan<'s> {
    places: &'s BTreeMap<u32, (usize, Vec<Option<String>>)>,
    wanted: &'s PointsWanted,
    page: &'s mut PointsPage,
    bytes: usize,
    looks: usize,
}

impl Scan<'_> {
    /// Reads until the page is full, and says from where on there may be more.
    fn run(
        &mut self,
        table: &impl ReadableTable<PointKey, Sealed>,
        mut begin: PointPlace,
        end: &PointPlace,
    ) -> Result<Option<PointPlace>, Fault> {
        'leaps: while begin < *end {
            for row in table.range(begin.key()..end.key())? {
                let (key, sealed) = row?;
                let place = PointPlace::of(key.value());
                if self.is_full() {
                    return Ok(Some(place));
                }
                self.looks += 1;
                if !self.places.contains_key(&place.metric) {
                    let Some(next) = self.leap(&place) else { return Ok(None) };
                    begin = next;
                    continue 'leaps;
                }
                self.take(&place, sealed.value())?;
            }
            break;
        }
        Ok(None)
    }

    fn is_full(&self) -> bool {
        self.page.points.len() >= PAGE_POINTS_MAX
            || self.bytes >= PAGE_BYTES_MAX
            || self.looks >= PAGE_LOOKS_MAX
    }

    /// The first place after those of a metric that is not asked for where one that is may stand.
    fn leap(&self, place: &PointPlace) -> Option<PointPlace> {
        let start = PointPlace { series: Box::default(), number: 0, ..place.clone() };
        if let Some((&metric, _)) = self.places.range(place.metric..).next() {
            return Some(PointPlace { metric, ..start });
        }
        let (&metric, _) = self.places.first_key_value()?;
        let end_ms = place.end_ms.checked_add(1)?;
        Some(PointPlace { end_ms, metric, ..start })
    }

    /// Takes a point if its series is asked for.
    fn take(&mut self, place: &PointPlace, sealed: &[u8]) -> Result<(), Fault> {
        let Some((metric, values)) = self.places.get(&place.metric) else { return Ok(()) };
        let series = SeriesKey::from_packed(&place.series);
        let fits = |(value, asked): (&str, &Option<String>)| {
            asked.as_deref().is_none_or(|asked| asked == value)
        };
        if !self.wanted.dimensions.is_empty() && !series.values().zip(values).all(fits) {
            return Ok(());
        }
        let kept = place.unseal(sealed)?;
        let window_end = Timestamp::from_millis(place.end_ms);
        self.bytes += sealed.len();
        let point = Point {
            metric: *metric,
            series: Arc::new(series),
            window_start: window_end.minus(kept.length_ms),
            window_end,
            status: kept.status,
            decided_at: window_end,
            values: kept.values,
        };
        self.page.points.push((point, kept.windows));
        Ok(())
    }
}
