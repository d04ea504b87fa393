//! Points to `CloudWatch`, each counted once.
//!
//! `PutMetricData` adds to what is there and knows no repeats: a call that is made twice counts twice. So what is sent is
//! decided by pure functions, one call is one attempt, and every call leaves a trace by which it is found again when its
//! answer was lost.
//!
//! 1. [`name`]: texts to what `CloudWatch` takes as names and dimension values.
//! 2. [`data`]: a point to its data: values, statistic sets, values with counts, timestamps, units.
//! 3. [`pack`]: points to calls that are as full as they may be, each with its receipt.
//! 4. [`refusal`]: why a point can never be sent.
//! 5. [`outcome`]: what an error says of the call: not taken, never to be taken, or nothing.
//! 6. [`sink`]: the calls themselves, and the look for a receipt.
//!
//! What a function's role must allow: `cloudwatch:PutMetricData` and `cloudwatch:GetMetricData`.

pub mod data;
pub mod name;
pub mod outcome;
pub mod pack;
pub mod refusal;
pub mod sink;

pub use sink::CloudWatch;

#[cfg(test)]
mod testing;
