//! Who is told of what: by timelines (`ladder`, `waiting`, `gathering`), and for any course of events (`properties`).

mod gathering;
pub(crate) mod kit;
mod ladder;
mod properties;
mod waiting;
