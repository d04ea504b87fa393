//! `cargo x page-tests` and `cargo x screenshots`: the page of `dev` and of reports in a browser, which Node drives
//! (`lib/dev/page/README.md`).

use crate::installed::{Version, at_least, output};
use crate::{cargo, ended};
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The oldest Node that runs the tests.
const NODE_MIN: Version = (20, 0);
/// The browser, unless `CHROMIUM` names another.
const CHROMIUM: &str = "chromium";

/// Runs the tests of the page, which a plain `cargo test` leaves out: it needs no browser.
pub(crate) fn test() -> anyhow::Result<ExitCode> {
    look()?;
    ended(cargo().args(["test", "--test", "suite", "--", "--ignored", "the_page"]))
}

/// Writes the pictures in `docs/images`, of the sample events.
pub(crate) fn screenshots() -> anyhow::Result<ExitCode> {
    look()?;
    let built = ended(cargo().args(["build", "--package", "streamgauge"]))?;
    if built != ExitCode::SUCCESS {
        return Ok(built);
    }
    let program = crate::target_directory()?.join("debug/streamgauge");
    ended(Command::new("node").arg("lib/dev/page/screenshots.mjs").env("STREAMGAUGE", program))
}

/// Looks for what both need.
fn look() -> anyhow::Result<()> {
    let node = output(Command::new("node").arg("--version"))
        .context("`node` cannot be used; install Node 20 or newer")?;
    at_least("node", &node, NODE_MIN)?;
    let browser = env::var_os("CHROMIUM").unwrap_or_else(|| OsString::from(CHROMIUM));
    output(Command::new(&browser).arg("--version")).with_context(|| {
        format!(
            "`{}` cannot be used; install Chromium (on Debian: apt-get install chromium), or name another browser of its kind with CHROMIUM",
            browser.display()
        )
    })?;
    Ok(())
}
