//! Aggregate on the memory adapters, with everything going wrong that can.
//!
//! Whatever happens, the log must hold what one fold of the records in their order holds: [`kit::Town::check`].

mod crash;
mod deliver;
mod keep;
pub(crate) mod kit;
mod random;
mod reshard;
mod rules;
mod thin;
mod turns;
