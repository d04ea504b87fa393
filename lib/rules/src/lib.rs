//! To be written.

pub mod cel;
