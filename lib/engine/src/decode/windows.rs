//! Numbers the windows of a batch.

use crate::calendar::{Calendar, Window, WindowSpan};
use crate::hash::Map;
use crate::place;
use crate::plan::Plan;
use crate::time::Timestamp;

/// The windows of one batch by number, with the last one of each length at hand: most events share it.
#[derive(Clone, Debug)]
pub(super) struct WindowTable {
    lengths: Vec<Length>,
    /// Per metric, into `lengths`.
    of_metric: Vec<usize>,
    numbers: Map<WindowSpan, u32>,
}

#[derive(Clone, Debug)]
struct Length {
    window: Window,
    last: Option<(WindowSpan, u32)>,
}

impl WindowTable {
    /// A table for the windows of this plan's metrics.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut lengths: Vec<Length> = Vec::new();
        let of_metric = plan.metrics.iter().map(|metric| {
            lengths.iter().position(|length| length.window == metric.window).unwrap_or_else(|| {
                lengths.push(Length { window: metric.window, last: None });
                lengths.len() - 1
            })
        });
        let of_metric = of_metric.collect();
        Self { lengths, of_metric, numbers: Map::default() }
    }

    /// Begins the numbers of a new batch.
    pub(super) fn begin(&mut self) {
        self.numbers.clear();
        self.lengths.iter_mut().for_each(|length| length.last = None);
    }

    /// The number of the metric's window that holds `time`.
    #[inline]
    pub(super) fn number_of(
        &mut self,
        metric: usize,
        time: Timestamp,
        calendar: &Calendar,
        batch: &mut Vec<WindowSpan>,
    ) -> u32 {
        let Some(length) =
            self.of_metric.get(metric).and_then(|&length| self.lengths.get_mut(length))
        else {
            return 0;
        };
        if let Some((span, number)) = length.last
            && span.start <= time
            && time < span.end
        {
            return number;
        }
        let span = calendar.window(length.window, time);
        let number = *self.numbers.entry(span).or_insert_with(|| {
            batch.push(span);
            place::number(batch.len() - 1)
        });
        length.last = Some((span, number));
        number
    }
}
