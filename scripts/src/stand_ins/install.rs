//! Installs the stand-ins below cargo's target directory, once: ministack into a virtual environment of Python, kinesis-local
//! with npm. After that they start without the network.
//!
//! An installation is made in a directory of its own and renamed when it is complete, so one that was interrupted is never
//! taken for a whole one, and of two at the same time the second waits. It holds a copy of its pins; other pins, or a
//! Python that is gone, make it anew.

use anyhow::{Context, bail};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

/// What pip is asked for, each at one version.
const REQUIREMENTS: &str = include_str!("../../stand-ins/requirements.txt");
/// The versions of what these need.
const CONSTRAINTS: &str = include_str!("../../stand-ins/constraints.txt");
/// What npm is asked for.
const PACKAGE: &str = include_str!("../../stand-ins/package.json");
/// Its version and the hash of its content.
const PACKAGE_LOCK: &str = include_str!("../../stand-ins/package-lock.json");

/// The oldest Python that ministack runs on.
const PYTHON_MIN: Version = (3, 10);
/// The oldest Node that kinesis-local was seen on.
const NODE_MIN: Version = (20, 0);

/// What the directories are called in which installations are made, before their process's id.
const NEW_PREFIX: &str = "stand-ins.new-";

/// A version's first two numbers.
type Version = (u32, u32);

/// Programs that are looked for on the path.
#[derive(Debug, clap::Args)]
pub(crate) struct Programs {
    /// The Python that ministack is installed for
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
    /// The Node that runs kinesis-local
    #[arg(long, default_value = "node", value_name = "PROGRAM")]
    node: String,
    /// What installs kinesis-local
    #[arg(long, default_value = "npm", value_name = "PROGRAM")]
    npm: String,
}

/// Where the stand-ins are.
#[derive(Debug)]
pub(super) struct Installed {
    /// The Python with ministack.
    pub(super) python: PathBuf,
    /// Node.
    pub(super) node: PathBuf,
    /// The directory of kinesis-local's package.
    pub(super) kinesis_local: PathBuf,
}

impl Installed {
    fn at(directory: &Path, programs: &Programs) -> Self {
        Self {
            python: directory.join("python/bin/python"),
            node: PathBuf::from(&programs.node),
            kinesis_local: directory.join("node_modules/kinesis-local"),
        }
    }

    /// Whether an installation is there, complete, and of these pins.
    fn is_current(&self, directory: &Path) -> bool {
        fs::read_to_string(directory.join("pins")).is_ok_and(|found| found == pins())
            && self.python.exists()
            && self.kinesis_local.join("main.js").exists()
    }
}

/// The installation below `tools`, made if it is not there.
pub(super) fn install(tools: &Path, programs: &Programs) -> anyhow::Result<Installed> {
    node(programs)?;
    let directory = tools.join("stand-ins");
    let installed = Installed::at(&directory, programs);
    if installed.is_current(&directory) {
        return Ok(installed);
    }
    fs::create_dir_all(tools).with_context(|| format!("creating {} failed", tools.display()))?;
    let lock = tools.join("stand-ins.lock");
    let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _locked = locked.with_context(|| format!("locking {} failed", lock.display()))?;
    if installed.is_current(&directory) {
        return Ok(installed);
    }
    super::note("installing, once: ministack with pip, kinesis-local with npm")?;
    for left in leftovers(tools)?.iter().chain([&directory]) {
        remove(left).with_context(|| format!("removing {} failed", left.display()))?;
    }
    // Of this process alone: what an interrupted one started may still be writing into its own.
    let new = tools.join(format!("{NEW_PREFIX}{}", process::id()));
    fs::create_dir_all(&new).with_context(|| format!("creating {} failed", new.display()))?;
    ministack(&new, programs)?;
    kinesis_local(&new, programs)?;
    write(&new, "pins", &pins())?;
    fs::rename(&new, &directory).with_context(|| format!("renaming {} failed", new.display()))?;
    Ok(installed)
}

/// What interrupted installations have left.
fn leftovers(tools: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    let entries =
        fs::read_dir(tools).with_context(|| format!("listing {} failed", tools.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("listing {} failed", tools.display()))?;
        if entry.file_name().to_string_lossy().starts_with(NEW_PREFIX) {
            left.push(entry.path());
        }
    }
    Ok(left)
}

/// Everything that decides what is installed.
fn pins() -> String {
    [REQUIREMENTS, CONSTRAINTS, PACKAGE, PACKAGE_LOCK].concat()
}

fn ministack(directory: &Path, programs: &Programs) -> anyhow::Result<()> {
    let python = &programs.python;
    let mut probe = Command::new(python);
    probe.args(["-c", "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"]);
    let found = output(&mut probe).with_context(|| {
        format!("`{python}` cannot be used; install Python 3.10 or newer with venv (on Debian: python3 python3-venv), or name another with --python")
    })?;
    at_least(python, &found, PYTHON_MIN)?;
    let environment = directory.join("python");
    run(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
    write(directory, "requirements.txt", REQUIREMENTS)?;
    write(directory, "constraints.txt", CONSTRAINTS)?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--requirement", "requirements.txt", "--constraint", "constraints.txt"]);
    run(pip.current_dir(directory))
}

fn kinesis_local(directory: &Path, programs: &Programs) -> anyhow::Result<()> {
    write(directory, "package.json", PACKAGE)?;
    write(directory, "package-lock.json", PACKAGE_LOCK)?;
    let mut npm = Command::new(&programs.npm);
    npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(npm.current_dir(directory)).with_context(|| {
        format!(
            "`{}` cannot install kinesis-local; install Node's npm, or name another with --npm",
            programs.npm
        )
    })
}

/// Looks for Node, which is needed at each start.
fn node(programs: &Programs) -> anyhow::Result<()> {
    let node = &programs.node;
    let found = output(Command::new(node).arg("--version")).with_context(|| {
        format!("`{node}` cannot be used; install Node 20 or newer, or name another with --node")
    })?;
    at_least(node, &found, NODE_MIN)
}

/// Refuses a program that is too old.
fn at_least(program: &str, found: &str, wanted: Version) -> anyhow::Result<()> {
    let version =
        version(found).with_context(|| format!("`{program}` told no version: {found}"))?;
    if version < wanted {
        let (major, minor) = wanted;
        bail!("`{program}` is version {found}; the stand-ins need {major}.{minor} or newer");
    }
    Ok(())
}

/// The first two numbers of `3.11` or `v20.20.2`.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What a command prints, when it succeeds.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let ended = command.stdin(Stdio::null()).output()?;
    if !ended.status.success() {
        bail!("{}", String::from_utf8_lossy(&ended.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned())
}

/// Runs a command, whose messages go to standard error.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status();
    let status = status.with_context(|| format!("starting `{program}` failed"))?;
    if !status.success() {
        bail!(
            "`{program}` failed ({status}); its messages stand above; is its package registry reachable?"
        );
    }
    Ok(())
}

fn write(directory: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = directory.join(name);
    fs::write(&path, text).with_context(|| format!("writing {} failed", path.display()))
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows it a program's version when 3.10 is wanted: whether it will do.
    #[track_caller]
    fn check(found: &str, expect: bool) {
        assert_eq!(at_least("program", found, (3, 10)).is_ok(), expect);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        check("3.9", false);
        check("3.10", true);
        check("v4.0.1", true);
        check("2.11", false);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        check("", false);
        check("three", false);
    }

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        for line in REQUIREMENTS.lines().chain(CONSTRAINTS.lines()) {
            assert_eq!(line.matches("==").count(), 1, "{line}");
        }
    }

    #[test]
    fn an_installation_is_taken_only_whole_and_with_its_pins() {
        let directory = std::env::temp_dir().join(format!("stand-ins-{}", process::id()));
        let programs =
            Programs { python: "python3".into(), node: "node".into(), npm: "npm".into() };
        let installed = Installed::at(&directory, &programs);
        fs::create_dir_all(&installed.kinesis_local).unwrap();
        fs::create_dir_all(installed.python.parent().unwrap()).unwrap();
        fs::write(&installed.python, "").unwrap();
        fs::write(installed.kinesis_local.join("main.js"), "").unwrap();
        let without_pins = installed.is_current(&directory);
        fs::write(directory.join("pins"), "ministack==1.0").unwrap();
        let with_others = installed.is_current(&directory);
        fs::write(directory.join("pins"), pins()).unwrap();
        let with_its_own = installed.is_current(&directory);
        fs::remove_file(&installed.python).unwrap();
        let without_python = installed.is_current(&directory);
        remove(&directory).unwrap();
        assert_eq!(
            [without_pins, with_others, with_its_own, without_python],
            [false, false, true, false]
        );
    }
}
