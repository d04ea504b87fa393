//! `CloudWatch` metrics: what is billed, and the limits of `PutMetricData`.
//!
//! Three protocols carry the same request: [`neutral`] makes one value of each, [`data`] reads the metrics out of it, and
//! [`check`] holds AWS's limits against them.

pub mod check;
pub mod data;
pub mod neutral;
