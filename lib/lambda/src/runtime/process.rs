//! The process of an environment: killed, frozen, measured, and its output read line by line.

use super::lines::Lines;
use crate::happening::{Happening, Observer};
use crate::lock::lock;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};

/// How much is read from a pipe at once.
const READ_BYTES: usize = 16 * 1024;
/// How long an invocation's end waits for what its process printed before it: a process that prints without end is not waited
/// for longer.
const DRAIN_MAX: Duration = Duration::from_millis(200);

/// Whose output it is.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    pub(super) function: Arc<str>,
    pub(super) environment: u32,
    /// The invocation that runs.
    pub(super) request_id: Arc<Mutex<Option<Arc<str>>>>,
    pub(super) observer: Arc<dyn Observer>,
}

impl Journal {
    /// Tells a line, with the invocation that runs.
    pub(super) fn tell(&self, line: String) {
        let request_id = lock(&self.request_id).clone();
        self.observer.see(Happening::Log {
            function: Arc::clone(&self.function),
            environment: self.environment,
            request_id,
            line,
        });
    }

    /// From now on lines belong to this invocation.
    pub(super) fn turn_to(&self, request_id: Option<Arc<str>>) {
        *lock(&self.request_id) = request_id;
    }
}

/// A running process, or one that has ended and was reaped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: Option<Pid>,
    is_frozen: bool,
    peak_kb: Option<u64>,
    outputs: Vec<mpsc::Sender<oneshot::Sender<()>>>,
}

impl Process {
    /// Takes charge of a process that was started with pipes.
    pub(super) fn new(mut child: Child, journal: &Journal) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let mut outputs = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            outputs.push(watch(stdout, journal.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            outputs.push(watch(stderr, journal.clone()));
        }
        Self { child, pid, is_frozen: false, peak_kb: None, outputs }
    }

    /// Waits until the process ends, and reaps it. Can be asked again.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        match self.child.wait().await {
            Ok(status) => {
                self.signal_group(Signal::KILL);
                self.pid = None;
                status
            }
            // Waiting for a child of ours fails only if somebody else reaped it.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether the process has ended already, asked of the system and not of what was heard so far.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Kills the process with all that it started, and reaps it.
    pub(super) async fn kill(&mut self) {
        self.measure();
        self.signal_group(Signal::KILL);
        drop(self.child.kill().await);
        self.pid = None;
    }

    /// Stops or continues it.
    pub(super) fn freeze(&mut self, freeze: bool) {
        if self.is_frozen != freeze {
            self.signal_group(if freeze { Signal::STOP } else { Signal::CONT });
            self.is_frozen = freeze;
        }
    }

    /// The process leads a group of its own, which has its number until its last member has ended.
    fn signal_group(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // It fails where the group has no members any more, and then there is nothing to do.
            let _no_members = kill_process_group(pid, signal);
        }
    }

    /// The most memory that it has had so far, in MB, where `/proc` tells.
    pub(super) fn measure(&mut self) -> Option<u32> {
        if let Some(pid) = self.pid {
            let path = format!("/proc/{}/status", pid.as_raw_nonzero());
            let peak = std::fs::read_to_string(path).ok().and_then(|status| peak_kb(&status));
            self.peak_kb = self.peak_kb.max(peak);
        }
        let megabytes = self.peak_kb?.div_ceil(1024);
        Some(u32::try_from(megabytes).unwrap_or(u32::MAX))
    }

    /// Waits until the lines that the process has printed so far were told.
    pub(super) async fn drain(&self) {
        let all = async {
            for output in &self.outputs {
                let (done, is_done) = oneshot::channel();
                if output.send(done).await.is_ok() {
                    drop(is_done.await);
                }
            }
        };
        drop(tokio::time::timeout(DRAIN_MAX, all).await);
    }
}

/// The most memory that a process ever held, out of `/proc/PID/status`: `VmHWM`, the high-water mark of `VmRSS`, misses nothing
/// between two looks.
fn peak_kb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Tells the lines of a pipe until it is closed. Who sends a mark learns when all that was printed before has been told.
fn watch(
    mut pipe: impl AsyncRead + Unpin + Send + 'static,
    journal: Journal,
) -> mpsc::Sender<oneshot::Sender<()>> {
    let (marks, mut marked) = mpsc::channel::<oneshot::Sender<()>>(1);
    tokio::spawn(async move {
        let mut lines = Lines::default();
        let mut printed = vec![0; READ_BYTES];
        let mut is_open = true;
        loop {
            tokio::select! {
                biased;
                read = read(&mut pipe, &mut printed) => match read {
                    Ok(new) if !new.is_empty() => lines.feed(new).into_iter().for_each(|line| journal.tell(line)),
                    Ok(_) | Err(_) => break,
                },
                mark = marked.recv(), if is_open => {
                    if let Some(line) = lines.rest() {
                        journal.tell(line);
                    }
                    match mark {
                        Some(done) => drop(done.send(())),
                        None => is_open = false,
                    }
                }
            }
        }
        if let Some(line) = lines.rest() {
            journal.tell(line);
        }
    });
    marks
}

async fn read<'a>(pipe: &mut (impl AsyncRead + Unpin), into: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let length = pipe.read(into).await?;
    Ok(into.get(..length).unwrap_or_default())
}

/// How a process ended, in AWS's words; empty for the exit status 0. Whether the system wrote a core file is left out, since
/// that differs from machine to machine.
pub(super) fn how_it_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => String::new(),
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal: {}", signal_name(signal)),
        (None, None) => status.to_string(),
    }
}

fn signal_name(signal: i32) -> String {
    let names = [
        (Signal::HUP, "hangup"),
        (Signal::INT, "interrupt"),
        (Signal::QUIT, "quit"),
        (Signal::ILL, "illegal instruction"),
        (Signal::TRAP, "trace/breakpoint trap"),
        (Signal::ABORT, "aborted"),
        (Signal::BUS, "bus error"),
        (Signal::FPE, "floating point exception"),
        (Signal::KILL, "killed"),
        (Signal::SEGV, "segmentation fault"),
        (Signal::PIPE, "broken pipe"),
        (Signal::ALARM, "alarm clock"),
        (Signal::TERM, "terminated"),
    ];
    let known = names.iter().find(|(known, _)| known.as_raw() == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_awss_words() {
        for (raw, expect) in [
            (0, ""),
            (1 << 8, "exit status 1"),
            (101 << 8, "exit status 101"),
            (9, "signal: killed"),
            (6, "signal: aborted"),
            (6 | 0x80, "signal: aborted"),
            (11, "signal: segmentation fault"),
            (40, "signal: signal 40"),
        ] {
            assert_eq!(how_it_ended(ExitStatus::from_raw(raw)), expect);
        }
    }

    #[test]
    fn the_peak_is_found_in_the_status() {
        assert_eq!(peak_kb("Name:\tx\nVmHWM:\t    3416 kB\nVmRSS:\t 12 kB\n"), Some(3416));
        assert_eq!(peak_kb("Name:\tx\nState:\tZ (zombie)\n"), None);
    }
}
