//! The order of effects: ports, what the functions do in which order, and in-memory adapters.
//!
//! 1. [`port`]: what the order of effects asks of the world, as traits; [`world`] bundles them.
//! 2. [`control`], [`shard_entry`], [`settle_entry`], [`publication`], [`alert_record`], [`notifications`]: what stands in the logs.
//!    [`stored`]: what all their forms have in common. [`kept`]: what a history keeps of them, one by one.
//! 3. [`aggregate`], [`settle`], [`deliver`]: what the functions do, effect by effect. [`bell`]: how they wake each other.
//! 4. [`contract`]: what every adapter of a port must keep, as suites that run against it.
//! 5. [`memory`]: adapters that keep everything in memory, for tests and simulations. [`system_clock`]: the machine's clock, for all others.
//! 6. [`render`]: points and the summary as text. [`pagerduty_origin`]: the one place of a channel that rules do not say.

pub mod aggregate;
pub mod alert_record;
pub mod bell;
pub mod contract;
pub mod control;
mod deflate;
pub mod deliver;
pub mod kept;
pub mod memory;
pub mod notifications;
mod outgrown;
pub mod pagerduty_origin;
pub mod port;
pub mod publication;
pub mod render;
pub mod settle;
pub mod settle_entry;
pub mod shard_entry;
pub mod stored;
pub mod system_clock;
pub mod together;
pub mod world;
