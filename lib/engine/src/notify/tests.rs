mod gathering;
pub(crate) mod kit;
mod ladder;
mod properties;
mod waiting;
