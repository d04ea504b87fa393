//! What a command uses: wall time, CPU time and peak memory, as the kernel accounts for them.
//!
//! `getrusage(RUSAGE_CHILDREN)` sums up all children that have ended and gives the largest peak of them. So that a figure
//! belongs to one command, each is run by a `measure` process of its own that has no other child. (`wait4` would give the
//! same, but there is no safe wrapper for it.) On Linux a child's peak is at least that of the process it was started
//! from, here about 4 MB; all that is measured here uses more.

use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// A command, and where its output goes.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file for its standard output
    #[arg(long)]
    output: PathBuf,
    /// The file for its standard error
    #[arg(long)]
    errors: PathBuf,
    /// The program and its arguments
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

/// What a command used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// From its start to its end.
    pub(crate) wall_micros: i64,
    /// User and system time of all its threads.
    pub(crate) cpu_micros: i64,
    /// The largest resident set.
    pub(crate) peak_bytes: i64,
}

/// The worker: runs the command and prints its usage as JSON.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    let create = |path: &Path| {
        File::create(path).with_context(|| format!("creating {} failed", path.display()))
    };
    let (program, arguments) = options.command.split_first().context("no command is given")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(create(&options.output)?).stderr(create(&options.errors)?);
    let start = Instant::now();
    let status =
        command.status().with_context(|| format!("starting {} failed", program.display()))?;
    let wall_micros = i64::try_from(start.elapsed().as_micros())?;
    if !status.success() {
        let errors = fs::read_to_string(&options.errors).unwrap_or_default();
        bail!("{} ended with {status}:\n{errors}", program.display());
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("reading the usage failed")?;
    let usage = Usage {
        wall_micros,
        cpu_micros: micros(used.user_time()) + micros(used.system_time()),
        peak_bytes: used.max_rss() * PEAK_UNIT_BYTES,
    };
    serde_json::to_writer(out, &usage).context("writing to standard output failed")
}

/// Linux counts the peak in kilobytes, macOS in bytes.
pub(super) const PEAK_UNIT_BYTES: i64 = if cfg!(target_os = "macos") { 1 } else { 1_024 };

fn micros(time: TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}

/// Has the worker run a command.
pub(crate) fn measure(
    scripts: &Path,
    command: &[OsString],
    output: &Path,
) -> anyhow::Result<Usage> {
    let mut worker = Command::new(scripts);
    worker
        .arg("measure")
        .arg("--output")
        .arg(output)
        .arg("--errors")
        .arg(output.with_extension("errors"));
    let ended = worker
        .arg("--")
        .args(command)
        .stdin(Stdio::null())
        .output()
        .context("starting the worker failed")?;
    if !ended.status.success() {
        bail!("measuring a command failed\n{}", String::from_utf8_lossy(&ended.stderr));
    }
    serde_json::from_slice(&ended.stdout).context("reading the usage failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(command: &str) -> Options {
        let at = |name: &str| {
            std::env::temp_dir()
                .join(format!("streamgauge-{}-{command}-{name}", std::process::id()))
        };
        Options { output: at("output"), errors: at("errors"), command: vec![command.into()] }
    }

    #[test]
    fn a_command_is_measured() {
        let mut out = Vec::new();
        let options = options("true");
        run(&options, &mut out).unwrap();
        let usage: Usage = serde_json::from_slice(&out).unwrap();
        assert!(usage.wall_micros > 0 && usage.peak_bytes > 100_000, "{usage:?}");
        fs::remove_file(options.output).unwrap();
        fs::remove_file(options.errors).unwrap();
    }

    #[test]
    fn a_command_that_fails_is_an_error() {
        let options = options("false");
        let error = run(&options, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("exit status: 1"), "{error}");
        fs::remove_file(options.output).unwrap();
        fs::remove_file(options.errors).unwrap();
    }
}
