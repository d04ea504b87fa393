//! The examples of the rules, as timelines.
