//! Why it cannot go on.

use std::error::Error;
use std::io;
use streamgauge_local::history::HistoryError;
use streamgauge_local::store::StoreError;
use streamgauge_pipeline::aggregate::AggregateError;
use streamgauge_pipeline::control::ControlError;
use streamgauge_pipeline::deliver::DeliverError;
use streamgauge_pipeline::port::Retryable;
use streamgauge_pipeline::port::source::SequenceNumberError;
use streamgauge_pipeline::settle::SettleError;
use streamgauge_pipeline::stored::StoredError;

/// An error that trying again does not cure. What was acknowledged is in the store.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The store cannot be read.
    #[error("could not read the store")]
    Store(#[from] Retryable),
    /// An entry cannot be read.
    #[error("could not read an entry of the store")]
    Stored(#[from] StoredError),
    /// The rules, or the plans in the store.
    #[error("could not go on with the rules of the store")]
    Control(#[source] ControlError),
    /// The records that another program has put into the store.
    #[error(
        "could not go on with the store: another program has written its last records; name another file"
    )]
    Foreign,
    /// There are no numbers left.
    #[error("could not number the records")]
    Numbers(#[source] SequenceNumberError),
    /// What comes cannot be taken.
    #[error("could not take events")]
    Aggregate(#[source] AggregateError),
    /// What was taken cannot be settled.
    #[error("could not settle what has come")]
    Settle(#[source] SettleError),
    /// What was decided cannot be told.
    #[error("could not tell what was decided")]
    Deliver(#[source] DeliverError),
    /// What was decided cannot be kept for those who ask later.
    #[error("could not keep the history of what was decided")]
    History(#[from] HistoryError),
    /// There are no threads left.
    #[error("could not start a thread")]
    Thread(#[source] io::Error),
    /// A bug.
    #[error("the thread `{0}` has ended by itself; this is a bug")]
    Panic(&'static str),
}

/// Whether a store below an error says that its file is damaged or not its own: then nothing is gained by trying again.
pub fn is_damage(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.any(|cause| {
        let store = match cause.downcast_ref() {
            // It speaks as the error below it, and is passed over by its `source`.
            Some(HistoryError::Store(store)) => Some(store),
            _ => cause.downcast_ref::<StoreError>(),
        };
        matches!(
            store,
            Some(
                StoreError::Damaged { .. } | StoreError::Foreign { .. } | StoreError::Newer { .. }
            )
        )
    })
}
