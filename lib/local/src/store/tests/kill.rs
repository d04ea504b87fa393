//! A process is killed again and again while it appends: what it had acknowledged is there, whole.

use super::{Place, append, entries, entry, log, open};
use crate::store::StoreError;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use streamgauge_engine::hash::combine;
use streamgauge_pipeline::port::log::Append;

/// How often the process is killed.
const KILLS: u64 = 12;
/// Names the file to the process that is killed.
const STORE: &str = "STREAMGAUGE_TEST_STORE";

fn appended(version: u64) -> streamgauge_pipeline::port::log::Entry {
    entry(version, 30_000 * usize::try_from(version % 3).unwrap())
}

/// Appends until it is killed, and tells each version that was acknowledged.
#[test]
#[ignore = "the process that the other test kills"]
fn child() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = open(&PathBuf::from(path)).unwrap();
    let mut version = u64::try_from(entries(&store, &log(0)).unwrap().len()).unwrap();
    loop {
        version += 1;
        assert_eq!(append(&store, &log(0), version, &appended(version)), Ok(Append::Appended));
        // Not by `eprintln!`, which tests capture.
        std::io::stderr().write_all(format!("{version}\n").as_bytes()).unwrap();
    }
}

static SPAWNING: Mutex<()> = Mutex::new(());

/// While this is held no child begins: until it runs a program of its own, it has all that is open here, locks of stores too.
pub(super) fn spawning() -> MutexGuard<'static, ()> {
    SPAWNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the child until it has acknowledged so many appends, kills it, and returns the last that it told.
fn run(path: &Path, acknowledged: u64) -> u64 {
    let spawning = spawning();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::kill::child", "--ignored"])
        .env(STORE, path)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(spawning);
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut last = 0;
    for line in told.by_ref().take(usize::try_from(acknowledged).unwrap()) {
        last = line.unwrap().parse().unwrap();
    }
    assert!(matches!(open(path).unwrap_err(), StoreError::InUse { .. }));
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had told before it died and nobody had read yet. The last line may be cut.
    told.map_while(Result::ok).filter_map(|line| line.parse().ok()).fold(last, u64::max)
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let place = Place::new("kill");
    for kill in 0..KILLS {
        let last = run(&place.0, 1 + combine(kill, 1) % 9);
        let found = entries(&open(&place.0).unwrap(), &log(0)).unwrap();
        let count = u64::try_from(found.len()).unwrap();
        assert!(count == last || count == last + 1, "kill {kill}: {count} entries of {last}");
        let expected = (1..=count).map(|version| (version, appended(version)));
        assert!(found.into_iter().eq(expected), "kill {kill}: other entries");
    }
}
