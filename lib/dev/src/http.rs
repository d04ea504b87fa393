//! The HTTP interface: events in, and what was decided out.
//!
//! ```text
//! listen ─► route ─► guard ─► push ─► intake
//!                        ├──► past ─► a moment of the history, page by page
//!                        ├──► live ◄─ hub ◄─ historian ◄─ settle log
//!                        └──► page, summary, metrics, health ◄─ view
//! ```
//!
//! What a request takes is bounded: its head, its body and the bodies of all, the time for each of them and for each write, how many
//! connections, live streams and long answers there are. Who is slow loses the own connection and holds nobody else.
//!
//! The modules, in the order in which a request meets them: `listen` and `patience` have the connections, `route` the table of what can
//! be asked, `guard` who may, `body`, `push` and `deploys` what comes, `query` and `past` what was decided, `live` what is decided now, `page` the page,
//! `scrape` the metrics. `historian` follows the settle log and keeps the `view` of it, `pulse` says how the pipeline is.

mod answer;
mod body;
mod deploys;
mod guard;
mod historian;
mod listen;
mod live;
mod page;
mod past;
mod patience;
mod pulse;
mod push;
mod query;
mod route;
mod scrape;
mod view;

#[cfg(test)]
mod tests;

pub use guard::{Token, TokenError};

use crate::cloud_events::Limits;
use crate::intake::Intake;
use crate::intake::commit::Totals;
use crate::outbox::Outbox;
use crate::run::Running;
use crate::world::DevWorld;
use deploys::Marked;
use guard::Guard;
use historian::Historian;
use live::Hub;
use pulse::{Pulse, Sensor};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use streamgauge_engine::time::{DAY_MS, Millis, Timestamp};
use streamgauge_local::history::{self, History};
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::port::clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use view::View;

/// How many bytes of bodies are held at most before they are in the queue.
const BODIES_BYTES_MAX: usize = 128 << 20;
/// How many long answers are read from the store at a time: each takes a thread.
const READINGS_MAX: usize = 16;
/// How many scrapes are written at a time; others wait.
const SCRAPES_MAX: usize = 2;
/// How many live streams there are at most.
const LIVE_MAX: usize = 256;
/// Longer than events can be old: they are of 1970 at least.
const FOR_EVER_MS: Millis = 1_000 * 365 * DAY_MS;
/// How long requests that have begun are waited for at the end.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);

/// How long somebody may take.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// For the head of a request, also from one to the next.
    head: Duration,
    /// For the body of a request.
    body: Duration,
    /// To read what stands ready.
    write: Duration,
    /// To read a whole answer of the past.
    reading: Duration,
    /// Between two messages of a live stream.
    silence: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            write: Duration::from_secs(30),
            reading: Duration::from_mins(5),
            silence: Duration::from_secs(15),
        }
    }
}

/// When a record has arrived that comes now.
type Arrival = Box<dyn Fn() -> Option<Timestamp> + Send + Sync>;

/// All that requests need.
struct App<C> {
    intake: Intake,
    world: DevWorld<LocalStore<C>, C>,
    marked: Marked,
    arrival: Arrival,
    totals: Totals,
    outbox: Outbox,
    guard: Guard,
    limits: Limits,
    times: Times,
    /// For bodies, in bytes.
    room: Arc<Semaphore>,
    history: Arc<History<C>>,
    readings: Arc<Semaphore>,
    scrapes: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    hub: Hub,
    view: Arc<Mutex<View>>,
    pulse: watch::Receiver<Pulse>,
    stopped: watch::Receiver<bool>,
}

impl<C: fmt::Debug> fmt::Debug for App<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<C> App<C> {
    fn view(&self) -> MutexGuard<'_, View> {
        view::lock(&self.view)
    }
}

/// The interface while it is served. It ends with [`Serving::stop`].
#[derive(Debug)]
pub struct Serving {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    beating: JoinHandle<()>,
    historian: Historian,
    view: Arc<Mutex<View>>,
    #[cfg(test)]
    hub: Hub,
}

/// Waits until it is to end.
async fn over(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// Why it cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be had.
    #[error("could not listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The plans in the store.
    #[error("could not read the rules of the store")]
    Plans(#[source] crate::run::Fatal),
    /// There are no threads left.
    #[error("could not start a thread")]
    Thread(#[source] io::Error),
}

/// How much of the past is kept. Where the clock is that of the events nothing is too old, and only its size bounds it.
fn kept(is_by_events: bool) -> history::Limits {
    let mut limits = history::Limits::default();
    if is_by_events {
        limits.levels.iter_mut().for_each(|level| level.kept_ms = FOR_EVER_MS);
    }
    limits
}

/// Takes an address, and says which it is: port 0 becomes a free one.
pub async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), HttpError> {
    let failed = |source| HttpError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Serving {
    /// Serves what runs, on a runtime with I/O and time. Without a token only names of this machine are answered.
    pub fn start<C: Clock + Clone + fmt::Debug + 'static>(
        dev: &Running<LocalStore<C>, C>,
        listener: TcpListener,
        token: Option<Token>,
    ) -> Result<Self, HttpError> {
        Self::with(dev, listener, token, Times::default())
    }

    fn with<C: Clock + Clone + fmt::Debug + 'static>(
        dev: &Running<LocalStore<C>, C>,
        listener: TcpListener,
        token: Option<Token>,
        times: Times,
    ) -> Result<Self, HttpError> {
        let limits = kept(dev.arrival().is_none());
        let history = Arc::new(History::new(Arc::clone(dev.store()), limits));
        let (stop, stopped) = watch::channel(false);
        let hub = Hub::default();
        let view = Arc::new(Mutex::new(View::default()));
        let historian =
            Historian::start(dev, Arc::clone(&history), (hub.clone(), Arc::clone(&view)))?;
        let (beats, pulse) = watch::channel(Pulse::default());
        let sensor = Sensor::new(
            dev.world().clone(),
            dev.totals().clone(),
            (dev.settled(), dev.outbox().clone()),
            Arc::clone(&view),
        );
        let beating = tokio::spawn(pulse::beat(sensor, beats, hub.clone()));
        #[cfg(test)]
        let told = hub.clone();
        let app = App {
            intake: dev.intake().clone(),
            world: dev.world().clone(),
            marked: Marked::default(),
            arrival: Box::new(dev.arrivals()),
            totals: dev.totals().clone(),
            outbox: dev.outbox().clone(),
            guard: Guard { token },
            limits: Limits::default(),
            times,
            room: Arc::new(Semaphore::new(BODIES_BYTES_MAX)),
            history,
            readings: Arc::new(Semaphore::new(READINGS_MAX)),
            scrapes: Arc::new(Semaphore::new(SCRAPES_MAX)),
            streams: Arc::new(Semaphore::new(LIVE_MAX)),
            hub,
            view: Arc::clone(&view),
            pulse,
            stopped: stopped.clone(),
        };
        let accepting = tokio::spawn(listen::accept(listener, Arc::new(app), stopped));
        Ok(Self {
            stop,
            accepting,
            beating,
            historian,
            view,
            #[cfg(test)]
            hub: told,
        })
    }

    /// How many steps of alerts fire, whenever they began to; absent while the store is read.
    pub fn firing(&self) -> Option<u64> {
        view::lock(&self.view).all_firing()
    }

    /// Takes no more requests, and waits for those that have begun; live streams end. What runs behind it is stopped after it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        drop(timeout(STOP_TIME_MAX, &mut self.accepting).await);
        self.accepting.abort();
        self.beating.abort();
        drop(tokio::task::spawn_blocking(move || self.historian.stop()).await);
    }
}
