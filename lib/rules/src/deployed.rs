//! The text of rules that were deployed, as a stack keeps it, to the plan that it means everywhere.
//!
//! What `${NAME}` stands for is part of the text: a file of its own, [`ENVIRONMENT`], and never the environment of whoever compiles.

use crate::{Rules, Severity, SourceFile, compile, render};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

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

impl DeployedError {
    /// What it was caused by, for an error that is made of its text.
    pub fn into_source(self) -> Option<Box<dyn Error + Send + Sync>> {
        match self {
            Self::Environment(source) => Some(source.into()),
            Self::Problems(_) => None,
        }
    }
}

/// The files of a text to deploy: those that were read, by their names without folders, and with the values of the variables that they
/// name.
pub fn files_to_deploy(
    sources: Vec<SourceFile>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let files = sources.into_iter().map(|source| (file_name(&source.name), source.text));
    let mut files: Vec<_> = files.collect();
    files.sort();
    let names = files.iter().flat_map(|(_, text)| variables(text));
    let values: BTreeMap<&str, String> =
        names.filter_map(|name| Some((name, environment(name)?))).collect();
    if !values.is_empty() {
        let values = serde_json::to_string(&values).unwrap_or_default();
        files.insert(0, (ENVIRONMENT.to_owned(), values));
    }
    files
}

/// A file's name without its folders.
fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The names in `${NAME}` and `${NAME:default}`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("${").skip(1);
    parts.filter_map(|part| part.get(..part.find([':', '}', '\n'])?))
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
