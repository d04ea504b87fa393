//! From the events that were kept to the points, in the order of the output.

use super::calendar::{DAY_MS, Span};
use super::compute::{Decoded, Intake, Kept, Unclear};
use super::journeys::{self, Outcome};
use super::model::{Kind, Metric};
use std::collections::{BTreeMap, BTreeSet};
use streamgauge_engine::series::SeriesKey;

/// How long a series is known for zeros.
const KNOWN_MS: i64 = 7 * DAY_MS;
/// An open window holds so many times the cap.
const HELD_CAPS: usize = 10;
/// The cap of a metric that does not name one.
const MAX_SERIES: usize = 1000;
/// The value of every dimension of the series that holds what is over the cap.
const OTHER: &str = "__other__";

/// One line of the output.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) metric: usize,
    pub(super) series: Vec<String>,
    pub(super) window: Span,
    pub(super) status: Status,
    pub(super) decided_at: i64,
    pub(super) values: Values,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Final,
    Correction,
    Open,
}

/// What a point shows.
#[derive(Clone, Debug)]
pub(super) enum Values {
    Count(usize),
    Sum { sum: i128, count: usize },
    Distribution(Vec<i128>),
    Unique(usize),
    Ratio { part: usize, whole: usize },
    Journey { started: usize, finished: Vec<i128>, abandoned: usize, open: usize },
}

/// What a series of a window is made of.
#[derive(Clone, Debug)]
enum Item<'k> {
    Event(&'k Kept),
    Journey(Outcome),
}

/// A window that closes, the late events of one that closed before, or one that is still open.
#[derive(Debug)]
struct Closing<'k> {
    decided_at: i64,
    window: Span,
    status: Status,
    series: BTreeMap<Vec<String>, Vec<Item<'k>>>,
}

/// How the input ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) until: Option<i64>,
    pub(super) open: bool,
}

/// All points, in the order of the output.
pub(super) fn points(intake: &mut Intake<'_>, end: End) -> Vec<Point> {
    let Some(last) = intake.last_event() else { return Vec::new() };
    let clock = end.until.map_or(last, |until| until.max(last));
    let mut points = Vec::new();
    let mut unclear = BTreeSet::new();
    let mut folded = Vec::new();
    for (place, metric) in intake.rules.metrics.iter().enumerate() {
        let mut closings = closings(intake, place, clock, &mut unclear);
        closings.retain(|closing| end.open || closing.status != Status::Open);
        closings.sort_by_key(|closing| (closing.decided_at, closing.window, closing.status));
        let mut naming = Naming { intake, place, metric, named_on: BTreeMap::new(), folded: 0 };
        for closing in closings {
            naming.close(closing, &mut points, &mut unclear);
        }
        folded.push(naming.folded);
    }
    intake.unclear.extend(unclear);
    for (metric, count) in intake.metrics.iter_mut().zip(folded) {
        metric.folded = count;
    }
    // "by the event time at which a line is decided; then names in the order of the file; then dimensions"; open ones
    // are not decided, and so the last.
    points.sort_by(|left, right| {
        let order = |point: &Point| (point.status == Status::Open, point.decided_at, point.metric);
        let rest = |point: &Point| (point.window, point.status);
        let order = order(left).cmp(&order(right)).then_with(|| left.series.cmp(&right.series));
        order.then_with(|| rest(left).cmp(&rest(right)))
    });
    points
}

/// All windows of a metric that have something to show.
fn closings<'k>(
    intake: &'k Intake<'_>,
    place: usize,
    clock: i64,
    unclear: &mut BTreeSet<Unclear>,
) -> Vec<Closing<'k>> {
    let metric = &intake.rules.metrics[place];
    let kept = || intake.kept.iter().filter(move |kept| kept.metric == place);
    let mut items: Vec<(Option<i64>, Span, &[String], Item<'k>)> = Vec::new();
    if let Kind::Journey { within_ms, .. } = metric.kind {
        for journey in journeys::journeys(kept(), within_ms, clock, unclear) {
            items.push((None, journey.window, journey.series, Item::Journey(journey.outcome)));
        }
    } else {
        // "one per metric, window, series and place"
        items.extend(kept().map(|kept| {
            let correction_at = kept.place.filter(|_| kept.late);
            (correction_at, kept.window, &*kept.taken.series, Item::Event(kept))
        }));
    }
    let mut found: BTreeMap<(Option<i64>, Span), Closing<'k>> = BTreeMap::new();
    if metric.zero {
        for window in zero_windows(intake, metric, clock) {
            found.insert((None, window), empty(intake, metric, clock, None, window));
        }
    }
    for (correction_at, window, series, item) in items {
        let closing = found.entry((correction_at, window));
        let closing =
            closing.or_insert_with(|| empty(intake, metric, clock, correction_at, window));
        closing.series.entry(series.to_vec()).or_default().push(item);
    }
    found.into_values().collect()
}

/// A closing without events: when it is decided, and as what.
fn empty<'k>(
    intake: &Intake<'_>,
    metric: &Metric,
    clock: i64,
    correction_at: Option<i64>,
    window: Span,
) -> Closing<'k> {
    let series = BTreeMap::new();
    if let Some(decided_at) = correction_at {
        return Closing { decided_at, window, status: Status::Correction, series };
    }
    // "windows whose end (for journeys: end + `within`) is at or before it are final; the others are open"
    let end = window.end + metric.within_ms();
    let status = if end <= clock { Status::Final } else { Status::Open };
    let decided_at = clock.min(end + intake.rules.allowed_lateness_ms);
    Closing { decided_at, window, status, series }
}

/// All windows, one after another, that close after the first event.
fn zero_windows(intake: &Intake<'_>, metric: &Metric, clock: i64) -> Vec<Span> {
    let mut windows = Vec::new();
    let mut window = intake.days.window(metric, intake.first_event().unwrap());
    while window.end <= clock {
        windows.push(window);
        window = intake.days.window(metric, window.end);
    }
    windows
}

/// The names of a metric's series: each day has so many.
struct Naming<'i> {
    intake: &'i Intake<'i>,
    place: usize,
    metric: &'i Metric,
    named_on: BTreeMap<i64, BTreeSet<Vec<String>>>,
    folded: u64,
}

impl Naming<'_> {
    /// Gives each series of a window its name, folds what is over the cap, and adds zeros.
    fn close(
        &mut self,
        closing: Closing<'_>,
        points: &mut Vec<Point>,
        unclear: &mut BTreeSet<Unclear>,
    ) {
        let Self { intake, place, metric, .. } = *self;
        let cap = metric.max_series.unwrap_or(MAX_SERIES);
        let named = self.named_on.entry(intake.days.day(closing.window.start)).or_default();
        // "An open window holds at most ten times the cap, the smallest hashes": does that hold for named ones?
        let smallest = by_hash(closing.series.keys()).into_iter().take(HELD_CAPS * cap);
        let smallest: BTreeSet<Vec<String>> = smallest.collect();
        if closing.series.keys().any(|series| named.contains(series) && !smallest.contains(series))
        {
            unclear.insert(Unclear::Names);
        }
        // "those named earlier that day first, then new ones by hash, up to the cap"
        let new = by_hash(closing.series.keys().filter(|series| !named.contains(*series)));
        let room = cap.saturating_sub(named.len());
        named.extend(new.into_iter().take(room));
        let zeros = if metric.zero && closing.status == Status::Final {
            zeros(intake, place, &closing, unclear)
        } else {
            Vec::new()
        };
        let mut series: BTreeMap<Vec<String>, Vec<Item<'_>>> = BTreeMap::new();
        for (values, items) in closing.series {
            if named.contains(&values) {
                series.entry(values).or_default().extend(items);
            } else {
                // An open window is only looked at: nothing is folded yet. What it does not hold cannot be counted.
                self.folded +=
                    u64::from(closing.status != Status::Open && smallest.contains(&values));
                let other = vec![OTHER.to_owned(); values.len()];
                series.entry(other).or_default().extend(items);
            }
        }
        // A window that does not hold all its series cannot tell which of the others had an event.
        if self.metric.zero && smallest.len() == HELD_CAPS * cap {
            unclear.insert(Unclear::Names);
        }
        // "Zeros fill what room the day's names leave"
        for values in zeros {
            if named.contains(&values) || named.len() < cap {
                named.insert(values.clone());
                series.entry(values).or_default();
            }
        }
        let (window, status, decided_at) = (closing.window, closing.status, closing.decided_at);
        points.extend(series.into_iter().map(|(series, items)| {
            let values = values(&metric.kind, &items);
            Point { metric: place, series, window, status, decided_at, values }
        }));
    }
}

/// The series that get a 0 in a window, if there is room, in the order of their hashes.
fn zeros(
    intake: &Intake<'_>,
    place: usize,
    closing: &Closing<'_>,
    unclear: &mut BTreeSet<Unclear>,
) -> Vec<Vec<String>> {
    let window = closing.window;
    let closes_at = window.end + intake.rules.allowed_lateness_ms;
    let before_it_closes = |stamp: Option<i64>| stamp.is_none_or(|stamp| stamp < closes_at);
    let metric = &intake.rules.metrics[place];
    if metric.dimensions.is_empty() {
        // The series without dimensions is known from the first event on, of whatever kind.
        let before = |event: &&Decoded| event.time_ms < window.end && before_it_closes(event.stamp);
        let in_time = |event: &&Decoded| {
            let own =
                intake.days.window(metric, event.time_ms).end + intake.rules.allowed_lateness_ms;
            event.stamp.is_none_or(|stamp| stamp < own)
        };
        let began = intake.events.iter().filter(before).min_by_key(|event| event.time_ms);
        if !intake.events.iter().filter(before).any(|event| in_time(&event)) {
            unclear.extend(began.map(|late| Unclear::LateFirst { line: late.line }));
        }
        return if began.is_some() && closing.series.is_empty() {
            vec![Vec::new()]
        } else {
            Vec::new()
        };
    }
    let before = intake.kept.iter().filter(|kept| {
        let age = window.start - kept.time_ms;
        kept.metric == place
            && age > 0
            && age <= KNOWN_MS
            && !closing.series.contains_key(&kept.taken.series)
    });
    let (in_time, too_late): (Vec<&Kept>, Vec<&Kept>) =
        before.partition(|kept| before_it_closes(kept.place));
    let known: BTreeSet<&Vec<String>> =
        in_time.into_iter().map(|kept| &kept.taken.series).collect();
    let at_once = too_late.into_iter().filter(|kept| kept.place == Some(closes_at));
    let at_once = at_once.filter(|kept| !known.contains(&kept.taken.series));
    unclear.extend(at_once.map(|kept| Unclear::KnownAtOnce { line: kept.line }));
    by_hash(known.into_iter())
}

/// Series in the order of their stable hashes.
fn by_hash<'s>(series: impl Iterator<Item = &'s Vec<String>>) -> Vec<Vec<String>> {
    let mut series: Vec<Vec<String>> = series.cloned().collect();
    series.sort_by_key(|values| SeriesKey::new(values.iter().map(String::as_str)).stable_hash());
    series
}

fn values(kind: &Kind, items: &[Item<'_>]) -> Values {
    let events = || {
        items
            .iter()
            .filter_map(|item| if let Item::Event(kept) = item { Some(&kept.taken) } else { None })
    };
    let outcomes = || {
        items.iter().filter_map(|item| {
            if let Item::Journey(outcome) = item { Some(*outcome) } else { None }
        })
    };
    match kind {
        Kind::Count(_) => Values::Count(items.len()),
        Kind::Sum(_) => {
            Values::Sum { sum: events().map(|taken| taken.number).sum(), count: items.len() }
        }
        Kind::Distribution(_) => Values::Distribution(events().map(|taken| taken.number).collect()),
        Kind::Unique(_) => {
            Values::Unique(events().map(|taken| &taken.text).collect::<BTreeSet<_>>().len())
        }
        Kind::Ratio { .. } => Values::Ratio {
            part: events().filter(|taken| taken.first).count(),
            whole: events().filter(|taken| taken.second).count(),
        },
        Kind::Journey { .. } => Values::Journey {
            started: items.len(),
            finished: outcomes().filter_map(Outcome::seconds).collect(),
            abandoned: outcomes().filter(|&outcome| outcome == Outcome::Abandoned).count(),
            open: outcomes().filter(|&outcome| outcome == Outcome::Open).count(),
        },
    }
}
