//! The control log: how the table is laid out, which plans there are, and from which event time each is in force.
//!
//! A deploy announces a plan with its text. Every aggregate works for the newest announced plan beside the one in force and
//! names both in its deltas; once all shards do, or were proven idle since, the first settle to see it puts the plan in force
//! from an event time later than any that was counted without it.

use crate::port::rules::RulesText;
use streamgauge_engine::time::Timestamp;

/// An entry of the control log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEntry {
    /// The first entry: what is fixed when the table is made.
    Table {
        /// How many settle partitions there are.
        partitions: u8,
    },
    /// A deploy brings a plan. It replaces one that was announced and is not in force yet.
    Announced {
        /// The plan's hash.
        plan: String,
        /// Its text.
        text: RulesText,
        /// The clock of whoever announced it.
        at: Timestamp,
    },
    /// A plan is in force.
    InForce {
        /// The plan's hash.
        plan: String,
        /// The event time from which it is.
        from: Timestamp,
    },
}
