//! `cargo x prometheus-tests`: scrapes of `dev`, read by Prometheus' own programs.

use crate::installed::output;
use crate::{cargo, ended};
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The programs, and the variables that name others.
const PROGRAMS: [(&str, &str); 2] = [("PROMETHEUS", "prometheus"), ("PROMTOOL", "promtool")];

/// Runs the tests that a plain `cargo test` leaves out: it needs neither program.
pub(crate) fn test() -> anyhow::Result<ExitCode> {
    for (variable, name) in PROGRAMS {
        let program = env::var_os(variable).unwrap_or_else(|| OsString::from(name));
        output(Command::new(&program).arg("--version")).with_context(|| {
            format!(
                "`{}` cannot be used; install Prometheus (on Debian: apt-get install --no-install-recommends prometheus), or name another with {variable}",
                program.display()
            )
        })?;
    }
    ended(cargo().args(["test", "--test", "suite", "--", "--ignored", "prometheus"]))
}
