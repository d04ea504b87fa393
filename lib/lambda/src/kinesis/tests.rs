//! Whole mappings over a stream in this process, with functions that are closures, on paused time.

mod adversary;
mod bench;
mod delivery;
mod discards;
mod pace;
mod random;
mod resharding;
mod restarts;
