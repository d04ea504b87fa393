//! What aggregate decides beside the fold: what the log has already, where a batch is cut, how long an entry is
//! kept. Pure functions of their arguments.

use crate::port::TooLarge;
use crate::port::log::Version;
use crate::port::source::Record;
use crate::shard_entry::RecordId;
use streamgauge_engine::plan::{Plan, Timing};
use streamgauge_engine::time::{DAY_MS, Millis};

/// How long an entry is kept at least. Settle has to take it within that, and Lambda to give its batch up.
const KEPT_MS_MIN: Millis = 8 * DAY_MS;
/// Over how many versions a log leaps of which nothing is left after its last snapshot.
///
/// Entries after the snapshot may have stood on versions that nobody knows any more. Readers have consumed those and look
/// only after them, so the log has to go on beyond; all writers know the same snapshot, and so compete for the same version.
/// No log gets 2^32 entries between two snapshots.
const LEAP: u64 = 1 << 32;

/// How many records from the front the log has already, of which `last` is the last.
pub(super) fn known(records: &[Record], last: Option<&RecordId>) -> usize {
    let Some(last) = last else { return 0 };
    let place = |record: &Record| {
        record.sequence.cmp(&last.sequence).then(record.sub_sequence.cmp(&last.sub_sequence))
    };
    records.iter().take_while(|record| place(record).is_le()).count()
}

/// How many of so many records make an entry, when all of them were too large: at most half, fewer if that is by far too many.
pub(super) fn cut(records: usize, too_large: &TooLarge) -> usize {
    let fitting = records.saturating_mul(too_large.limit) / too_large.size.max(1);
    fitting.min(records / 2).max(1)
}

/// The version of the next entry: after the last that is there, else beyond all that may have stood after the snapshot.
///
/// A log without either begins. If its stream is so old that entries may have expired whose snapshot was never put, it begins beyond
/// these: by the days that the stream exists, so that all writers begin alike.
pub(super) fn next_version(
    last: Option<Version>,
    snapshot: Option<Version>,
    stream_age_ms: Millis,
) -> Version {
    match (last, snapshot) {
        (Some(last), _) => last.next(),
        (None, Some(snapshot)) => Version(snapshot.0.saturating_add(LEAP)),
        (None, None) if stream_age_ms < KEPT_MS_MIN => Version::START.next(),
        (None, None) => {
            let days = u64::try_from(stream_age_ms / DAY_MS).unwrap_or_default();
            Version(days.saturating_mul(LEAP)).next()
        }
    }
}

/// How long an entry is kept: as long as anything of it can be remembered and a day, so that the state is the fold of the log.
pub(super) fn kept_ms<'p>(plans: impl Iterator<Item = &'p Plan>) -> Millis {
    plans.map(|plan| remembered_ms(&plan.timing) + DAY_MS).fold(KEPT_MS_MIN, Millis::max)
}

/// How long after its arrival an identity can be remembered: its event time may be `max_ahead` after that, its horizon is
/// rounded up to the next tenth, and the watermark that ends it is `out_of_order` behind.
fn remembered_ms(timing: &Timing) -> Millis {
    let horizon_ms = timing.correction_horizon();
    horizon_ms + horizon_ms / 10 + timing.max_ahead + timing.out_of_order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(numbers: &[(u64, u64)]) -> Vec<Record> {
        let record = |&(sequence, sub_sequence): &(u64, u64)| Record {
            sequence: sequence.into(),
            sub_sequence,
            arrival: None,
            bytes: 0..0,
        };
        numbers.iter().map(record).collect()
    }

    #[test]
    fn records_up_to_the_last_are_known() {
        let records = records(&[(9, 0), (10, 0), (10, 1), (10, 2), (11, 0)]);
        let check = |last: Option<(u64, u64)>, expect| {
            let id = last
                .map(|(number, sub_sequence)| RecordId { sequence: number.into(), sub_sequence });
            assert_eq!(known(&records, id.as_ref()), expect, "{last:?}");
        };
        check(None, 0);
        check(Some((8, 9)), 0);
        check(Some((9, 0)), 1);
        check(Some((10, 1)), 3);
        check(Some((100, 0)), 5);
    }

    #[test]
    fn a_cut_is_at_most_half_and_at_least_one() {
        let check = |records, size, limit, expect| {
            let too_large = TooLarge { what: "", size, limit, remedy: "" };
            assert_eq!(cut(records, &too_large), expect);
        };
        check(1_000, 101, 100, 500);
        check(1_000, 1_000, 100, 100);
        check(10, 1_000, 1, 1);
        check(1, 2, 1, 1);
        check(2, 0, 0, 1);
    }

    #[test]
    fn a_log_goes_on_after_all_that_may_have_been_consumed() {
        let check = |last: Option<u64>, snapshot: Option<u64>, days: i64, expect: u64| {
            let next = next_version(last.map(Version), snapshot.map(Version), days * DAY_MS);
            assert_eq!(next, Version(expect), "{last:?}, {snapshot:?}, {days} days");
        };
        check(None, None, 0, 1);
        check(None, None, 7, 1);
        check(None, None, 8, 1 + (8 << 32));
        check(Some(7), Some(3), 9, 8);
        check(None, Some(3), 9, 3 + (1 << 32));
    }
}
