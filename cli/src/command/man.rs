//! `man`: the manual pages, made from the same definitions as the help.

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure};
use crate::style::{self, tell};
use clap::CommandFactory;
use clap_mangen::Man;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Prints the main page, or writes the pages of all commands into a folder.
pub(super) fn run(folder: Option<&Path>) -> Result<Exit, Failure> {
    let Some(folder) = folder else {
        let page = page(Arguments::command());
        std::io::stdout().write_all(&page).map_err(|error| Failure::output(&error))?;
        return Ok(Exit::Fine);
    };
    let write = || {
        fs::create_dir_all(folder)?;
        clap_mangen::generate_to(Arguments::command(), folder)
    };
    write().map_err(|error| Failure::file(folder, &error))?;
    tell(format_args!("wrote the pages into {}", style::printable(&folder.display().to_string())));
    Ok(Exit::Fine)
}

/// One page in roff. It is written into memory, where writing cannot fail.
fn page(command: clap::Command) -> Vec<u8> {
    let mut page = Vec::new();
    let rendered = Man::new(command).render(&mut page);
    debug_assert!(rendered.is_ok(), "a Vec takes all that is written to it");
    page
}
