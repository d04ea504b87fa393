//! `streamgauge dev`, served on an empty store: on two cores of its own, if there are two more for who pushes.

use super::super::measure::PEAK_UNIT_BYTES;
use super::client::Client;
use anyhow::{Context, bail, ensure};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeValLike;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use streamgauge_engine::time::Timestamp;
use streamgauge_local::store::LocalStore;
use streamgauge_pipeline::memory::VirtualClock;

/// The cores of the server.
const CORES: usize = 2;
/// How long it may take to start, and to end.
const TIME_MAX: Duration = Duration::from_mins(1);
const LISTENS: &str = "listening on http://";

/// What a worker serves, and on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The command that serves
    #[arg(long)]
    server: PathBuf,
    /// The events that are pushed, which come again and again
    #[arg(long)]
    pub(super) events: PathBuf,
    /// Where the store goes
    #[arg(long)]
    pub(super) directory: PathBuf,
}

impl Place {
    /// Starts the server with these rules.
    pub(super) fn serve(&self, rules: &str) -> anyhow::Result<Served> {
        Served::start(&self.server, &self.directory, rules)
    }
}

/// What is served.
#[derive(Debug)]
pub(super) struct Served {
    process: Child,
    store: PathBuf,
    pub(super) address: SocketAddr,
}

/// The counters of `/summary`.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) received: usize,
    pub(super) counted: usize,
    pub(super) filtered: usize,
    pub(super) duplicate: usize,
    pub(super) late: usize,
    pub(super) rejected: usize,
}

/// What it used.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Used {
    /// From when it was told to end until it had settled all.
    pub(crate) end_micros: i64,
    pub(crate) cpu_micros: i64,
    /// The largest resident set.
    pub(crate) peak_bytes: i64,
    /// The size of the store's file.
    pub(crate) file_bytes: i64,
    /// Entries of the shard's log: each is one write.
    pub(crate) writes: i64,
}

impl Served {
    /// Starts it with these rules. This process keeps to the other cores from then on.
    fn start(program: &Path, folder: &Path, rules: &str) -> anyhow::Result<Self> {
        let (file, store) = (folder.join("dev-rules.yaml"), folder.join("dev.store"));
        fs::write(&file, rules).context("writing the rules failed")?;
        if store.exists() {
            fs::remove_file(&store).context("removing an old store failed")?;
        }
        let (own, others) = cores()?;
        let mut command = Command::new(program);
        command.args(["dev", "--listen", "127.0.0.1:0", "--rules"]).arg(file);
        command.arg("--store").arg(&store);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        sched_setaffinity(Pid::from_raw(0), &own).context("taking cores failed")?;
        let mut process = command.spawn().context("starting the server failed")?;
        sched_setaffinity(Pid::from_raw(0), &others).context("taking cores failed")?;
        let errors = process.stderr.take().context("the server has no standard error")?;
        let address = ([0; 4], 0).into();
        // From here on it is ended whatever happens.
        let mut served = Self { process, store, address };
        served.address = listens(errors)?;
        Ok(served)
    }

    /// What it counted.
    pub(super) async fn summary(&self) -> anyhow::Result<Summary> {
        let text = Client::connect(self.address).await?.get_all("/summary").await?;
        serde_json::from_slice(&text).context("reading the summary failed")
    }

    /// Ends it, and looks at what it leaves.
    pub(super) fn end(mut self) -> anyhow::Result<Used> {
        let begun = Instant::now();
        let id = Pid::from_raw(i32::try_from(self.process.id())?);
        kill(id, Signal::SIGTERM).context("ending the server failed")?;
        let status = loop {
            if let Some(status) = self.process.try_wait().context("waiting failed")? {
                break status;
            }
            ensure!(begun.elapsed() < TIME_MAX, "the server does not end");
            thread::sleep(Duration::from_millis(5));
        };
        ensure!(status.success(), "the server ended with {status}");
        let end_micros = i64::try_from(begun.elapsed().as_micros())?;
        let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("reading the usage failed")?;
        let cpu_micros =
            used.user_time().num_microseconds() + used.system_time().num_microseconds();
        let file_bytes = fs::metadata(&self.store).context("looking at the store failed")?.len();
        // Nothing in it has expired yet.
        let opened = LocalStore::open(&self.store, VirtualClock::new(Timestamp::EPOCH));
        let listing = opened.and_then(|store| store.list()).context("opening the store failed")?;
        let shards = listing.logs.iter().filter(|(name, _)| name.starts_with("shard/"));
        let writes = shards.map(|(_, log)| log.entries).sum::<u64>();
        Ok(Used {
            end_micros,
            cpu_micros,
            peak_bytes: used.max_rss() * PEAK_UNIT_BYTES,
            file_bytes: i64::try_from(file_bytes)?,
            writes: i64::try_from(writes)?,
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_file(&self.store));
    }
}

/// The server's cores and the others; all for both where there are no more.
fn cores() -> anyhow::Result<(CpuSet, CpuSet)> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).context("asking for the cores failed")?;
    let mut left = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false));
    let own = set(left.by_ref().take(CORES))?;
    let others = set(left)?;
    let has_others = others != CpuSet::new();
    Ok((own, if has_others { others } else { allowed }))
}

fn set(cores: impl Iterator<Item = usize>) -> anyhow::Result<CpuSet> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(core).context("choosing a core failed")?;
    }
    Ok(set)
}

/// Waits until it says where it listens. What it says after that is read and forgotten: nobody is to wait for it.
fn listens(errors: ChildStderr) -> anyhow::Result<SocketAddr> {
    let (tells, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            // Nobody listens any more.
            drop(tells.send(line));
        }
    });
    let begun = Instant::now();
    let mut said = String::new();
    while let Ok(line) = told.recv_timeout(TIME_MAX.saturating_sub(begun.elapsed())) {
        if let Some(address) = line.strip_prefix(LISTENS) {
            return address.parse().context("the server listens nowhere");
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("the server did not start:\n{said}")
}
