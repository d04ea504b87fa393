//! What ends the thread, and what it tries again.

use super::super::live::{Hub, Told};
use super::*;
use std::sync::mpsc;
use streamgauge_local::history::Limits;
use streamgauge_local::store::StoreError;
use streamgauge_pipeline::control::ControlError;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::system_clock::SystemClock;

#[test]
fn what_may_pass_is_told_and_tried_again_and_what_does_not_ends_it() {
    let name = format!("streamgauge-historian-{}.store", std::process::id());
    let path = std::env::temp_dir().join(name);
    drop(std::fs::remove_file(&path));
    let store = Arc::new(LocalStore::open(&path, SystemClock).unwrap());
    let (tells, told) = mpsc::channel();
    let mut found = [
        Err(Fatal::Store(Retryable::new("the disk is away"))),
        Ok(Vec::new()),
        Err(Fatal::Control(ControlError::NoText { plan: "p".to_owned() })),
    ]
    .into_iter();
    let hub = Hub::default();
    let mut work = Work {
        history: Arc::new(History::new(Arc::clone(&store), Limits::default())),
        store,
        clock: SystemClock,
        is_by_events: true,
        tells: true,
        plans: move || found.next().unwrap(),
        rejected: watch::Sender::default().subscribe(),
        hub: hub.clone(),
        view: Arc::default(),
        teller: Teller::new(move |happening| tells.send(happening).unwrap()),
        is_failing: false,
        began: Version::START,
        told: Version::START,
        control: Version::START,
        growing: BTreeMap::new(),
    };
    // Who listens while the store is read is not told what was decided until then.
    let mut listener = hub.listen();
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
