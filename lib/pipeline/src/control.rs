//! The control log: how the table is laid out, which plans there are, and from which event time each is in force.
//!
//! A deploy announces a plan with its text. Every aggregate works for the newest announced plan beside the one in force and
//! names both in its deltas; once all shards do, or were proven idle since, the first settle to see it puts the plan in force
//! from an event time later than any that was counted without it.
//!
//! 1. [`ControlEntry`]: what stands in the log.
//! 2. [`Control`]: the fold of it, which warm functions keep; [`announce`] and [`ensure`] append.
//! 3. [`Plans`]: the plans that were compiled, by hash.
//! 4. [`plans_to_work_for`]: for which of them a shard's batch is aggregated.
//! 5. [`give_back`]: dead letters that are to be delivered after all.
//! 6. [`add_silence`], [`mark_deploy`]: what people say while the stack runs; [`Silences`] is the fold of it.

mod entry;
mod fold;
mod given_back;
mod plans;
mod said;
mod silences;
mod work;

pub use entry::{ControlEntry, EXPIRES_NEVER, RULES_BYTES_MAX};
pub use fold::{Announced, Control, InForce, announce, ensure};
pub(crate) use given_back::points_at;
pub use given_back::{GIVEN_BACK_BYTES_MAX, GivenBack, give_back, letters_given_back};
pub use plans::{Plans, text_in};
pub use said::{
    DEPLOY_AGE_MAX_MS, MATCHED_VALUES_MAX, SAID_CHARS_MAX, SILENCE_AHEAD_MAX_MS, SaidError,
    add_silence, end_silence, mark_deploy, silences,
};
pub use silences::{Added, Ended, NoSilenceId, SILENCES_MAX, SilenceId, Silences};
pub use work::{Work, plans_to_work_for};

use crate::port::rules::NoPlan;
use crate::port::{Retryable, TooLarge};
use streamgauge_engine::stored::StoredError;

/// Why there is no plan to work for.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The control log could not be read or appended to.
    #[error("the control log could not be reached")]
    Log(#[from] Retryable),
    /// An entry of the control log cannot be read.
    #[error("an entry of the control log cannot be read")]
    Stored(#[from] StoredError),
    /// The rules do not fit into the control log.
    #[error("the rules could not be announced")]
    TooLarge(#[from] TooLarge),
    /// A plan's text does not compile.
    #[error(
        "the plan {plan} cannot be compiled; announce rules that this version reads, or update this function"
    )]
    NoPlan {
        /// The plan's hash; for one that is not announced yet, `to be announced`.
        plan: String,
        /// What is wrong with it.
        source: NoPlan,
    },
    /// A plan's text compiles to another plan.
    #[error(
        "the text of the plan {plan} compiles to the plan {compiled}; update the function that was deployed longest ago"
    )]
    AnotherPlan {
        /// The plan's hash.
        plan: String,
        /// The hash of what came out.
        compiled: String,
    },
    /// The control log does not hold a plan's text.
    #[error("the control log has no text of the plan {plan}; announce the rules again")]
    NoText {
        /// The plan's hash.
        plan: String,
    },
    /// There is no plan, and the function was deployed without rules.
    #[error(
        "there are no rules: the control log has no plan and the function was deployed without one; announce rules"
    )]
    NoRules,
    /// The table was made for another number of settle partitions.
    #[error(
        "the table was made for {table} settle partitions and the function is set to {set}; set it to {table}, or make a new table"
    )]
    Partitions {
        /// How many the table has.
        table: u8,
        /// How many the function is set to.
        set: u8,
    },
    /// Others appended each time that this function tried to.
    #[error("the control log was appended to by others {attempts} times in a row; try again")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
}

impl ControlError {
    /// Whether trying again can help without anybody doing something.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Log(_) | Self::Contended { .. })
    }
}

#[cfg(test)]
mod tests;
