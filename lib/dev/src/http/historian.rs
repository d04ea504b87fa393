//! A thread that follows the settle log: into the history first, then to all who listen, and into the view.
//!
//! In this order: who begins to listen, and asks for the past after that, misses nothing between the two.

use super::HttpError;
use super::live::{Hub, Messages};
use super::page::write_catalog;
use super::view::{Seen, View};
use crate::decided::{self, Decided};
use crate::happening::{Happening, Teller, chain};
use crate::run::Running;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use streamgauge_engine::calendar::Window;
use streamgauge_engine::output::{Point, Status, Values};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};
use streamgauge_local::history::{AlertsWanted, History, PointsWanted, Tier};
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::publication::PointKind;
use streamgauge_pipeline::render::Renderer;
use streamgauge_pipeline::settle::Settled;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;

/// It looks at least so often.
const EVERY: Duration = Duration::from_secs(1);

/// A window of a live metric that grows: metric, series, and where it begins.
type Growing = (String, Arc<SeriesKey>, Timestamp);

/// The thread.
#[derive(Debug)]
pub(super) struct Historian {
    ends: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// What the thread works on.
struct Work<C, P> {
    history: Arc<History<C>>,
    store: Arc<LocalStore<C>>,
    clock: C,
    is_by_events: bool,
    plans: P,
    hub: Hub,
    view: Arc<Mutex<View>>,
    teller: Teller,
    is_failing: bool,
    /// Up to where it was told.
    told: Version,
    growing: BTreeMap<Growing, Values>,
}

impl Historian {
    /// Starts it, on a runtime.
    pub(super) fn start<C: Clock + Clone + 'static>(
        dev: &Running<LocalStore<C>, C>,
        history: Arc<History<C>>,
        (hub, view): (Hub, Arc<Mutex<View>>),
    ) -> Result<Self, HttpError> {
        let (ends, ended) = watch::channel(false);
        let mut work = Work {
            history,
            store: Arc::clone(dev.store()),
            clock: dev.world().clock.clone(),
            is_by_events: dev.arrival().is_none(),
            plans: dev.reads_plans(),
            hub,
            view,
            teller: dev.teller().clone(),
            is_failing: false,
            told: Version::START,
            growing: BTreeMap::new(),
        };
        work.look_at_plans().map_err(HttpError::Plans)?;
        let (settled, runtime) = (dev.settled(), Handle::current());
        let thread = Builder::new()
            .name("history".to_owned())
            .spawn(move || work.run(settled, ended, &runtime))
            .map_err(HttpError::Thread)?;
        Ok(Self { ends, thread })
    }

    /// Ends it. What it has not taken then, the next one does.
    pub(super) fn stop(self) {
        self.ends.send_replace(true);
        drop(self.thread.join());
    }
}

impl<C: Clock, P: Fn() -> Result<Vec<Arc<Plan>>, crate::run::Fatal>> Work<C, P> {
    fn run(
        &mut self,
        mut settled: watch::Receiver<Settled>,
        mut ended: watch::Receiver<bool>,
        runtime: &Handle,
    ) {
        let mut is_loaded = false;
        while !*ended.borrow() {
            let watermark = settled.borrow_and_update().watermark;
            let done = if is_loaded { self.follow() } else { self.load(watermark) };
            is_loaded |= done.is_ok();
            self.tell(done);
            runtime.block_on(news(&mut settled, &mut ended));
        }
    }

    fn tell(&mut self, done: Result<(), Box<dyn Error>>) {
        match done {
            Ok(()) if std::mem::take(&mut self.is_failing) => self.teller.tell(Happening::Over),
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    self.teller.tell(Happening::Trouble(chain(&*error)));
                }
            }
        }
    }

    /// Brings the history up to now, and makes the view of it.
    fn load(&mut self, watermark: Option<Timestamp>) -> Result<(), Box<dyn Error>> {
        while self.history.step()?.entries > 0 {}
        let moment = self.history.moment()?;
        let plan = self.view().plan.clone();
        let mut view = View::of(plan);
        // Totals of all that is kept, then the newest windows.
        let from = watermark.map(|watermark| watermark.minus(reach(view.plan.as_deref())));
        let all = PointsWanted { tier: Some(Tier::Hours), ..PointsWanted::default() };
        let newest = PointsWanted { tier: Some(Tier::Decided), from, ..PointsWanted::default() };
        self.growing.clear();
        for wanted in [all, newest] {
            let mut cursor = None;
            loop {
                let page = moment.points(&wanted, cursor.as_ref())?;
                for (point, _) in &page.points {
                    let Some(kept) = page.metrics.get(point.metric) else { continue };
                    let seen = Seen {
                        metric: &kept.metric.name,
                        series: &point.series,
                        window_start: point.window_start,
                        window_end: point.window_end,
                        status: point.status,
                        values: &point.values,
                    };
                    match (page.tier, point.status) {
                        (Tier::Decided, Status::Open) => {
                            self.growing.insert(growing(&seen), point.values.clone());
                        }
                        (Tier::Decided, _) => view.see(seen),
                        _ => view.add(seen),
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        let (wanted, mut cursor) = (AlertsWanted::default(), None);
        loop {
            let page = moment.alerts(&wanted, cursor.as_ref())?;
            let renderer = Renderer::recorded(std::iter::empty(), page.record.alerts.clone());
            for (transition, verdict) in &page.record.transitions {
                let Some(alert) = page.record.alerts.get(transition.alert) else { continue };
                let mut line = Vec::new();
                renderer.alert_json(transition, verdict, &mut line);
                view.transition(alert, transition, &line);
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        self.told = moment.state()?.version;
        view.is_read = true;
        *self.view() = view;
        Ok(())
    }

    /// Takes what is new.
    fn follow(&mut self) -> Result<(), Box<dyn Error>> {
        while self.history.step()?.entries > 0 {}
        let until = self.history.state()?.version;
        if self.look_at_plans()? {
            self.tell_catalog();
        }
        while self.told < until {
            let read = block_on(decided::read(&*self.store, self.told))?;
            // Those after it are told when the history has them.
            let read: Vec<_> = read.into_iter().filter(|one| one.version <= until).collect();
            if read.is_empty() {
                break;
            }
            for decided in &read {
                self.told = decided.version;
                self.take(decided);
            }
        }
        Ok(())
    }

    fn take(&mut self, decided: &Decided) {
        let mut messages = Messages::default();
        let version = Some(decided.version);
        let (points, alerts) = (&decided.points, &decided.alerts);
        let renderer = Renderer::recorded(points.metrics.iter(), alerts.alerts.clone());
        let shared = Arc::clone(&self.view);
        let mut view = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = Vec::new();
        for point in &points.points {
            let Ok(metric) = usize::try_from(point.metric) else { continue };
            let Some(published) = points.metrics.get(metric) else { continue };
            let (status, values) = match point.kind {
                PointKind::Final | PointKind::Recorded => (Status::Final, &point.values),
                PointKind::Correction => (Status::Correction, &point.values),
                PointKind::Increment => (Status::Open, &point.values),
            };
            let seen = Seen {
                metric: &published.name,
                series: &point.series,
                window_start: point.window_start,
                window_end: point.window_end,
                status,
                values,
            };
            let values = match status {
                Status::Open => self.grow(&seen),
                _ => values.clone(),
            };
            if status == Status::Final {
                self.growing.remove(&growing(&seen));
            }
            if status != Status::Open {
                view.add(seen);
                view.see(seen);
                view.points += 1;
            }
            let (window_start, window_end) = (point.window_start, point.window_end);
            let series = Arc::clone(&point.series);
            let decided_at = window_end;
            line.clear();
            renderer.json(
                &Point { metric, series, window_start, window_end, status, decided_at, values },
                &mut line,
            );
            messages.add(version, &line);
        }
        for (transition, verdict) in &alerts.transitions {
            line.clear();
            renderer.alert_json(transition, verdict, &mut line);
            if let Some(alert) = alerts.alerts.get(transition.alert) {
                view.transition(alert, transition, &line);
            }
            view.alerts += 1;
            messages.add(version, &line);
        }
        drop(view);
        self.hub.tell(messages);
    }

    /// What a window that grows has come to.
    fn grow(&mut self, seen: &Seen<'_>) -> Values {
        let grown = self.growing.entry(growing(seen));
        let values = grown
            .and_modify(|values| {
                // Another kind: new rules have made it another metric.
                if !values.merge(seen.values) {
                    *values = seen.values.clone();
                }
            })
            .or_insert_with(|| seen.values.clone());
        values.clone()
    }

    /// Reads the newest rules; true: they are new.
    fn look_at_plans(&self) -> Result<bool, crate::run::Fatal> {
        let newest = (self.plans)()?.into_iter().next();
        let hash = |plan: &Option<Arc<Plan>>| plan.as_ref().map(|plan| plan.hash.clone());
        let mut view = self.view();
        let is_new = hash(&view.plan) != hash(&newest);
        view.plan = newest;
        Ok(is_new)
    }

    fn tell_catalog(&self) {
        let mut messages = Messages::default();
        let catalog = {
            let view = self.view();
            let (now, first) = (self.clock.now(), r#""kind":"catalog","#);
            write_catalog(first, now, self.is_by_events, view.plan.as_deref(), view.active())
        };
        messages.add(None, &catalog);
        self.hub.tell(messages);
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for something to do, or for some time.
async fn news(settled: &mut watch::Receiver<Settled>, ended: &mut watch::Receiver<bool>) {
    tokio::select! {
        Ok(()) = settled.changed() => {}
        Ok(()) = ended.changed() => {}
        () = sleep(EVERY) => {}
    }
}

fn growing(seen: &Seen<'_>) -> Growing {
    (seen.metric.to_owned(), Arc::clone(seen.series), seen.window_start)
}

/// How far behind the watermark the newest final windows are at most.
fn reach(plan: Option<&Plan>) -> Millis {
    let Some(plan) = plan else { return 0 };
    let reach = plan.metrics.iter().map(|metric| 2 * length_ms(metric.window) + metric.within());
    reach.max().unwrap_or_default() + plan.timing.allowed_lateness
}

/// How long windows are; days that differ by an hour are taken as alike.
pub(super) fn length_ms(window: Window) -> Millis {
    match window {
        Window::Fixed(length_ms) => length_ms,
        Window::Days(days) => Millis::from(days) * DAY_MS,
        Window::Weeks(weeks) => Millis::from(weeks) * 7 * DAY_MS,
    }
}
