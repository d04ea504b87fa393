//! One stand-in as a process: started with an environment of its own, watched, and stopped.
//!
//! It leads a process group, so that a Ctrl-C in the terminal reaches the command first and the stand-in is stopped after
//! it, with all that it has started. Its standard input is a pipe that nothing is written to: it closes when this process
//! is gone, however it went, and then the stand-in ends by itself.

use super::install::Installed;
use super::variables::{ACCOUNT, REGION};
use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};

/// How long a stand-in may take to end when it is told to, before it is killed.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
/// Lines of a log that an error shows; the whole log stays.
const LOG_LINES_SHOWN: usize = 20;
/// What the shards of all streams in kinesis-local may be together; its own limit is 50.
const SHARD_LIMIT: &str = "1000";

/// Files that stand beside the scripts.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stand-ins");

/// Which stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Kinesis.
    KinesisLocal,
    /// Everything else.
    Ministack,
}

impl Kind {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KinesisLocal => "kinesis-local",
            Self::Ministack => "ministack",
        }
    }

    fn command(self, installed: &Installed, port: u16, directory: &Path) -> Command {
        let port = port.to_string();
        match self {
            Self::KinesisLocal => {
                let mut node = Command::new(&installed.node);
                node.arg("--require")
                    .arg(format!("{SCRIPTS}/before_kinesis_local.cjs"))
                    .arg("main.js");
                clean(&mut node, directory);
                // It finds its certificate in the working directory, and has an HTTPS port too: any.
                node.current_dir(&installed.kinesis_local);
                node.env("KINESIS_MOCK_PLAIN_PORT", port).env("KINESIS_MOCK_TLS_PORT", "0");
                node.env("AWS_ACCOUNT_ID", ACCOUNT).env("AWS_REGION", REGION);
                node.env("SHARD_LIMIT", SHARD_LIMIT).env("LOG_LEVEL", "ERROR");
                for change in ["CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS"] {
                    node.env(format!("{change}_DURATION"), "0ms");
                }
                node.env("UPDATE_SHARD_COUNT_DURATION", "0ms");
                node
            }
            Self::Ministack => {
                let mut python = Command::new(&installed.python);
                python.arg(format!("{SCRIPTS}/run_ministack.py"));
                clean(&mut python, directory);
                python.current_dir(directory);
                python.env("GATEWAY_PORT", port).env("BIND_HOST", "127.0.0.1");
                python.env("MINISTACK_ACCOUNT_ID", ACCOUNT).env("MINISTACK_REGION", REGION);
                python.env("LOG_LEVEL", "WARNING").env("PYTHONDONTWRITEBYTECODE", "1");
                // Listeners on fixed ports, which a second session would not get.
                python.env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
                // It would look for containers of its own on a Docker that is there.
                python.env("DOCKER_HOST", format!("unix://{}/no-docker", directory.display()));
                python
            }
        }
    }
}

/// Takes the user's environment away: its proxies, certificates and settings of stand-ins are none of theirs.
fn clean(command: &mut Command, directory: &Path) {
    command.env_clear().env("HOME", directory).env("TMPDIR", directory);
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
}

/// A stand-in that was started.
#[derive(Debug)]
pub(super) struct Server {
    /// Which.
    pub(super) kind: Kind,
    /// Where it listens, on the loopback address.
    pub(super) port: u16,
    child: Child,
    /// Its standard input. Not left to `child`, which closes it before it waits.
    _lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Server {
    /// Starts it on a port that was free a moment ago. Its log, and all that it writes, is below `directory`.
    pub(super) fn start(
        kind: Kind,
        installed: &Installed,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let name = kind.name();
        let log = directory.join(format!("{name}.log"));
        let output =
            File::create(&log).with_context(|| format!("creating {} failed", log.display()))?;
        let errors = output.try_clone().context("a file handle could not be had")?;
        let port = free_port().context("finding a free port failed")?;
        let mut command = kind.command(installed, port, directory);
        command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("starting {name} failed"))?;
        let lifeline = child.stdin.take();
        Ok(Self { kind, port, child, _lifeline: lifeline, log })
    }

    /// Waits until it has ended by itself.
    pub(super) async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().await.with_context(|| format!("waiting for {} failed", self.kind.name()))
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Where its log is, and how it ends.
    pub(super) fn log(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let shown = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default();
        format!("its log is {}\n{}", self.log.display(), shown.join("\n"))
    }

    /// Stops it and what it has started: it is told to end, and killed if it does not.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)?;
        if tokio::time::timeout(STOP_TIME_MAX, self.child.wait()).await.is_err() {
            self.signal(Signal::SIGKILL)?;
        }
        self.ended().await?;
        Ok(())
    }

    /// Sends a signal to its process group, unless it has ended and been seen to: its id could be another's then.
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        match id.map(|id| killpg(Pid::from_raw(id), signal)) {
            // Nobody is left, which is what is wanted.
            None | Some(Ok(()) | Err(Errno::ESRCH)) => Ok(()),
            Some(Err(error)) => {
                Err(error).with_context(|| format!("stopping {} failed", self.kind.name()))
            }
        }
    }
}

/// A port of the loopback address that nothing listens on now.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
