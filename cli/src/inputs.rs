//! Event files as they are named on the command line.

use crate::exit::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use streamgauge_local::input::Input;

/// The inputs in their order, each known to be readable now. `-` is standard input, once.
pub(crate) fn open(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Failure::wrong("standard input is named twice").hint("name `-` once"));
    }
    let mut inputs = Vec::with_capacity(paths.len());
    for path in paths {
        let input = if is_stdin(path) { Input::stdin() } else { Input::path(path.clone()) };
        input.check()?;
        inputs.push(input);
    }
    Ok(inputs)
}

/// Whether a path means standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether a path can be read twice with the same answer: `<(zcat events.gz)` of a shell is a pipe, empty the second time.
pub(crate) fn is_repeatable(path: &Path) -> bool {
    // One that is not there, or a folder, fails where it is opened, with a better message.
    !is_stdin(path)
        && fs::metadata(path).map_or(true, |metadata| metadata.is_file() || metadata.is_dir())
}

/// Refuses a file to write that is one of those to read: opening it would empty it.
pub(crate) fn keep<'p>(
    output: &Path,
    option: &str,
    mut read: impl Iterator<Item = &'p PathBuf>,
) -> Result<(), Failure> {
    let Ok(place) = fs::canonicalize(output) else { return Ok(()) };
    if read.any(|path| fs::canonicalize(path).is_ok_and(|path| path == place)) {
        let message = format!("{option} would overwrite `{}`, which is read", output.display());
        return Err(Failure::wrong(message).hint(format!("name a new file after {option}")));
    }
    Ok(())
}

/// The size of all inputs in bytes, if it is known.
pub(crate) fn total_bytes(inputs: &[Input]) -> Option<u64> {
    inputs.iter().map(Input::size_hint).sum()
}
