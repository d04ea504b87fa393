//! The pipeline in one process, as `streamgauge dev` runs it: what comes in and goes out over HTTP.
//!
//! 1. [`cloud_events`]: a push to records.
//! 2. [`exposition`]: what was decided, in the text formats of Prometheus and `OpenMetrics`.
//!
//! Both are pure: bytes and numbers in, bytes out.

pub mod cloud_events;
pub mod exposition;
mod media;
