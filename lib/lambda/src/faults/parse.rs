//! A plan of faults as text.

use super::line::{BILLION, FaultLine};
use super::{FAULTS_MAX, Fault, Select, What};
use std::sync::atomic::AtomicU64;
use thiserror::Error;

/// One problem of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct FaultError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// All faults of a plan's lines, or all its problems.
pub(super) fn faults<'a>(
    lines: impl Iterator<Item = (usize, Result<FaultLine<'a>, String>)>,
) -> Result<Vec<Fault>, Vec<FaultError>> {
    let mut faults = Vec::new();
    let mut errors = Vec::new();
    for (number, line) in lines {
        if faults.len() >= FAULTS_MAX {
            let problem = format!("a plan has at most {FAULTS_MAX} faults");
            errors.push(FaultError { line: number, problem });
            break;
        }
        match line.and_then(fault) {
            Ok(fault) => faults.push(fault),
            Err(problem) => errors.push(FaultError { line: number, problem }),
        }
    }
    if errors.is_empty() { Ok(faults) } else { Err(errors) }
}

fn fault(mut line: FaultLine<'_>) -> Result<Fault, String> {
    let what = what(&mut line)?;
    let mut named = |key| line.text(key).map(str::to_owned);
    let select =
        Select { function: named("function"), mapping: named("mapping"), shard: named("shard") };
    let fault = Fault {
        what,
        select,
        chance: line.chance("chance")?.unwrap_or(BILLION),
        every: line.number("every", 1)?.unwrap_or(1),
        skip: line.number("skip", 0)?.unwrap_or(0),
        times: line.number("times", 1)?.unwrap_or(1),
        seen: AtomicU64::new(0),
        done: AtomicU64::new(0),
    };
    line.end("function, mapping, shard, chance, every, skip and times")?;
    Ok(fault)
}

/// The kind of a fault, with the words that only it has.
fn what(line: &mut FaultLine<'_>) -> Result<What, String> {
    match line.kind() {
        "kill" => kill(line),
        "repeat" => Ok(What::Repeat),
        "delay" => Ok(What::Delay(line.wait("by")?)),
        "throttle" => Ok(What::Throttle),
        "lose-answer" => Ok(What::LoseAnswer),
        "stop-shard" => Ok(What::StopShard(line.wait("for")?)),
        "zombie" => Ok(What::Zombie),
        kind => Err(format!(
            "`{kind}` is no fault; use kill, repeat, delay, throttle, lose-answer, stop-shard or zombie"
        )),
    }
}

fn kill(line: &mut FaultLine<'_>) -> Result<What, String> {
    match line.text("at") {
        Some("received") => Ok(What::KillReceived),
        Some("answered") => Ok(What::KillAnswered),
        Some("random") => Ok(What::KillRandom(line.wait("within")?)),
        Some(name) if !name.is_empty() => Ok(What::KillNamed(name.to_owned())),
        _ => Err("`kill` needs `at=`: received, answered, random, or the name of a point such as \
                  before:DynamoDB.PutItem"
            .to_owned()),
    }
}
