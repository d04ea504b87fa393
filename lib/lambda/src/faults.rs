//! Faults on purpose: a seeded, bounded plan of what goes wrong where.
//!
//! A plan is text, one fault a line, as [`Faults::parse`] reads it:
//!
//! ```text
//! kill at=received function=Aggregate chance=0.2 times=50     # the process has the event, and dies
//! kill at=before:DynamoDB.PutItem times=3                     # between two effects of the function
//! repeat mapping=Aggregate/Orders chance=0.05 times=100       # a batch that succeeded comes again
//! stop-shard shard=shardId-000000000003 for=30s               # once
//! ```
//!
//! With `chance`, whether a fault is done is decided by a hash of the seed, the fault and the place (function, mapping,
//! shard, first record, attempt), and so the same seed gives the same faults however the shards' work interleaves; an
//! invocation that no batch is behind is told from others by its request id, which depends on the order. With `every` and
//! `skip`, places are counted as they come. `times` bounds each fault; without it a fault is done once.

mod line;
mod parse;

use crate::interfere::{Interfere, Interference, Place, Point};
use rapidhash::v3::rapidhash_v3_seeded;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use line::{BILLION, FaultLine};
pub use parse::FaultError;

/// How often one fault may be done at most.
pub const TIMES_MAX: u64 = 1_000_000;

/// The most faults of one plan.
pub const FAULTS_MAX: usize = 1_000;

/// A seeded plan of faults. It counts what it did, so one plan serves one run.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    faults: Vec<Fault>,
}

/// One kind of fault, at the places that it selects.
#[derive(Debug)]
struct Fault {
    what: What,
    select: Select,
    /// The probability at each place, in billionths.
    chance: u64,
    /// Only every n-th place.
    every: u64,
    /// Places that are passed before the first one counts.
    skip: u64,
    /// How often at most.
    times: u64,
    /// Places seen so far.
    seen: AtomicU64,
    /// How often it was done.
    done: AtomicU64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The process dies as soon as it has the event.
    KillReceived,
    /// The process dies when it has answered, and nobody has seen the answer.
    KillAnswered,
    /// The process dies at a point that it, or the proxy for it, names.
    KillNamed(String),
    /// The process dies at a random moment within this time after it got the event.
    KillRandom(Duration),
    /// A batch that succeeded is delivered again.
    Repeat,
    /// The invocation waits before it begins.
    Delay(Duration),
    /// The invocation is throttled.
    Throttle,
    /// The answer is lost.
    LoseAnswer,
    /// The shard is not read for a while.
    StopShard(Duration),
    /// The caller learns of a time-out, and the process goes on and finishes late.
    Zombie,
}

/// Where a fault may happen; what is not named may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Select {
    function: Option<String>,
    mapping: Option<String>,
    shard: Option<String>,
}

impl Faults {
    /// Reads a plan: one fault a line, `#` begins a comment. All problems are told, each with its line.
    ///
    /// ```
    /// use streamgauge_lambda::faults::Faults;
    ///
    /// assert!(Faults::parse("kill at=answered chance=0.5 times=10\nthrottle # once", 7).is_ok());
    /// let errors = Faults::parse("kil at=answered", 7).unwrap_err();
    /// assert_eq!(errors[0].to_string(), "line 1: `kil` is no fault; use kill, repeat, delay, throttle, lose-answer, stop-shard or zombie");
    /// ```
    pub fn parse(text: &str, seed: u64) -> Result<Self, Vec<FaultError>> {
        Self::of(FaultLine::all(text), seed)
    }

    /// Reads a plan whose lines are there already: those of a file that has faults of other families too.
    pub fn of<'a>(
        lines: impl Iterator<Item = (usize, Result<FaultLine<'a>, String>)>,
        seed: u64,
    ) -> Result<Self, Vec<FaultError>> {
        Ok(Self { seed, faults: parse::faults(lines)? })
    }

    /// How often each fault of the plan has been done so far, in the plan's order.
    pub fn done(&self) -> Vec<u64> {
        self.faults.iter().map(|fault| fault.done.load(Ordering::Relaxed)).collect()
    }
}

impl Interfere for Faults {
    fn at(&self, place: &Place<'_>) -> Interference {
        for (number, fault) in self.faults.iter().enumerate() {
            let hash = hash(self.seed, number, place);
            if let Some(interference) = fault.what.at(place.point, hash)
                && fault.select.matches(place)
                && fault.is_due(hash)
            {
                return interference;
            }
        }
        Interference::None
    }
}

impl What {
    /// What this fault does at a point, if it belongs there.
    fn at(&self, point: Point<'_>, hash: u64) -> Option<Interference> {
        match (self, point) {
            (Self::KillReceived, Point::Received) | (Self::KillAnswered, Point::Answered) => {
                Some(Interference::Kill)
            }
            (Self::KillNamed(name), Point::Named(here)) if name == here => Some(Interference::Kill),
            (Self::KillRandom(within), Point::Received) => {
                let grain = u32::try_from(hash % 1_000).unwrap_or_default();
                Some(Interference::KillAfter(*within * grain / 1_000))
            }
            (Self::Repeat, Point::Done) => Some(Interference::Repeat),
            (Self::Delay(by), Point::Asked) | (Self::StopShard(by), Point::Read) => {
                Some(Interference::Delay(*by))
            }
            (Self::Throttle, Point::Asked) => Some(Interference::Throttle),
            (Self::LoseAnswer, Point::Answered) => Some(Interference::LoseAnswer),
            (Self::Zombie, Point::Received) => Some(Interference::Abandon),
            _ => None,
        }
    }
}

impl Select {
    fn matches(&self, place: &Place<'_>) -> bool {
        let is =
            |wanted: &Option<String>, here: &str| wanted.as_deref().is_none_or(|it| it == here);
        is(&self.function, place.function)
            && is(&self.mapping, place.mapping)
            && is(&self.shard, place.shard)
    }
}

impl Fault {
    /// Whether it is to be done at a place that it selects. Counts the place.
    fn is_due(&self, hash: u64) -> bool {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        let turn = seen.checked_sub(self.skip).is_some_and(|seen| seen % self.every == 0);
        // The high bits: `KillRandom` uses the low ones for its moment.
        let drawn = (u128::from(hash) * u128::from(BILLION)) >> u64::BITS;
        turn && drawn < u128::from(self.chance) && self.take_turn()
    }

    fn take_turn(&self) -> bool {
        let taken = self.done.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |done| {
            (done < self.times).then_some(done + 1)
        });
        taken.is_ok()
    }
}

/// A hash that tells faults and places apart and is the same in every run.
fn hash(seed: u64, number: usize, place: &Place<'_>) -> u64 {
    let name = match place.point {
        Point::Read => "read",
        Point::Asked => "asked",
        Point::Received => "received",
        Point::Answered => "answered",
        Point::Done => "done",
        Point::Named(name) => name,
    };
    let text = [place.function, place.mapping, place.shard, place.key, name].join("\0");
    let text = format!("{text}\0{number}\0{}", place.attempt);
    rapidhash_v3_seeded(text.as_bytes(), &rapidhash::v3::RapidSecrets::seed(seed))
}

#[cfg(test)]
mod tests;
