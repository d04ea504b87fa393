//! The services around the functions, in this process: no account, no network, nothing to install.

pub mod stream;
