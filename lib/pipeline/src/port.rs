//! The ports: all that the order of effects asks of the world.
//!
//! A port is a trait with typed outcomes, named after what the caller has to do next; adapters (memory, a file, AWS) are at the
//! edge. In the order of the data:
//!
//! 1. [`source`]: batches of records come in.
//! 2. [`log`]: what a fold made of them is appended, by compare-and-swap on the next version.
//! 3. [`snapshots`]: the folded state, so that a fold need not begin at the beginning.
//! 4. [`wake`]: the next function is told to look.
//! 5. [`sink`]: what was decided goes out; [`points`]: so do points, to a place that adds up.
//!    Notifications go to [`channels`].
//! 6. [`clock`]: what time it is.
//! 7. [`rules`]: the text of a plan to the plan.
//! 8. [`forward`]: what the filter lets through goes into a stream.
//!
//! Traits return `impl Future + Send` and adapters write `async fn`: nothing is boxed and no runtime is named.
//! What adapters must keep is written at each trait and tested by [`crate::contract`].

use std::error::Error;

pub mod channels;
pub mod clock;
pub mod forward;
pub mod log;
pub mod points;
pub mod rules;
pub mod sink;
pub mod snapshots;
pub mod source;
pub mod wake;

/// How many settle partitions there are at most.
pub const PARTITIONS_MAX: u8 = 64;

/// The largest piece that a store is asked to keep under one key, in bytes: larger chunks and states are cut.
///
/// A DynamoDB item holds 400 KB, names and keys included
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>); 16 KiB are left for those.
pub const PIECE_BYTES_MAX: usize = 384 << 10;

/// A settle partition, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u8);

impl Partition {
    /// The partition with this number; absent from [`PARTITIONS_MAX`] on.
    pub fn new(number: u8) -> Option<Self> {
        (number < PARTITIONS_MAX).then_some(Self(number))
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A call without an answer that counts: it may have taken effect or not, and may be made again.
///
/// That is all an outage, a throttle, a refused permission or a stored format of a newer version can be to us: the batch
/// fails, comes again, and no data is thrown away.
#[derive(Debug, thiserror::Error)]
#[error("{message}; the call may have taken effect and can be repeated")]
pub struct Retryable {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Retryable {
    /// What could not be done and on which object, in the past tense: `could not append version 7 to "settle/0"`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same, because of an error below.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

/// Something that no store has to take. Seen when it is made, so that a write has no such outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {size} is over the limit of {limit}; {remedy}")]
pub struct TooLarge {
    /// What is too large, and in what it is measured.
    pub what: &'static str,
    /// How large it is.
    pub size: usize,
    /// How large it may be.
    pub limit: usize,
    /// What to do about it.
    pub remedy: &'static str,
}

impl TooLarge {
    pub(crate) fn check(
        what: &'static str,
        size: usize,
        limit: usize,
        remedy: &'static str,
    ) -> Result<(), Self> {
        if size > limit { Err(Self { what, size, limit, remedy }) } else { Ok(()) }
    }
}
