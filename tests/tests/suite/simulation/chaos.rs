//! What goes wrong in a run, and how often.

/// How likely what is, in 1,000.
#[derive(Debug)]
pub(super) struct Chaos {
    /// A call of a port fails before its effect, and as often its answer is lost.
    pub(super) calls: usize,
    /// At a step an invocation dies.
    pub(super) crash: usize,
    /// A batch brings records that were done.
    pub(super) repeats: usize,
    /// The answer of a function to its batch is lost.
    pub(super) answers: usize,
    /// At a step a shard is split, merged, or begins to lag.
    pub(super) shards: usize,
    /// A batch comes again while its first invocation goes on.
    pub(super) zombies: usize,
    /// At a step the snapshots of a log are deleted.
    pub(super) snapshots: usize,
    /// In a run all wake-ups are lost, and only the schedule ticks.
    pub(super) unwoken: usize,
    /// By how much a function's clock is off at most, in milliseconds; each invocation's differs.
    pub(super) skew_ms: i64,
}

impl Chaos {
    pub(super) const CALM: Self = Self {
        calls: 0,
        crash: 0,
        repeats: 0,
        answers: 0,
        shards: 0,
        zombies: 0,
        snapshots: 0,
        unwoken: 0,
        skew_ms: 0,
    };
    pub(super) const ALL: Self = Self {
        calls: 20,
        crash: 4,
        repeats: 100,
        answers: 50,
        shards: 3,
        zombies: 4,
        snapshots: 4,
        unwoken: 150,
        skew_ms: 1_500,
    };
    /// Snapshots may be deleted while the log that they cover is kept, and no longer.
    pub(super) const KEEPING: Self = Self { snapshots: 0, ..Self::ALL };
}
