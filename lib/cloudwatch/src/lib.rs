//! Points to `CloudWatch`.
