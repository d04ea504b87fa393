//! A thread that follows the settle log: into the history first, then to all who listen, and into the view.
//!
//! In this order: who begins to listen, and asks for the past after that, misses nothing between the two.

mod deploys;
mod load;

use super::HttpError;
use super::live::{Hub, Messages};
use super::page::{deploy_message, write_catalog};
use super::view::{self, Seen, View};
use crate::decided::{self, Decided};
use crate::happening::{Happening, Teller, chain};
use crate::page::Mark;
use crate::run::{Fatal, Rejected, Running, is_damage};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use streamgauge_engine::output::{Point, Status, Values};
use streamgauge_engine::plan::Plan;
use streamgauge_engine::series::SeriesKey;
use streamgauge_engine::time::Timestamp;
use streamgauge_local::history::{History, HistoryError};
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::memory::block_on;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Version;
use streamgauge_pipeline::publication::{PublishedMetric, PublishedPoint};
use streamgauge_pipeline::settle::Settled;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;

/// What the thread is called.
const NAME: &str = "history";
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
    tells: bool,
    plans: P,
    rejected: watch::Receiver<Option<Rejected>>,
    hub: Hub,
    view: Arc<Mutex<View>>,
    teller: Teller,
    is_failing: bool,
    /// The last entry of the process before.
    began: Version,
    /// Up to where it was told.
    told: Version,
    /// Up to where the control log was read for deploys.
    control: Version,
    growing: BTreeMap<Growing, Values>,
    /// So many series the history has forgotten that the view still has.
    forgotten: u64,
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
            tells: dev.outbox().tells(),
            plans: dev.reads_plans(),
            rejected: dev.rejected(),
            hub,
            view,
            teller: dev.teller().clone(),
            is_failing: false,
            began: dev.recovered().settled,
            told: Version::START,
            control: Version::START,
            growing: BTreeMap::new(),
            forgotten: 0,
        };
        work.look_at_plans().map_err(HttpError::Plans)?;
        let (settled, runtime) = (dev.settled(), Handle::current());
        let supervisor = dev.supervisor().clone();
        let thread = Builder::new()
            .name(NAME.to_owned())
            .spawn(move || supervisor.run(NAME, || work.run(settled, ended, &runtime)))
            .map_err(HttpError::Thread)?;
        Ok(Self { ends, thread })
    }

    /// Ends it. What it has not taken then, the next one does.
    pub(super) fn stop(self) {
        self.ends.send_replace(true);
        drop(self.thread.join());
    }
}

impl<C: Clock, P: FnMut() -> Result<Vec<Arc<Plan>>, Fatal>> Work<C, P> {
    fn run(
        &mut self,
        mut settled: watch::Receiver<Settled>,
        mut ended: watch::Receiver<bool>,
        runtime: &Handle,
    ) -> Result<(), Fatal> {
        let mut is_loaded = false;
        while !*ended.borrow() {
            let watermark = settled.borrow_and_update().watermark;
            let done = if is_loaded { self.follow() } else { self.load(watermark) };
            is_loaded |= done.is_ok();
            self.tell(done)?;
            runtime.block_on(news(&mut settled, &mut ended, &mut self.rejected.clone()));
        }
        Ok(())
    }

    /// Says what does not work for now; what trying again does not cure ends it.
    fn tell(&mut self, done: Result<(), Fatal>) -> Result<(), Fatal> {
        match done {
            Ok(()) if std::mem::take(&mut self.is_failing) => self.teller.tell(Happening::Over),
            Ok(()) => {}
            Err(error) if !may_pass(&error) => return Err(error),
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    self.teller.tell(Happening::Trouble(chain(&error)));
                }
            }
        }
        Ok(())
    }

    /// Takes what is new.
    fn follow(&mut self) -> Result<(), Fatal> {
        loop {
            let stepped = self.history.step()?;
            self.forgotten += stepped.forgotten;
            if self.look_at_plans()? | self.look_at_rejected() {
                self.tell_catalog();
            }
            self.tell_until(self.history.state()?.version)?;
            if self.forgotten > 0 && self.load_totals()? {
                self.forgotten = 0;
            }
            if stepped.entries == 0 {
                return Ok(());
            }
        }
    }

    /// Tells what was decided up to an entry. What comes after it is told when the history has it.
    fn tell_until(&mut self, until: Version) -> Result<(), Fatal> {
        while self.told < until {
            let read = block_on(decided::read(&*self.store, self.told))?;
            let before = self.told;
            for decided in read.iter().filter(|decided| decided.version <= until) {
                let deploys = self.deploys(Some(decided.control))?;
                self.told = decided.version;
                self.take(decided, deploys);
            }
            if self.told == before {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take(&mut self, decided: &Decided, deploys: Vec<Mark>) {
        let mut messages = Messages::default();
        let shared = Arc::clone(&self.view);
        let mut view = view::lock(&shared);
        view.count(decided);
        let renderer = decided.renderer();
        for mark in deploys {
            messages.add(Some(decided.version), &deploy_message(&mark));
            view.deployed(mark);
        }
        let mut line = Vec::new();
        for point in &decided.points.points {
            line.clear();
            if let Some(point) = self.take_point(point, &decided.points.metrics, &mut view) {
                renderer.json(&point, &mut line);
                messages.add(Some(decided.version), &line);
            }
        }
        for (transition, verdict) in &decided.alerts.transitions {
            line.clear();
            renderer.alert_json(transition, verdict, &mut line);
            if let Some(alert) = decided.alerts.alerts.get(transition.alert) {
                view.transition(alert, transition, &line);
            }
            messages.add(Some(decided.version), &line);
        }
        view.decided_up_to(decided.watermark);
        drop(view);
        self.hub.tell(messages);
    }

    /// Takes a point, and says how it is shown: a window that grows as what it has come to.
    fn take_point(
        &mut self,
        point: &PublishedPoint,
        metrics: &[PublishedMetric],
        view: &mut View,
    ) -> Option<Point> {
        let metric = usize::try_from(point.metric).ok()?;
        let (window_start, window_end) = (point.window_start, point.window_end);
        let status = point.kind.status();
        let seen = Seen {
            metric: &metrics.get(metric)?.name,
            series: &point.series,
            window_start,
            window_end,
            status,
            values: &point.values,
        };
        view.began(window_start);
        let values = if status == Status::Open {
            self.grow(&seen)
        } else {
            view.add(seen);
            view.see(seen);
            point.values.clone()
        };
        if status == Status::Final {
            self.growing.remove(&growing(&seen));
        }
        let series = Arc::clone(&point.series);
        let decided_at = window_end;
        Some(Point { metric, series, window_start, window_end, status, decided_at, values })
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
    fn look_at_plans(&mut self) -> Result<bool, Fatal> {
        let newest = (self.plans)()?.into_iter().next();
        let hash = |plan: &Option<Arc<Plan>>| plan.as_ref().map(|plan| plan.hash.clone());
        let mut view = self.view();
        let is_new = hash(&view.plan) != hash(&newest);
        view.plan = newest;
        Ok(is_new)
    }

    /// Reads whether the rules files can be used as they are now; true: that is new.
    fn look_at_rejected(&mut self) -> bool {
        if !matches!(self.rejected.has_changed(), Ok(true)) {
            return false;
        }
        let rejected = self.rejected.borrow_and_update().clone();
        self.view().rejected = rejected;
        true
    }

    fn tell_catalog(&self) {
        let mut messages = Messages::default();
        let catalog = {
            let view = self.view();
            let (now, first) = (self.clock.now(), r#""kind":"catalog","#);
            write_catalog(first, now, (self.is_by_events, self.tells), &view)
        };
        messages.add(None, &catalog);
        self.hub.tell(messages);
    }

    fn view(&self) -> MutexGuard<'_, View> {
        view::lock(&self.view)
    }
}

/// Whether trying again can help: not where an entry or a plan cannot be read, or the file is damaged.
fn may_pass(error: &Fatal) -> bool {
    let may_pass = match error {
        Fatal::Store(_) | Fatal::History(HistoryError::Store(_)) => true,
        Fatal::Control(error) => error.is_retryable(),
        _ => false,
    };
    may_pass && !is_damage(error)
}

/// Waits for something to do, or for some time.
async fn news(
    settled: &mut watch::Receiver<Settled>,
    ended: &mut watch::Receiver<bool>,
    rejected: &mut watch::Receiver<Option<Rejected>>,
) {
    tokio::select! {
        Ok(()) = rejected.changed() => {}
        Ok(()) = settled.changed() => {}
        Ok(()) = ended.changed() => {}
        () = sleep(EVERY) => {}
    }
}

fn growing(seen: &Seen<'_>) -> Growing {
    (seen.metric.to_owned(), Arc::clone(seen.series), seen.window_start)
}

#[cfg(test)]
mod tests;
