//! The services in this process: what the simulator runs on without any endpoint.

pub mod queue;
