//! A world in memory with a settle log to follow, and a place that adds points up.

use super::told::defined;
use crate::deliver::lane::{Cursor, Lane};
use crate::deliver::register::Registered;
use crate::deliver::{
    DeadLetter, DeadLetters, Deliver, DeliverError, DeliverSettings, Delivered, POINTS_LANE,
    Undelivered,
};
use crate::memory::{
    MemoryCall, MemoryChannels, MemoryPoints, MemoryPorts, MemoryWorld, VirtualClock, block_on,
};
use crate::notifications;
use crate::port::Partition;
use crate::port::clock::Clock;
use crate::port::log::{Chunks, Entry, Log, LogId, Version};
use crate::port::points::{Packed, Points, Queued, Receipt};
use crate::port::rules::{NoPlan, Rules, RulesText};
use crate::port::sink::Delivery;
use crate::port::snapshots::Snapshots;
use crate::port::{Retryable, wake::WakeUp};
use crate::publication::{PointKind, Publication, PublishedMetric, PublishedPoint};
use crate::settle_entry::{NOTIFICATIONS, POINTS, SettleEntry};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use streamgauge_engine::notification::Notification;
use streamgauge_engine::notify::{Render, TemplateValue};
use streamgauge_engine::output::Values;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{DAY_MS, MINUTE_MS, Millis, SECOND_MS, Timestamp};

/// When tests begin.
pub(super) const START: Timestamp = Timestamp::from_millis(1_767_607_200_000);
/// How long an invocation may take.
pub(super) const TIMEOUT_MS: Millis = MINUTE_MS;
const BYTES_MAX: usize = 64 << 20;

/// No rules: deliver needs none.
#[derive(Debug)]
pub(super) struct NoRules;

impl Rules for NoRules {
    fn compile(&self, _: &RulesText) -> Result<Arc<Plan>, NoPlan> {
        Err(NoPlan { message: "there are none".to_owned(), source: None })
    }

    fn deployed(&self) -> Option<&RulesText> {
        None
    }

    fn render(&self) -> &dyn Render {
        self
    }
}

impl Render for NoRules {
    fn render(&self, _: &str, _: &[(&str, TemplateValue)]) -> Result<String, String> {
        Err("there are no templates".to_owned())
    }
}

/// All that tests share with the functions that they run.
#[derive(Debug)]
pub(super) struct Bench {
    ports: Arc<MemoryPorts>,
    pub(super) points: MemoryPoints<VirtualClock>,
    pub(super) channels: MemoryChannels,
    places: Mutex<BTreeMap<String, Cursor>>,
    versions: AtomicU64,
    invocations: AtomicU64,
}

impl Deref for Bench {
    type Target = MemoryPorts;

    fn deref(&self) -> &MemoryPorts {
        &self.ports
    }
}

impl Points for &Bench {
    type Call = MemoryCall;

    fn pack(&self, points: &[Queued<'_>], receipt: &Receipt, now: Timestamp) -> Packed<MemoryCall> {
        self.points.pack(points, receipt, now)
    }

    async fn put(&self, call: &MemoryCall) -> Delivery {
        self.points.put(call).await
    }

    async fn was_taken(&self, receipt: &Receipt) -> Result<bool, Retryable> {
        self.points.was_taken(receipt).await
    }
}

/// An environment of the function.
pub(super) type Environment<'a> = Deliver<MemoryWorld<NoRules>, &'a Bench, MemoryChannels>;

pub(super) fn partition() -> Partition {
    Partition::default()
}

impl Bench {
    /// A place that takes so many points per call.
    pub(super) fn new(call_points_max: usize) -> Self {
        let clock = VirtualClock::new(START);
        Self {
            points: MemoryPoints::new(clock.clone(), call_points_max),
            channels: MemoryChannels::new(defined),
            ports: MemoryPorts::new(clock, Vec::new(), BYTES_MAX),
            places: Mutex::default(),
            versions: AtomicU64::new(0),
            invocations: AtomicU64::new(0),
        }
    }

    /// A new environment.
    pub(super) fn environment(&self) -> Environment<'_> {
        let world = MemoryWorld { ports: Arc::clone(&self.ports), rules: NoRules };
        Deliver::new(world, self, self.channels.clone(), DeliverSettings::default())
    }

    /// Settles points into one entry: their names, which begin with the namespace and a slash. `!` at the end: only recorded.
    pub(super) fn settle(&self, names: &[&str]) {
        self.settle_late(names, 0);
    }

    /// The same for windows that began so much earlier.
    pub(super) fn settle_late(&self, names: &[&str], age_ms: Millis) {
        let mut publication = Publication::default();
        for name in names {
            let (namespace, value) = name.split_once('/').unwrap();
            let known = publication.metrics.iter().position(|known| known.namespace == namespace);
            let metric = known.unwrap_or_else(|| {
                publication.metrics.push(metric(namespace));
                publication.metrics.len() - 1
            });
            let window_start = self.clock.now().minus(age_ms);
            publication.points.push(PublishedPoint {
                metric: u32::try_from(metric).unwrap(),
                series: Arc::new(SeriesKey::new([value.trim_end_matches('!')])),
                window_start,
                window_end: window_start.plus(MINUTE_MS),
                kind: if value.ends_with('!') { PointKind::Recorded } else { PointKind::Final },
                values: Values::Count(1),
            });
        }
        self.append(&publication, &[]);
    }

    /// Appends an entry to the settle log.
    pub(super) fn append(
        &self,
        publication: &Publication,
        notifications: &[Notification],
    ) -> Version {
        let header = SettleEntry {
            clock: self.clock.now(),
            control: Version::START,
            taken: Vec::new(),
            listing: None,
            answers: Vec::new(),
            watermark: None,
            points: u64::try_from(publication.points.len()).unwrap(),
        };
        let mut chunks = Chunks::new();
        if !publication.points.is_empty() {
            chunks.insert(POINTS, publication.encode());
        }
        if !notifications.is_empty() {
            chunks.insert(NOTIFICATIONS, notifications::encode(notifications));
        }
        let expires_at = self.clock.now().plus(30 * DAY_MS);
        let entry = Entry::new(header.encode(), chunks, expires_at).unwrap();
        let version = Version(self.versions.fetch_add(1, Ordering::Relaxed)).next();
        let append = || block_on(self.log.append(&LogId::settle(partition()), version, &entry));
        // Nobody else appends here: after a fault a conflict is with itself.
        assert!((0..100).any(|_| append().is_ok()));
        let places = (0..).zip(&publication.points);
        let sent = places.filter(|(_, point)| point.kind != PointKind::Recorded);
        let placed = sent
            .map(|(place, point)| (name_of(publication, point), Cursor { version, point: place }));
        self.places.lock().unwrap().extend(placed);
        version
    }

    /// Where the points that are to be sent stand in the settle log, by their names.
    pub(super) fn places(&self) -> BTreeMap<String, Cursor> {
        self.places.lock().unwrap().clone()
    }

    /// The name and the deadline of the next invocation.
    pub(super) fn invocation(&self) -> (String, Timestamp) {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        (format!("invocation {number}"), self.clock.now().plus(TIMEOUT_MS))
    }

    /// An invocation in an environment, to its end.
    pub(super) fn run(&self, environment: &Environment<'_>) -> Delivered {
        self.try_run(environment).unwrap()
    }

    pub(super) fn try_run(&self, environment: &Environment<'_>) -> Result<Delivered, DeliverError> {
        let (name, deadline) = self.invocation();
        block_on(environment.run(partition(), &name, deadline))
    }

    /// An invocation that is cut off after so many polls; whether it had ended before.
    pub(super) fn run_cut(&self, environment: &Environment<'_>, polls: usize) -> bool {
        let (name, deadline) = self.invocation();
        let mut run = Box::pin(environment.run(partition(), &name, deadline));
        let mut context = Context::from_waker(Waker::noop());
        (0..polls).any(|_| matches!(run.as_mut().poll(&mut context), Poll::Ready(_)))
    }

    /// Two invocations in two environments, by turns: whose it is, and how much time passes before. Then both are cut off.
    pub(super) fn run_both(
        &self,
        environments: &[Environment<'_>; 3],
        first: usize,
        turns: &[(bool, Millis)],
    ) {
        let [one, other] = [&environments[first], &environments[(first + 1) % 3]];
        // They begin now, and so have the same deadline.
        let [(name, deadline), (other_name, _)] = [self.invocation(), self.invocation()];
        let mut one = Some(Box::pin(one.run(partition(), &name, deadline)));
        let mut other = Some(Box::pin(other.run(partition(), &other_name, deadline)));
        let mut context = Context::from_waker(Waker::noop());
        for (is_first, passes) in turns {
            self.clock.advance(*passes);
            if self.clock.now() >= deadline {
                return;
            }
            let run = if *is_first { &mut one } else { &mut other };
            let poll = run.as_mut().map(|run| run.as_mut().poll(&mut context));
            if matches!(poll, Some(Poll::Ready(_))) {
                *run = None;
            }
        }
    }

    /// Ticks each minute in new environments until nothing is left, or so many times.
    pub(super) fn tick(&self, times: usize) -> Delivered {
        let environment = self.environment();
        for _ in 0..times {
            self.clock.advance(MINUTE_MS);
            let delivered = self.run(&environment);
            if is_done(&delivered) {
                return delivered;
            }
        }
        panic!("something is left after {times} minutes: {:?}", self.run(&environment));
    }

    /// The same while invocations may fail.
    pub(super) fn tick_through(&self, times: usize) {
        let environment = self.environment();
        let is_done = (0..times).any(|_| {
            self.clock.advance(MINUTE_MS);
            let outcome = self.try_run(&environment);
            outcome.is_ok_and(|delivered| is_done(&delivered))
        });
        assert!(is_done, "something is left after {times} minutes");
    }

    /// The wake-ups that are due, taken out.
    pub(super) fn wake_ups(&self) -> Vec<WakeUp> {
        std::iter::from_fn(|| self.wake.take()).collect()
    }

    /// The lane as it stands in the store.
    pub(super) fn lane(&self) -> Lane {
        let log = LogId::lane(POINTS_LANE, partition());
        let versions = block_on(self.snapshots.versions(&log)).unwrap();
        let Some(&newest) = versions.first() else { return Lane::default() };
        let snapshot = block_on(self.snapshots.load(&log, newest)).unwrap().unwrap();
        Lane::decode(snapshot.state()).unwrap()
    }

    /// How often each point was taken, by its name.
    pub(super) fn counted(&self) -> BTreeMap<String, u64> {
        let totals = self.points.totals();
        let named = totals.into_iter().map(|((namespace, _, values, _), total)| {
            (format!("{namespace}/{}", values.concat()), total.samples)
        });
        let mut counted = BTreeMap::new();
        for (name, samples) in named {
            *counted.entry(name).or_default() += samples;
        }
        counted
    }

    /// The dead letters: names and reasons.
    pub(super) fn dead(&self) -> Vec<(String, String)> {
        let letters = self.letters().into_iter().map(|letter| {
            let Undelivered::Point(dead) = letter.held else { panic!("{letter:?}") };
            let values: Vec<_> = dead.point.series.values().collect();
            (format!("{}/{}", dead.metric.namespace, values.concat()), letter.reason)
        });
        letters.collect()
    }

    pub(super) fn letters(&self) -> Vec<DeadLetter> {
        let mut reader = DeadLetters::new(partition());
        let mut letters = Vec::new();
        while let Some(more) = block_on(reader.next(&self.log)).unwrap() {
            letters.extend(more);
        }
        letters
    }

    /// Each of these points was taken once, and no other.
    pub(super) fn check_counted(&self, names: &[&str]) {
        let expected: BTreeMap<_, _> = names.iter().map(|&name| (name.to_owned(), 1)).collect();
        assert_eq!(self.counted(), expected);
    }
}

/// Cuts two invocations off after each number of polls at which the first has not ended, so that every pair of places is
/// met; `check` does that, and says whether the first had ended.
pub(super) fn cut_anywhere(check: impl Fn(usize, usize) -> bool) {
    let ends_after = (1..1_000).find(|&polls| check(polls, 0)).unwrap();
    assert!(ends_after > 20, "only {ends_after} polls");
    for first in 1..ends_after {
        for second in 1..ends_after {
            check(first, second);
        }
    }
}

/// Whether nothing waits any more.
fn is_done(delivered: &Delivered) -> bool {
    delivered.behind == 0
        && delivered.wake_at.is_none()
        && delivered.lanes.iter().all(|lane| lane.waiting == 0)
}

fn metric(namespace: &str) -> PublishedMetric {
    PublishedMetric {
        namespace: namespace.to_owned(),
        name: "orders".to_owned(),
        dimensions: vec!["partner".to_owned()],
        unit: None,
    }
}

/// The name of a point, as it was settled.
fn name_of(publication: &Publication, point: &PublishedPoint) -> String {
    let metric = &publication.metrics[usize::try_from(point.metric).unwrap()];
    let values: Vec<_> = point.series.values().collect();
    format!("{}/{}", metric.namespace, values.concat())
}

/// Milliseconds from the start of the test.
pub(super) fn after(seconds: i64) -> Timestamp {
    START.plus(seconds * SECOND_MS)
}
