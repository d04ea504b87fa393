//! What can go wrong with a history.

use crate::store::{LocalStore, Reading, StoreError};
use redb::{ReadTransaction, WriteTransaction};
use streamgauge_engine::stored::StoredError;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::port::log::Version;

/// A history that could not be folded or read. What it had is still there.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row has a form that this version does not read.
    #[error("what the history keeps cannot be read; use the version that wrote it")]
    Row(#[from] StoredError),
    /// An entry of the settle log has one.
    #[error("version {} of the settle log cannot be read; use the version that wrote it", version.0)]
    Entry {
        /// Which entry.
        version: Version,
        /// What is wrong with it.
        source: StoredError,
    },
}

/// What goes wrong within a transaction: the file, or a form.
#[derive(Debug)]
pub(super) enum Fault {
    File(redb::Error),
    Form(StoredError),
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        Self::File(error)
    }
}

impl From<redb::StorageError> for Fault {
    fn from(error: redb::StorageError) -> Self {
        Self::File(error.into())
    }
}

impl From<redb::TableError> for Fault {
    fn from(error: redb::TableError) -> Self {
        Self::File(error.into())
    }
}

impl From<StoredError> for Fault {
    fn from(error: StoredError) -> Self {
        Self::Form(error)
    }
}

/// Does something in one transaction. A form that cannot be read undoes it, and says nothing against the file.
pub(super) fn transact<C: Clock, T>(
    store: &LocalStore<C>,
    work: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
) -> Result<T, HistoryError> {
    let outcome = store.transact(|transaction| {
        let outcome = apart(work(transaction))?;
        let is_done = outcome.is_ok();
        Ok((outcome, is_done))
    })?;
    Ok(outcome?)
}

/// Reads in one transaction.
pub(super) fn read<C: Clock, T>(
    store: &LocalStore<C>,
    work: impl FnOnce(&ReadTransaction) -> Result<T, Fault>,
) -> Result<T, HistoryError> {
    let outcome = store.read_at_once(|transaction, _| apart(work(transaction)))?;
    Ok(outcome?)
}

/// Reads in a transaction that was begun before.
pub(super) fn read_in<C: Clock, T>(
    store: &LocalStore<C>,
    reading: &Reading,
    work: impl FnOnce(&ReadTransaction) -> Result<T, Fault>,
) -> Result<T, HistoryError> {
    let outcome = store.read_in(reading, |transaction| apart(work(transaction)))?;
    Ok(outcome?)
}

/// What says nothing against the file, apart from what does.
fn apart<T>(outcome: Result<T, Fault>) -> Result<Result<T, StoredError>, redb::Error> {
    match outcome {
        Ok(outcome) => Ok(Ok(outcome)),
        Err(Fault::Form(error)) => Ok(Err(error)),
        Err(Fault::File(error)) => Err(error),
    }
}
