//! What AWS says of event sources, seen from a function: each test here is named in the table of `docs/lambda-simulator.md`.
//!
//! A real function (the probe) runs in real processes, the streams and queues are in this process, and the simulator's clock
//! is hurried: minutes pass in milliseconds, and nothing here waits for a time that has to be right.

mod bench;
mod stand;
mod watch;
mod world;

mod batching;
mod checkpoints;
mod clockwork;
mod events;
mod failures;
mod on_failure;
mod pace;
mod parameters;
mod partial;
mod queues;
mod resharding;
mod volume;
