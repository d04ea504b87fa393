//! How much one settle hands out: an entry of the settle log has a limit, what one moment decides has none.
//!
//! Points and increments come out in their order until the portion is full. What is left over stays in the state and comes
//! out at the next settle, before anything else is decided.

use super::Increment;
use crate::output::Point;
use crate::transition::Transition;
use std::collections::VecDeque;

/// How many bytes of outputs one settle hands out, as they are about to be written. An entry of a log has at most twice that,
/// and its header and other chunks must fit too.
pub const OUTPUT_BYTES_MAX: usize = 8_000_000;

/// What an increment or a point takes beside its series and its values: metric, window, kind, lengths.
const ENVELOPE_BYTES: usize = 32;

/// An output whose size counts.
pub(super) trait Weighed {
    /// About how many bytes it takes in a log.
    fn bytes(&self) -> usize;
}

impl Weighed for Point {
    fn bytes(&self) -> usize {
        ENVELOPE_BYTES + self.series.packed().len() + self.values.encoded_bytes()
    }
}

impl Weighed for Increment {
    fn bytes(&self) -> usize {
        ENVELOPE_BYTES + self.series.packed().len() + self.accumulator.encoded_bytes()
    }
}

impl Weighed for Transition {
    fn bytes(&self) -> usize {
        // A text has its length before it, and what a sixtieth saw is a few digits or nothing.
        const SIXTIETH_BYTES: usize = 4;
        let ids: usize = self.evidence.ids.iter().map(|id| id.len() + 2).sum();
        2 * ENVELOPE_BYTES
            + self.group.packed().len()
            + ids
            + self.evidence.course.len() * SIXTIETH_BYTES
    }
}

/// What still goes into this settle's outputs.
#[derive(Debug)]
pub(super) struct Portion {
    room: usize,
    is_empty: bool,
}

impl Portion {
    /// One of so many bytes, with nothing in it.
    pub(super) const fn of(bytes_max: usize) -> Self {
        Self { room: bytes_max, is_empty: true }
    }

    /// Whether one more fits; the first always does, whatever its size.
    fn admits(&mut self, output: &impl Weighed) -> bool {
        let bytes = output.bytes();
        let fits = self.is_empty || bytes <= self.room;
        // What does not fit fills it: nothing smaller may overtake.
        self.room = if fits { self.room.saturating_sub(bytes) } else { 0 };
        self.is_empty = false;
        fits
    }

    /// Moves what fits from the front of the queue; false if something is left.
    pub(super) fn fill<T: Weighed>(
        &mut self,
        queue: &mut VecDeque<T>,
        outputs: &mut Vec<T>,
    ) -> bool {
        while let Some(output) = queue.pop_front_if(|output| self.admits(output)) {
            outputs.push(output);
        }
        queue.is_empty()
    }

    /// Leaves what fits in `outputs` from `begin` on, and moves the rest to the empty queue; false if something is left.
    pub(super) fn trim<T: Weighed>(
        &mut self,
        outputs: &mut Vec<T>,
        begin: usize,
        queue: &mut VecDeque<T>,
    ) -> bool {
        let new = outputs.get(begin..).unwrap_or_default();
        let fitting = new.iter().take_while(|&output| self.admits(output)).count();
        queue.extend(outputs.drain(begin + fitting..));
        queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Output(usize);

    impl Weighed for Output {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    /// Hands out outputs of these sizes, portion by portion: how many are in each.
    fn check(sizes: &[usize], expect: &[usize]) {
        let mut outputs: Vec<_> = sizes.iter().map(|&size| Output(size)).collect();
        let mut queue = VecDeque::new();
        let portion = || Portion::of(OUTPUT_BYTES_MAX);
        let mut done = portion().trim(&mut outputs, 0, &mut queue);
        let mut counts = vec![outputs.len()];
        while !done {
            outputs.clear();
            done = portion().fill(&mut queue, &mut outputs);
            counts.push(outputs.len());
        }
        assert_eq!(counts, expect);
    }

    #[test]
    fn a_portion_holds_what_fits() {
        check(&[1, 2, 3], &[3]);
        check(&[OUTPUT_BYTES_MAX - 1, 1, 1], &[2, 1]);
        check(&[OUTPUT_BYTES_MAX; 3], &[1, 1, 1]);
    }

    #[test]
    fn one_that_is_larger_than_any_portion_comes_alone() {
        check(&[1, OUTPUT_BYTES_MAX + 1, 1], &[1, 1, 1]);
    }

    #[test]
    fn nothing_overtakes() {
        check(&[2, OUTPUT_BYTES_MAX, 1, 1], &[1, 1, 2]);
    }
}
