//! The threads together, on the machine's clock: started, stopped, started again.

use super::*;
use crate::channels::Ways;
use crate::intake::commit::Totals;
use crate::polled::Found;
use crate::polled::known::Known;
use crate::polled::reader;
use crate::polled::readers::{READS_MAX, Readers};
use crate::run::{Fatal, Running};
use crate::stream::SHARD;
use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use streamgauge_engine::output::Counters;
use streamgauge_pipeline::memory::MemorySource;
use streamgauge_pipeline::port::source::{
    NotRead, Page, Place, Polled, Progress, SequenceNumber, Shard, ShardId, Stream, StreamId,
};
use streamgauge_pipeline::system_clock::SystemClock;
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
    (opened.start(Ways::none(), handle).unwrap(), recovered)
}

#[test]
fn what_was_accepted_is_settled_when_it_has_stopped_and_is_there_when_it_starts_again() {
    let folder = Folder::new("threads");
    let runtime = Builder::new_current_thread().build().unwrap();
    let (dev, recovered) = start(&folder, &runtime);
    assert_eq!(recovered, Recovered::default());
    let lines: Vec<_> = (1..=500).map(order).collect();
    for offer in lines.chunks(50) {
        let accepted = runtime.block_on(dev.intake().offer(offered(offer), || dev.arrival()));
        assert_eq!(accepted.unwrap().accepted, 50);
    }
    assert_eq!(dev.totals().counters().counted, 500);
    let settled = dev.settled();
    let intake = dev.intake().clone();
    dev.stop().unwrap();
    let settled = *settled.borrow();
    assert_eq!(settled.watermark, Some(START.plus(499 * SECOND_MS)));
    assert_eq!(
        runtime.block_on(intake.offer(offered(&[order(1)]), || None)),
        Err(Refused::Stopping)
    );
    let (again, found) = start(&folder, &runtime);
    assert_eq!(found.offers, 10);
    assert_eq!((found.settled, found.watermark), (settled.version, settled.watermark));
    assert_eq!(again.plans().unwrap().len(), 1);
    again.stop().unwrap();
}

#[test]
fn before_all_sources_are_there_silence_proves_nothing() {
    let folder = Folder::new("sources");
    let runtime = Builder::new_current_thread().build().unwrap();
    let store = LocalStore::open(folder.path("dev.store"), SystemClock).unwrap();
    let teller = Told::default().teller();
    let opened = Opened::open((store, SystemClock), &text_of(RULES), By::Clock, teller).unwrap();
    let dev = opened.start(Ways::none(), runtime.handle().clone()).unwrap();
    let progress = || block_on(dev.world().stream().progress(&SHARD.into(), None)).unwrap();
    assert_eq!(progress(), Progress::Waiting);
    dev.has_all_sources();
    assert!(matches!(progress(), Progress::Empty { .. }));
    dev.stop().unwrap();
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
    let refused = runtime.block_on(dev.intake().offer(offered(&[order(1)]), || None)).unwrap_err();
    assert!(refused.to_string().contains("the thread `history` has ended by itself"), "{refused}");
    assert!(matches!(dev.stop(), Err(Fatal::Panic("history"))));
}

/// Reads a pipe to its end: what came, and what was told.
fn piped(folder: &str, pipe: impl Read + Send + 'static) -> (Counters, Vec<Happening>) {
    let folder = Folder::new(folder);
    let runtime = Builder::new_current_thread().build().unwrap();
    let store = LocalStore::open(folder.path("dev.store"), SystemClock).unwrap();
    let (ended, pipe_ended) = channel();
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
    let mut dev = opened.start(Ways::none(), runtime.handle().clone()).unwrap();
    dev.pipe(pipe).unwrap();
    pipe_ended.recv().unwrap();
    let counters = dev.totals().counters();
    dev.stop().unwrap();
    (counters, told.take())
}

#[test]
fn a_pipe_is_read_to_its_end() {
    let text = format!("{}\n\n{{\n{}", order(1), order(2));
    let bad_line = crate::cutter::widen(order(1).len()) + 2;
    let (counters, told) = piped("pipe", Cursor::new(text));
    assert_eq!((counters.received, counters.rejected), (3, 1));
    assert!(
        matches!(&told[..], [Happening::Rejected { offset, code: "invalid_json", .. }] if *offset == bad_line),
        "{told:?}"
    );
}

/// What a pipe that fails now and then answers, one after another.
struct Failing(Vec<io::Result<String>>);

impl Read for Failing {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let text = self.0.pop().unwrap_or_else(|| Ok(String::new()))?;
        Cursor::new(text).read(piece)
    }
}

#[test]
fn a_pipe_that_fails_is_read_on_when_it_works_again() {
    let (empty, torn) = (ErrorKind::WouldBlock, || io::Error::other("it is torn"));
    let line = |second| Ok(order(second) + "\n");
    // The last one is the first.
    let answers = vec![
        line(3),
        Err(torn()),
        Err(torn()),
        line(2),
        Err(empty.into()),
        line(1),
        Err(empty.into()),
    ];
    let (counters, told) = piped("torn", Failing(answers));
    assert_eq!((counters.received, counters.counted), (3, 3));
    let trouble = Happening::Trouble("could not read standard input: it is torn".to_owned());
    assert_eq!(told, [trouble, Happening::Over]);
}

/// Starts it with a stream. What is no event in that is heard.
fn poll(
    folder: &Folder,
    runtime: &Runtime,
    source: &Arc<MemorySource<SystemClock>>,
) -> (Dev, Receiver<String>) {
    let store = LocalStore::open(folder.path("dev.store"), SystemClock).unwrap();
    let (tells, hears) = channel();
    let teller = Teller::new(move |happening| {
        if let Happening::RejectedInShard { shard, .. } = happening {
            tells.send(shard).unwrap();
        }
    });
    let found = runtime.block_on(Found::find(Arc::clone(source))).unwrap();
    let known = [found.known()];
    let told = (teller, &known[..]);
    let opened = Opened::open_with((store, SystemClock), &text_of(RULES), By::Clock, told).unwrap();
    let mut dev = opened.start(Ways::none(), runtime.handle().clone()).unwrap();
    dev.poll(found).unwrap();
    (dev, hears)
}

#[test]
fn a_stream_is_polled_from_parents_to_children_and_goes_on_when_it_starts_again() {
    let folder = Folder::new("polled");
    let runtime = Builder::new_multi_thread().build().unwrap();
    let id = StreamId { name: "orders".into(), created_at: START };
    let source = Arc::new(MemorySource::new(id, SystemClock, 1 << 20));
    let [parent, one, two]: [ShardId; 3] = ["0", "1", "2"].map(Into::into);
    source.open(&parent, &[]);
    (0..100).for_each(|second| drop(source.put(&parent, order(second).as_bytes()).unwrap()));
    source.put(&parent, b"{").unwrap();
    source.close(&parent);
    source.open(&one, std::slice::from_ref(&parent));
    source.open(&two, &[parent]);
    source.put(&one, order(101).as_bytes()).unwrap();
    source.put(&one, b"{").unwrap();
    let (first, hears) = poll(&folder, &runtime, &source);
    let heard: Vec<_> = hears.iter().take(2).collect();
    assert_eq!(heard, ["orders/0", "orders/1"]);
    let totals = first.totals().clone();
    first.stop().unwrap();
    assert_eq!(totals.counters().received, 103);
    source.put(&two, order(102).as_bytes()).unwrap();
    source.put(&two, b"{").unwrap();
    let (again, hears_again) = poll(&folder, &runtime, &source);
    assert_eq!(hears_again.recv().unwrap(), "orders/2");
    let counted = again.totals().clone();
    again.stop().unwrap();
    assert_eq!(counted.counters().received, 2);
}

/// A stream in an outage, of which a process is to stop as soon as it asks for a shard.
#[derive(Debug)]
struct Outage {
    source: MemorySource<SystemClock>,
    intake: Intake,
    asked: AtomicUsize,
}

impl Stream for Outage {
    async fn describe(&self) -> Result<Option<StreamId>, Retryable> {
        self.source.describe().await
    }

    async fn shards(&self) -> Result<Vec<Shard>, Retryable> {
        self.source.shards().await
    }

    async fn progress(
        &self,
        shard: &ShardId,
        after: Option<&SequenceNumber>,
    ) -> Result<Progress, Retryable> {
        self.source.progress(shard, after).await
    }
}

impl Polled for Outage {
    async fn open(
        &self,
        _shard: &ShardId,
        _with: Option<&SequenceNumber>,
    ) -> Result<Option<Place>, Retryable> {
        self.intake.close();
        self.asked.fetch_add(1, Ordering::SeqCst);
        Err(Retryable::new("could not reach it"))
    }

    async fn read(&self, _shard: &ShardId, _place: Place) -> Result<Page, NotRead> {
        Err(NotRead::Throttled)
    }
}

#[test]
fn a_process_that_is_to_stop_does_not_ask_for_each_of_a_thousand_shards_once_more() {
    let (folder, clock) = (Folder::new("stops"), VirtualClock::new(START));
    let runtime = Builder::new_multi_thread().build().unwrap();
    let id = StreamId { name: "orders".into(), created_at: START };
    let source = MemorySource::new(id.clone(), SystemClock, 1 << 20);
    (0..10 * READS_MAX).for_each(|shard| source.open(&shard.to_string().into(), &[]));
    let bench = Bench::new(folder.store(&clock), &clock, By::Clock);
    let (known, intake) = (Arc::new(Known::default()), bench.intake.clone());
    known.listed(known.lists(), id, block_on(source.shards()).unwrap());
    let asked = AtomicUsize::new(0);
    let outage = Arc::new(Outage { source, intake: intake.clone(), asked });
    let (totals, teller) = (Totals::default(), bench.told.teller());
    let (polled, world) = (Arc::clone(&outage), bench.world.clone());
    let shared = reader::Shared { polled, known, world, totals, teller };
    Readers { shared, intake, runtime: runtime.handle().clone() }.run().unwrap();
    let shards = outage.asked.load(Ordering::SeqCst);
    assert!((1..=READS_MAX).contains(&shards), "{shards} shards were asked for");
}
