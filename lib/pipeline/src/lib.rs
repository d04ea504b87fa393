//! The order of effects: ports and in-memory adapters.
//!
//! 1. [`port`]: what the order of effects asks of the world, as traits.
//! 2. [`contract`]: what every adapter of a port must keep, as suites that run against it.
//! 3. [`memory`]: adapters that keep everything in memory, for tests and simulations.
//! 4. [`render`]: points and the summary as text.

pub mod contract;
pub mod memory;
pub mod port;
pub mod render;
