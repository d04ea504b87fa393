//! A proxy in front of AWS stand-ins: it counts what AWS would bill, keeps the limits that stand-ins do not know, and
//! fails on purpose. It stands alone; what it counts and how, and the source of each rule: `docs/meter.md`.
//!
//! The modules, in the order in which a call meets them:
//!
//! 1. [`proxy`]: the only one with sockets; it does what the others say.
//! 2. [`call`]: service, operation, protocol and caller, from the head of a request.
//! 3. [`faults`], [`limits`], [`bucket`]: what goes wrong on purpose, what AWS would refuse, and the rates.
//! 4. [`dynamodb`], [`kinesis`], [`sqs`], [`cloudwatch`], [`s3`]: what a request and its answer cost.
//! 5. [`watcher`], [`clock`]: who may stop the world around an effect, and the time.
//! 6. [`answer`]: answers, and errors in the caller's protocol.
//! 7. [`mod@unit`], [`tally`], [`prices`], [`bill`]: amounts, their sums, and money.

pub mod answer;
pub mod bill;
pub mod bucket;
pub mod call;
pub mod clock;
pub mod cloudwatch;
pub mod dynamodb;
pub mod faults;
pub mod kinesis;
pub mod limits;
pub mod prices;
pub mod proxy;
pub mod s3;
pub mod sqs;
pub mod tally;
pub mod unit;
pub mod watcher;
