//! The threads together, on the machine's clock: started, stopped, started again.

use super::*;
use crate::channels::Nobody;
use crate::clock::SystemClock;
use crate::run::{Fatal, Running};
use std::io::Cursor;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

type Dev = Running<LocalStore<SystemClock>, SystemClock>;

const ALERTS: &str = "
alerts:
  any: {metric: orders, when: sum over 1m >= 1, severity: critical, notify: [hook]}
channels:
  hook: {webhook: {url: 'http://127.0.0.1:9/'}}
";

fn start(folder: &Folder, runtime: &Runtime) -> (Dev, Recovered) {
    let store = LocalStore::open(folder.path("dev.store"), SystemClock).unwrap();
    let rules = text_of(&format!("{RULES}{ALERTS}"));
    let teller = Told::default().teller();
    let opened = Opened::open((store, SystemClock), &rules, By::Events, teller).unwrap();
    let recovered = opened.recovered();
    let handle = runtime.handle().clone();
    (opened.start((Nobody, Duration::ZERO), handle).unwrap(), recovered)
}

#[test]
fn what_was_accepted_is_settled_when_it_has_stopped_and_is_there_when_it_starts_again() {
    let folder = Folder::new("threads");
    let runtime = Builder::new_current_thread().build().unwrap();
    let (dev, recovered) = start(&folder, &runtime);
    assert_eq!(recovered, Recovered::default());
    let lines: Vec<_> = (1..=500).map(order).collect();
    for offer in lines.chunks(50) {
        let accepted = runtime.block_on(dev.intake().offer(offered(offer), dev.arrival()));
        assert_eq!(accepted.unwrap().accepted, 50);
    }
    assert_eq!(dev.totals().counters().counted, 500);
    let settled = dev.settled();
    let intake = dev.intake().clone();
    dev.stop().unwrap();
    let settled = *settled.borrow();
    assert_eq!(settled.watermark, Some(START.plus(499 * SECOND_MS)));
    assert_eq!(runtime.block_on(intake.offer(offered(&[order(1)]), None)), Err(Refused::Stopping));
    let (again, found) = start(&folder, &runtime);
    assert_eq!(found.offers, 10);
    assert_eq!((found.settled, found.watermark), (settled.version, settled.watermark));
    assert_eq!(again.plans().unwrap().len(), 1);
    again.stop().unwrap();
}

#[test]
fn a_thread_that_panics_ends_all_of_it() {
    let folder = Folder::new("panics");
    let runtime = Builder::new_current_thread().build().unwrap();
    let (dev, _) = start(&folder, &runtime);
    let supervisor = dev.supervisor().clone();
    let thread = std::thread::spawn(move || supervisor.run("history", || panic!("on purpose")));
    assert!(thread.join().is_err());
    runtime.block_on(dev.failed());
    let refused = runtime.block_on(dev.intake().offer(offered(&[order(1)]), None)).unwrap_err();
    assert!(refused.to_string().contains("the thread `history` has ended by itself"), "{refused}");
    assert!(matches!(dev.stop(), Err(Fatal::Panic("history"))));
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let folder = Folder::new("pipe");
    let runtime = Builder::new_current_thread().build().unwrap();
    let store = LocalStore::open(folder.path("dev.store"), SystemClock).unwrap();
    let (ended, pipe_ended) = std::sync::mpsc::channel();
    let told = Told::default();
    let teller = told.teller();
    let teller = Teller::new(move |happening| {
        if happening == Happening::PipeEnded {
            ended.send(()).unwrap();
        } else {
            teller.tell(happening);
        }
    });
    let opened = Opened::open((store, SystemClock), &text_of(RULES), By::Clock, teller).unwrap();
    let mut dev = opened.start((Nobody, Duration::ZERO), runtime.handle().clone()).unwrap();
    let text = format!("{}\n\n{{\n{}", order(1), order(2));
    let bad_line = crate::cutter::widen(order(1).len()) + 2;
    dev.pipe(Cursor::new(text)).unwrap();
    pipe_ended.recv().unwrap();
    let counters = dev.totals().counters();
    assert_eq!((counters.received, counters.rejected), (3, 1));
    let told = told.take();
    assert!(
        matches!(&told[..], [Happening::Rejected { offset, code: "invalid_json", .. }] if *offset == bad_line),
        "{told:?}"
    );
    dev.stop().unwrap();
}
