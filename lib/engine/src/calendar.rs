//! Tumbling windows: fixed lengths aligned to the epoch, whole days and weeks of a time zone.

use crate::time::{Millis, Timestamp};

/// The length of a tumbling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Shorter than a day: aligned to the Unix epoch.
    Fixed(Millis),
    /// Whole days of the calendar's time zone, counted from 1970-01-01.
    Days(u32),
    /// Whole weeks, counted from the first `week_starts` day of 1970.
    Weeks(u32),
}

/// One window: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowSpan {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

/// The time zone and the first day of the week.
#[derive(Clone, Debug)]
pub struct Calendar {}

impl Calendar {
    /// The window that holds `time`.
    pub fn window(&self, _window: Window, time: Timestamp) -> WindowSpan {
        WindowSpan { start: time, end: time }
    }
}
