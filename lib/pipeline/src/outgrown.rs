//! When a snapshot is due: when the log since the last one has outgrown it by far.
//!
//! A snapshot costs its size twice, when it is put and when its pieces get a TTL after the next one; the log costs its own size
//! anyway, and is read again only by a function that has no state. So a log may grow to [`SNAPSHOTS_PER_LOG`] times the snapshot,
//! which adds an eighth to the write units, as long as reading it stays a matter of a second or two.

/// How many times as large as the last snapshot the log since then becomes.
const SNAPSHOTS_PER_LOG: usize = 16;
/// Below this many bytes of log no snapshot is put, however small the state is: a cold start reads them in one request.
const LOG_BYTES_MIN: usize = 256 << 10;
/// Beyond this many bytes of log a snapshot is put, unless the state itself is larger: 64 pages of DynamoDB, a megabyte each
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>).
const LOG_BYTES_MAX: usize = 64 << 20;

/// Whether a log has outgrown its last snapshot; where there is none, the first entry gets one.
pub(crate) fn outgrown(log_bytes: usize, snapshot_bytes: Option<usize>) -> bool {
    snapshot_bytes.is_none_or(|bytes| {
        let wanted = bytes.saturating_mul(SNAPSHOTS_PER_LOG).max(LOG_BYTES_MIN);
        log_bytes > wanted.min(LOG_BYTES_MAX.max(bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a snapshot of so many bytes, the next is put beyond so many bytes of log.
    #[track_caller]
    fn check(snapshot_bytes: usize, expect: usize) {
        assert!(!outgrown(expect, Some(snapshot_bytes)));
        assert!(outgrown(expect + 1, Some(snapshot_bytes)));
    }

    #[test]
    fn the_first_entry_gets_a_snapshot() {
        assert!(outgrown(1, None));
    }

    #[test]
    fn a_small_state_waits_for_a_log_that_is_worth_it() {
        check(10, LOG_BYTES_MIN);
    }

    #[test]
    fn a_log_grows_to_a_multiple_of_its_snapshot() {
        check(1 << 20, 16 << 20);
    }

    #[test]
    fn a_log_is_never_longer_than_a_cold_start_can_read() {
        check(10 << 20, LOG_BYTES_MAX);
        check(100 << 20, 100 << 20);
    }
}
