//! Rules files from the command line to a plan, with all that is wrong with them.

use crate::exit::{Exit, Failure};
use crate::style::{self, tell};
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_rules::{LoadError, Outcome, Severity, render};

/// Reads and compiles rules; problems are part of the outcome.
pub(crate) fn compile(paths: &[PathBuf]) -> Result<Outcome, Failure> {
    let sources = streamgauge_rules::load(paths).map_err(|error| load_failure(&error))?;
    Ok(streamgauge_rules::compile(&sources, &environment))
}

/// The plan of rules that must be right; problems go to standard error.
pub(crate) fn plan(paths: &[PathBuf]) -> Result<Arc<Plan>, Failure> {
    let outcome = compile(paths)?;
    if !outcome.problems.is_empty() {
        tell(
            render::for_people(&outcome.problems, &outcome.sources, style::colours_on_stderr())
                .trim_end(),
        );
    }
    match outcome.rules {
        Some(rules) => Ok(Arc::new(rules.plan)),
        None => Err(Failure::Told(Exit::Wrong)),
    }
}

/// What is replaced for `${NAME}` in rules.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A file that is not there is a wrong argument, as `check` promises; one that cannot be read is the outside world's doing.
pub(crate) fn load_failure(error: &LoadError) -> Failure {
    let kind =
        error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    let failure = match kind {
        None | Some(io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
            Failure::wrong(error.to_string())
        }
        Some(_) => Failure::outside(error.to_string()),
    };
    let failure = failure.because_of_source(error);
    let hint = match kind {
        Some(io::ErrorKind::NotFound) => "check the path; `streamgauge init DIR` writes an example",
        Some(io::ErrorKind::InvalidData) => "save it as UTF-8 text",
        _ => return failure,
    };
    failure.hint(hint)
}

/// How many errors and warnings there are.
pub(crate) fn counts(outcome: &Outcome) -> (usize, usize) {
    let errors =
        outcome.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    (errors, outcome.problems.len() - errors)
}
