//! `test`: scenario files through the very replay that event files take, on the virtual clock that events are.

mod alerts;
mod judge;
mod junit;
mod report;

use crate::arguments::{TestArguments, TestOutput};
use crate::exit::{self, Exit, Failure};
use crate::style::{self, tell};
use crate::{inputs, rules};
use judge::{FileResult, ScenarioResult, Verdict};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use streamgauge_engine::plan::Plan;
use streamgauge_rules::scenario::{self, ScenarioFile};
use streamgauge_rules::{Problem, Severity, SourceFile, render};

/// Runs all scenarios and tells how each ended.
pub(super) fn run(arguments: &TestArguments) -> Result<Exit, Failure> {
    if let Some(path) = &arguments.junit {
        keep_scenarios(path, &arguments.files)?;
    }
    let sources =
        streamgauge_rules::load(&arguments.files).map_err(|error| rules::load_failure(&error))?;
    let mut results = Vec::with_capacity(sources.len());
    for source in &sources {
        let result = file(source)?;
        let text = match arguments.output {
            TestOutput::Text => report::text(&result),
            TestOutput::Json => report::json(&result),
        };
        print(&text)?;
        results.push(result);
    }
    print(&match arguments.output {
        TestOutput::Text => report::summary_text(&results),
        TestOutput::Json => report::summary_json(&results),
    })?;
    if let Some(path) = &arguments.junit {
        write_file(path, &junit::document(&results))
            .map_err(|error| Failure::file(path, &error))?;
    }
    Ok(verdict(&results))
}

/// Refuses to write the results over a scenario file, which `--junit scenarios/*.yaml` asks for.
fn keep_scenarios(path: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let is_yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    if is_yaml && path.exists() {
        let message = format!("--junit would overwrite `{}`", path.display());
        return Err(Failure::wrong(message)
            .hint("--junit takes the file for the results: --junit results.xml SCENARIOS..."));
    }
    inputs::keep(path, "--junit", files.iter())
}

/// Wrong files weigh more than a failure: until they are mended nobody knows how many fail.
fn verdict(results: &[FileResult]) -> Exit {
    let failed = |scenario: &ScenarioResult| scenario.verdict == Verdict::Failed;
    if results.iter().any(|file| file.wrong) {
        Exit::Wrong
    } else if results.iter().flat_map(|file| &file.scenarios).any(failed) {
        Exit::No
    } else {
        Exit::Fine
    }
}

fn print(text: &str) -> Result<(), Failure> {
    anstream::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// Runs the scenarios of one file; what is wrong with it or its rules goes to standard error.
fn file(source: &SourceFile) -> Result<FileResult, Failure> {
    let wrong = || FileResult { file: source.name.clone(), wrong: true, scenarios: Vec::new() };
    let outcome = scenario::read(source);
    tell_problems(&outcome.problems, std::slice::from_ref(source));
    let Some(file) = outcome.file else { return Ok(wrong()) };
    let Some((file, plan)) = with_rules(file, source)? else { return Ok(wrong()) };
    let mut scenarios = Vec::with_capacity(file.scenarios.len());
    for scenario in &file.scenarios {
        scenarios.push(judge::run(scenario, &plan)?);
    }
    Ok(FileResult { file: source.name.clone(), wrong: false, scenarios })
}

/// A scenario file together with the plan of its rules, if both are right and fit.
fn with_rules(
    file: ScenarioFile,
    source: &SourceFile,
) -> Result<Option<(ScenarioFile, Arc<Plan>)>, Failure> {
    let folder = Path::new(&source.name).parent().unwrap_or(Path::new(""));
    let paths = file.rules.iter().map(|path| folder.join(path)).collect::<Vec<PathBuf>>();
    let outcome = match rules::compile(&paths) {
        Ok(outcome) => outcome,
        Err(failure) => {
            return match exit::tell_failure(failure) {
                Exit::Wrong => Ok(None),
                exit => Err(Failure::Told(exit)),
            };
        }
    };
    tell_problems(&outcome.problems, &outcome.sources);
    let Some(rules) = outcome.rules else { return Ok(None) };
    let problems = file.check(&rules);
    tell_problems(&problems, std::slice::from_ref(source));
    let fits = problems.iter().all(|problem| problem.severity != Severity::Error);
    Ok(fits.then(|| (file, Arc::new(rules.plan))))
}

fn tell_problems(problems: &[Problem], sources: &[SourceFile]) {
    if !problems.is_empty() {
        tell(render::for_people(problems, sources, style::colours_on_stderr()).trim_end());
    }
}
