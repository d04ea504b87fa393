//! The order of effects: ports and in-memory adapters.

pub mod render;
