//! The world of a function: all its ports in one bundle, so that the order of effects has one parameter.

use crate::port::clock::Clock;
use crate::port::log::Log;
use crate::port::rules::Rules;
use crate::port::snapshots::Snapshots;
use crate::port::source::Stream;
use crate::port::wake::Wake;

/// The ports of a function. An adapter bundle names one adapter for each and hands them out; it has no code of its own.
pub trait World: Send + Sync {
    /// Keeps the logs.
    type Log: Log;
    /// Keeps the snapshots.
    type Snapshots: Snapshots;
    /// A stream that is read.
    type Stream: Stream;
    /// Wakes functions.
    type Wake: Wake;
    /// Tells the time.
    type Clock: Clock;
    /// Compiles plans.
    type Rules: Rules;

    /// The logs.
    fn log(&self) -> &Self::Log;
    /// The snapshots.
    fn snapshots(&self) -> &Self::Snapshots;
    /// The streams whose shards take part in the watermark: those that aggregate reads, and those that the filter reads.
    fn streams(&self) -> &[Self::Stream];
    /// The wake-ups.
    fn wake(&self) -> &Self::Wake;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// The rules.
    fn rules(&self) -> &Self::Rules;
}
