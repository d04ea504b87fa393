//! Where a followed file was read up to, as it stands in sequence numbers.
//!
//! It has to be durable in the very entry that holds what was read, no sooner and no later. So it is part of the number that each offer gets
//! in the shard, and that the entry names as the last which it covers:
//!
//! | digits | what |
//! | --- | --- |
//! | all before the last 41 | a counter of offers, from 1 |
//! | 1 | 0: no file is followed; 1: the mark is of an earlier offer; 2: the offer is of the file |
//! | 20 | the file |
//! | 20 | the place where the offer's text begins in it; of an earlier offer, where it ended |
//!
//! The sub-sequence number says which record of the offer it is: its place among them, or in an offer of a file the bytes from where the text
//! begins to after the record. So the last record that the log covers says where to go on.

use super::{Followed, Offered};
use crate::cutter::widen;
use streamgauge_pipeline::port::source::{SequenceNumber, SequenceNumberError};
use streamgauge_pipeline::shard_entry::RecordId;

/// How many digits a 64-bit number has.
const NUMBER_DIGITS: usize = 20;

/// What tells a file from others, whatever it is called: a hash of how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId(pub u64);

/// A place in a file: all before it is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The file.
    pub file: FileId,
    /// The place.
    pub offset: u64,
}

/// What the last record of a log says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// How many offers there were.
    pub(crate) offers: u64,
    /// How far the followed file is in the log.
    pub(crate) mark: Option<Mark>,
}

impl Position {
    /// The next offer's number in the shard.
    pub(crate) fn next(
        &mut self,
        offered: &Offered,
    ) -> Result<SequenceNumber, SequenceNumberError> {
        self.offers += 1;
        let (kind, FileId(file), offset) = match (offered.followed, self.mark) {
            (Some(followed), _) => {
                self.mark = Some(Mark { file: followed.file, offset: followed.end });
                (2, followed.file, followed.start)
            }
            (None, Some(mark)) => (1, mark.file, mark.offset),
            (None, None) => (0, FileId(0), 0),
        };
        format!("{}{kind}{file:020}{offset:020}", self.offers).parse()
    }

    /// Reads the last record of a log; absent if its number was made otherwise.
    pub(crate) fn read(last: &RecordId) -> Option<Self> {
        let digits = last.sequence.as_str();
        let (rest, offset) = digits.split_at_checked(digits.len().checked_sub(NUMBER_DIGITS)?)?;
        let (rest, file) = rest.split_at_checked(rest.len().checked_sub(NUMBER_DIGITS)?)?;
        let (offers, kind) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
        let (file, offset) = (FileId(file.parse().ok()?), offset.parse::<u64>().ok()?);
        let mark = match kind {
            "0" => None,
            "1" => Some(Mark { file, offset }),
            "2" => Some(Mark { file, offset: offset.checked_add(last.sub_sequence)? }),
            _ => return None,
        };
        Some(Self { offers: offers.parse().ok()?, mark })
    }
}

/// The sub-sequence number of a record at a place of an offer.
pub(crate) fn sub_sequence(offered: &Offered, index: usize) -> u64 {
    let Some(Followed { start, end, .. }) = offered.followed else { return widen(index) };
    let is_last = index + 1 == offered.records.len();
    match offered.records.get(index) {
        Some(record) if !is_last => widen(record.end),
        _ => end - start,
    }
}

/// The place in an offer of the record with this sub-sequence number.
pub(crate) fn index(offered: &Offered, sub_sequence: u64) -> usize {
    let last = offered.records.len().saturating_sub(1);
    let index = match offered.followed {
        None => usize::try_from(sub_sequence).unwrap_or(usize::MAX),
        Some(_) => offered.records.partition_point(|record| widen(record.end) < sub_sequence),
    };
    index.min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(followed: Option<(u64, u64)>) -> Offered {
        let followed = followed.map(|(start, end)| Followed { file: FileId(u64::MAX), start, end });
        let records = [1..3, 4..6, 9..10].to_vec();
        Offered { records, followed, ..Offered::default() }
    }

    /// Where to go on if the record at a place of the last offer is the last of the log.
    fn check(offers: &[Option<(u64, u64)>], place: usize, expect: Option<u64>) {
        let mut position = Position::default();
        let mut last = None;
        for followed in offers {
            let offered = offered(*followed);
            let sequence = position.next(&offered).unwrap();
            let sub_sequence = sub_sequence(&offered, place);
            assert_eq!(index(&offered, sub_sequence), place);
            let next = RecordId { sequence, sub_sequence };
            assert!(last < Some(next.clone()));
            last = Some(next);
        }
        let read = Position::read(&last.unwrap()).unwrap();
        let mark = expect.map(|offset| Mark { file: FileId(u64::MAX), offset });
        assert_eq!(read, Position { offers: position.offers, mark });
    }

    #[test]
    fn the_last_record_says_where_to_go_on() {
        check(&[None], 2, None);
        check(&[Some((100, 120))], 0, Some(103));
        check(&[Some((100, 120))], 1, Some(106));
        check(&[Some((100, 120))], 2, Some(120));
        check(&[None, Some((100, 120)), None, None], 1, Some(120));
        check(&[Some((u64::MAX - 20, u64::MAX))], 2, Some(u64::MAX));
        check(&vec![None; 12], 1, None);
    }

    #[test]
    fn other_numbers_say_nothing() {
        for digits in ["1", &"1".repeat(41), &"9".repeat(60)] {
            let last = RecordId { sequence: digits.parse().unwrap(), sub_sequence: 0 };
            assert_eq!(Position::read(&last), None);
        }
    }
}
