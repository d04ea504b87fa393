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
