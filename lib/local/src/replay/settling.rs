//! The second fold of a replay, and telling the observer what comes out of it.

use super::order::Order;
use super::{Chunk, ClockLeap, Observer, Options, Summary};
use std::io;
use std::sync::Arc;
use streamgauge_engine::delta::Delta;
use streamgauge_engine::plan::Plan;
use streamgauge_engine::reject::Reject;
use streamgauge_engine::settle::{Decisions, Progress, Settler};
use streamgauge_engine::time::Timestamp;

/// The settle fold. All files together are one shard, so its watermark is everybody's.
pub(super) struct Settling<'o> {
    settler: Settler,
    decisions: Decisions,
    order: Order,
    summary: Summary,
    observer: &'o mut dyn Observer,
}

impl<'o> Settling<'o> {
    pub(super) fn new(
        plan: Arc<Plan>,
        since: Option<Timestamp>,
        observer: &'o mut dyn Observer,
    ) -> Self {
        let order = Order::new(Arc::clone(&plan));
        let mut settler = Settler::new(plan);
        if let Some(since) = since {
            settler.count_from(since);
        }
        Self {
            order,
            settler,
            decisions: Decisions::default(),
            summary: Summary::default(),
            observer,
        }
    }

    /// Folds the delta of the next chunk.
    pub(super) fn take(&mut self, chunk: &Chunk, delta: Delta) -> io::Result<()> {
        let mut payload_of = chunk.payloads();
        for reject in &delta.rejects {
            let line = Chunk::line(reject.position);
            let payload = payload_of(line);
            let advised = (line == 1 && looks_like_utf_16(payload)).then(|| {
                let detail =
                    format!("{}; it looks like UTF-16: convert the file to UTF-8", reject.detail);
                Reject { detail, ..reject.clone() }
            });
            self.observer.reject(
                &chunk.input,
                line,
                advised.as_ref().unwrap_or(reject),
                payload,
            )?;
        }
        self.summary.counters.add(&delta.counters);
        if let Some(span) = delta.span {
            self.summary.first_event =
                self.summary.first_event.into_iter().chain([span.earliest]).min();
            self.summary.last_event = self.summary.last_event.max(Some(span.latest));
        }
        if let Some(leap) = delta.leap
            && self
                .summary
                .leap
                .as_ref()
                .is_none_or(|known| known.leap.length_ms() < leap.length_ms())
        {
            let (input, line) = (Arc::clone(&chunk.input), Chunk::line(leap.position));
            self.summary.leap = Some(ClockLeap { input, line, leap });
        }
        let watermark = delta.watermark;
        self.settler.take(delta);
        if let Some(watermark) = watermark {
            self.settle(watermark)?;
        }
        self.observer.progress(chunk.bytes_read);
        Ok(())
    }

    fn settle(&mut self, watermark: Timestamp) -> io::Result<()> {
        loop {
            let progress = self.settler.settle(watermark, &mut self.decisions);
            let left_from = self.settler.left_from();
            let until = self
                .settler
                .watermark()
                .map(|passed| left_from.map_or(passed, |left| left.min(passed)));
            self.tell(until.unwrap_or(Timestamp::EPOCH))?;
            if progress == Progress::Done {
                return Ok(());
            }
        }
    }

    /// Ends the input: the clock jumps to the last event, or on to `until`.
    pub(super) fn finish(mut self, options: &Options) -> io::Result<Summary> {
        let last = self.summary.last_event;
        // Time passes from the first event on, or from when it is said to begin.
        if let Some(stop) = last.max(last.or(options.since).and(options.until)) {
            // What was told ahead of the watermark comes first, so that what is left over after it is in order.
            self.settle(Timestamp::EPOCH)?;
            while self.settler.finish(stop, &mut self.decisions) == Progress::More {
                self.tell(self.settler.left_from().unwrap_or(Timestamp::EPOCH))?;
            }
            if options.open {
                self.decisions.points.extend(self.settler.open_points(stop));
            }
            // Alerts wait for nothing more.
            self.tell(stop.plus(self.order.lag_max).plus(1))?;
        }
        self.summary.points = self.order.points;
        self.summary.alerts = self.order.alerts;
        self.summary.metrics = self.settler.counters();
        Ok(self.summary)
    }

    /// Tells what has its turn: all to come is decided at `until` or later.
    fn tell(&mut self, until: Timestamp) -> io::Result<()> {
        self.order.pass(&mut self.decisions, until, self.observer)
    }
}

/// Whether a file that begins so is UTF-16, which Windows writes: by its mark, or as every second byte is 0.
fn looks_like_utf_16(start: &[u8]) -> bool {
    let (pairs, _) = start.as_chunks::<2>();
    let shown = pairs.get(..pairs.len().min(32)).unwrap_or_default();
    start.starts_with(b"\xff\xfe")
        || start.starts_with(b"\xfe\xff")
        || !shown.is_empty()
            && (shown.iter().all(|[low, high]| *low != 0 && *high == 0)
                || shown.iter().all(|[high, low]| *high == 0 && *low != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_told_from_other_bytes() {
        let check = |start: &[u8], expect: bool| {
            assert_eq!(looks_like_utf_16(start), expect, "{start:?}");
        };
        check(b"\xff\xfe{\0\"\0", true);
        check(b"\xfe\xff\0{\0\"", true);
        check(b"{\0\"\0i\0d\0\"\0", true);
        check(b"\0{\0\"\0i\0d\0", true);
        check(b"", false);
        check(b"{", false);
        check(b"{\"id\": 1}", false);
        check(b"{\0\"id\": 1}", false);
        check(b"\0\0\0\0", false);
        check(b"\xef\xbb\xbf{}", false);
        check(b"caf\xe9", false);
    }
}
