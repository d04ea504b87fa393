//! The worker: pushes events as fast as they are acknowledged, for some seconds, and prints the figures.

use super::bodies::Events;
use super::client::Client;
use super::served::{Place, Served, Summary, Used};
use super::{RULES, disk, runtime};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What to push.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many clients push at once, each on a connection that it keeps
    #[arg(long)]
    clients: usize,
    /// Events of a request
    #[arg(long)]
    batch: usize,
    /// For how long
    #[arg(long)]
    seconds: u64,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pushed {
    pub(crate) wall_micros: i64,
    pub(crate) events: i64,
    pub(crate) requests: i64,
    /// From a push to its acknowledgement.
    pub(crate) half_micros: i64,
    pub(crate) most_micros: i64,
    pub(crate) used: Used,
    /// A write of as much as the store has of each, synced, on the disk alone.
    pub(crate) disk_half_micros: i64,
    pub(crate) disk_most_micros: i64,
}

impl Pushed {
    pub(super) fn events_a_second(&self) -> i64 {
        self.events * 1_000_000 / self.wall_micros.max(1)
    }

    pub(super) fn requests_a_second(&self) -> i64 {
        self.requests * 1_000_000 / self.wall_micros.max(1)
    }
}

/// Pushes and prints the figures as JSON.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    ensure!(options.batch > 0 && options.clients > 0, "nothing is to be pushed");
    let disk = disk::sync_micros(&options.place.directory, super::SYNC_BYTES)?;
    // It starts with the memory that this process has, so the events come after it.
    let served = options.place.serve(RULES)?;
    let events = Arc::new(Events::read(&options.place.events)?);
    let mut pushed = runtime()?.block_on(push(options, &events, &served))?;
    pushed.used = served.end()?;
    [pushed.disk_half_micros, pushed.disk_most_micros] = super::half_and_most(disk);
    serde_json::to_writer(out, &pushed).context("writing to standard output failed")
}

async fn push(options: &Options, events: &Arc<Events>, served: &Served) -> anyhow::Result<Pushed> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(options.seconds);
    let mut clients = JoinSet::new();
    for _ in 0..options.clients {
        let source = (Arc::clone(events), Arc::clone(&next), options.batch);
        clients.spawn(client(served.address, source, until));
    }
    let mut micros = Vec::new();
    while let Some(client) = clients.join_next().await {
        micros.extend(client.context("a client failed")??);
    }
    let wall_micros = i64::try_from(begun.elapsed().as_micros())?;
    let pushed = next.load(Ordering::SeqCst);
    check(&served.summary().await?, events, pushed)?;
    let requests = i64::try_from(micros.len())?;
    let [half_micros, most_micros] = super::half_and_most(micros);
    Ok(Pushed {
        wall_micros,
        events: i64::try_from(pushed)?,
        requests,
        half_micros,
        most_micros,
        used: Used::default(),
        disk_half_micros: 0,
        disk_most_micros: 0,
    })
}

/// Pushes what is next until it is time: the microseconds of each push.
async fn client(
    address: SocketAddr,
    (events, next, batch): (Arc<Events>, Arc<AtomicUsize>, usize),
    until: Instant,
) -> anyhow::Result<Vec<i64>> {
    let mut client = Client::connect(address).await?;
    let mut micros = Vec::new();
    while Instant::now() < until {
        let first = next.fetch_add(batch, Ordering::SeqCst);
        let body = events.body(first..first + batch)?;
        let begun = Instant::now();
        client.push(batch, body).await?;
        micros.push(i64::try_from(begun.elapsed().as_micros())?);
    }
    Ok(micros)
}

/// What was acknowledged is what the server says it counted, and it has found each copy.
fn check(summary: &Summary, events: &Events, pushed: usize) -> anyhow::Result<()> {
    let duplicate = events.copies(pushed);
    let expect = Summary {
        received: pushed,
        counted: pushed - duplicate,
        duplicate,
        filtered: 0,
        late: 0,
        rejected: 0,
    };
    ensure!(*summary == expect, "the server counted {summary:?}, but acknowledged {expect:?}");
    Ok(())
}
