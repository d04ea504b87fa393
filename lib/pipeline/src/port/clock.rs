//! The clock, as an argument: the folds get `now` from whoever drives them, and tests turn it by hand.

use streamgauge_engine::time::Timestamp;

/// Now.
pub trait Clock: Send + Sync {
    /// The current time. Machines differ and are set: the fold's own clock value, which never goes back, is the larger of
    /// this and its last one.
    fn now(&self) -> Timestamp;
}
