//! The engine of StreamGauge: business events in, metrics and alert decisions out, and nothing else.
//!
//! It is pure (invariant E1): no clock, no I/O, no async, no environment, no hash order. `now` is an
//! argument, and the same input gives the same output, however it was cut into batches.
//!
//! The modules, in the order in which an event meets them:
//!
//! 1. [`time`], [`decimal`], [`hash`], [`calendar`]: the small arithmetic everything else stands on.
//! 2. [`json`] and [`field`]: a line of JSON to the few fields that the rules read.
//! 3. [`expression`]: compiled predicates and values over those fields.
//! 4. [`plan`], [`alert`]: the checked rules file, as the engine wants it.
//! 5. [`decode`]: one record to "which metrics take it, with which values", or to a [`reject`].
//! 6. [`accumulate`], [`sketch`], [`series`]: what metrics add up; it merges in any order.
//! 7. [`aggregate`]: the first fold, one shard's batches to [`delta`]s.
//! 8. [`settle`]: the second fold, deltas and watermark to [`output`]s.
//! 9. `evaluate`, [`transition`], [`newest`]: what alerts decide, and the evidence for it.
//! 10. [`notify`], [`notification`]: who is told of it, and what.
//! 11. [`stored`]: deltas and state as bytes, for logs and snapshots.

pub mod accumulate;
pub mod aggregate;
pub mod alert;
pub mod calendar;
pub mod decimal;
pub mod decode;
pub mod delta;
mod evaluate;
pub mod expression;
pub mod field;
pub mod hash;
pub mod json;
pub mod newest;
pub mod notification;
pub mod notify;
pub mod output;
mod place;
pub mod plan;
pub mod reject;
pub mod series;
pub mod settle;
pub mod sketch;
pub mod stored;
pub mod time;
pub mod transition;
