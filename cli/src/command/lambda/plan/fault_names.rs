//! The names in a plan of faults: one that the template does not have would never strike, and nobody would learn of it.
//!
//! ```text
//! throttle function=Cuont      # line 1: the template has no function `Cuont`; it has Count
//! throttle-call                # line 2: without the meter nothing sees calls
//! ```

use crate::exit::Failure;
use std::sync::Arc;
use streamgauge_lambda::faults::FaultLine;
use streamgauge_lambda::stack::Stack;

/// The faults of calls to services, which the meter does.
pub(in crate::command::lambda) const CALL_FAULTS: [&str; 6] =
    ["throttle-call", "delay-call", "fail-call", "refuse-call", "lose-call-answer", "fail-records"];

/// Refuses names that the stack does not have, and faults of calls where no meter sees calls.
pub(super) fn check(text: &str, stack: &Stack, is_metered: bool) -> Result<(), Failure> {
    let functions: Vec<&Arc<str>> = stack.functions.iter().map(|function| &function.name).collect();
    let kinesis = stack.kinesis.iter().map(|mapping| &mapping.name);
    let mappings: Vec<&Arc<str>> =
        kinesis.chain(stack.sqs.iter().map(|mapping| &mapping.name)).collect();
    let mut problems = Vec::new();
    // What is wrong with a line itself is told by those who read it.
    let lines = FaultLine::all(text).filter_map(|(number, line)| Some((number, line.ok()?)));
    for (number, mut line) in lines {
        if !is_metered && CALL_FAULTS.contains(&line.kind()) {
            let kind = line.kind();
            problems.push(format!(
                "line {number}: `{kind}` is done by the meter, which needs --endpoint, and no --no-meter"
            ));
        }
        for (what, known) in [("function", &functions), ("mapping", &mappings)] {
            let Some(name) = line.text(what) else { continue };
            if !known.iter().any(|known| &***known == name) {
                let known: Vec<&str> = known.iter().map(|known| &***known).collect();
                let known = match known.as_slice() {
                    [] => "none".to_owned(),
                    known => known.join(", "),
                };
                problems.push(format!(
                    "line {number}: the template has no {what} `{name}`; it has {known}"
                ));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(wrong(&problems)) }
}

/// What is wrong with a plan of faults, a line each.
pub(in crate::command::lambda) fn wrong(problems: &[String]) -> Failure {
    Failure::wrong(format!("the file of faults is wrong:\n  {}", problems.join("\n  ")))
}
