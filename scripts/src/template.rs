//! `cargo x template`: whether AWS would take `template.yaml`, as far as that can be known without an account.
//!
//! Three programs, each at one version below cargo's target directory:
//!
//! * **cfn-lint** knows all resources and their properties. Held at the last version that sees the errors in a SAM template's events.
//! * **sam validate** translates the template as a deploy does.
//! * **checkov** knows policies: encryption, public access, wildcards. An exception stands with its reason at the resource.
//!
//! They are apart because they want different versions of the same libraries. What the code must agree with the template on is
//! a test: `tests/tests/suite/template.rs`.

use crate::installed::{Wanted, virtual_environment};
use anyhow::Context;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

/// Which Python, and which template.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The Python that the checkers are installed for
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: String,
    /// The template
    #[arg(default_value = "template.yaml", value_name = "FILE")]
    file: String,
}

/// A checker, as a program of Python.
struct Checker {
    name: &'static str,
    /// What pip installs, each at one version.
    requirements: &'static str,
    /// What Python runs, and its arguments before the file.
    arguments: &'static [&'static str],
}

const CHECKERS: [Checker; 3] = [
    Checker {
        name: "cfn-lint",
        requirements: include_str!("../template/cfn-lint.txt"),
        arguments: &["-c", "import sys; from cfnlint.runner import main; sys.exit(main())"],
    },
    Checker {
        name: "sam",
        requirements: include_str!("../template/sam.txt"),
        arguments: &["-m", "samcli", "validate", "--template"],
    },
    Checker {
        name: "checkov",
        requirements: include_str!("../template/checkov.txt"),
        arguments: &[
            "-m",
            "checkov.main",
            "--framework",
            "cloudformation",
            "--skip-download",
            "--compact",
            "--quiet",
            "--file",
        ],
    },
];

/// Runs all checkers; fails if one does.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let tools = crate::target_directory()?.join("tools");
    let runs = thread::scope(|scope| {
        let tools = &tools;
        let start = |checker| scope.spawn(move || check(checker, tools, options));
        let started: Vec<_> = CHECKERS.iter().map(start).collect();
        started.into_iter().map(|run| run.join().unwrap_or(Ok(false))).collect::<Vec<_>>()
    });
    let mut are_well = true;
    for (checker, is_well) in CHECKERS.iter().zip(runs) {
        let is_well = is_well?;
        are_well &= is_well;
        let verdict = if is_well { "ok" } else { "failed" };
        writeln!(io::stderr(), "template: {} {verdict}", checker.name)?;
    }
    Ok(if are_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Installs a checker if it is not, and runs it; what it says is printed in one piece.
fn check(checker: &Checker, tools: &Path, options: &Options) -> anyhow::Result<bool> {
    let wanted = Wanted {
        name: checker.name,
        pins: checker.requirements.to_owned(),
        parts: &["python/bin/python"],
    };
    let installed = wanted.installed(tools, |directory| {
        writeln!(io::stderr(), "template: installing {}, once, with pip", checker.name)?;
        virtual_environment(directory, &options.python, checker.requirements, "")
    })?;
    let mut command = Command::new(installed.join("python/bin/python"));
    command.args(checker.arguments).arg(&options.file).stdin(Stdio::null());
    // No call leaves the machine, and a region must be named for endpoints that are not called.
    command.env("SAM_CLI_TELEMETRY", "0").env("AWS_DEFAULT_REGION", "us-east-1");
    let ended = command.output().with_context(|| format!("starting {} failed", checker.name))?;
    let said = [ended.stdout, ended.stderr].concat();
    if !ended.status.success() {
        io::stderr().lock().write_all(&said).context("printing failed")?;
    }
    Ok(ended.status.success())
}

#[cfg(test)]
mod tests {
    use super::CHECKERS;

    #[test]
    fn every_requirement_is_pinned_to_one_version() {
        for line in CHECKERS.iter().flat_map(|checker| checker.requirements.lines()) {
            assert_eq!(line.matches("==").count(), 1, "{line}");
        }
    }
}
