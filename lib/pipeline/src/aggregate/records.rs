//! How far the records of a batch are: which are proven to be in the log, and which make the next entry.

use super::compose::Piece;
use super::{AggregateError, decide};
use crate::port::TooLarge;
use crate::port::source::{Batch, Record, SequenceNumber, ShardId};
use crate::shard_entry::RecordId;

/// The records of a batch.
pub(super) struct Records {
    batch: Batch,
    /// So many from the front are proven to be in the log.
    proven: usize,
    /// At most so many make an entry.
    piece_max: usize,
    /// Even one record made too large an entry.
    refuses: bool,
}

impl Records {
    /// All of a batch are still to be taken.
    pub(super) fn new(batch: Batch) -> Self {
        Self { piece_max: batch.records.len(), batch, proven: 0, refuses: false }
    }

    /// Their shard.
    pub(super) fn shard(&self) -> &ShardId {
        &self.batch.shard
    }

    /// The records that are not proven to be in the log.
    pub(super) fn rest(&self) -> &[Record] {
        self.batch.records.get(self.proven..).unwrap_or_default()
    }

    /// The first of these.
    pub(super) fn first_unproven(&self) -> Option<SequenceNumber> {
        self.rest().first().map(|record| record.sequence.clone())
    }

    /// Passes over what the log has, of which `last` is the last; answers how many.
    pub(super) fn pass_over(&mut self, last: Option<&RecordId>) -> usize {
        let known = decide::known(self.rest(), last);
        self.proven += known;
        self.refuses &= known == 0;
        known
    }

    /// The next piece.
    pub(super) fn piece(&self) -> Piece<'_> {
        let rest = self.rest();
        let records = rest.get(..self.piece_max).unwrap_or(rest);
        Piece { batch: &self.batch, records, refused: self.refuses }
    }

    /// The piece is in the log.
    pub(super) fn appended(&mut self) {
        self.proven += self.piece().records.len();
        self.refuses = false;
    }

    /// The piece was too large: the next is smaller. One record alone is refused.
    pub(super) fn cut(&mut self, too_large: TooLarge) -> Result<(), AggregateError> {
        let length = self.piece().records.len();
        if length > 1 {
            self.piece_max = decide::cut(length, &too_large);
            return Ok(());
        }
        match self.first_unproven() {
            Some(sequence) if self.refuses => {
                Err(AggregateError::TooLarge { sequence, source: too_large })
            }
            _ => {
                self.refuses = true;
                Ok(())
            }
        }
    }
}
