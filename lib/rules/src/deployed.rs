//! The text of rules that were deployed, as a stack keeps it, to the plan that it means everywhere.
//!
//! What `${NAME}` stands for is part of the text: a file of its own, [`ENVIRONMENT`], and never the environment of whoever compiles.

use crate::{Rules, Severity, SourceFile, compile, render};
use std::collections::BTreeMap;

/// The file of a text that says what its `${NAME}` stand for: a JSON object.
pub const ENVIRONMENT: &str = ".environment.json";

/// Why a deployed text is no plan.
#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    /// The values of variables cannot be read.
    #[error("`{ENVIRONMENT}` is no JSON object of texts")]
    Environment(#[source] serde_json::Error),
    /// There are problems, here with their places.
    #[error("{0}")]
    Problems(String),
}

/// Compiles the files of a deployed text, each with its name.
pub fn compile_deployed(files: &[(String, String)]) -> Result<Rules, DeployedError> {
    let is_environment = |file: &&(String, String)| file.0 == ENVIRONMENT;
    let values: BTreeMap<String, String> = match files.iter().find(is_environment) {
        None => BTreeMap::new(),
        Some((_, values)) => serde_json::from_str(values).map_err(DeployedError::Environment)?,
    };
    let sources = files.iter().filter(|file| !is_environment(file));
    let sources: Vec<SourceFile> =
        sources.map(|(name, text)| SourceFile { name: name.clone(), text: text.clone() }).collect();
    let mut outcome = compile(&sources, &|name| values.get(name).cloned());
    if let Some(rules) = outcome.rules {
        return Ok(rules);
    }
    outcome.problems.retain(|problem| problem.severity == Severity::Error);
    let shown = render::for_people(&outcome.problems, &outcome.sources, false);
    Err(DeployedError::Problems(shown.trim_end().to_owned()))
}
