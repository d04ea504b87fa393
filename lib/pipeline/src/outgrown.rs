//! When a snapshot is due: when the log since the last one has outgrown it by far.
//!
//! A snapshot costs its size twice, when it is put and when its pieces get a TTL after the next one; the log costs its own size
//! anyway, and is read again only by a function that has no state. So a log may grow to [`SNAPSHOTS_PER_LOG`] times the snapshot,
//! which adds an eighth to the write units, as long as reading it stays a matter of a second or two. A snapshot that leaves a part
//! of the state to the log makes its reader read a *window* of that too, and then a quarter more does not count.

use crate::port::Retryable;
use crate::port::log::{LogId, Version};
use crate::port::snapshots::{Put, Snapshot, Snapshots};

/// How many times as large as the last snapshot the log since then becomes.
const SNAPSHOTS_PER_LOG: usize = 16;
/// Which part of the window that is read anyway the log since the last snapshot becomes.
const LOGS_PER_WINDOW: usize = 4;
/// Below this many bytes of log no snapshot is put, however small the state is: a cold start reads them in one request.
pub(crate) const LOG_BYTES_MIN: usize = 256 << 10;
/// Beyond this many bytes of log a snapshot is put, unless the state itself is larger: 64 pages of DynamoDB, a megabyte each
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>).
const LOG_BYTES_MAX: usize = 64 << 20;

/// What a log has got since its newest snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Since {
    /// The newest snapshot, and its bytes; absent: there is none.
    newest: Option<(Version, usize)>,
    /// The bytes of the entries since.
    bytes: usize,
}

impl Since {
    /// The log ends with this snapshot.
    pub(crate) fn snapshot(snapshot: &Snapshot) -> Self {
        Self { newest: Some((snapshot.version(), snapshot.state().len())), bytes: 0 }
    }

    /// An entry of so many bytes was appended.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// The version of the newest snapshot.
    pub(crate) fn version(&self) -> Option<Version> {
        self.newest.map(|(version, _)| version)
    }

    /// Whether it is time for a snapshot, which the first entry gets, where a cold start reads so many bytes of the log before it as well. Below so many bytes
    /// of log, [`LOG_BYTES_MIN`] as a rule, it is not.
    pub(crate) fn is_due(&self, window_bytes: usize, log_bytes_min: usize) -> bool {
        self.newest.is_none_or(|(_, bytes)| {
            let wanted =
                bytes.saturating_mul(SNAPSHOTS_PER_LOG).max(window_bytes / LOGS_PER_WINDOW);
            self.bytes > wanted.max(log_bytes_min).min(LOG_BYTES_MAX.max(bytes))
        })
    }

    /// Puts a snapshot after the newest that is known here. Where another one was faster, that one counts from now on.
    pub(crate) async fn put(
        &mut self,
        snapshots: &impl Snapshots,
        log: &LogId,
        snapshot: &Snapshot,
    ) -> Result<Put, Retryable> {
        let put = snapshots.put(log, self.version(), snapshot).await?;
        match put {
            Put::Swung => *self = Self::snapshot(snapshot),
            Put::Conflict => {
                // Somebody else has put one, or we have and the answer was lost: it is about as new and as large.
                if let Some(&newest) = snapshots.versions(log).await?.first() {
                    *self = Self { newest: Some((newest, snapshot.state().len())), bytes: 0 };
                }
            }
        }
        Ok(put)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{MemorySnapshots, VirtualClock, block_on};
    use streamgauge_engine::time::Timestamp;

    /// With a snapshot of so many bytes and such a window, the next is put beyond so many bytes of log.
    #[track_caller]
    fn check(snapshot_bytes: usize, window_bytes: usize, expect: usize) {
        let newest = Some((Version(1), snapshot_bytes));
        assert!(!Since { newest, bytes: expect }.is_due(window_bytes, LOG_BYTES_MIN));
        assert!(Since { newest, bytes: expect + 1 }.is_due(window_bytes, LOG_BYTES_MIN));
    }

    #[test]
    fn the_first_entry_gets_a_snapshot() {
        assert!(Since { newest: None, bytes: 1 }.is_due(1 << 30, LOG_BYTES_MIN));
    }

    #[test]
    fn a_small_state_waits_for_a_log_that_is_worth_it() {
        check(10, 0, LOG_BYTES_MIN);
    }

    #[test]
    fn a_log_grows_to_a_multiple_of_its_snapshot() {
        check(1 << 20, 0, 16 << 20);
    }

    #[test]
    fn a_log_grows_to_a_part_of_what_is_read_anyway() {
        check(10, 32 << 20, 8 << 20);
        check(1 << 20, 32 << 20, 16 << 20);
    }

    #[test]
    fn a_log_is_never_longer_than_a_cold_start_can_read() {
        check(10 << 20, 0, LOG_BYTES_MAX);
        check(10, 1 << 30, LOG_BYTES_MAX);
        check(100 << 20, 0, 100 << 20);
    }

    #[test]
    fn who_was_slower_waits_as_if_the_snapshot_were_its_own() {
        let snapshots = MemorySnapshots::new(VirtualClock::new(Timestamp::EPOCH), 1 << 20);
        let log = LogId::control();
        let snapshot = |version, bytes| Snapshot::new(Version(version), vec![0; bytes]).unwrap();
        let [mut fast, mut slow] = [Since { newest: None, bytes: 7 }; 2];
        assert_eq!(block_on(fast.put(&snapshots, &log, &snapshot(3, 10))).unwrap(), Put::Swung);
        assert_eq!(fast, Since { newest: Some((Version(3), 10)), bytes: 0 });
        assert_eq!(block_on(slow.put(&snapshots, &log, &snapshot(4, 20))).unwrap(), Put::Conflict);
        assert_eq!(slow, Since { newest: Some((Version(3), 20)), bytes: 0 });
        assert_eq!(block_on(slow.put(&snapshots, &log, &snapshot(5, 20))).unwrap(), Put::Swung);
    }
}
