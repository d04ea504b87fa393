//! What ends the thread, what it tries again, and what it forgets.

use super::super::live::{Hub, Told};
use super::*;
use crate::exposition::{Series, Total};
use std::path::PathBuf;
use std::sync::mpsc;
use streamgauge_engine::time::{DAY_MS, MINUTE_MS};
use streamgauge_local::history::Limits;
use streamgauge_local::store::StoreError;
use streamgauge_pipeline::alert_record::AlertRecord;
use streamgauge_pipeline::control::ControlError;
use streamgauge_pipeline::port::log::{Append, Chunks, Entry, Log, LogId};
use streamgauge_pipeline::port::{Partition, Retryable};
use streamgauge_pipeline::publication::{PointKind, Publication};
use streamgauge_pipeline::settle_entry::{ALERTS, POINTS, SettleEntry};
use streamgauge_pipeline::system_clock::SystemClock;

type Store = Arc<LocalStore<SystemClock>>;

/// What the thread works on: a new store, and a history with these limits.
fn work<P>(name: &str, limits: Limits, plans: P) -> (Work<SystemClock, P>, Store, PathBuf) {
    let name = format!("streamgauge-historian-{name}-{}.store", std::process::id());
    let path = std::env::temp_dir().join(name);
    drop(std::fs::remove_file(&path));
    let store = Arc::new(LocalStore::open(&path, SystemClock).unwrap());
    let work = Work {
        history: Arc::new(History::new(Arc::clone(&store), limits)),
        store: Arc::clone(&store),
        clock: SystemClock,
        is_by_events: true,
        tells: true,
        plans,
        rejected: watch::Sender::default().subscribe(),
        hub: Hub::default(),
        view: Arc::default(),
        teller: Teller::new(|_| {}),
        is_failing: false,
        began: Version::START,
        told: Version::START,
        control: Version::START,
        growing: BTreeMap::new(),
        forgotten: 0,
    };
    (work, store, path)
}

/// Settle decides that there was an order in each of these countries, in the first minute.
fn decide(store: &Store, version: Version, countries: &[&str]) {
    let minute = Timestamp::from_millis(MINUTE_MS);
    let metric = PublishedMetric {
        namespace: "Shop".to_owned(),
        name: "orders".to_owned(),
        dimensions: vec!["country".to_owned()],
        unit: None,
    };
    let points = countries.iter().map(|country| PublishedPoint {
        metric: 0,
        series: Arc::new(SeriesKey::new([*country])),
        window_start: Timestamp::EPOCH,
        window_end: minute,
        kind: PointKind::Final,
        values: Values::Count(1),
    });
    let publication = Publication { metrics: vec![metric], points: points.collect() };
    let header = SettleEntry {
        clock: minute,
        control: Version(1),
        taken: Vec::new(),
        listing: None,
        answers: Vec::new(),
        watermark: Some(minute),
        points: u64::try_from(countries.len()).unwrap(),
    };
    let chunks =
        Chunks::from([(POINTS, publication.encode()), (ALERTS, AlertRecord::default().encode())]);
    let entry = Entry::new(header.encode(), chunks, SystemClock.now().plus(DAY_MS)).unwrap();
    let log = LogId::settle(Partition::default());
    let appended = block_on(store.append(&log, version, &entry)).unwrap();
    assert_eq!(appended, Append::Appended);
}

#[test]
fn totals_are_the_same_for_the_next_process_when_their_points_are_gone() {
    let mut limits = Limits::default();
    limits.levels.iter_mut().for_each(|level| level.rows_max = 0);
    let (mut work, store, path) = work("pruned", limits, || Ok(Vec::new()));
    work.load(None).unwrap();
    decide(&store, Version(1), &["AE"]);
    decide(&store, Version(2), &["AE", "SA"]);
    work.follow().unwrap();
    let totals = |of: &Work<_, _>| {
        of.view().series("orders").iter().map(|one| one.total).collect::<Vec<_>>()
    };
    let all = [Total::Count(2), Total::Count(1)];
    assert_eq!(totals(&work), all);
    assert!(work.history.state().unwrap().levels.iter().all(|level| level.rows == 0));
    work.load(None).unwrap();
    assert_eq!(totals(&work), all);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_the_history_forgets_the_view_forgets_too() {
    let limits = Limits { totals_max: 2, ..Limits::default() };
    let (mut work, store, path) = work("forgets", limits, || Ok(Vec::new()));
    work.load(None).unwrap();
    let totals = |of: &Work<_, _>| {
        let series = of.view().series("orders");
        let count = |one: &Series| (one.key.values().collect::<String>(), one.total);
        series.iter().map(count).collect::<Vec<_>>()
    };
    let of = |country: &str, events| (country.to_owned(), Total::Count(events));
    decide(&store, Version(1), &["AE", "SA"]);
    work.follow().unwrap();
    assert_eq!(totals(&work), [of("AE", 1), of("SA", 1)]);
    decide(&store, Version(2), &["EG", "SA"]);
    work.follow().unwrap();
    assert_eq!(totals(&work), [of("SA", 2)]);
    // The next process has the same.
    decide(&store, Version(3), &["AE"]);
    work.follow().unwrap();
    let now = totals(&work);
    assert_eq!(now, [of("AE", 1), of("SA", 2)]);
    work.load(None).unwrap();
    assert_eq!(totals(&work), now);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_may_pass_is_told_and_tried_again_and_what_does_not_ends_it() {
    let (tells, told) = mpsc::channel();
    let mut found = [
        Err(Fatal::Store(Retryable::new("the disk is away"))),
        Ok(Vec::new()),
        Err(Fatal::Control(ControlError::NoText { plan: "p".to_owned() })),
    ]
    .into_iter();
    let plans = move || found.next().unwrap();
    let (mut work, _, path) = work("ends", Limits::default(), plans);
    work.teller = Teller::new(move |happening| tells.send(happening).unwrap());
    // Who listens while the store is read is not told what was decided until then.
    let mut listener = work.hub.listen();
    work.load(None).unwrap();
    assert_eq!(listener.try_recv(), Ok(Told::Missed));
    let mut step = || {
        let done = work.follow();
        work.tell(done)
    };
    assert!(step().is_ok());
    assert!(
        matches!(told.recv(), Ok(Happening::Trouble(what)) if what.contains("the disk is away"))
    );
    assert!(step().is_ok());
    assert_eq!(told.recv(), Ok(Happening::Over));
    assert!(matches!(step(), Err(Fatal::Control(ControlError::NoText { .. }))));
    std::fs::remove_file(&path).unwrap();
    let damaged = || StoreError::Damaged { path: path.clone(), source: "torn".into() };
    assert!(!may_pass(&Fatal::History(HistoryError::Store(damaged()))));
    assert!(!may_pass(&Fatal::Store(Retryable::new("it").because(damaged()))));
}
