//! A plan of faults as text: one fault a line, a kind and `key=value` words.

use super::{CERTAIN, FAULTS_MAX, Fault, Select, TIMES_MAX, What};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
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

/// The longest wait that a fault may cause.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// The words of a line, `key=value`; each is taken once, and what is left over is a problem.
type Words<'a> = BTreeMap<&'a str, &'a str>;

/// All faults of a text, or all its problems.
pub(super) fn faults(text: &str) -> Result<Vec<Fault>, Vec<FaultError>> {
    let mut faults = Vec::new();
    let mut errors = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default().trim();
        match fault(line) {
            _ if line.is_empty() => {}
            _ if faults.len() >= FAULTS_MAX => {
                let problem = format!("a plan has at most {FAULTS_MAX} faults");
                errors.push(FaultError { line: number, problem });
                break;
            }
            Ok(fault) => faults.push(fault),
            Err(problem) => errors.push(FaultError { line: number, problem }),
        }
    }
    if errors.is_empty() { Ok(faults) } else { Err(errors) }
}

fn fault(line: &str) -> Result<Fault, String> {
    let mut parts = line.split_whitespace();
    let kind = parts.next().unwrap_or_default();
    let mut words = Words::new();
    for part in parts {
        let (key, value) = part.split_once('=').ok_or_else(|| {
            format!("`{part}` is no `key=value`; a fault is a kind and such words")
        })?;
        if words.insert(key, value).is_some() {
            return Err(format!("`{key}` stands twice"));
        }
    }
    let what = what(kind, &mut words)?;
    let mut named = |key| words.remove(key).map(str::to_owned);
    let select =
        Select { function: named("function"), mapping: named("mapping"), shard: named("shard") };
    let fault = Fault {
        what,
        select,
        chance: words.remove("chance").map_or(Ok(CERTAIN), chance)?,
        every: words.remove("every").map_or(Ok(1), |text| number("every", text, 1))?,
        skip: words.remove("skip").map_or(Ok(0), |text| number("skip", text, 0))?,
        times: words.remove("times").map_or(Ok(1), |text| number("times", text, 1))?,
        seen: AtomicU64::new(0),
        done: AtomicU64::new(0),
    };
    match words.keys().next() {
        None => Ok(fault),
        Some(key) => Err(format!(
            "`{kind}` has no `{key}`; every fault has function, mapping, shard, chance, every, skip and times"
        )),
    }
}

/// The kind of a fault, with the words that only it has.
fn what(kind: &str, words: &mut Words<'_>) -> Result<What, String> {
    match kind {
        "kill" => kill(words),
        "repeat" => Ok(What::Repeat),
        "delay" => Ok(What::Delay(wait(kind, "by", words)?)),
        "throttle" => Ok(What::Throttle),
        "lose-answer" => Ok(What::LoseAnswer),
        "stop-shard" => Ok(What::StopShard(wait(kind, "for", words)?)),
        "zombie" => Ok(What::Zombie),
        _ => Err(format!(
            "`{kind}` is no fault; use kill, repeat, delay, throttle, lose-answer, stop-shard or zombie"
        )),
    }
}

fn kill(words: &mut Words<'_>) -> Result<What, String> {
    match words.remove("at") {
        Some("received") => Ok(What::KillReceived),
        Some("answered") => Ok(What::KillAnswered),
        Some("random") => Ok(What::KillRandom(wait("kill at=random", "within", words)?)),
        Some(name) if !name.is_empty() => Ok(What::KillNamed(name.to_owned())),
        _ => Err("`kill` needs `at=`: received, answered, random, or the name of a point such as \
                  before:DynamoDB.PutItem"
            .to_owned()),
    }
}

/// A length of time: `250ms`, `30s`, `5m`.
fn wait(kind: &str, key: &str, words: &mut Words<'_>) -> Result<Duration, String> {
    let text =
        words.remove(key).ok_or_else(|| format!("`{kind}` needs `{key}=`, such as {key}=30s"))?;
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let length_ms = units.into_iter().find_map(|(unit, unit_ms): (&str, u64)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count.checked_mul(unit_ms)
    });
    match length_ms.map(Duration::from_millis) {
        Some(length) if length <= WAIT_MAX => Ok(length),
        Some(_) => Err(format!("`{key}={text}` is more than 24h")),
        None => Err(format!("`{key}={text}` is no length of time; write 250ms, 30s or 5m")),
    }
}

fn number(key: &str, text: &str, min: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (min..=TIMES_MAX).contains(number));
    number.ok_or_else(|| format!("`{key}={text}` is no whole number from {min} to {TIMES_MAX}"))
}

/// A probability as billionths: digits with at most nine places, so that no float decides.
fn chance(text: &str) -> Result<u64, String> {
    let wrong = || format!("`chance={text}` is no number above 0 and up to 1, such as 0.05");
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole) || !digits(places) {
        return Err(wrong());
    }
    let parsed = format!("{whole}{places:0<9}").parse().ok();
    parsed.filter(|chance| (1..=CERTAIN).contains(chance)).ok_or_else(wrong)
}
