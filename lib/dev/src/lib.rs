//! The pipeline in one process, as `streamgauge dev` runs it: what comes in and goes out over HTTP.
//!
//! 1. [`cloud_events`]: a push to records.
//!
//! It is pure: bytes in, bytes out.

pub mod cloud_events;
mod media;
