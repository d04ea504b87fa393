//! How long the thread that commits waits for more before it writes what has come.
//!
//! Who was answered comes again at once, and finds that the next write has begun with what came during the last one. So half of all who push share one
//! write, and the other half the next, however long a write takes. Where it takes long, a pause of a part of that lets all of them share one.

use super::{BATCH_BYTES, Queue};
use std::time::{Duration, Instant};
use streamgauge_pipeline::port::source::BATCH_RECORDS_MAX;

/// Which part of the last write's time it waits at most.
const PAUSES_PER_WRITE: u32 = 8;
/// Nobody comes again within less.
const PAUSE_MIN: Duration = Duration::from_micros(250);

/// A pause: until so many offers have come, and no longer than that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    offers: usize,
    until: Instant,
}

impl Pause {
    /// The pause after a write; absent: it is not worth it.
    pub(super) fn after(queue: &Queue, now: Instant) -> Option<Self> {
        let (answered, begun) = queue.taken?;
        let time = now.saturating_duration_since(begun) / PAUSES_PER_WRITE;
        let offers = answered + queue.waiting.len();
        (time >= PAUSE_MIN).then(|| Self { offers, until: now + time })
    }

    /// How long it still lasts; absent: it is over.
    pub(super) fn left(self, queue: &Queue, now: Instant) -> Option<Duration> {
        let is_full = queue.bytes >= BATCH_BYTES || queue.records >= BATCH_RECORDS_MAX;
        let is_over = is_full || queue.waiting.len() >= self.offers || queue.closed.is_some();
        let left = self.until.saturating_duration_since(now);
        (!is_over && !left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Intake, Offered, Refused};
    use super::*;
    use bytes::Bytes;

    fn offer(intake: &Intake) {
        let record = 0..2;
        let text = Bytes::from_static(b"{}");
        let offered = Offered { text, records: vec![record], ..Offered::default() };
        drop(intake.submit(offered, || None).unwrap());
    }

    /// A queue in which so many wait, from which as many were taken as a write began.
    fn intake(answered: usize, begun: Instant, waiting: usize) -> Intake {
        let intake = Intake::default();
        (0..waiting).for_each(|_| offer(&intake));
        intake.lock().taken = Some((answered, begun));
        intake
    }

    #[test]
    fn it_lasts_until_all_have_come_who_were_answered_or_a_part_of_a_write() {
        let begun = Instant::now();
        let written = begun + Duration::from_millis(80);
        let intake = intake(2, begun, 1);
        let pause = Pause::after(&intake.lock(), written).unwrap();
        let left = |after_ms| pause.left(&intake.lock(), written + Duration::from_millis(after_ms));
        assert_eq!(left(0), Some(Duration::from_millis(10)));
        assert_eq!(left(9), Some(Duration::from_millis(1)));
        assert_eq!(left(10), None);
        for _ in 0..2 {
            assert!(left(0).is_some());
            offer(&intake);
        }
        assert_eq!(left(0), None);
    }

    #[test]
    fn there_is_none_for_a_fast_disk_a_full_batch_and_at_the_end() {
        let begun = Instant::now();
        let check = |intake: &Intake, write_ms, expect| {
            let written = begun + Duration::from_millis(write_ms);
            let pause = Pause::after(&intake.lock(), written);
            let left = pause.and_then(|pause| pause.left(&intake.lock(), written));
            assert_eq!(left, expect);
        };
        let some = Some(Duration::from_millis(10));
        check(&intake(1, begun, 1), 80, some);
        check(&intake(1, begun, 1), 1, None);
        check(&intake(1, begun, BATCH_RECORDS_MAX), 80, None);
        let ending = intake(1, begun, 1);
        ending.lock().closed = Some(Refused::Stopping);
        check(&ending, 80, None);
        check(&Intake::default(), 80, None);
    }
}
