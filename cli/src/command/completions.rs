//! `completions`: a script that teaches a shell our commands and options.

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Prints the script for one shell.
pub(super) fn run(shell: Shell) -> Result<Exit, Failure> {
    // `generate` panics on an output that fails, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "streamgauge", &mut script);
    std::io::stdout().write_all(&script).map_err(|error| Failure::output(&error))?;
    Ok(Exit::Fine)
}
