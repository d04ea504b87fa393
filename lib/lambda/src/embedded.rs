//! The services in this process: what the simulator runs on without any endpoint.

pub mod queue;
//! The services around the functions, in this process: no account, no network, nothing to install.

pub mod stream;
