//! An event-source simulator: it drives function binaries from Kinesis streams, SQS queues and schedules as AWS Lambda
//! does, on one machine and without an account.
//!
//! It stands alone: nothing of it knows what the functions compute, and any `bootstrap` that speaks the Runtime API can be
//! driven. What it imitates, what it cannot, and the test behind each claim: `docs/lambda-simulator.md`.
//!
//! The modules, in the order in which a record meets them:
//!
//! 1. [`stack`]: what runs, as [`template`] reads it out of a SAM template: functions, mappings, schedules.
//! 2. [`stream`], [`queue`], [`services`]: the ports to where records and messages come from and failures go to;
//!    [`embedded`] has all of them in this process.
//! 3. [`kinesis`], [`sqs`], [`schedule`]: the event sources. Each decides with pure functions and a driver does what they say.
//! 4. [`interfere`], [`faults`]: what goes wrong on purpose, and where.
//! 5. [`invoke`], [`runtime`]: an invocation, and the processes that answer it through the Runtime API; [`asynchronous`] and
//!    [`invoke_api`]: callers who do not wait, and callers from outside.
//! 6. [`happening`], [`summary`]: what was seen, and a fold over it; reports and live lines show that.
//! 7. [`simulator`]: all of it together.
//!
//! Beside them: [`contract`], what every adapter of a port has to keep.

pub mod arn;
pub mod asynchronous;
mod backoff;
pub mod clock;
pub mod contract;
mod destination;
pub mod embedded;
pub mod faults;
pub mod happening;
mod hex;
mod http;
pub mod interfere;
pub mod invoke;
pub mod invoke_api;
mod item_failures;
pub mod kinesis;
mod lock;
pub mod queue;
pub mod runtime;
pub mod schedule;
pub mod services;
pub mod simulator;
pub mod sqs;
pub mod stack;
pub mod stream;
pub mod summary;
pub mod template;
#[cfg(test)]
mod testing;
mod uuid;
