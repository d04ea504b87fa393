//! What a history keeps, on a settle log that is written by hand.

mod asked;
mod bounds;
mod cuts;
mod folded;
mod model;
mod totals;

use super::{History, LevelLimits, Limits, PointsWanted, Tier};
use crate::store::LocalStore;
use crate::store::tests::Place;
use std::sync::Arc;
use streamgauge_engine::alert::Severity;
use streamgauge_engine::notify::{Verdict, Why};
use streamgauge_engine::output::Values;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};
use streamgauge_engine::transition::{Evidence, Reason, Transition, TransitionKind};
use streamgauge_pipeline::alert_record::{AlertRecord, RecordedAlert, RecordedStep};
use streamgauge_pipeline::memory::{VirtualClock, block_on};
use streamgauge_pipeline::port::Partition;
use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Log, LogId, Version};
use streamgauge_pipeline::publication::{PointKind, Publication, PublishedMetric, PublishedPoint};
use streamgauge_pipeline::settle_entry::{ALERTS, POINTS, SettleEntry};

/// A moment at which an hour begins.
const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

/// A store in a file, and the settle log in it.
struct Kit {
    place: Place,
    clock: VirtualClock,
    limits: Limits,
    store: Arc<LocalStore<VirtualClock>>,
    history: History<VirtualClock>,
    version: Version,
}

impl Kit {
    fn new(name: &str, limits: Limits) -> Self {
        let (place, clock) = (Place::new(&format!("history-{name}")), VirtualClock::new(START));
        Self::open(place, clock, limits, Version::START)
    }

    fn open(place: Place, clock: VirtualClock, limits: Limits, version: Version) -> Self {
        let store = Arc::new(LocalStore::open(&place.0, clock.clone()).unwrap());
        let history = History::new(Arc::clone(&store), limits);
        Self { place, clock, limits, store, history, version }
    }

    /// The process ends, and another one begins.
    fn reopen(self) -> Self {
        let Self { place, clock, limits, store, history, version } = self;
        drop((store, history));
        Self::open(place, clock, limits, version)
    }

    /// Settle decides that, now.
    fn decide(&mut self, publication: &Publication, record: &AlertRecord) {
        let points = u64::try_from(publication.points.len()).unwrap();
        self.append(publication, points, record);
    }

    fn append(&mut self, publication: &Publication, points: u64, record: &AlertRecord) {
        use streamgauge_pipeline::port::clock::Clock;
        self.version = self.version.next();
        let header = SettleEntry {
            clock: self.clock.now(),
            control: Version(1),
            taken: Vec::new(),
            listing: None,
            answers: Vec::new(),
            watermark: None,
            points,
        };
        let chunks = Chunks::from([(POINTS, publication.encode()), (ALERTS, record.encode())]);
        let expires_at = self.clock.now().plus(15 * DAY_MS);
        let entry = Entry::new(header.encode(), chunks, expires_at).unwrap();
        let log = LogId::settle(Partition::default());
        let appended = block_on(self.store.append(&log, self.version, &entry));
        assert_eq!(appended.unwrap(), Append::Appended);
    }

    /// Settle decides these points, now, and the history takes them.
    fn points(&mut self, points: &[Told]) {
        self.decide(&publication(points), &AlertRecord::default());
        assert_eq!(self.history.step().unwrap().entries, 1);
    }

    /// The lines of a tier, each from its window on.
    fn lines(&self, tier: Tier) -> Vec<String> {
        let wanted = PointsWanted { tier: Some(tier), ..PointsWanted::default() };
        lines(&self.history, &wanted)
    }
}

/// A metric, the value of its one dimension if it has one, start and length of the window, kind, values.
type Told = (&'static str, &'static str, Millis, Millis, PointKind, Values);

fn metric(name: &str, dimension: &str) -> PublishedMetric {
    let dimensions = if dimension.is_empty() { vec![] } else { vec!["country".to_owned()] };
    PublishedMetric { namespace: "Shop".to_owned(), name: name.to_owned(), dimensions, unit: None }
}

fn publication(points: &[Told]) -> Publication {
    let mut publication = Publication::default();
    for (name, dimension, start, length, kind, values) in points {
        let of = metric(name, dimension);
        let known = publication.metrics.iter().position(|one| *one == of);
        let place = known.unwrap_or_else(|| {
            publication.metrics.push(of);
            publication.metrics.len() - 1
        });
        let window_start = START.plus(*start);
        let series = Some(*dimension).filter(|value| !value.is_empty());
        publication.points.push(PublishedPoint {
            metric: u32::try_from(place).unwrap(),
            series: Arc::new(SeriesKey::new(series)),
            window_start,
            window_end: window_start.plus(*length),
            kind: *kind,
            values: values.clone(),
        });
    }
    publication
}

/// So many transitions of an alert, from a moment on a second apart.
fn record(name: &str, at: Timestamp, count: i64) -> AlertRecord {
    let step = RecordedStep {
        name: None,
        condition: "rate over 10m > 0.25".to_owned(),
        severity: Some(Severity::Warning),
    };
    let alert = RecordedAlert {
        plan: "a7".to_owned(),
        name: name.to_owned(),
        metric: "orders".to_owned(),
        by: vec!["country".to_owned()],
        steps: vec![step],
        resolve: None,
    };
    let transitions = (0..count).map(|second| {
        let evidence = Evidence { ids: vec!["e1".into()], events: 1, ..Evidence::default() };
        let transition = Transition {
            alert: 0,
            step: 0,
            group: Arc::new(SeriesKey::new(["AE"])),
            kind: TransitionKind::Firing,
            at: at.plus(second * 1_000),
            episode: at,
            reason: Reason::ConditionHolds,
            evidence,
        };
        (transition, Verdict { sent: true, why: Why::AtOnce, channels: Vec::new() })
    });
    AlertRecord { alerts: vec![alert], transitions: transitions.collect() }
}

/// All lines that are asked for, page by page.
fn all_lines(history: &History<VirtualClock>, wanted: &PointsWanted) -> Vec<String> {
    let (mut out, mut after) = (Vec::new(), None);
    loop {
        let page = history.points(wanted, after.as_ref()).unwrap();
        page.json(&mut out);
        after = page.next;
        if after.is_none() {
            return String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
        }
    }
}

/// The same, without what all have.
fn lines(history: &History<VirtualClock>, wanted: &PointsWanted) -> Vec<String> {
    let short = |line: String| {
        let line = line.strip_prefix(r#"{"kind":"point","metric":"#).unwrap();
        line.replace(r#""dimensions":"#, "")
            .replace("2026-01-05T", "")
            .replace(":00Z", "")
            .replace(r#""window_start":"#, "")
            .replace(r#""window_end":"#, "")
            .replace(r#""status":"#, "")
    };
    all_lines(history, wanted).into_iter().map(short).collect()
}

/// Limits of so many milliseconds for each level, without others.
fn kept(decided: Millis, minutes: Millis, hours: Millis, alerts: Millis) -> Limits {
    let level = |kept_ms| LevelLimits { kept_ms, rows_max: u64::MAX, bytes_max: u64::MAX };
    Limits {
        levels: [decided, minutes, hours, alerts].map(level),
        metrics_max: 100,
        totals_max: u64::MAX,
    }
}
