//! The release binaries that are measured, and their workers.

use anyhow::{Context, bail};
use serde::Deserialize;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the binaries are.
#[derive(Debug)]
pub(super) struct Programs {
    /// `streamgauge`.
    pub(super) streamgauge: PathBuf,
    /// These scripts, optimized: the plain loop is measured too.
    pub(super) scripts: PathBuf,
    /// A function that does nothing.
    pub(super) empty_function: PathBuf,
    /// Cargo's target directory.
    pub(super) directory: PathBuf,
}

/// What cargo says of each thing it has built; only binaries have an executable.
#[derive(Debug, Deserialize)]
struct Built {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// The packages of the functions, which are also the names of their binaries.
pub(crate) const FUNCTIONS: [&str; 5] = [
    "streamgauge-aggregate",
    "streamgauge-settle",
    "streamgauge-deliver",
    "streamgauge-filter",
    "streamgauge-announce",
];

/// Builds the functions as they are deployed, but for this machine. Apart from the rest: built together with others, they
/// would get features of their libraries that only those want.
pub(super) fn build_functions() -> anyhow::Result<Vec<PathBuf>> {
    let messages = build(&FUNCTIONS)?;
    FUNCTIONS.iter().map(|name| executable(&messages, name)).collect()
}

/// Builds packages for release; answers cargo's messages.
fn build(packages: &[&str]) -> anyhow::Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--message-format=json-render-diagnostics"]);
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    let built = build.stderr(Stdio::inherit()).output().context("starting cargo failed")?;
    if !built.status.success() {
        bail!("building the release binaries failed; cargo's messages stand above");
    }
    Ok(String::from_utf8_lossy(&built.stdout).into_owned())
}

impl Programs {
    /// Builds them, and asks cargo where they are.
    pub(super) fn build() -> anyhow::Result<Self> {
        let messages = build(&["streamgauge", "scripts"])?;
        let scripts = executable(&messages, "scripts")?;
        let directory = scripts
            .ancestors()
            .nth(2)
            .context("the binaries are in no target directory")?
            .to_owned();
        Ok(Self {
            streamgauge: executable(&messages, "streamgauge")?,
            empty_function: executable(&messages, "empty-function")?,
            scripts,
            directory,
        })
    }

    /// Writes a file of the benchmark's events.
    pub(super) fn write_events(&self, events: u64, file: &Path) -> anyhow::Result<()> {
        let mut worker = Command::new(&self.scripts);
        worker.args(["bench-events", "--events", &events.to_string()]).arg(file);
        if !worker.status().context("starting the generator failed")?.success() {
            bail!("generating {events} events failed");
        }
        Ok(())
    }

    /// The plain loop for a work.
    pub(super) fn plain(&self, work: &str, events: &Path) -> Vec<OsString> {
        vec![self.scripts.clone().into(), "plain".into(), work.into(), events.into()]
    }

    /// `streamgauge replay` with these rules.
    pub(super) fn replay(&self, rules: &Path, threads: u32, events: &Path) -> Vec<OsString> {
        let mut command: Vec<OsString> = vec![self.streamgauge.clone().into(), "replay".into()];
        command.extend([
            "--output".into(),
            "json".into(),
            "--threads".into(),
            threads.to_string().into(),
        ]);
        command.extend(["--rules".into(), rules.into(), events.into()]);
        command
    }
}

/// The path of an executable in cargo's messages.
fn executable(messages: &str, name: &str) -> anyhow::Result<PathBuf> {
    let built = messages.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
    let mut named =
        built.filter(|built| built.target.as_ref().is_some_and(|target| target.name == name));
    named
        .find_map(|artifact| artifact.executable)
        .with_context(|| format!("cargo built no binary `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_one_that_cargo_names() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"streamgauge"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"streamgauge"},"executable":"/t/release/streamgauge"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            executable(messages, "streamgauge").unwrap(),
            Path::new("/t/release/streamgauge")
        );
        assert!(executable(messages, "scripts").is_err());
    }
}
