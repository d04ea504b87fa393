//! A session: the stand-ins start, a command runs or the user looks on, the stand-ins stop.
//!
//! Signals are taken from before the first start until after the last stop, so that none of them can leave a stand-in behind.

use super::health::{Started, ready};
use super::install::Installed;
use super::note;
use super::server::{Kind, Server};
use super::variables::{Ports, misleading, variables};
use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::future::pending;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, SystemTime};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// How often a stand-in is started that ends before it answers: its port may have been taken meanwhile.
const STARTS_MAX: usize = 3;
/// How long the command may take to end after a signal, before it is killed.
const COMMAND_STOP_TIME_MAX: Duration = Duration::from_secs(10);
/// Directories of sessions that went wrong, with their logs, that are kept.
const SESSIONS_KEPT_MAX: usize = 10;
/// How the name of a session's directory begins; the number of its process follows.
const SESSION: &str = "session-";
/// The exit code of what a Ctrl-C has ended, by the custom of shells: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

/// Runs a whole session. Logs are in a directory below `sessions`, which stays if anything goes wrong.
pub(super) fn run(
    installed: &Installed,
    sessions: &Path,
    command: &[OsString],
) -> anyhow::Result<ExitCode> {
    let directory = session_directory(sessions)?;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().context("starting the event loop failed")?;
    let code = runtime.block_on(session(installed, &directory, command));
    // A thread may still be reading standard input.
    runtime.shutdown_background();
    let code = code?;
    if code == ExitCode::SUCCESS {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("removing {} failed", directory.display()))?;
    } else {
        note(&format!("the stand-ins' logs are in {}", directory.display()))?;
    }
    Ok(code)
}

/// Makes a directory for this session, and removes the oldest ones of sessions that went wrong.
fn session_directory(sessions: &Path) -> anyhow::Result<PathBuf> {
    let directory = sessions.join(format!("{SESSION}{}", std::process::id()));
    let made = fs::create_dir_all(&directory);
    made.with_context(|| format!("creating {} failed", directory.display()))?;
    let mut ended: Vec<(SystemTime, PathBuf)> = Vec::new();
    let entries =
        fs::read_dir(sessions).with_context(|| format!("listing {} failed", sessions.display()))?;
    for entry in entries.flatten().filter(|entry| has_ended(&entry.file_name())) {
        if let Ok(changed) = entry.metadata().and_then(|metadata| metadata.modified()) {
            ended.push((changed, entry.path()));
        }
    }
    ended.sort();
    let surplus = ended.len().saturating_sub(SESSIONS_KEPT_MAX);
    for (_, old) in ended.iter().take(surplus) {
        // Another session may remove it too, or its stand-ins may be at their last lines: no reason not to begin.
        match fs::remove_dir_all(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                note(&format!("removing {} failed: {error}", old.display()))?;
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(directory)
}

/// Whether the session with a directory of this name has ended. One whose number another process has got looks as if it had
/// not, and its directory stays for longer.
fn has_ended(name: &OsStr) -> bool {
    let id = name.to_str().and_then(|name| name.strip_prefix(SESSION)?.parse().ok());
    id.is_none_or(|id| kill(Pid::from_raw(id), None) == Err(Errno::ESRCH))
}

async fn session(
    installed: &Installed,
    directory: &Path,
    command: &[OsString],
) -> anyhow::Result<ExitCode> {
    let mut interruptions = Interruptions::listen().context("listening to signals failed")?;
    let mut servers = Vec::new();
    let begun = {
        let started = pin!(start(installed, directory, &mut servers));
        tokio::select! {
            begun = started => Some(begun),
            _ = interruptions.next() => None,
        }
    };
    let ended = match begun {
        None => Ok(ExitCode::from(INTERRUPTED)),
        Some(Err(error)) => Err(error),
        Some(Ok(ports)) if command.is_empty() => {
            stay(ports, &mut servers, &mut interruptions).await
        }
        Some(Ok(ports)) => run_command(ports, command, &mut servers, &mut interruptions).await,
    };
    for server in servers {
        server.stop().await?;
    }
    ended
}

/// Starts both and waits until they answer. What was started is in `servers`, also after an error.
async fn start(
    installed: &Installed,
    directory: &Path,
    servers: &mut Vec<Server>,
) -> anyhow::Result<Ports> {
    for kind in [Kind::KinesisLocal, Kind::Ministack] {
        servers.push(Server::start(kind, installed, directory)?);
    }
    for server in servers.iter_mut() {
        let mut starts = 1;
        while ready(server).await? == Started::Ended {
            if starts == STARTS_MAX {
                bail!("{} ends as soon as it has started; {}", server.kind.name(), server.log());
            }
            starts += 1;
            *server = Server::start(server.kind, installed, directory)?;
        }
    }
    let port = |kind| servers.iter().find(|server| server.kind == kind).map(|server| server.port);
    let ports = port(Kind::Ministack).zip(port(Kind::KinesisLocal));
    let (ministack, kinesis) = ports.context("not all stand-ins were started")?;
    Ok(Ports { ministack, kinesis })
}

/// Prints the variables, and waits until standard input ends or a signal comes.
async fn stay(
    ports: Ports,
    servers: &mut [Server],
    interruptions: &mut Interruptions,
) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for (name, value) in variables(ports) {
        writeln!(out, "{name}={value}").context("writing to standard output failed")?;
    }
    out.flush().context("writing to standard output failed")?;
    note("they run; Ctrl-D or Ctrl-C stops them")?;
    let (mut input, mut nothing) = (tokio::io::stdin(), tokio::io::sink());
    tokio::select! {
        read = tokio::io::copy(&mut input, &mut nothing) => {
            read.context("reading standard input failed")?;
        }
        _ = interruptions.next() => {}
        error = one_ended(servers) => return Err(error),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the command with the variables. A signal ends it; so does a stand-in that ends.
async fn run_command(
    ports: Ports,
    command: &[OsString],
    servers: &mut [Server],
    interruptions: &mut Interruptions,
) -> anyhow::Result<ExitCode> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let mut run = Command::new(program);
    run.args(arguments).kill_on_drop(true);
    for name in misleading() {
        run.env_remove(name);
    }
    for (name, value) in variables(ports) {
        run.env(name, &value);
        note(&format!("{name}={value}"))?;
    }
    let mut child =
        run.spawn().with_context(|| format!("starting `{}` failed", program.to_string_lossy()))?;
    let status = tokio::select! {
        status = child.wait() => status.context("waiting for the command failed")?,
        interruption = interruptions.next() => {
            // A Ctrl-C has reached the command already, for it is in this process's group.
            if interruption != SignalKind::interrupt() {
                terminate(&child)?;
            }
            end(&mut child).await?
        }
        error = one_ended(servers) => {
            terminate(&child)?;
            end(&mut child).await?;
            return Err(error);
        }
    };
    Ok(exit_code(status))
}

/// Waits until a stand-in ends that should not: the error that tells of it.
async fn one_ended(servers: &mut [Server]) -> anyhow::Error {
    let [first, second] = servers else { return pending().await };
    let which = tokio::select! {
        _ = first.ended() => first,
        _ = second.ended() => second,
    };
    anyhow::anyhow!("{} has ended by itself; {}", which.kind.name(), which.log())
}

/// Tells the command to end.
fn terminate(child: &Child) -> anyhow::Result<()> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    match id.map(|id| kill(Pid::from_raw(id), Signal::SIGTERM)) {
        // It has ended, which is what is wanted.
        None | Some(Ok(()) | Err(Errno::ESRCH)) => Ok(()),
        Some(Err(error)) => Err(error).context("stopping the command failed"),
    }
}

/// Waits until the command has ended, and kills it if it does not.
async fn end(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let ended = tokio::time::timeout(COMMAND_STOP_TIME_MAX, child.wait()).await;
    if ended.is_err() {
        child.start_kill().context("killing the command failed")?;
    }
    child.wait().await.context("waiting for the command failed")
}

/// The exit code that shells give a status.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// The signals that end a session.
struct Interruptions {
    interrupt: Signals,
    terminate: Signals,
    hang_up: Signals,
}

impl Interruptions {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows it a status as the kernel gives it: the exit code.
    #[track_caller]
    fn check(raw: i32, expect: u8) {
        assert_eq!(exit_code(ExitStatus::from_raw(raw)), ExitCode::from(expect));
    }

    /// A number that no process has: the kernel's are at most 2^22.
    const NOBODY: u32 = 5_000_000;

    #[test]
    fn sessions_that_begin_at_once_remove_the_oldest_that_have_ended_and_no_other() {
        let sessions =
            std::env::temp_dir().join(format!("stand-in-sessions-{}", std::process::id()));
        let of = |id: u32| sessions.join(format!("{SESSION}{id}"));
        let running = of(std::os::unix::process::parent_id());
        fs::create_dir_all(&running).unwrap();
        let ended: Vec<PathBuf> = (0..100).map(|id| of(NOBODY + id)).collect();
        for directory in &ended {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("ministack.log"), "it failed").unwrap();
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    assert_eq!(session_directory(&sessions).unwrap(), of(std::process::id()));
                });
            }
        });
        assert!(running.exists());
        // One that is half removed looks as if it were new, so there may be fewer.
        let kept = ended.iter().filter(|directory| directory.exists());
        assert!(kept.count() <= SESSIONS_KEPT_MAX);
        assert!(ended.last().unwrap().exists());
        fs::remove_dir_all(&sessions).unwrap();
    }

    #[test]
    fn exit_codes_are_those_of_the_command() {
        check(0, 0);
        check(3 << 8, 3);
    }

    #[test]
    fn a_command_that_a_signal_ended_has_the_code_of_shells() {
        check(2, INTERRUPTED);
        check(9, 137);
    }
}
