//! The proxy: it accepts calls on loopback, asks the pure modules what to do with each, and does it.
//!
//! One call, in order ([`exchange`]): its head is recognised; faults are thrown; the service's plan is made (refuse, answer
//! at once, or forward, maybe another body); the watcher is asked; the stand-in does it; the answer is settled and counted;
//! the watcher is asked again; the caller gets the answer, or does not.
//!
//! A call that has begun is finished and counted even if its caller has gone, as on AWS. Bodies of metered services are
//! held whole, up to [`BODY_BYTES_MAX`]; all others (S3, event streams) are passed on as they come.

mod dynamodb;
mod exchange;
mod kinesis;
mod others;
mod plan;
mod upstream;

use crate::bill::{Bill, Terms};
use crate::call::Service;
use crate::clock::Clock;
use crate::dynamodb::keys::Keys;
use crate::faults::{Dice, Faults};
use crate::kinesis::puts::Room;
use crate::kinesis::reads::Reads;
use crate::kinesis::shards::Shards;
use crate::limits::Limits;
use crate::tally::{Calls, Tally};
use crate::watcher::Watcher;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// The largest body that is held whole, in bytes: a `PutRecords` of 10 MiB in base64, or a batch of 16 MB in JSON, fits.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most connections at once; more wait.
pub const CONNECTIONS_MAX: usize = 1_024;
/// The most calls at once; more wait.
pub const CALLS_MAX: u32 = 1_024;
/// How long a stand-in may take; the longest poll of SQS is 20 s.
pub const UPSTREAM_TIME_MAX: Duration = Duration::from_mins(2);
/// The pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How long [`Running::stop`] waits for calls that have begun.
pub const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// Services with a stand-in of their own.
    pub by_service: BTreeMap<Service, SocketAddr>,
    /// The stand-in of all others.
    pub rest: SocketAddr,
}

impl Routes {
    /// Everything to one stand-in.
    pub fn all_to(rest: SocketAddr) -> Self {
        Self { by_service: BTreeMap::new(), rest }
    }

    /// The stand-in of a service.
    pub fn of(&self, service: &Service) -> SocketAddr {
        self.by_service.get(service).copied().unwrap_or(self.rest)
    }
}

/// Why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    /// No port could be had.
    #[error("cannot listen on a loopback port for the meter; are there too many open sockets?")]
    Listen(#[source] std::io::Error),
}

/// What the calls change.
#[derive(Debug)]
struct State {
    tally: Tally,
    dice: Dice,
    keys: Keys,
    shards: Shards,
    room: Room,
    reads: Reads,
}

/// All that a call needs.
#[derive(Debug)]
struct Proxy<W, C> {
    routes: Routes,
    limits: Limits,
    state: Arc<Mutex<State>>,
    watcher: W,
    clock: C,
    client: upstream::Client,
    /// One permit for each call that may run.
    calls: Arc<Semaphore>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W, C> Proxy<W, C> {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// The meter.
#[derive(Clone, Copy, Debug)]
pub struct Meter;

impl Meter {
    /// Starts a proxy on a free loopback port. Needs a tokio runtime with I/O and time.
    pub async fn start<W: Watcher, C: Clock>(
        routes: Routes,
        limits: Limits,
        faults: Faults,
        watcher: W,
        clock: C,
    ) -> Result<Running, MeterError> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(MeterError::Listen)?;
        let address = listener.local_addr().map_err(MeterError::Listen)?;
        let state = Arc::new(Mutex::new(State {
            tally: Tally::default(),
            dice: Dice::new(faults),
            keys: Keys::default(),
            shards: Shards::default(),
            room: Room::default(),
            reads: Reads::default(),
        }));
        let permits = usize::try_from(CALLS_MAX).unwrap_or(usize::MAX);
        let calls = Arc::new(Semaphore::new(permits));
        let proxy = Proxy {
            routes,
            limits,
            state: Arc::clone(&state),
            watcher,
            clock,
            client: upstream::client(),
            calls: Arc::clone(&calls),
        };
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::new(proxy), stopped));
        Ok(Running { address, state, stop, accepting, calls })
    }
}

/// A proxy that runs. Dropping it without [`Running::stop`] stops it too, without waiting for calls.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    calls: Arc<Semaphore>,
}

impl Running {
    /// The address as an endpoint for SDKs: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has been counted.
    pub fn calls(&self) -> Calls {
        lock(&self.state).tally.calls()
    }

    /// The bill so far.
    pub fn bill(&self, terms: Terms) -> Bill {
        Bill::of(&self.calls(), terms)
    }

    /// Takes no more calls, waits for those that have begun, at most [`STOP_TIME_MAX`], and gives the last counts.
    pub async fn stop(mut self) -> Calls {
        self.stop.send_replace(true);
        let all_done = async {
            // Connections end first: they begin no more calls. Then all permits are back.
            drop((&mut self.accepting).await);
            drop(self.calls.acquire_many(CALLS_MAX).await);
        };
        drop(timeout(STOP_TIME_MAX, all_done).await);
        self.accepting.abort();
        lock(&self.state).tally.calls()
    }
}

/// Accepts connections until it is told to stop or nobody is left to tell.
async fn accept<W: Watcher, C: Clock>(
    listener: TcpListener,
    proxy: Arc<Proxy<W, C>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, Arc::clone(&proxy), stopped.clone()));
            }
            // The process may have no file descriptor left: others have to end first.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Serves one connection.
async fn converse<W: Watcher, C: Clock>(
    stream: TcpStream,
    proxy: Arc<Proxy<W, C>>,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it small answers wait for the caller's acknowledgement, 40 ms each.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| exchange::serve(Arc::clone(&proxy), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // How a connection ends (cut on purpose, caller gone) is counted where it is decided.
    tokio::select! {
        ended = connection.as_mut() => drop(ended),
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}
