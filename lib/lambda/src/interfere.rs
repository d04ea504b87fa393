//! Where something may go wrong on purpose. The sources and the runtime ask at each of these points; [`crate::faults`] has
//! the seeded plan that answers. Who answers [`Interference::None`] everywhere is [`Harmless`].

use crate::invoke::{Cause, Invocation};
use std::fmt::Debug;
use std::time::Duration;

/// A point at which the simulator asks whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point<'a> {
    /// A shard is about to be read. Answers that count: [`Interference::Delay`].
    Read,
    /// A function is about to be asked; no environment has been taken. Answers that count: `Throttle`, `Delay`.
    Asked,
    /// The process has the event. Answers that count: `Kill`, `KillAfter`, `Abandon`.
    Received,
    /// The process has sent its answer, and nobody has seen it. Answers that count: `Kill` (the process too), `LoseAnswer`.
    Answered,
    /// The function says that it is at a point of its own. Answers that count: `Kill`, `Delay`.
    Named(&'a str),
    /// A batch is done, its position not yet moved. Answers that count: `Repeat`.
    Done,
}

/// Where the simulator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The point.
    pub point: Point<'a>,
    /// The function.
    pub function: &'a str,
    /// The mapping or schedule, if one is behind it.
    pub mapping: &'a str,
    /// The shard, if one is behind it.
    pub shard: &'a str,
    /// What tells this moment from others in every run alike: the batch's first sequence number or message; the request id,
    /// where no batch is behind it.
    pub key: &'a str,
    /// Which attempt at it, from 1.
    pub attempt: u32,
}

impl<'a> Place<'a> {
    /// The place of a point of an invocation with this request id.
    pub fn of(invocation: &'a Invocation, request_id: &'a str, point: Point<'a>) -> Self {
        let (mapping, shard, key, attempt) = match &invocation.cause {
            Cause::Direct => ("", "", request_id, 1),
            Cause::Asynchronous { schedule, attempt } => {
                (schedule.as_deref().unwrap_or_default(), "", request_id, *attempt)
            }
            Cause::Kinesis(cause) => {
                (&*cause.mapping, &*cause.shard, cause.first.as_str(), cause.attempt)
            }
            Cause::Sqs { mapping, first, attempt, .. } => (&**mapping, "", &**first, *attempt),
        };
        Self { point, function: &invocation.function, mapping, shard, key, attempt }
    }
}

/// What is to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interference {
    /// Nothing.
    None,
    /// Wait before going on.
    Delay(Duration),
    /// Refuse the invocation, as if no environment were free.
    Throttle,
    /// Kill the process now.
    Kill,
    /// Kill the process after so long, if it still works on this invocation.
    KillAfter(Duration),
    /// Drop the answer: the caller learns that the function could not be reached.
    LoseAnswer,
    /// Tell the caller at once that the invocation timed out, and leave the process running: a zombie that finishes late.
    Abandon,
    /// Deliver the same batch again although it succeeded.
    Repeat,
}

/// Who decides what goes wrong.
pub trait Interfere: Debug + Send + Sync {
    /// Asks what is to go wrong at a place.
    fn at(&self, place: &Place<'_>) -> Interference;
}

/// Nothing goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Harmless;

impl Interfere for Harmless {
    fn at(&self, _: &Place<'_>) -> Interference {
        Interference::None
    }
}
