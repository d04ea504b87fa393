//! The window of the last event is usually the next one's.

use super::{Calendar, Window, WindowSpan};
use crate::time::Timestamp;

/// Finds windows of one kind, and remembers the last two: events out of order go back and forth over one boundary.
///
/// A hit is two compares. The answers are [`Calendar::window`]'s.
///
/// ```
/// use streamgauge_engine::calendar::{Calendar, Window, WindowCache};
/// use streamgauge_engine::time::Timestamp;
///
/// let calendar = Calendar::utc();
/// let mut minutes = WindowCache::new(Window::Fixed(60_000));
/// assert_eq!(minutes.window(&calendar, Timestamp::from_millis(61_000)).start.as_millis(), 60_000);
/// assert_eq!(minutes.window(&calendar, Timestamp::from_millis(62_000)).start.as_millis(), 60_000);
/// ```
#[derive(Clone, Debug)]
pub struct WindowCache {
    window: Window,
    last: WindowSpan,
    before: WindowSpan,
}

impl WindowCache {
    /// A cache that remembers nothing yet, for one calendar.
    pub const fn new(window: Window) -> Self {
        // A span without an instant holds no time, so that the first lookup misses.
        let empty = WindowSpan { start: Timestamp::EPOCH, end: Timestamp::EPOCH };
        Self { window, last: empty, before: empty }
    }

    /// The window that holds `time`. The calendar must be the same in all calls.
    #[inline]
    pub fn window(&mut self, calendar: &Calendar, time: Timestamp) -> WindowSpan {
        if !self.last.contains(time) {
            self.turn(calendar, time);
        }
        self.last
    }

    /// Makes the window that holds `time` the last one.
    #[cold]
    fn turn(&mut self, calendar: &Calendar, time: Timestamp) {
        std::mem::swap(&mut self.last, &mut self.before);
        if !self.last.contains(time) {
            self.last = calendar.window(self.window, time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Weekday;

    #[test]
    fn a_window_ends_before_its_end() {
        let utc = Calendar::utc();
        let mut cache = WindowCache::new(Window::Fixed(1_000));
        for (time_ms, start_ms) in
            [(0, 0), (999, 0), (1_000, 1_000), (999, 0), (-1, -1_000), (0, 0)]
        {
            let span = cache.window(&utc, Timestamp::from_millis(time_ms));
            assert_eq!(
                (span.start.as_millis(), span.end.as_millis()),
                (start_ms, start_ms + 1_000),
                "{time_ms}"
            );
        }
    }

    /// Another calendar shows which answers are remembered ones.
    #[test]
    fn two_windows_are_remembered() {
        let (utc, dubai) = (Calendar::utc(), Calendar::new("Asia/Dubai", Weekday::Monday).unwrap());
        let days = [0, 86_400_000, 2 * 86_400_000].map(Timestamp::from_millis);
        let mut cache = WindowCache::new(Window::Days(1));
        for day in days {
            assert_eq!(cache.window(&utc, day).start, day);
        }
        let remembered = days.map(|day| cache.clone().window(&dubai, day).start == day);
        assert_eq!(remembered, [false, true, true]);
    }
}
