//! The worker: pushes events one at a time, while nothing or much else comes, and waits for each on the live stream.

use super::bodies::{Events, now};
use super::client::Client;
use super::served::{Place, Served};
use super::{RULES, half_and_most, runtime};
use crate::random::Random;
use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How long a message may take.
const TIME_MAX: Duration = Duration::from_secs(30);
/// How many events of a load come at once.
const BATCH: u64 = 100;

/// What to watch.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// How many events are waited for
    #[arg(long)]
    count: u64,
    /// How many others come each second
    #[arg(long)]
    load: u64,
}

/// What came of it: microseconds from the push.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// To the message of the window that grew.
    pub(crate) point_half: i64,
    pub(crate) point_most: i64,
    /// To that of the alert that fires.
    pub(crate) alert_half: i64,
    pub(crate) alert_most: i64,
}

/// The two messages that each event gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Point,
    Alert,
}

/// Which message came of which event, and when.
type Seen = ((u64, Message), Instant);

/// Pushes, waits, and prints the figures as JSON.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let served = options.place.serve(RULES)?;
    let events = Arc::new(Events::read(&options.place.events)?);
    let watched = runtime()?.block_on(watch(options, events, &served))?;
    served.end()?;
    serde_json::to_writer(out, &watched).context("writing to standard output failed")
}

async fn watch(options: &Options, events: Arc<Events>, served: &Served) -> anyhow::Result<Watched> {
    let (tells, mut told) = unbounded_channel();
    let mut listener = Client::connect(served.address).await?;
    let stream = listener.get("/live").await?.into_body();
    let listening = tokio::spawn(listen(stream, tells));
    let is_over = Arc::new(AtomicBool::new(false));
    let others = (events, Arc::clone(&is_over), options.load);
    let load = (options.load > 0).then(|| tokio::spawn(load(served.address, others)));
    let mut client = Client::connect(served.address).await?;
    let mut random = Random::new(7);
    let (mut pushed, mut seen) = (Vec::new(), BTreeMap::new());
    for number in 0..options.count {
        pushed.push(Instant::now());
        client.push(1, probe(number)?).await?;
        if options.load == 0 {
            both(number, &mut told, &mut seen).await?;
        }
        // At no time that the server's own looks keep.
        sleep(Duration::from_millis(random.between(20, 80).unsigned_abs())).await;
    }
    for number in 0..options.count {
        both(number, &mut told, &mut seen).await?;
    }
    listening.abort();
    is_over.store(true, Ordering::SeqCst);
    let loaded = match load {
        Some(load) => load.await.context("the load failed")??,
        None => 0,
    };
    let summary = served.summary().await?;
    let received = usize::try_from(options.count)? + loaded;
    ensure!(
        summary.received == received && summary.rejected == 0,
        "the server counted {summary:?}, but acknowledged {received}"
    );
    let micros = |message| {
        let after = |(number, begun): (u64, &Instant)| {
            let came = seen.get(&(number, message))?;
            i64::try_from(came.saturating_duration_since(*begun).as_micros()).ok()
        };
        half_and_most((0..).zip(&pushed).filter_map(after).collect())
    };
    let ([point_half, point_most], [alert_half, alert_most]) =
        (micros(Message::Point), micros(Message::Alert));
    Ok(Watched { point_half, point_most, alert_half, alert_most })
}

fn probe(number: u64) -> anyhow::Result<Bytes> {
    let time = now()?;
    Ok(Bytes::from(format!(
        r#"{{"specversion":"1.0","id":"{number}","source":"probe","type":"probe","time":"{time}","data":{{"probe":"p{number}p"}}}}"#
    )))
}

/// Waits until both messages of an event have come.
async fn both(
    number: u64,
    told: &mut UnboundedReceiver<Seen>,
    seen: &mut BTreeMap<(u64, Message), Instant>,
) -> anyhow::Result<()> {
    for message in [Message::Point, Message::Alert] {
        while !seen.contains_key(&(number, message)) {
            let waited = timeout(TIME_MAX, told.recv()).await;
            let came = waited.with_context(|| format!("no {message:?} came of event {number}"))?;
            let (which, at) = came.context("the live stream ended")?;
            seen.entry(which).or_insert(at);
        }
    }
    Ok(())
}

/// Reads the live stream, and tells what it has of the events that are waited for.
async fn listen(mut stream: Incoming, tells: UnboundedSender<Seen>) -> anyhow::Result<()> {
    let mut text = Vec::new();
    while let Some(frame) = stream.frame().await {
        let Ok(data) = frame.context("reading the live stream failed")?.into_data() else {
            continue;
        };
        let at = Instant::now();
        text.extend_from_slice(&data);
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = text.drain(..whole).collect();
        for line in String::from_utf8_lossy(&lines).lines() {
            if let Some(which) = message(line) {
                tells.send((which, at)).context("nobody waits any more")?;
            }
        }
    }
    bail!("the live stream ended")
}

/// What a line of the stream tells, if it is of an event that is waited for.
fn message(line: &str) -> Option<(u64, Message)> {
    let (_, rest) = line.split_once(r#""probe":"p"#)?;
    let (number, _) = rest.split_once('p')?;
    let message = if line.contains(r#""kind":"point""#) { Message::Point } else { Message::Alert };
    Some((number.parse().ok()?, message))
}

/// Pushes so many events a second until it is over, each batch when it is time: how many were acknowledged.
async fn load(
    address: SocketAddr,
    (events, is_over, rate): (Arc<Events>, Arc<AtomicBool>, u64),
) -> anyhow::Result<usize> {
    let mut client = Client::connect(address).await?;
    let mut ticks = interval(Duration::from_micros(1_000_000 * BATCH / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut first, batch) = (0, usize::try_from(BATCH)?);
    while !is_over.load(Ordering::SeqCst) {
        ticks.tick().await;
        client.push(batch, events.body(first..first + batch)?).await?;
        first += batch;
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_which_event_they_are_of() {
        let point =
            r#"data: {"kind":"point","metric":"probes","dimensions":{"probe":"p12p"},"sum":1}"#;
        assert_eq!(message(point), Some((12, Message::Point)));
        let alert = r#"data: {"kind":"alert","alert":"any","group":{"probe":"p7p"}}"#;
        assert_eq!(message(alert), Some((7, Message::Alert)));
        assert_eq!(message(r#"data: {"kind":"health"}"#), None);
    }
}
