//! Programs of others, installed below cargo's target directory, once and whole.
//!
//! An installation is made in a directory of its own and renamed when it is complete, so one that was interrupted is never
//! taken for a whole one, and of two at the same time the second waits. It holds a copy of its pins; other pins, or a
//! Python that is gone, make it anew.

use anyhow::{Context, bail};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

/// A version's first two numbers.
pub(crate) type Version = (u32, u32);

/// The oldest Python that the programs in virtual environments run on.
const PYTHON_MIN: Version = (3, 10);

/// What is to be installed.
pub(crate) struct Wanted<'a> {
    /// The name of its directory.
    pub(crate) name: &'a str,
    /// Everything that decides what is installed.
    pub(crate) pins: String,
    /// What must be in it, relative to its directory.
    pub(crate) parts: &'a [&'a str],
}

impl Wanted<'_> {
    /// Whether an installation is there, complete, and of these pins.
    pub(crate) fn is_current(&self, directory: &Path) -> bool {
        fs::read_to_string(directory.join("pins")).is_ok_and(|found| found == self.pins)
            && self.parts.iter().all(|part| directory.join(part).exists())
    }

    /// Its directory below `tools`; `make` fills a new one if there is none, after `note` was given to the user.
    pub(crate) fn installed(
        &self,
        tools: &Path,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let directory = tools.join(self.name);
        if self.is_current(&directory) {
            return Ok(directory);
        }
        fs::create_dir_all(tools)
            .with_context(|| format!("creating {} failed", tools.display()))?;
        let lock = tools.join(format!("{}.lock", self.name));
        let locked = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _locked = locked.with_context(|| format!("locking {} failed", lock.display()))?;
        if self.is_current(&directory) {
            return Ok(directory);
        }
        let prefix = format!("{}.new-", self.name);
        for left in leftovers(tools, &prefix)?.iter().chain([&directory]) {
            remove(left).with_context(|| format!("removing {} failed", left.display()))?;
        }
        // Of this process alone: what an interrupted one started may still be writing into its own.
        let new = tools.join(format!("{prefix}{}", process::id()));
        fs::create_dir_all(&new).with_context(|| format!("creating {} failed", new.display()))?;
        make(&new)?;
        write(&new, "pins", &self.pins)?;
        fs::rename(&new, &directory)
            .with_context(|| format!("renaming {} failed", new.display()))?;
        Ok(directory)
    }
}

/// What interrupted installations have left.
fn leftovers(tools: &Path, prefix: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    let entries =
        fs::read_dir(tools).with_context(|| format!("listing {} failed", tools.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("listing {} failed", tools.display()))?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            left.push(entry.path());
        }
    }
    Ok(left)
}

/// Makes a virtual environment, `python` in this directory, of what pip is asked for and the versions of what that needs.
///
/// Its programs are started as modules of its Python: their own first lines name the directory before it was renamed.
pub(crate) fn virtual_environment(
    directory: &Path,
    python: &str,
    requirements: &str,
    constraints: &str,
) -> anyhow::Result<()> {
    let mut probe = Command::new(python);
    probe.args(["-c", "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"]);
    let found = output(&mut probe).with_context(|| {
        format!("`{python}` cannot be used; install Python 3.10 or newer with venv (on Debian: python3 python3-venv), or name another with --python")
    })?;
    at_least(python, &found, PYTHON_MIN)?;
    let environment = directory.join("python");
    run(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
    write(directory, "requirements.txt", requirements)?;
    write(directory, "constraints.txt", constraints)?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--requirement", "requirements.txt", "--constraint", "constraints.txt"]);
    run(pip.current_dir(directory))
}

/// Refuses a program that is too old.
pub(crate) fn at_least(program: &str, found: &str, wanted: Version) -> anyhow::Result<()> {
    let version =
        version(found).with_context(|| format!("`{program}` told no version: {found}"))?;
    if version < wanted {
        let (major, minor) = wanted;
        bail!("`{program}` is version {found}; {major}.{minor} or newer is needed");
    }
    Ok(())
}

/// The first two numbers of `3.11` or `v20.20.2`.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What a command prints, when it succeeds.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let ended = command.stdin(Stdio::null()).output()?;
    if !ended.status.success() {
        bail!("{}", String::from_utf8_lossy(&ended.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned())
}

/// Runs a command, whose messages go to standard error.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
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

/// Writes a file of an installation.
pub(crate) fn write(directory: &Path, name: &str, text: &str) -> anyhow::Result<()> {
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
    fn an_installation_is_taken_only_whole_and_with_its_pins() {
        let tools = std::env::temp_dir().join(format!("installed-{}", process::id()));
        let wanted = |pins: &str| Wanted { name: "tool", pins: pins.to_owned(), parts: &["part"] };
        let make = |directory: &Path| write(directory, "part", "");
        let unfinished = wanted("a==1").installed(&tools, |_| bail!("interrupted"));
        let directory = wanted("a==1").installed(&tools, make).unwrap();
        let again = wanted("a==1").installed(&tools, |_| bail!("it is there already"));
        let with_other_pins = wanted("a==2").is_current(&directory);
        fs::remove_file(directory.join("part")).unwrap();
        let without_a_part = wanted("a==1").is_current(&directory);
        let left = leftovers(&tools, "tool.new-").unwrap();
        remove(&tools).unwrap();
        assert!(unfinished.is_err() && left.is_empty());
        assert_eq!(again.unwrap(), directory);
        assert_eq!([with_other_pins, without_a_part], [false, false]);
    }
}
